"""Files and folders that are uploaded come back byte for byte."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import HfHubHTTPError

pytestmark = pytest.mark.transfers

NAMES = {
    "config.json": b"{}\n",
    "empty.txt": b"",
    "empty.bin": b"",
    "a folder/with spaces.txt": b"spaces",
    "100% #1 + more.txt": b"signs",
    "100%25.txt": b"already encoded",
    "a+b&c=d;e,f@g!.txt": b"more signs",
    "größe/模型 🙂.txt": b"unicode",
    "e\u0301-composed.txt": b"combining",
    "quote's.txt": b"quotes",
    "[brackets]{braces}(parens)~^`$.txt": b"brackets",
    "deep/" + "/".join("abcdefghijklmnopqrstuvwxyz") + "/deep.bin": bytes(range(256)) * 300,
    ".hidden/.file": b"hidden",
    "no-ending": b"text without an ending",
    "x" * 200 + ".txt": b"long name",
    "resolve/main/tree.txt": b"words of the protocol",
    "refs/heads/main": b"like a ref",
}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def read(folder: Path | str) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(Path(folder).rglob("*"))
        if path.is_file() and not path.relative_to(folder).as_posix().startswith(".cache/")
    }


def back(person, repo: str, **more) -> dict[str, bytes]:
    found = read(person.api.snapshot_download(repo, **more))
    found.pop(".gitattributes", None)
    return found


def test_a_folder_of_odd_names_comes_back(owner, repo, tmp_path) -> None:
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path / "in", NAMES))
    assert back(owner, repo, local_dir=tmp_path / "out") == NAMES


@pytest.mark.parametrize("name", [name for name in NAMES if len(name) < 60])
def test_a_file_of_an_odd_name_comes_back(owner, repo, name) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=NAMES[name] or b"x", path_in_repo=name)
    assert Path(owner.api.hf_hub_download(repo, name)).read_bytes() == (NAMES[name] or b"x")
    assert owner.api.file_exists(repo, name)
    assert [entry.path for entry in owner.api.get_paths_info(repo, [name])] == [name]


@pytest.mark.parametrize("name", ['a"b.txt', "a:b.txt", "what?.txt", "CON", "a|b", "trailing "])
def test_a_name_that_some_systems_cannot_store_is_refused_before_anything_is_sent(owner, repo, name) -> None:
    with pytest.raises(HfHubHTTPError, match="path") as refused:
        owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo=name)
    assert refused.value.response.status_code == 422 and "/preupload/" in str(refused.value.response.url)


def test_a_folder_to_a_folder(owner, repo, tmp_path) -> None:
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path, {"a.txt": b"a"}), path_in_repo="sub/folder")
    assert back(owner, repo) == {"sub/folder/a.txt": b"a"}


def test_allowed_and_ignored_patterns(owner, repo, tmp_path) -> None:
    files = {"a.txt": b"a", "b.log": b"b", "c/d.txt": b"d", "c/e.bin": b"\0", "secret.txt": b"s"}
    owner.api.upload_folder(
        repo_id=repo,
        folder_path=write(tmp_path, files),
        allow_patterns=["*.txt", "*.bin"],
        ignore_patterns=["secret*", "c/*.bin"],
    )
    assert set(back(owner, repo)) == {"a.txt", "c/d.txt"}


def test_delete_patterns(owner, repo, tmp_path) -> None:
    owner.api.create_commit(
        repo, [CommitOperationAdd(name, b"old") for name in ("old.txt", "sub/old.txt", "keep.md")], commit_message="Old"
    )
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path, {"new.txt": b"new"}), delete_patterns=["*.txt"])
    assert set(back(owner, repo)) == {"new.txt", "keep.md"}


def test_a_folder_uploaded_again_makes_no_commit(owner, repo, tmp_path) -> None:
    folder = write(tmp_path, {"a.txt": b"a", "b.bin": os.urandom(70_000)})
    first = owner.api.upload_folder(repo_id=repo, folder_path=folder)
    assert owner.api.upload_folder(repo_id=repo, folder_path=folder).oid == first.oid


def test_what_changed_alone_is_committed(owner, repo, tmp_path) -> None:
    folder = write(tmp_path, {"a.bin": os.urandom(9000), "b.txt": b"1"})
    owner.api.upload_folder(repo_id=repo, folder_path=folder)
    before = {entry.path: entry.last_commit.oid for entry in owner.api.list_repo_tree(repo, expand=True)}
    made = owner.api.upload_folder(repo_id=repo, folder_path=write(folder, {"b.txt": b"2"}))
    after = {entry.path: entry.last_commit.oid for entry in owner.api.list_repo_tree(repo, expand=True)}
    assert after == before | {"b.txt": made.oid}


def test_many_files_come_in_several_commits_and_all_arrive(owner, repo, tmp_path) -> None:
    files = {f"part-{number:03}.txt": b"%d" % number for number in range(300)}
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path / "in", files))
    assert set(owner.api.list_repo_files(repo)) == {".gitattributes", *files}


def test_a_folder_to_a_branch(owner, repo, tmp_path) -> None:
    owner.api.create_branch(repo, branch="dev")
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path, {"a.txt": b"a"}), revision="dev")
    assert set(back(owner, repo, revision="dev")) == {"a.txt"} and back(owner, repo) == {}


def test_a_folder_on_a_parent(owner, repo, tmp_path) -> None:
    head = owner.api.model_info(repo).sha
    made = owner.api.upload_folder(
        repo_id=repo, folder_path=write(tmp_path, {"a.txt": b"a"}), parent_commit=head, commit_message="On the head"
    )
    assert [commit.commit_id for commit in owner.api.list_repo_commits(repo)] == [made.oid, head]


def test_a_folder_as_a_pull_request(owner, repo, tmp_path) -> None:
    made = owner.api.upload_folder(
        repo_id=repo, folder_path=write(tmp_path, {"a.txt": b"a", "b.bin": os.urandom(4000)}), create_pr=True
    )
    assert made.pr_revision == "refs/pr/1"
    assert set(back(owner, repo, revision="refs/pr/1")) == {"a.txt", "b.bin"} and back(owner, repo) == {}


def test_gitignore_of_the_folder_is_obeyed(owner, repo, tmp_path) -> None:
    files = {".gitignore": b"*.log\ncache/\n", "a.txt": b"a", "b.log": b"b", "cache/c.txt": b"c"}
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path, files))
    assert set(back(owner, repo)) == {".gitignore", "a.txt"}


def test_gitattributes_decide_what_is_large(owner, repo) -> None:
    owner.api.upload_file(
        repo_id=repo,
        path_or_fileobj=b"*.dat filter=lfs\n*.bin -filter\nsmall/* filter=lfs\n",
        path_in_repo=".gitattributes",
    )
    owner.api.create_commit(
        repo,
        [CommitOperationAdd(name, b"tiny text") for name in ("a.dat", "b.txt", "small/c.txt", "d.bin")],
        commit_message="Sorted",
    )
    found = {entry.path: entry.lfs for entry in owner.api.list_repo_tree(repo, recursive=True) if hasattr(entry, "lfs")}
    assert found["a.dat"] and found["small/c.txt"] and not found["b.txt"] and not found["d.bin"]


def test_large_by_size(owner, repo) -> None:
    owner.api.create_commit(
        repo,
        [CommitOperationAdd("big.txt", b"text\n" * 2_100_000), CommitOperationAdd("small.txt", b"text\n")],
        commit_message="Sizes",
    )
    found = {entry.path: entry.lfs for entry in owner.api.list_repo_tree(repo)}
    assert found["big.txt"].size == 10_500_000 and found["small.txt"] is None


def test_large_by_nature(owner, repo) -> None:
    owner.api.create_commit(
        repo,
        [CommitOperationAdd("tiny.safetensors", b"abc"), CommitOperationAdd("noise", b"\0\1\2\xff" * 10)],
        commit_message="Binary",
    )
    found = {entry.path: entry.lfs for entry in owner.api.list_repo_tree(repo)}
    assert found["tiny.safetensors"] and found["noise"]


def test_a_large_file_in_parts(owner, repo, tmp_path) -> None:
    content = os.urandom(9 << 20)
    place = tmp_path / "large.bin"
    place.write_bytes(content)
    owner.api.upload_file(repo_id=repo, path_or_fileobj=place, path_in_repo="large.bin")
    assert owner.api.get_paths_info(repo, "large.bin")[0].lfs.sha256 == hashlib.sha256(content).hexdigest()
    assert Path(owner.api.hf_hub_download(repo, "large.bin")).read_bytes() == content


def test_the_same_large_content_twice_in_a_commit(owner, repo) -> None:
    content = os.urandom(60_000)
    owner.api.create_commit(
        repo, [CommitOperationAdd("one.bin", content), CommitOperationAdd("two.bin", content)], commit_message="Twice"
    )
    assert back(owner, repo) == {"one.bin": content, "two.bin": content}


def test_an_open_file_object_of_a_large_file(owner, repo) -> None:
    content = os.urandom(50_000)
    owner.api.upload_file(repo_id=repo, path_or_fileobj=io.BytesIO(content), path_in_repo="object.bin")
    assert Path(owner.api.hf_hub_download(repo, "object.bin")).read_bytes() == content


def test_compressible_and_repetitive_content(owner, repo) -> None:
    files = {"zeros.bin": bytes(1_500_000), "text.bin": b"the same line again\n" * 60_000, "one.bin": b"\1"}
    owner.api.create_commit(
        repo, [CommitOperationAdd(name, content) for name, content in files.items()], commit_message="Easy"
    )
    assert back(owner, repo) == files


def test_the_same_file_to_two_repositories(owner, repo, new_id) -> None:
    other, content = owner.api.create_repo(new_id()).repo_id, os.urandom(80_000)
    for repo_id in (repo, other):
        owner.api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo="same.bin")
        assert Path(owner.api.hf_hub_download(repo_id, "same.bin")).read_bytes() == content


def test_a_governed_pipeline_uploads_a_checkpoint(writer, governed, stranger, tmp_path) -> None:
    files = {"config.json": b"{}", "model.bin": os.urandom(90_000), "sub dir/t.txt": b"t"}
    writer.api.upload_folder(repo_id=governed, folder_path=write(tmp_path / "in", files))
    assert back(writer, governed) == files
    assert not stranger.api.repo_exists(governed)
