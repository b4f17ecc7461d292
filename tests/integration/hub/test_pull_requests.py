"""Pull requests with the real client: proposed, looked at, spoken about, merged or refused, seen by those who may."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete, constants
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from accounts.roles import Role
from audit.models import Event
from hub.models import PullRequest
from jobs.models import Job
from registry.models import Checkpoint, Commit
from registry.states import Level
from tests.integration.hub.people import serve

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]


@pytest.fixture
def lab(governed):
    """A governed organization with one model, which has a file."""
    governed.repo_id = f"{governed.name}/nimbus"
    governed.writer.api.create_repo(governed.repo_id)
    governed.writer.api.upload_file(repo_id=governed.repo_id, path_or_fileobj=b"one\n", path_in_repo="notes.txt")
    return governed


def change(api, repo_id: str, path: str, content: bytes, **more):
    return api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo=path, **more)


def test_a_checkpoint_is_proposed_gathers_evidence_and_is_merged_by_a_person(lab, tmp_path: Path) -> None:
    api, owner, main = lab.writer.api, lab.owner.api, lab.writer.api.model_info(lab.repo_id).sha
    made = change(
        api, lab.repo_id, "notes.txt", b"two\n", create_pr=True, commit_message="Say two", commit_description="Why not"
    )
    assert made.pr_revision == "refs/pr/1" and made.pr_num == 1
    assert made.pr_url == f"{lab.writer.url}/{lab.repo_id}/discussions/1"
    assert api.model_info(lab.repo_id).sha == main, "main stays where it is until it is merged"
    change(api, lab.repo_id, "model.safetensors", b"\x00" * 5000, revision="refs/pr/1")
    head = api.model_info(lab.repo_id, revision="refs/pr/1").sha
    checkpoint = Checkpoint.objects.get(commits__oid=head)
    assert Job.objects.filter(kind="registry.validate", subject=f"registry.checkpoint:{checkpoint.pk}").exists()

    found = api.get_discussion_details(lab.repo_id, 1)
    assert (found.status, found.is_pull_request, found.git_reference) == ("open", True, "refs/pr/1")
    assert (found.target_branch, found.conflicting_files, found.merge_commit_oid) == ("refs/heads/main", [], None)
    assert [event.type for event in found.events] == ["comment", "commit", "commit"]
    assert found.events[0].content == "Why not" and found.events[2].oid == head
    assert "-one\n+two\n" in found.diff and "+size 5000" in found.diff
    refs = api.list_repo_refs(lab.repo_id, include_pull_requests=True)
    assert [(ref.ref, ref.target_commit) for ref in refs.pull_requests] == [("refs/pr/1", head)]
    assert [ref.name for ref in refs.branches] == ["main"]
    got = api.snapshot_download(lab.repo_id, revision="refs/pr/1", local_dir=tmp_path / "pr")
    assert (Path(got) / "notes.txt").read_bytes() == b"two\n"

    with pytest.raises(HfHubHTTPError, match="merged by a person"):
        api.merge_pull_request(lab.repo_id, 1)
    owner.merge_pull_request(lab.repo_id, 1, comment="Fine")
    found = api.get_discussion_details(lab.repo_id, 1)
    assert (found.status, found.merge_commit_oid) == ("merged", api.model_info(lab.repo_id).sha)
    assert Commit.objects.get(oid=found.merge_commit_oid).checkpoint == checkpoint, "what was looked at is what is main"
    assert api.list_repo_commits(lab.repo_id)[0].title == "Say two (#1)"
    with pytest.raises(HfHubHTTPError, match="is merged") as caught:
        change(api, lab.repo_id, "late.txt", b"late", revision="refs/pr/1")
    assert caught.value.response.status_code == 409
    kinds = Event.objects.filter(kind__startswith="hub:pull_request:").order_by("id").values_list("kind", flat=True)
    assert list(kinds)[-2:] == ["hub:pull_request:opened", "hub:pull_request:merged"]


def test_main_that_went_another_way_is_a_conflict_and_one_that_went_elsewhere_is_none(lab) -> None:
    api, owner = lab.writer.api, lab.owner.api
    change(api, lab.repo_id, "notes.txt", b"proposed\n", create_pr=True, commit_message="Mine")
    change(api, lab.repo_id, "notes.txt", b"meanwhile\n", commit_message="Theirs")
    assert api.get_discussion_details(lab.repo_id, 1).conflicting_files == ["notes.txt"]
    with pytest.raises(HfHubHTTPError, match=r"main changed as well, and otherwise: notes\.txt") as caught:
        owner.merge_pull_request(lab.repo_id, 1)
    assert caught.value.response.status_code == 409
    change(api, lab.repo_id, "notes.txt", b"meanwhile\n", revision="refs/pr/1")
    change(api, lab.repo_id, "more.txt", b"more\n", revision="refs/pr/1")
    owner.merge_pull_request(lab.repo_id, 1)

    operations = [CommitOperationAdd("b.txt", b"b"), CommitOperationDelete("more.txt")]
    api.create_commit(lab.repo_id, operations, commit_message="Take out", create_pr=True)
    change(api, lab.repo_id, "c.txt", b"c")
    owner.merge_pull_request(lab.repo_id, 2)
    assert sorted(api.list_repo_files(lab.repo_id)) == ["b.txt", "c.txt", "notes.txt"]


def test_a_folder_by_pull_request_is_a_draft_until_it_is_offered(lab, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)  # the client's default opens the draft by itself
    api, owner = lab.writer.api, lab.owner.api
    (tmp_path / "config.json").write_text("{}")
    made = api.upload_folder(repo_id=lab.repo_id, folder_path=tmp_path, create_pr=True, commit_message="A folder")
    assert made.pr_revision == "refs/pr/1"
    assert api.get_discussion_details(lab.repo_id, 1).status == "draft"
    with pytest.raises(HfHubHTTPError, match="is draft"):
        owner.merge_pull_request(lab.repo_id, 1)
    assert api.change_discussion_status(lab.repo_id, 1, "open").new_status == "open"
    owner.merge_pull_request(lab.repo_id, 1)
    empty = api.create_pull_request(lab.repo_id, title="Nothing yet", description="Soon")
    assert (empty.num, empty.status, empty.events[0].content, empty.diff) == (2, "draft", "Soon", "")
    api.change_discussion_status(lab.repo_id, 2, "open")
    with pytest.raises(HfHubHTTPError, match="changes nothing yet"):
        owner.merge_pull_request(lab.repo_id, 2)


def test_what_is_said_is_kept_edited_and_hidden(lab) -> None:
    api, owner, reviewer = lab.writer.api, lab.owner.api, lab.reviewer.api
    api.create_pull_request(lab.repo_id, title="First words")
    mine = reviewer.comment_discussion(lab.repo_id, 1, "**No** <script>alert(1)</script>")
    assert (mine.content, mine.edited, mine.author) == (
        "**No** <script>alert(1)</script>",
        False,
        lab.reviewer.user.username,
    )
    assert "<script>" not in mine.rendered and "<strong>" in mine.rendered
    edited = reviewer.edit_discussion_comment(lab.repo_id, 1, mine.id, "Yes")
    assert (edited.id, edited.content, edited.edited, edited.number_of_edits) == (mine.id, "Yes", True, 1)
    with pytest.raises(HfHubHTTPError, match="who wrote a comment"):
        owner.edit_discussion_comment(lab.repo_id, 1, mine.id, "Other")
    with pytest.warns(UserWarning, match="Hidden"):
        assert owner.hide_discussion_comment(lab.repo_id, 1, mine.id).hidden
    with pytest.raises(HfHubHTTPError, match="no such comment"):
        reviewer.edit_discussion_comment(lab.repo_id, 1, mine.id, "Again")
    renamed = api.rename_discussion(lab.repo_id, 1, "Better words")
    assert (renamed.old_title, renamed.new_title) == ("First words", "Better words")
    with pytest.raises(HfHubHTTPError, match="Only its author"):
        reviewer.rename_discussion(lab.repo_id, 1, "Other words")
    assert api.change_discussion_status(lab.repo_id, 1, "closed", comment="No").new_status == "closed"
    assert owner.change_discussion_status(lab.repo_id, 1, "open").new_status == "open"
    told = api.get_discussion_details(lab.repo_id, 1).events
    kinds = ["comment", "comment", "title-change", "comment", "status-change", "status-change"]
    assert [event.type for event in told] == kinds
    assert (told[1].hidden, told[1].content) == (True, "")


def test_lists_are_filtered_and_paged(lab) -> None:
    api = lab.writer.api
    for number in range(1, 4):
        api.create_pull_request(lab.repo_id, title=f"Number {number}")
    api.change_discussion_status(lab.repo_id, 2, "closed")
    numbers = {
        (): [3, 2, 1],
        (("discussion_status", "open"),): [3, 1],
        (("discussion_status", "closed"),): [2],
        (("discussion_type", "discussion"),): [],
        (("author", lab.writer.user.username),): [3, 2, 1],
        (("author", "nobody"),): [],
    }
    for words, wanted in numbers.items():
        assert [one.num for one in api.get_repo_discussions(lab.repo_id, **dict(words))] == wanted, words
    with lab.writer.http as http:
        page = http.get(f"/api/models/{lab.repo_id}/discussions?p=1").json()
        assert (page["count"], page["start"], page["discussions"]) == (3, 50, [])
        assert http.get(f"/api/models/{lab.repo_id}/discussions?p=-1").status_code == 400
        answer = http.post(f"/api/models/{lab.repo_id}/discussions", json={"title": "Talk"})
        assert answer.status_code == 403 and "open a pull request" in answer.json()["error"]


def test_outsiders_know_of_no_pull_request(lab) -> None:
    change(lab.writer.api, lab.repo_id, "notes.txt", b"secret\n", create_pr=True)
    outsider = lab.outsider.api
    with pytest.raises(RepositoryNotFoundError):
        outsider.get_discussion_details(lab.repo_id, 1)
    serve(lab.repo_id, Level.PUBLIC)
    assert list(outsider.get_repo_discussions(lab.repo_id)) == []
    assert outsider.list_repo_refs(lab.repo_id, include_pull_requests=True).pull_requests == []
    with lab.outsider.http as http:
        there = http.get(f"/api/models/{lab.repo_id}/discussions/1")
        missing = http.get(f"/api/models/{lab.repo_id}/discussions/2")
        assert (there.status_code, there.text.replace("request 1", "request 2")) == (404, missing.text)
        assert http.post(f"/api/models/{lab.repo_id}/discussions/1/comment", json={"comment": "Hi"}).status_code == 404
        answer = http.post(f"/api/models/{lab.repo_id}/preupload/main?create_pr=1", json={"files": []})
        assert answer.status_code == 403
        for revision in ("refs%2Fpr%2F1", "refs/pr/1", "REFS%2FPR%2F1", "pr%2F1", "1"):
            assert http.get(f"/{lab.repo_id}/resolve/{revision}/notes.txt").status_code == 404, revision
    with pytest.raises(RevisionNotFoundError):
        outsider.model_info(lab.repo_id, revision="refs/pr/1")
    head = lab.writer.api.model_info(lab.repo_id, revision="refs/pr/1").sha
    with pytest.raises(RevisionNotFoundError):
        outsider.model_info(lab.repo_id, revision=head)


def test_a_patch_shows_no_file_to_whom_the_gate_is_closed(direct) -> None:
    repo_id = f"{direct.name}/gated"
    direct.writer.api.create_repo(repo_id)
    change(direct.writer.api, repo_id, "notes.txt", b"behind the gate\n", create_pr=True)
    direct.owner.api.update_repo_settings(repo_id, gated="manual")
    assert "behind the gate" in direct.writer.api.get_discussion_details(repo_id, 1).diff
    seen = direct.outsider.api.get_discussion_details(repo_id, 1)
    assert (seen.diff, seen.title) == (None, "Upload notes.txt with huggingface_hub")


def test_the_same_proposal_sent_again_is_one(lab) -> None:
    lines = [
        {"key": "header", "value": {"summary": "Once"}},
        {"key": "file", "value": {"path": "a.txt", "content": "YQ==", "encoding": "base64"}},
    ]
    body = "\n".join(json.dumps(line) for line in lines).encode()
    address = f"/api/models/{lab.repo_id}/commit/main?create_pr=1"
    with lab.writer.http as http:
        first, second = http.post(address, content=body).json(), http.post(address, content=body).json()
        other = http.post(address, content=body.replace(b"YQ==", b"Yg==")).json()
        refused = http.post(address.replace("main", "dev"), content=body)
    assert first == second and other["pullRequestUrl"].endswith("/discussions/2")
    assert refused.status_code == 422 and "made against the branch main" in refused.json()["error"]
    assert PullRequest.objects.filter(variant__name="nimbus", variant__organization=lab.organization).count() == 2


def test_a_pull_request_into_an_empty_repository_and_a_deleted_repository(direct, person) -> None:
    repo_id = f"{direct.name}/short-lived"
    manager = person(direct.organization, Role.RELEASE_MANAGER)
    direct.writer.api.create_repo(repo_id)
    change(direct.writer.api, repo_id, "a.txt", b"a", create_pr=True)
    manager.api.merge_pull_request(repo_id, 1)
    direct.owner.api.delete_repo(repo_id)
    assert not PullRequest.objects.filter(variant__name="short-lived").exists()
