"""Repositories, refs and lists, through the client, governed and under direct control."""

from __future__ import annotations

from itertools import pairwise

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RepositoryNotFoundError

from audit.models import Event
from hub.models import Download
from registry.models import Variant
from tests.integration.hub.people import serve

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]


def test_whoami(governed) -> None:
    said = governed.owner.api.whoami()
    assert said["name"] == governed.owner.user.username
    assert [(org["name"], org["roleInOrg"]) for org in said["orgs"]] == [(governed.name, "admin")]
    assert said["auth"]["accessToken"]["role"] == "write"
    with pytest.raises(HfHubHTTPError):
        HfApi(endpoint=governed.owner.url, token="imp_wrong").whoami()


def test_create_answers_the_address_again_where_the_name_is_taken(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/Model"
    first = api.create_repo(repo_id)
    assert api.create_repo(f"{governed.name}/model", exist_ok=True) == first
    with pytest.raises(HfHubHTTPError) as taken:
        api.create_repo(repo_id)
    assert taken.value.response.status_code == 409
    variant = Variant.objects.get()
    assert variant.is_private and variant.created_by == governed.writer.user
    assert api.model_info(f"{governed.name.upper()}/MODEL").id == repo_id


def test_create_refuses_strangers_bad_names_and_other_kinds(governed, direct) -> None:
    for namespace in (direct.name, "nowhere-at-all"):
        with pytest.raises(HfHubHTTPError, match="don't have the rights") as refused:
            governed.writer.api.create_repo(f"{namespace}/x")
        assert refused.value.response.status_code == 403
    with governed.writer.http as http:
        for name in ("a--b", "-a", "a.git", "..", "a/b/c", "", "a\x00b", "x" * 97, "ä"):
            answer = http.post("/api/repos/create", json={"name": name, "organization": governed.name})
            assert answer.status_code == 400, name
    with pytest.raises(RepositoryNotFoundError):
        governed.writer.api.create_repo(f"{governed.name}/data", repo_type="dataset")
    assert not governed.writer.api.repo_exists(f"{governed.name}/data", repo_type="dataset")
    assert not governed.writer.api.repo_exists("gpt2")


def test_a_governed_namespace_changes_only_through_releases(governed) -> None:
    api, repo_id = governed.owner.api, f"{governed.name}/model"
    with governed.owner.http as http:
        sent = {"name": "model", "organization": governed.name, "visibility": "public"}
        made = http.post("/api/repos/create", json=sent)
    assert made.status_code == 200 and "only a release" in made.headers["x-hf-warning"]
    before = Variant.objects.values().get()
    for act in (
        lambda: api.update_repo_settings(repo_id, visibility="public"),
        lambda: api.update_repo_settings(repo_id, gated="auto"),
        lambda: api.delete_repo(repo_id),
        lambda: api.move_repo(repo_id, f"{governed.name}/other"),
    ):
        with pytest.raises(HfHubHTTPError, match="governed namespace") as refused:
            act()
        assert refused.value.response.status_code == 403
    assert Variant.objects.values().get() == before


def test_direct_control_takes_effect_at_once(direct) -> None:
    api, repo_id, outside = direct.owner.api, f"{direct.name}/model", direct.outsider.api
    api.create_repo(repo_id, private=True)
    with pytest.raises(RepositoryNotFoundError):
        outside.model_info(repo_id)
    api.update_repo_settings(repo_id, visibility="public", gated="auto")
    assert outside.model_info(repo_id).gated == "auto" and not outside.model_info(repo_id).private
    with direct.outsider.http as http:
        assert http.head(f"/{repo_id}/resolve/main/.gitattributes").headers["x-error-code"] == "GatedRepo"
        assert http.post(f"/{repo_id}/ask-access", data={}).status_code == 303
        assert http.head(f"/{repo_id}/resolve/main/.gitattributes").status_code == 200
    api.update_repo_settings(repo_id, gated=False)
    assert outside.model_info(repo_id).gated is False
    with pytest.raises(HfHubHTTPError, match="Only owners"):
        direct.writer.api.update_repo_settings(repo_id, visibility="private")
    assert [commit.title for commit in outside.list_repo_commits(repo_id)] == ["initial commit"]


def test_rename_sends_requests_on_and_delete_forgets(direct) -> None:
    api, old, new = direct.owner.api, f"{direct.name}/old", f"{direct.name}/new"
    api.create_repo(old)
    api.upload_file(repo_id=old, path_or_fileobj=b"x", path_in_repo="a b.txt")
    api.move_repo(old, new)
    assert api.model_info(old).id == new
    assert api.hf_hub_download(old, "a b.txt")
    assert api.upload_file(repo_id=old, path_or_fileobj=b"y", path_in_repo="y.txt").oid == api.model_info(new).sha
    with direct.outsider.http as http:
        http.headers.pop("authorization")
        sent_on = http.get(f"/api/models/{old}/tree/main?recursive=true", follow_redirects=False)
    assert sent_on.status_code == 307
    assert sent_on.headers["location"] == f"{direct.owner.url}/api/models/{new}/tree/main?recursive=true"
    with pytest.raises(HfHubHTTPError, match="stays in its namespace"):
        api.move_repo(new, "elsewhere/new")
    api.create_repo(f"{direct.name}/fresh")
    api.delete_repo(f"{direct.name}/fresh")
    assert not api.repo_exists(f"{direct.name}/fresh")
    api.delete_repo(f"{direct.name}/fresh", missing_ok=True)
    assert Event.objects.filter(kind="registry:variant:deleted").count() == 1


def test_what_was_downloaded_is_deleted_and_stays_on_record(direct) -> None:
    api, outside = direct.owner.api, direct.outsider.api
    former, repo_id = f"{direct.name}/former", f"{direct.name}/gone"
    api.create_repo(former, private=False)
    api.upload_file(repo_id=former, path_or_fileobj=b"x", path_in_repo="x.txt")
    api.move_repo(former, repo_id)
    assert outside.hf_hub_download(repo_id, "x.txt")
    api.delete_repo(repo_id)
    for name in (repo_id, former):
        for caller in (api, outside):
            with pytest.raises(RepositoryNotFoundError):
                caller.model_info(name)
    download = Download.objects.get(path="x.txt")
    kept = download.variant.repo_id
    assert kept == f"{repo_id}-deleted-{download.variant_id}" and api.model_info(kept).private
    with pytest.raises(RepositoryNotFoundError):
        outside.model_info(kept)
    with pytest.raises(HfHubHTTPError, match="deleted already"):
        api.delete_repo(kept)
    assert Event.objects.get(kind="registry:variant:deleted").facts["kept_as"] == kept
    # The name is free, and what is there now is another repository.
    api.create_repo(repo_id)
    assert not api.file_exists(repo_id, "x.txt")
    api.delete_repo(repo_id)
    assert not api.repo_exists(repo_id)


@pytest.mark.parametrize("is_hidden", [True, False])
def test_a_former_name_tells_strangers_nothing(direct, is_hidden: bool) -> None:
    api, old = direct.owner.api, f"{direct.name}/old"
    api.create_repo(old, private=is_hidden)
    api.move_repo(old, f"{direct.name}/new")
    with direct.outsider.http as http:
        assert http.get(f"/api/models/{old}").status_code == (404 if is_hidden else 307)


def test_branches_and_tags(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/refs"
    api.create_repo(repo_id)
    first = api.upload_file(repo_id=repo_id, path_or_fileobj=b"1", path_in_repo="1.txt").oid
    api.create_branch(repo_id, branch="try/one")
    second = api.upload_file(repo_id=repo_id, path_or_fileobj=b"2", path_in_repo="2.txt", revision="try/one").oid
    api.create_tag(repo_id, tag="v1", revision="try/one")
    api.create_branch(repo_id, branch="try/one", exist_ok=True)
    with pytest.raises(HfHubHTTPError, match="already exists"):
        api.create_tag(repo_id, tag="v1")
    refs = api.list_repo_refs(repo_id)
    assert {ref.name: ref.target_commit for ref in refs.branches} == {"main": first, "try/one": second}
    assert [(ref.ref, ref.target_commit) for ref in refs.tags] == [("refs/tags/v1", second)]
    assert sorted(api.list_repo_files(repo_id, revision="v1")) == ["1.txt", "2.txt"]
    assert api.list_repo_files(repo_id, revision="refs/heads/main") == ["1.txt"]
    api.delete_tag(repo_id, tag="v1")
    api.delete_branch(repo_id, branch="try/one")
    for act in (lambda: api.delete_branch(repo_id, branch="main"), lambda: api.delete_tag(repo_id, tag="v1")):
        with pytest.raises(HfHubHTTPError):
            act()
    with pytest.raises(HfHubHTTPError, match="never rewritten"):
        api.super_squash_history(repo_id)
    assert [ref.name for ref in api.list_repo_refs(repo_id).branches] == ["main"]


def test_tree_folders_pages_and_last_commits(governed) -> None:
    from tests.integration.hub.test_upload import header, regular, send_commit

    api, repo_id = governed.writer.api, f"{governed.name}/tree"
    api.create_repo(repo_id)
    files = [f"deep/{number:04}/a b#.txt" for number in range(700)] + ["top.txt"]
    assert send_commit(governed.writer, repo_id, *map(regular, files)).status_code == 200
    changed = send_commit(governed.writer, repo_id, regular("top.txt", b"new"), first=header(summary="Second")).json()
    everything = [entry.path for entry in api.list_repo_tree(repo_id, recursive=True)]
    assert len(everything) == len(set(everything)) == 700 * 2 + 2
    assert all(one < two for one, two in pairwise(everything))
    top = {entry.path: entry for entry in api.list_repo_tree(repo_id, expand=True)}
    assert top["top.txt"].last_commit.oid == changed["commitOid"]
    assert top["deep"].last_commit.oid != changed["commitOid"]
    assert [entry.path for entry in api.list_repo_tree(repo_id, "deep/0001")] == ["deep/0001/a b#.txt"]
    assert [info.path for info in api.get_paths_info(repo_id, ["none", "deep", "top.txt"])] == ["deep", "top.txt"]
    with pytest.raises(HfHubHTTPError) as missing:
        list(api.list_repo_tree(repo_id, "none"))
    assert missing.value.response.headers["X-Error-Code"] == "EntryNotFound"
    assert [commit.title for commit in api.list_repo_commits(repo_id)] == ["Second", "Change"]


def test_info_and_expanded_properties(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/info"
    api.create_repo(repo_id)
    assert api.model_info(repo_id).sha is None
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"\0" * 20, path_in_repo="a.bin")
    info = api.model_info(repo_id, files_metadata=True)
    assert [(file.rfilename, file.size, file.lfs.size) for file in info.siblings] == [("a.bin", 20, 20)]
    assert info.private and info.author == governed.name and info.last_modified.tzinfo
    assert api.model_info(repo_id, expand=["sha", "gated"]).sha == info.sha
    with governed.writer.http as http:
        assert http.get(f"/api/models/{repo_id}?expand=nonsense").status_code == 400
        assert set(http.get(f"/api/models/{repo_id}?expand=sha").json()) == {"_id", "id", "sha"}
    with pytest.raises(RepositoryNotFoundError):
        governed.writer.api.model_info("gpt2")


def test_lists_show_what_the_caller_may_know_page_by_page(governed, direct) -> None:
    for number in range(5):
        governed.writer.api.create_repo(f"{governed.name}/m{number}")
    governed.writer.api.upload_file(repo_id=f"{governed.name}/m1", path_or_fileobj=b"x", path_in_repo="x.txt")
    serve(f"{governed.name}/m1")
    direct.owner.api.create_repo(f"{direct.name}/open")
    with governed.writer.http as http:
        first = http.get(f"/api/models?author={governed.name}&limit=2&sort=lastModified")
        assert first.headers["link"].startswith(f"<{governed.writer.url}/api/models?")
    for sort in (None, "lastModified", "downloads", "createdAt"):
        ids = [model.id for model in governed.writer.api.list_models(author=governed.name, sort=sort, limit=4)]
        assert len(ids) == len(set(ids)) == 4
    public = {model.id for model in governed.outsider.api.list_models()}
    assert public == {f"{governed.name}/m1", f"{direct.name}/open"}
    assert [model.id for model in governed.outsider.api.list_models(search="ope")] == [f"{direct.name}/open"]
    assert list(governed.outsider.api.list_models(gated=True)) == []
    assert list(governed.outsider.api.list_models(filter="text-generation")) == []
    with pytest.raises(BadRequestError, match="num_parameters"):
        list(governed.outsider.api.list_models(num_parameters="min:6B"))


def test_every_other_address_answers_json(governed) -> None:
    with governed.writer.http as http:
        for path in ("/api/nothing", "/api/models/a/b/c/d", "/api/models/a/b/", "/api/%00", "/api/spaces/x/y", "/api/"):
            answer = http.get(path)
            assert answer.status_code == 404 and answer.json()["error"], path
            assert answer.headers["x-request-id"]
        wrong = http.delete("/api/whoami-v2")
        assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET")
        assert http.post("/api/validate-yaml", content=b"{").status_code == 400
        assert http.post("/api/validate-yaml", content=b"[1]").status_code == 400
        assert http.post(
            "/api/validate-yaml", json={"content": "a\ud800".encode("utf-16", "surrogatepass").hex()}
        ).is_success
        assert http.post("/api/repos/create", content=b'{"name": "\\ud800"}').status_code == 400


def test_long_metadata_of_a_card_is_read_for_callers_with_a_token_alone(direct) -> None:
    long, short = ("---\na: [" + "1, " * count + "]\na: twice\n---\n" for count in (20_000, 10))
    with direct.outsider.http as http:
        assert http.post("/api/validate-yaml", json={"content": long}).status_code == 400
        http.headers.pop("authorization")
        unread = http.post("/api/validate-yaml", json={"content": long})
        assert unread.status_code == 200 and not unread.json()["errors"]
        assert "without a token" in unread.json()["warnings"][0]["message"]
        assert http.post("/api/validate-yaml", json={"content": short}).status_code == 400


def test_a_repository_is_duplicated_within_its_namespace_with_its_gate(direct, governed) -> None:
    for lab in (direct, governed):
        api, repo_id = lab.writer.api, f"{lab.name}/first"
        api.create_repo(repo_id)
        api.upload_file(repo_id=repo_id, path_or_fileobj=b"{}", path_in_repo="config.json")
        if lab is direct:
            lab.owner.api.update_repo_settings(repo_id, gated="manual")
        made = api.duplicate_repo(repo_id, to_id=f"{lab.name}/second", visibility="public")
        assert made.repo_id == f"{lab.name}/second"
        second = api.model_info(f"{lab.name}/second")
        assert sorted(api.list_repo_files(second.id)) == sorted(api.list_repo_files(repo_id))
        assert (second.private, second.gated) == ((False, "manual") if lab is direct else (True, False))
        assert api.duplicate_repo(repo_id, to_id=f"{lab.name}/second", exist_ok=True).repo_id == f"{lab.name}/second"
    for who, to, words in (
        (direct.writer, f"{governed.name}/taken-along", "within"),
        (direct.outsider, f"{direct.name}/theirs", "not in the authorized list"),
        (governed.reviewer, f"{governed.name}/theirs", "don't have the rights"),
    ):
        source = f"{governed.name if who is governed.reviewer else direct.name}/first"
        with pytest.raises(HfHubHTTPError, match=words) as caught:
            who.api.duplicate_repo(source, to_id=to)
        assert caught.value.response.status_code == 403


def test_storage_is_listed_to_members_alone(governed) -> None:
    api = governed.writer.api
    for name, content in (("a", b"one"), ("b", b"four"), ("b", b"five!")):
        api.create_repo(f"{governed.name}/{name}", exist_ok=True)
        api.upload_file(repo_id=f"{governed.name}/{name}", path_or_fileobj=content, path_in_repo="x.txt")
    listed = [(one.id, one.visibility, one.storage) for one in api.list_user_repos(governed.name)]
    assert listed == [(f"{governed.name}/a", "private", 3), (f"{governed.name}/b", "private", 9)]
    assert [one.id for one in api.list_user_repos()] == [one[0] for one in listed]
    assert list(governed.outsider.api.list_user_repos()) == []
    with pytest.raises(HfHubHTTPError, match="404"):
        list(governed.outsider.api.list_user_repos(governed.name))
