"""Refusals that the client turns into the exceptions of its documentation."""

from __future__ import annotations

import json

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    BadRequestError,
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
)

from tests.conformance.world import GOVERNED

HIDDEN, MISSING = f"{GOVERNED}/hidden", f"{GOVERNED}/no-such"


@pytest.mark.parametrize("repo", [HIDDEN, MISSING])
@pytest.mark.parametrize(
    "call",
    [
        lambda api, repo: api.model_info(repo),
        lambda api, repo: api.hf_hub_download(repo, "config.json"),
        lambda api, repo: api.hf_hub_download(repo, "README.md"),
        lambda api, repo: api.snapshot_download(repo),
        lambda api, repo: api.list_repo_files(repo),
        lambda api, repo: api.list_repo_refs(repo),
        lambda api, repo: api.list_repo_commits(repo),
        lambda api, repo: api.get_paths_info(repo, ["config.json"]),
        lambda api, repo: api.auth_check(repo),
        lambda api, repo: api.create_branch(repo, branch="mine"),
        lambda api, repo: api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt"),
        lambda api, repo: api.delete_repo(repo),
        lambda api, repo: list(api.list_pending_access_requests(repo)),
    ],
    ids=[
        *("info", "file", "card", "snapshot", "files", "refs", "commits", "paths", "auth", "branch", "upload"),
        *("delete", "requests"),
    ],
)
def test_hidden_and_missing_raise_alike(stranger, repo, call) -> None:
    with pytest.raises(RepositoryNotFoundError) as refused:
        call(stranger.api, repo)
    assert not isinstance(refused.value, GatedRepoError)
    assert refused.value.response.status_code == 404


def test_hidden_and_missing_answer_alike(stranger, nobody) -> None:
    for who in (stranger, nobody):
        with who.http as http:
            for address in ("/api/models/{}", "/{}/resolve/main/config.json", "/api/models/{}/tree/main"):
                told = []
                for repo in (HIDDEN, MISSING):
                    answer = http.get(address.format(repo))
                    headers = {k: v for k, v in answer.headers.items() if k not in {"date", "x-request-id"}}
                    told.append((answer.status_code, headers, answer.text))
                assert told[0] == told[1]


def test_a_bad_token_is_no_missing_repository(world) -> None:
    api = HfApi(endpoint=world.url, token="hf_revoked")
    with pytest.raises(HfHubHTTPError, match="Invalid credentials") as refused:
        api.model_info(f"{GOVERNED}/served")
    assert refused.value.response.status_code == 401 and not isinstance(refused.value, RepositoryNotFoundError)


def test_a_bad_request_tells_what_is_wrong(stranger) -> None:
    with pytest.raises(BadRequestError, match="no property"):
        stranger.api.model_info(f"{GOVERNED}/served", expand=["nonsense"])


def test_every_refusal_carries_message_header_and_json(stranger, nobody) -> None:
    with stranger.http as http:
        for path in ("/api/nothing", f"/api/models/{HIDDEN}", f"/{GOVERNED}/gated/resolve/main/config.json"):
            answer = http.get(path)
            assert answer.status_code in {403, 404} and answer.headers["x-error-message"].isascii()
            assert answer.json()["error"] and answer.headers["x-request-id"]


def test_unknown_addresses_are_json_and_not_found(stranger) -> None:
    with stranger.http as http:
        for path in ("/api/", "/api/spaces/a/b", "/api/models/a/b/c/d/e", "/api/%2e%2e/x", "/api/daily_papers"):
            answer = http.get(path)
            assert answer.status_code == 404 and json.loads(answer.text)["error"], path


def test_a_wrong_method_names_the_right_ones(stranger) -> None:
    with stranger.http as http:
        answer = http.delete("/api/whoami-v2")
    assert answer.status_code == 405 and "GET" in answer.headers["allow"]
