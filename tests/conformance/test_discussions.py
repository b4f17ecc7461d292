"""Pull requests by the client's methods and by `hf discussions`: opened, spoken about, renamed, closed, merged."""

from __future__ import annotations

import json

import pytest
from huggingface_hub.errors import HfHubHTTPError

from tests.conformance.world import GOVERNED


def proposed(person, repo: str, path: str = "a.txt") -> int:
    """A pull request with one file; returns its number."""
    made = person.api.upload_file(
        repo_id=repo, path_or_fileobj=b"new\n", path_in_repo=path, create_pr=True, commit_message="Propose"
    )
    return made.pr_num


def test_a_pull_request_is_opened_filled_and_merged(owner, repo) -> None:
    made = owner.api.create_pull_request(repo, title="Proposal", description="In two steps")
    assert (made.num, made.status, made.is_pull_request) == (1, "draft", True)
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt", revision=made.git_reference)
    owner.api.change_discussion_status(repo, 1, "open")
    owner.api.merge_pull_request(repo, 1)
    assert owner.api.get_discussion_details(repo, 1).status == "merged" and owner.api.file_exists(repo, "x.txt")


def test_pull_requests_are_listed_by_status_and_author(owner, repo) -> None:
    first, second = proposed(owner, repo), proposed(owner, repo, "b.txt")
    owner.api.change_discussion_status(repo, first, "closed")
    listed = [one.num for one in owner.api.get_repo_discussions(repo)]
    assert sorted(listed) == [first, second]
    assert [one.num for one in owner.api.get_repo_discussions(repo, discussion_status="open")] == [second]
    assert [one.num for one in owner.api.get_repo_discussions(repo, discussion_status="closed")] == [first]
    assert len(list(owner.api.get_repo_discussions(repo, author=owner.name))) == 2
    assert not list(owner.api.get_repo_discussions(repo, author="somebody-else"))
    assert not list(owner.api.get_repo_discussions(repo, discussion_type="discussion"))


def test_a_pull_request_is_spoken_about_and_renamed(owner, repo) -> None:
    number = proposed(owner, repo)
    said = owner.api.comment_discussion(repo, number, "Why **this**?")
    assert (said.content, said.author) == ("Why **this**?", owner.name)
    edited = owner.api.edit_discussion_comment(repo, number, said.id, "Because.")
    assert edited.content == "Because." and edited.edited
    with pytest.warns(UserWarning, match="Hidden"):
        assert owner.api.hide_discussion_comment(repo, number, said.id).hidden
    owner.api.rename_discussion(repo, number, "Another title")
    found = owner.api.get_discussion_details(repo, number)
    assert found.title == "Another title" and "+new" in found.diff


def test_talk_without_changes_and_attachments_are_left_out_with_a_reason(owner, repo, tmp_path) -> None:
    with pytest.raises(HfHubHTTPError, match="pull request"):
        owner.api.create_discussion(repo, title="Let us talk")
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG")
    with pytest.raises(HfHubHTTPError, match="no pictures or other attachments"):
        owner.api.upload_attachment(picture)


def test_whoever_may_not_see_a_model_finds_no_pull_requests(stranger) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.api.get_discussion_details(f"{GOVERNED}/hidden", 1)
    assert refused.value.response.status_code == 404


@pytest.mark.whole
def test_by_command(hf, owner, repo) -> None:
    number = str(proposed(owner, repo))
    assert "Propose" in hf(owner, "discussions", "list", repo).stdout
    assert "+new" in hf(owner, "discussions", "diff", repo, number).stdout
    hf(owner, "discussions", "comment", repo, number, "--body", "Looks right")
    hf(owner, "discussions", "rename", repo, number, "By command")
    found = json.loads(hf(owner, "discussions", "info", repo, number, "--json").stdout)
    assert found["title"] == "By command"
    comment = owner.api.get_discussion_details(repo, int(number)).events[-2].id
    hf(owner, "discussions", "edit", repo, number, comment, "--body", "Looks good")
    hf(owner, "discussions", "close", repo, number, "--yes")
    hf(owner, "discussions", "reopen", repo, number, "--yes")
    hf(owner, "discussions", "merge", repo, number, "--yes")
    assert owner.api.get_discussion_details(repo, int(number)).status == "merged"


@pytest.mark.whole
def test_opened_by_command(hf, owner, repo) -> None:
    hf(owner, "discussions", "create", repo, "--title", "By command", "--pull-request")
    assert owner.api.get_discussion_details(repo, 1).title == "By command"
    done = hf(owner, "discussions", "create", repo, "--title", "Talk", fails=True)
    assert "pull request" in done.stdout + done.stderr
