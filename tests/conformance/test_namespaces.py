"""What a namespace keeps, and copies of whole repositories."""

from __future__ import annotations

import pytest
from huggingface_hub.errors import HfHubHTTPError

from tests.conformance.world import DIRECT


def test_storage_of_a_namespace_is_listed_for_its_members(owner, stranger, repo) -> None:
    listed = {found.id: found for found in owner.api.list_user_repos(namespace=DIRECT)}
    assert (listed[repo].type, listed[repo].visibility) == ("model", "public") and listed[repo].updated_at.tzinfo
    try:
        assert repo not in {found.id for found in stranger.api.list_user_repos(namespace=DIRECT)}
    except HfHubHTTPError as refused:
        assert refused.response.status_code in {403, 404}


def test_a_repository_is_duplicated_within_its_namespace(owner, repo, new_id) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"copy me", path_in_repo="a.txt")
    made = owner.api.duplicate_repo(repo, new_id())
    assert owner.api.file_exists(made.repo_id, "a.txt")


def test_a_repository_is_not_duplicated_elsewhere(owner, stranger, repo) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.api.duplicate_repo(repo, f"{stranger.name}/mine")
    assert refused.value.response.status_code == 403


def test_repos_list_by_command(hf, owner, repo) -> None:
    assert repo in hf(owner, "repos", "ls", "--namespace", DIRECT, "--limit", "0", "--no-truncate").stdout
