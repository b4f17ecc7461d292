"""Commits: added, deleted and copied files in one step, or nothing."""

from __future__ import annotations

import base64
import json
import os
import threading
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete, CommitScheduler
from huggingface_hub.errors import BadRequestError, EntryNotFoundError, HfHubHTTPError, RevisionNotFoundError

from tests.conformance.world import GOVERNED

pytestmark = pytest.mark.transfers


def content_of(person, repo: str, path: str, **more) -> bytes:
    return Path(person.api.hf_hub_download(repo, path, **more)).read_bytes()


def test_add_from_bytes_path_and_file_object(owner, repo, tmp_path) -> None:
    place = tmp_path / "local.txt"
    place.write_bytes(b"from a path")
    with place.open("rb") as file:
        made = owner.api.create_commit(
            repo,
            [
                CommitOperationAdd("bytes.txt", b"from bytes"),
                CommitOperationAdd("path.txt", place),
                CommitOperationAdd("file.txt", file),
            ],
            commit_message="Three",
            commit_description="In three ways",
        )
    assert content_of(owner, repo, "bytes.txt") == b"from bytes"
    assert content_of(owner, repo, "path.txt") == content_of(owner, repo, "file.txt") == b"from a path"
    newest = owner.api.list_repo_commits(repo)[0]
    assert (newest.commit_id, newest.title, newest.message) == (made.oid, "Three", "In three ways")


def test_the_answer_names_the_commit(owner, repo, world) -> None:
    made = owner.api.create_commit(repo, [CommitOperationAdd("a.txt", b"a")], commit_message="One")
    assert len(made.oid) == 40 and made.commit_url == f"{world.url}/{repo}/commit/{made.oid}"
    assert (made.commit_message, made.pr_url, made.repo_url.repo_id) == ("One", None, repo)


def test_large_and_small_in_one_commit(owner, repo) -> None:
    large = os.urandom(200_000)
    owner.api.create_commit(
        repo, [CommitOperationAdd("w.bin", large), CommitOperationAdd("c.json", b"{}")], commit_message="Both"
    )
    assert content_of(owner, repo, "w.bin") == large and content_of(owner, repo, "c.json") == b"{}"


def test_delete_a_file(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"a", path_in_repo="a.txt")
    owner.api.create_commit(repo, [CommitOperationDelete("a.txt")], commit_message="Delete")
    assert not owner.api.file_exists(repo, "a.txt")


def test_delete_a_folder(owner, repo) -> None:
    owner.api.create_commit(
        repo,
        [CommitOperationAdd(path, b"x") for path in ("a/1.txt", "a/b/2.txt", "ab.txt")],
        commit_message="Add",
    )
    owner.api.create_commit(repo, [CommitOperationDelete("a/")], commit_message="Delete")
    assert owner.api.list_repo_files(repo) == [".gitattributes", "ab.txt"]


def test_delete_file_and_delete_folder_calls(owner, repo) -> None:
    owner.api.create_commit(
        repo, [CommitOperationAdd(path, b"x") for path in ("a/1.txt", "b.txt", "c.txt")], commit_message="Add"
    )
    owner.api.delete_file("b.txt", repo)
    owner.api.delete_folder("a", repo)
    assert owner.api.list_repo_files(repo) == [".gitattributes", "c.txt"]


def test_delete_files_by_pattern(owner, repo) -> None:
    names = ["a.log", "b.log", "logs/c.log", "keep.txt"]
    owner.api.create_commit(repo, [CommitOperationAdd(name, b"x") for name in names], commit_message="Add")
    owner.api.delete_files(repo, ["*.log"])
    assert owner.api.list_repo_files(repo) == [".gitattributes", "keep.txt"]


def test_delete_of_a_missing_file(owner, repo) -> None:
    with pytest.raises(EntryNotFoundError):
        owner.api.delete_file("none.txt", repo)


def test_copy_a_small_and_a_large_file(owner, repo) -> None:
    large = os.urandom(50_000)
    owner.api.create_commit(
        repo, [CommitOperationAdd("a.bin", large), CommitOperationAdd("a.txt", b"small")], commit_message="Add"
    )
    owner.api.create_commit(
        repo,
        [CommitOperationCopy("a.bin", "copies/b.bin"), CommitOperationCopy("a.txt", "copies/b.txt")],
        commit_message="Copy",
    )
    assert content_of(owner, repo, "copies/b.bin") == large
    assert content_of(owner, repo, "copies/b.txt") == b"small"


def test_copy_from_a_revision(owner, repo) -> None:
    first = owner.api.upload_file(repo_id=repo, path_or_fileobj=b"old", path_in_repo="a.bin").oid
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"new", path_in_repo="a.bin")
    owner.api.create_commit(
        repo, [CommitOperationCopy("a.bin", "old.bin", src_revision=first)], commit_message="Bring back"
    )
    assert content_of(owner, repo, "old.bin") == b"old"


