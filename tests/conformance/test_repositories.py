"""Repositories: made, changed, renamed and deleted; in a governed namespace, by releases alone."""

from __future__ import annotations

import pytest
from huggingface_hub.errors import HfHubHTTPError, RepositoryNotFoundError

from tests.conformance.world import DIRECT, GOVERNED


def status_of(refused: pytest.ExceptionInfo[HfHubHTTPError]) -> int:
    return refused.value.response.status_code


def test_create_answers_the_address_of_the_repository(owner, new_id, world) -> None:
    repo_id = new_id()
    made = owner.api.create_repo(repo_id)
    assert (made.repo_id, made.repo_type, made.endpoint) == (repo_id, "model", world.url)
    assert str(made) == f"{world.url}/{repo_id}"


def test_create_private(owner, stranger, new_id) -> None:
    made = owner.api.create_repo(new_id(), private=True).repo_id
    assert owner.api.model_info(made).private is True
    assert not stranger.api.repo_exists(made)


def test_create_by_visibility(owner, stranger, new_id) -> None:
    made = owner.api.create_repo(new_id(), visibility="public").repo_id
    assert stranger.api.model_info(made).private is False


def test_create_of_a_taken_name_is_a_conflict(owner, repo) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.create_repo(repo)
    assert status_of(refused) == 409


def test_create_of_a_taken_name_may_be_allowed(owner, repo) -> None:
    assert owner.api.create_repo(repo, exist_ok=True).repo_id == repo


def test_create_by_a_reader_with_exist_ok_is_content_with_what_is_there(owner, repo, stranger, monkeypatch) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", stranger.url)  # as HF_ENDPOINT does; the client asks there again
    assert stranger.api.create_repo(repo, exist_ok=True).repo_id == repo


def test_create_in_another_namespace_is_forbidden(stranger, new_id) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.api.create_repo(new_id())
    assert status_of(refused) == 403


def test_create_needs_a_token(nobody, new_id) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        nobody.api.create_repo(new_id())
    assert status_of(refused) == 401


def test_create_begins_with_attributes_under_direct_control(owner, repo) -> None:
    assert owner.api.list_repo_files(repo) == [".gitattributes"]
    assert [commit.title for commit in owner.api.list_repo_commits(repo)] == ["initial commit"]


def test_create_makes_models_only(owner, new_id) -> None:
    for kind in ("dataset", "kernel"):
        with pytest.raises(RepositoryNotFoundError):
            owner.api.create_repo(new_id(), repo_type=kind)


def test_names_are_found_whatever_their_case(owner, repo) -> None:
    assert owner.api.model_info(repo.upper()).id == repo


def test_repo_exists(owner, stranger, repo, new_id) -> None:
    assert owner.api.repo_exists(repo) and stranger.api.repo_exists(repo)
    assert not owner.api.repo_exists(new_id())
    assert not owner.api.repo_exists(repo, repo_type="dataset")
    assert not owner.api.repo_exists("gpt2")


def test_delete(owner, repo) -> None:
    owner.api.delete_repo(repo)
    assert not owner.api.repo_exists(repo)


def test_delete_of_a_missing_repository(owner, new_id) -> None:
    with pytest.raises(RepositoryNotFoundError):
        owner.api.delete_repo(new_id())
    owner.api.delete_repo(new_id(), missing_ok=True)


def test_a_name_is_free_after_deletion(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"old", path_in_repo="old.txt")
    owner.api.delete_repo(repo)
    assert owner.api.create_repo(repo).repo_id == repo
    assert not owner.api.file_exists(repo, "old.txt")


def test_delete_after_grants_and_downloads(owner, stranger, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"old", path_in_repo="old.txt")
    owner.api.update_repo_settings(repo, gated="manual")
    owner.api.grant_access(repo, stranger.name)
    assert stranger.api.hf_hub_download(repo, "old.txt")
    owner.api.delete_repo(repo)
    assert not owner.api.repo_exists(repo) and not stranger.api.repo_exists(repo)
    assert owner.api.create_repo(repo).repo_id == repo
    assert not owner.api.file_exists(repo, "old.txt")


def test_delete_by_others_is_forbidden(stranger, repo) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        stranger.api.delete_repo(repo)
    assert status_of(refused) == 403


