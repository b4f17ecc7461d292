"""Branches, tags and histories."""

from __future__ import annotations

import pytest
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError


def test_refs_of_a_fresh_repository(owner, repo) -> None:
    refs = owner.api.list_repo_refs(repo)
    assert [(ref.name, ref.ref) for ref in refs.branches] == [("main", "refs/heads/main")]
    assert refs.tags == [] and refs.converts == []
    assert refs.branches[0].target_commit == owner.api.model_info(repo).sha


def test_refs_with_pull_requests(owner, repo) -> None:
    assert owner.api.list_repo_refs(repo, include_pull_requests=True).pull_requests == []
    assert owner.api.list_repo_refs(repo).pull_requests is None


def test_a_branch_begins_at_the_head(owner, repo) -> None:
    owner.api.create_branch(repo, branch="dev")
    assert owner.api.model_info(repo, revision="dev").sha == owner.api.model_info(repo).sha


def test_a_branch_begins_at_a_revision(owner, repo) -> None:
    first = owner.api.model_info(repo).sha
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    owner.api.create_branch(repo, branch="old", revision=first)
    assert owner.api.model_info(repo, revision="old").sha == first


@pytest.mark.parametrize("name", ["a/b", "feature/größe", "v1.0-rc.1", "with+plus", "100%", "deep/er/est"])
def test_branches_of_odd_names(owner, repo, name) -> None:
    owner.api.create_branch(repo, branch=name)
    made = owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt", revision=name)
    assert owner.api.model_info(repo, revision=name).sha == made.oid
    assert owner.api.file_exists(repo, "x.txt", revision=name) and not owner.api.file_exists(repo, "x.txt")
    owner.api.delete_branch(repo, branch=name)
    assert [ref.name for ref in owner.api.list_repo_refs(repo).branches] == ["main"]


def test_a_taken_branch_is_a_conflict(owner, repo) -> None:
    owner.api.create_branch(repo, branch="dev")
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.create_branch(repo, branch="dev")
    assert refused.value.response.status_code == 409
    owner.api.create_branch(repo, branch="dev", exist_ok=True)


def test_a_branch_from_nowhere_is_refused(owner, repo) -> None:
    with pytest.raises(RevisionNotFoundError):
        owner.api.create_branch(repo, branch="dev", revision="nowhere")


def test_the_main_branch_stays(owner, repo) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.delete_branch(repo, branch="main")
    assert refused.value.response.status_code == 403


def test_a_missing_branch_cannot_be_deleted(owner, repo) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.delete_branch(repo, branch="none")
    assert refused.value.response.status_code == 404


def test_commits_to_a_branch_leave_the_others_alone(owner, repo) -> None:
    owner.api.create_branch(repo, branch="dev")
    before = owner.api.model_info(repo).sha
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt", revision="dev")
    assert owner.api.model_info(repo).sha == before


def test_a_tag_names_the_head(owner, repo) -> None:
    owner.api.create_tag(repo, tag="v1", tag_message="The first")
    (tag,) = owner.api.list_repo_refs(repo).tags
    assert (tag.name, tag.ref, tag.target_commit) == ("v1", "refs/tags/v1", owner.api.model_info(repo).sha)


def test_a_tag_names_a_revision_and_stays_there(owner, repo) -> None:
    first = owner.api.model_info(repo).sha
    owner.api.create_tag(repo, tag="v0", revision=first)
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    assert owner.api.model_info(repo, revision="v0").sha == first


def test_a_taken_tag_is_a_conflict(owner, repo) -> None:
    owner.api.create_tag(repo, tag="v1")
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.create_tag(repo, tag="v1")
    assert refused.value.response.status_code == 409
    owner.api.create_tag(repo, tag="v1", exist_ok=True)


def test_a_tag_of_nothing_is_refused(owner, repo) -> None:
    with pytest.raises(RevisionNotFoundError):
        owner.api.create_tag(repo, tag="v1", revision="nowhere")


def test_a_tag_is_deleted(owner, repo) -> None:
    owner.api.create_tag(repo, tag="release/1")
    owner.api.delete_tag(repo, tag="release/1")
    assert owner.api.list_repo_refs(repo).tags == []
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.delete_tag(repo, tag="release/1")
    assert refused.value.response.status_code == 404