def test_rename_is_copy_and_delete(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"\0\1", path_in_repo="a.bin")
    owner.api.create_commit(
        repo, [CommitOperationCopy("a.bin", "b.bin"), CommitOperationDelete("a.bin")], commit_message="Rename"
    )
    assert owner.api.list_repo_files(repo) == [".gitattributes", "b.bin"]


def test_copy_of_a_missing_file(owner, repo) -> None:
    with pytest.raises(EntryNotFoundError):
        owner.api.create_commit(repo, [CommitOperationCopy("none.bin", "b.bin")], commit_message="Copy")


def test_a_commit_that_changes_nothing_makes_none(owner, repo) -> None:
    first = owner.api.upload_file(repo_id=repo, path_or_fileobj=b"a", path_in_repo="a.txt")
    second = owner.api.upload_file(repo_id=repo, path_or_fileobj=b"a", path_in_repo="a.txt")
    assert first.oid == second.oid and len(owner.api.list_repo_commits(repo)) == 2


def test_replace_a_file(owner, repo) -> None:
    first = owner.api.upload_file(repo_id=repo, path_or_fileobj=b"1", path_in_repo="a.txt")
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"2", path_in_repo="a.txt")
    assert content_of(owner, repo, "a.txt") == b"2"
    assert content_of(owner, repo, "a.txt", revision=first.oid) == b"1"


def test_a_file_may_become_a_folder(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"1", path_in_repo="a")
    with pytest.raises(HfHubHTTPError):
        owner.api.upload_file(repo_id=repo, path_or_fileobj=b"2", path_in_repo="a/b.txt")
    owner.api.create_commit(
        repo, [CommitOperationDelete("a"), CommitOperationAdd("a/b.txt", b"2")], commit_message="Turn"
    )
    assert content_of(owner, repo, "a/b.txt") == b"2"


def test_parent_commit_that_is_the_head(owner, repo) -> None:
    head = owner.api.model_info(repo).sha
    for parent in (head, None):
        made = owner.api.create_commit(
            repo, [CommitOperationAdd(f"{parent}.txt", b"x")], commit_message="On it", parent_commit=parent
        )
    assert owner.api.model_info(repo).sha == made.oid


def test_parent_commit_that_is_not_the_head_any_more(owner, repo) -> None:
    base = owner.api.model_info(repo).sha
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"1", path_in_repo="1.txt")
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.upload_file(repo_id=repo, path_or_fileobj=b"2", path_in_repo="2.txt", parent_commit=base)
    assert refused.value.response.status_code == 412
    assert not owner.api.file_exists(repo, "2.txt")


def test_writers_on_one_parent_make_one_commit(owner, repo) -> None:
    base, outcomes = owner.api.model_info(repo).sha, []

    def write(number: int) -> None:
        try:
            owner.api.create_commit(
                repo,
                [CommitOperationAdd(f"{number}.txt", str(number).encode())],
                commit_message=f"By {number}",
                parent_commit=base,
            )
            outcomes.append(200)
        except HfHubHTTPError as refused:
            outcomes.append(refused.response.status_code)

    at_once(write, 3)
    assert sorted(outcomes) == [200, 412, 412]
    assert len(owner.api.list_repo_commits(repo)) == 2


def test_writers_without_a_parent_all_commit(owner, repo) -> None:
    def write(number: int) -> None:
        owner.api.upload_file(repo_id=repo, path_or_fileobj=bytes([number]), path_in_repo=f"{number}.bin")

    at_once(write, 4)
    assert set(owner.api.list_repo_files(repo)) == {".gitattributes", *(f"{number}.bin" for number in range(4))}
    assert len(owner.api.list_repo_commits(repo)) == 5


