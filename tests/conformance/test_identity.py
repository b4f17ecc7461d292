"""Who the caller is."""

from __future__ import annotations

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.conformance.world import DIRECT, GOVERNED


def test_whoami_names_the_caller(stranger) -> None:
    said = stranger.api.whoami()
    assert (said["name"], said["type"], said["orgs"]) == (stranger.name, "user", [])


def test_whoami_lists_organizations_with_the_role_in_them(owner, world) -> None:
    assert [(org["name"], org["roleInOrg"]) for org in owner.api.whoami()["orgs"]] == [(DIRECT, "admin")]
    (org,) = world.person(f"{GOVERNED}-auditor").api.whoami()["orgs"]
    assert (org["name"], org["roleInOrg"]) == (GOVERNED, "read")


def test_whoami_tells_the_role_of_the_token(owner, world) -> None:
    assert owner.api.whoami()["auth"]["accessToken"]["role"] == "write"
    assert world.person("reader-only").api.whoami()["auth"]["accessToken"]["role"] == "read"


def test_whoami_refuses_a_token_that_opens_nothing(world) -> None:
    with pytest.raises(HfHubHTTPError, match="Invalid user token") as refused:
        HfApi(endpoint=world.url, token="hf_nothing").whoami()
    assert refused.value.response.status_code == 401


def test_whoami_needs_a_token(nobody) -> None:
    with nobody.http as http:
        answer = http.get("/api/whoami-v2")
    assert answer.status_code == 401 and answer.headers["www-authenticate"].startswith("Bearer")


def test_whoami_may_be_cached(stranger) -> None:
    assert stranger.api.whoami(cache=True) == stranger.api.whoami(cache=True)


def test_user_overview_is_for_those_who_are_signed_in(stranger, owner, nobody) -> None:
    found = stranger.api.get_user_overview(owner.name)
    assert found.username == owner.name
    with pytest.raises(HfHubHTTPError):
        nobody.api.get_user_overview(owner.name)
    with pytest.raises(HfHubHTTPError) as missing:
        stranger.api.get_user_overview("no-such-person")
    assert missing.value.response.status_code == 404


def test_full_repo_name_is_made_of_the_caller(stranger) -> None:
    assert stranger.api.get_full_repo_name("model") == f"{stranger.name}/model"
    assert stranger.api.get_full_repo_name("model", organization=DIRECT) == f"{DIRECT}/model"


def test_auth_check_reads_and_writes(owner, stranger, repo) -> None:
    assert owner.api.auth_check(repo) is None
    assert owner.api.auth_check(repo, write=True) is None
    assert stranger.api.auth_check(repo) is None
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.api.auth_check(repo, write=True)
    assert refused.value.response.status_code == 403


def test_the_request_id_of_the_client_comes_back(owner) -> None:
    with owner.http as http:
        answer = http.get("/api/whoami-v2", headers={"X-Amzn-Trace-Id": "0f8fad5b-d9cb-469f-a165-70867728950e"})
    assert answer.headers["x-request-id"]


def test_every_answer_has_an_id_that_an_error_shows(stranger, new_id) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.api.model_info(new_id())
    assert refused.value.request_id and refused.value.request_id in str(refused.value)