def test_a_branch_may_have_a_tags_name(owner, repo) -> None:
    owner.api.create_tag(repo, tag="both")
    owner.api.create_branch(repo, branch="both")
    made = owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt", revision="refs/heads/both")
    assert owner.api.model_info(repo, revision="refs/heads/both").sha == made.oid
    assert owner.api.model_info(repo, revision="refs/tags/both").sha != made.oid


def test_full_names_of_refs_are_revisions(owner, repo) -> None:
    owner.api.create_tag(repo, tag="v1")
    head = owner.api.model_info(repo).sha
    for revision in ("refs/heads/main", "refs/tags/v1", head, head[:7], head.upper()[:0] or head[:12]):
        assert owner.api.model_info(repo, revision=revision).sha == head


def test_too_short_a_hash_is_no_revision(owner, repo) -> None:
    with pytest.raises(RevisionNotFoundError):
        owner.api.model_info(repo, revision=owner.api.model_info(repo).sha[:3])


def test_refs_of_a_missing_repository(owner, new_id) -> None:
    with pytest.raises(RepositoryNotFoundError):
        owner.api.list_repo_refs(new_id())


def test_a_branch_is_not_for_readers(stranger, repo) -> None:
    for act in (
        lambda: stranger.api.create_branch(repo, branch="mine"),
        lambda: stranger.api.create_tag(repo, tag="mine"),
        lambda: stranger.api.delete_branch(repo, branch="main"),
    ):
        with pytest.raises(HfHubHTTPError) as refused:
            act()
        assert refused.value.response.status_code == 403


def test_history_is_newest_first(owner, repo) -> None:
    made = [
        owner.api.upload_file(
            repo_id=repo,
            path_or_fileobj=str(number).encode(),
            path_in_repo="n.txt",
            commit_message=f"Step {number}",
            commit_description=f"Why {number}",
        ).oid
        for number in range(3)
    ]
    history = owner.api.list_repo_commits(repo)
    assert [commit.commit_id for commit in history[:3]] == made[::-1]
    assert (history[0].title, history[0].message, history[0].authors) == ("Step 2", "Why 2", [owner.name])
    assert history[0].created_at >= history[1].created_at and history[0].created_at.tzinfo


def test_history_of_a_revision(owner, repo) -> None:
    first = owner.api.model_info(repo).sha
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    assert [commit.commit_id for commit in owner.api.list_repo_commits(repo, revision=first)] == [first]


def test_history_formatted(owner, repo) -> None:
    (commit,) = owner.api.list_repo_commits(repo, formatted=True)
    assert commit.formatted_title == "initial commit"


def test_long_histories_come_in_pages(owner, repo) -> None:
    for number in range(4):
        owner.api.upload_file(repo_id=repo, path_or_fileobj=str(number).encode(), path_in_repo="n.txt")
    with owner.http as http:
        seen, address = [], f"/api/models/{repo}/commits/main?limit=2"
        while address:
            answer = http.get(address)
            seen += [commit["id"] for commit in answer.json()]
            address = answer.links.get("next", {}).get("url", "")
    assert seen == [commit.commit_id for commit in owner.api.list_repo_commits(repo)] and len(seen) == 5


def test_history_of_a_missing_revision(owner, repo) -> None:
    with pytest.raises(RevisionNotFoundError):
        owner.api.list_repo_commits(repo, revision="nowhere")


def test_a_squash_says_why_it_is_refused_or_squashes(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    try:
        owner.api.super_squash_history(repo)
    except HfHubHTTPError as refused:
        assert refused.response.status_code == 403 and refused.server_message
    else:
        assert len(owner.api.list_repo_commits(repo)) == 1
        assert "x.txt" in owner.api.list_repo_files(repo)


def test_large_files_of_history_are_not_deleted_for_good(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"\0" * 100, path_in_repo="a.bin")
    files = list(owner.api.list_lfs_files(repo))
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.permanently_delete_lfs_files(repo, files)
    assert refused.value.response.status_code == 403 and refused.value.server_message
    assert owner.api.file_exists(repo, "a.bin")