def test_move_renames_and_the_old_name_leads_on(owner, repo, new_id) -> None:
    target = new_id()
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"content", path_in_repo="a.txt")
    owner.api.move_repo(repo, target)
    assert owner.api.model_info(target).id == target
    assert owner.api.model_info(repo).id == target
    assert owner.api.file_exists(repo, "a.txt")
    with open(owner.api.hf_hub_download(repo, "a.txt"), "rb") as file:  # noqa: PTH123
        assert file.read() == b"content"


def test_move_onto_a_taken_name_is_a_conflict(owner, repo, new_id) -> None:
    other = owner.api.create_repo(new_id()).repo_id
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.move_repo(repo, other)
    assert status_of(refused) == 409


def test_settings_change_visibility_at_once(owner, stranger, repo) -> None:
    owner.api.update_repo_settings(repo, visibility="private")
    with pytest.raises(RepositoryNotFoundError):
        stranger.api.model_info(repo)
    owner.api.update_repo_settings(repo, visibility="public")
    assert stranger.api.model_info(repo).private is False


def test_settings_change_the_gate_at_once(owner, stranger, repo) -> None:
    for gate in ("auto", "manual", False):
        owner.api.update_repo_settings(repo, gated=gate)
        assert stranger.api.model_info(repo).gated == gate


def test_settings_refuse_unknown_gates(owner, repo) -> None:
    with pytest.raises(ValueError, match="auto"):
        owner.api.update_repo_settings(repo, gated="sometimes")
    with owner.http as http:
        for sent in ({"gated": "sometimes"}, {"gated": []}, {"gated": {}}, {"visibility": []}, {"private": "yes"}):
            assert http.put(f"/api/models/{repo}/settings", json=sent).status_code == 400, sent


def test_settings_of_a_missing_repository(owner, new_id) -> None:
    with pytest.raises(RepositoryNotFoundError):
        owner.api.update_repo_settings(new_id(), gated="auto")


def test_governed_create_is_private_whatever_was_asked(writer, new_id) -> None:
    made = writer.api.create_repo(new_id(GOVERNED), private=False).repo_id
    assert writer.api.model_info(made).private is True


def test_governed_create_says_why_it_is_private(writer, new_id) -> None:
    name = new_id(GOVERNED).partition("/")[2]
    with writer.http as http:
        made = http.post("/api/repos/create", json={"name": name, "organization": GOVERNED, "visibility": "public"})
    assert "only a release makes a model public" in made.headers["x-hf-warning"]


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (lambda api, repo: api.update_repo_settings(repo, visibility="public"), "change only through a release"),
        (lambda api, repo: api.update_repo_settings(repo, gated="auto"), "change only through a release"),
        (lambda api, repo: api.delete_repo(repo), "to withdraw its release"),
        (lambda api, repo: api.move_repo(repo, f"{GOVERNED}/elsewhere"), "governed namespace"),
        (lambda api, repo: api.super_squash_history(repo), "never rewritten"),
    ],
    ids=["visibility", "gate", "delete", "move", "squash"],
)
def test_governed_changes_are_refused_with_where_to_go(world, governed, writer, act, words) -> None:
    api = world.person(f"{GOVERNED}-owner").api
    writer.api.upload_file(repo_id=governed, path_or_fileobj=b"{}", path_in_repo="config.json")
    with pytest.raises(HfHubHTTPError, match=words) as refused:
        act(api, governed)
    assert status_of(refused) == 403
    assert api.model_info(governed).private is True


def test_governed_and_direct_namespaces_exchange_nothing(owner, repo) -> None:
    with pytest.raises(HfHubHTTPError) as refused:
        owner.api.move_repo(repo, f"{GOVERNED}/taken-over")
    assert status_of(refused) == 403


def test_a_bad_name_is_refused_by_the_server_too(owner) -> None:
    for name in ("a--b", "-a", "a.", "x" * 97, "a/b/c", "ä", "a b", ""):
        with owner.http as http:
            answer = http.post("/api/repos/create", json={"name": name, "organization": DIRECT})
        assert answer.status_code == 400 and answer.json()["error"], name


def test_create_with_an_unknown_visibility_is_refused(owner, new_id) -> None:
    with pytest.raises(ValueError, match="visibility"):
        owner.api.create_repo(new_id(), visibility="protected")
    with owner.http as http:
        sent = {"name": "visible", "organization": DIRECT, "visibility": "protected"}
        assert http.post("/api/repos/create", json=sent).status_code == 400