def at_once(act, count: int) -> None:
    threads = [threading.Thread(target=act, args=[number]) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_commit_sent_again_is_made_once(owner, repo) -> None:
    """What a client does whose answer was lost on the way."""
    head = owner.api.model_info(repo).sha
    text = base64.b64encode(b"once").decode()
    lines = [
        {"key": "header", "value": {"summary": "Once", "description": "", "parentCommit": head}},
        {"key": "file", "value": {"path": "once.txt", "content": text, "encoding": "base64"}},
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    with owner.http as http:
        answers = [http.post(f"/api/models/{repo}/commit/main", content=body).json() for _ in range(2)]
    assert answers[0]["commitOid"] == answers[1]["commitOid"]
    assert len(owner.api.list_repo_commits(repo)) == 2


def test_a_commit_to_a_missing_branch(owner, repo) -> None:
    with pytest.raises(RevisionNotFoundError):
        owner.api.upload_file(repo_id=repo, path_or_fileobj=b"1", path_in_repo="1.txt", revision="nowhere")


def test_a_commit_to_a_commit_or_a_tag_is_refused(owner, repo) -> None:
    owner.api.create_tag(repo, tag="v1")
    for revision in (owner.api.model_info(repo).sha, "refs/tags/v1"):
        with pytest.raises((RevisionNotFoundError, BadRequestError, HfHubHTTPError)):
            owner.api.upload_file(repo_id=repo, path_or_fileobj=b"1", path_in_repo="1.txt", revision=revision)
    assert not owner.api.file_exists(repo, "1.txt")


@pytest.mark.parametrize("path", ["../up.txt", "a/../../up.txt", "a//b.txt", "./a.txt", ".git/config", "a\\b.txt"])
def test_paths_that_lead_elsewhere_are_refused(owner, repo, path) -> None:
    if not path.startswith("./"):  # which the client mends
        with pytest.raises((ValueError, HfHubHTTPError)):
            owner.api.upload_file(repo_id=repo, path_or_fileobj=b"1", path_in_repo=path)
    line = {"key": "file", "value": {"path": path, "content": "MQ==", "encoding": "base64"}}
    body = json.dumps({"key": "header", "value": {"summary": "Out"}}) + "\n" + json.dumps(line)
    with owner.http as http:
        assert http.post(f"/api/models/{repo}/commit/main", content=body.encode()).status_code in {400, 422}
    assert owner.api.list_repo_files(repo) == [".gitattributes"]


def test_a_failed_commit_leaves_nothing(owner, repo) -> None:
    with pytest.raises(EntryNotFoundError):
        owner.api.create_commit(
            repo, [CommitOperationAdd("a.bin", os.urandom(9000)), CommitOperationDelete("none")], commit_message="Half"
        )
    assert owner.api.list_repo_files(repo) == [".gitattributes"]


def test_preupload_then_commit(owner, repo) -> None:
    content = os.urandom(300_000)
    operation = CommitOperationAdd("pre.bin", content)
    owner.api.preupload_lfs_files(repo, [operation])
    assert operation.path_or_fileobj == b""  # sent, and freed
    owner.api.create_commit(repo, [operation], commit_message="Sent before")
    assert content_of(owner, repo, "pre.bin") == content


def test_pull_request(owner, repo) -> None:
    made = owner.api.create_commit(
        repo, [CommitOperationAdd("p.txt", b"proposed")], commit_message="Propose", create_pr=True
    )
    assert made.pr_revision == "refs/pr/1" and made.pr_num == 1
    assert content_of(owner, repo, "p.txt", revision="refs/pr/1") == b"proposed"
    assert not owner.api.file_exists(repo, "p.txt")
    owner.api.merge_pull_request(repo, made.pr_num)
    assert owner.api.file_exists(repo, "p.txt")


def test_run_as_future(owner, repo) -> None:
    api = owner.api  # which keeps the order of what it was given
    futures = [
        api.upload_file(
            repo_id=repo, path_or_fileobj=str(number).encode(), path_in_repo=f"{number}.txt", run_as_future=True
        )
        for number in range(3)
    ]
    made = [future.result(60) for future in futures]
    assert [commit.commit_id for commit in api.list_repo_commits(repo)[:3]] == [info.oid for info in made][::-1]
    assert api.run_as_future(api.file_exists, repo, "2.txt").result(60)


def test_commits_of_a_governed_model_are_for_its_writers(writer, stranger, world) -> None:
    for who in (stranger, world.person("reader-only")):
        with pytest.raises(HfHubHTTPError) as refused:
            who.api.upload_file(repo_id=f"{GOVERNED}/served", path_or_fileobj=b"1", path_in_repo="1.txt")
        assert refused.value.response.status_code == 403


def test_copy_files_within_a_repository_and_small_ones_between_two(owner, repo, new_id) -> None:
    other = owner.api.create_repo(new_id()).repo_id
    operations = [CommitOperationAdd("in/a.txt", b"words"), CommitOperationAdd("in/w.bin", b"\0" * 1000)]
    owner.api.create_commit(repo, operations, commit_message="Add")
    owner.api.copy_files(f"hf://{repo}/in/", f"hf://{repo}/out/")
    assert content_of(owner, repo, "out/w.bin") == b"\0" * 1000 and content_of(owner, repo, "out/a.txt") == b"words"
    owner.api.copy_files(f"hf://{repo}/in/a.txt", f"hf://{other}/a.txt")
    assert content_of(owner, other, "a.txt") == b"words"


def test_a_schedule_commits_what_is_in_its_folder(owner, repo, tmp_path) -> None:
    scheduler = CommitScheduler(repo_id=repo, folder_path=tmp_path / "logs", every=60, hf_api=owner.api)
    with scheduler.lock:
        (scheduler.folder_path / "log.txt").write_text("first\n", encoding="utf-8")
    scheduler.push_to_hub()
    scheduler.stop()
    assert content_of(owner, repo, "log.txt") == b"first\n"
