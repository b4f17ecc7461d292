"""Who gets what: hidden looks like missing, the gate says why it is closed, and a revocation counts at once."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from accounts.models import Token
from accounts.services import revoke_token
from gating.models import Grant
from gating.services import put_in_force, set_gate
from hub.models import Download
from registry.models import Variant
from registry.states import Level
from tests.integration.hub.people import serve

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]

# Every address that tells anything of a repository, or gives its bytes.
ADDRESSES = [
    ("GET", "/api/models/{}"),
    ("GET", "/api/models/{}/revision/main"),
    ("GET", "/api/models/{}/tree/main"),
    ("GET", "/api/models/{}/refs"),
    ("GET", "/api/models/{}/commits/main"),
    ("GET", "/api/models/{}/auth-check"),
    ("GET", "/api/models/{}/auth-check/write"),
    ("GET", "/api/models/{}/user-access-request/pending"),
    ("GET", "/api/models/{}/xet-write-token/main"),
    ("GET", "/{}/resolve/main/config.json"),
    ("HEAD", "/{}/resolve/main/config.json"),
    ("GET", "/{}/resolve/main/README.md"),
    ("GET", "/{}/resolve/main/none.txt"),
    ("GET", "/{}/resolve/none/config.json"),
    ("GET", "/{}/user-access-report"),
    ("POST", "/{}/ask-access"),
    ("POST", "/api/models/{}/paths-info/main"),
    ("POST", "/api/models/{}/preupload/main"),
    ("POST", "/api/models/{}/commit/main"),
    ("POST", "/api/models/{}/branch/new"),
    ("DELETE", "/api/models/{}/branch/main"),
    ("POST", "/api/models/{}/tag/main"),
    ("POST", "/api/models/{}/user-access-request/handle"),
    ("POST", "/api/models/{}/user-access-request/grant"),
    ("POST", "/api/models/{}/user-access-request/cancel"),
    ("GET", "/api/models/{}/discussions"),
    ("POST", "/api/models/{}/discussions"),
    ("GET", "/api/models/{}/discussions/1"),
    ("POST", "/api/models/{}/discussions/1/merge"),
    ("POST", "/api/models/{}/duplicate"),
    ("PUT", "/api/models/{}/settings"),
    ("POST", "/{}.git/info/lfs/objects/batch"),
]
BODY = {"paths": ["config.json"], "user": "somebody", "status": "accepted", "tag": "v1", "operation": "upload"}
OF_THIS_ANSWER = {"date", "x-request-id"}


def make(lab, name: str = "model") -> str:
    repo_id, api = f"{lab.name}/{name}", lab.owner.api
    api.create_repo(repo_id)
    card = b"---\nlicense: other\n---\n# Model"
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"{}", path_in_repo="config.json")
    api.upload_file(repo_id=repo_id, path_or_fileobj=card, path_in_repo="README.md")
    return repo_id


@pytest.fixture
def gated(governed):
    """A gated model of a governed organization, its gate a bare form."""
    repo_id = make(governed)
    variant = Variant.objects.get(organization=governed.organization)
    version = set_gate(
        variant=variant, fields=[], license_version=None, duration_days=30, by=governed.owner.user, prompt=""
    )
    put_in_force(gate_version=version, release_digest="sha256:" + "0" * 64, at=timezone.now())
    serve(repo_id, Level.GATED)
    return repo_id


def test_hidden_looks_like_missing(governed, direct) -> None:
    """Status, headers and body, for somebody and for nobody, at every address, governed and private."""
    with governed.outsider.http as somebody, governed.outsider.http as nobody:
        nobody.headers.pop("authorization")
        for lab in (governed, direct):
            hidden = make(lab)
            if lab is direct:
                lab.owner.api.update_repo_settings(hidden, visibility="private")
            missing = f"{lab.name}/absent"
            for client in (somebody, nobody):
                for method, address in ADDRESSES:
                    there, not_there = (
                        client.request(method, address.format(repo_id), json=None if method == "GET" else BODY)
                        for repo_id in (hidden, missing)
                    )
                    assert there.status_code in {401, 404}, (method, address)
                    assert seen(there) == seen(not_there), (method, address)


def seen(answer) -> tuple:
    headers = {name: value for name, value in answer.headers.items() if name not in OF_THIS_ANSWER}
    return answer.status_code, headers, answer.content


def test_hidden_raises_what_missing_raises(governed) -> None:
    hidden = make(governed)
    for api in (governed.outsider.api, HfApi(endpoint=governed.outsider.url, token=False)):
        for call in (
            lambda api=api: api.model_info(hidden),
            lambda api=api: api.hf_hub_download(hidden, "config.json"),
            lambda api=api: list(api.list_repo_tree(hidden)),
            lambda api=api: api.auth_check(hidden),
        ):
            with pytest.raises(RepositoryNotFoundError) as refused:
                call()
            assert not isinstance(refused.value, GatedRepoError)
        assert not api.repo_exists(hidden)
        assert hidden not in [model.id for model in api.list_models(author=governed.name)]


def test_a_gate_says_why_it_is_closed_and_opens_by_a_grant(gated: str, governed, tmp_path: Path) -> None:
    outsider, reviewer = governed.outsider, governed.reviewer
    nobody = HfApi(endpoint=outsider.url, token=False)
    refused(nobody, gated, 401, "You must have access to it and be authenticated to access it. Please log in.")
    refused(outsider.api, gated, 403, "is restricted and you are not in the authorized list. Visit http")
    assert outsider.api.model_info(gated).gated == "manual"
    assert Path(outsider.api.hf_hub_download(gated, "README.md", local_dir=tmp_path)).exists()

    with outsider.http as http:
        assert http.post(f"/{gated}/ask-access", json={}).status_code == 303
        assert http.post(f"/{gated}/ask-access", json={}).status_code == 303
    refused(outsider.api, gated, 403, "is awaiting a review from the repo authors.")
    (request,) = reviewer.api.list_pending_access_requests(gated)
    assert (request.username, request.status) == (outsider.user.username, "pending")

    reviewer.api.accept_access_request(gated, user=outsider.user.username)
    assert Path(outsider.api.hf_hub_download(gated, "config.json", local_dir=tmp_path)).read_bytes() == b"{}"
    grant = Grant.objects.get(user=outsider.user)
    assert Download.objects.filter(path="config.json").get().grant == grant
    outsider.api.auth_check(gated)

    reviewer.api.reject_access_request(gated, user=outsider.user.username, rejection_reason="Left the project.")
    refused(outsider.api, gated, 403, "has been rejected by the repo's authors.")
    with pytest.raises(HfHubHTTPError) as again:
        reviewer.api.reject_access_request(gated, user=outsider.user.username, rejection_reason="Again.")
    assert again.value.response.status_code == 404


def refused(api: HfApi, repo_id: str, status: int, words: str) -> None:
    """The file, in a part, by HEAD and the check are all refused alike."""
    with pytest.raises(GatedRepoError) as caught:
        api.hf_hub_download(repo_id, "config.json")
    assert caught.value.response.status_code == status
    assert words in caught.value.response.headers["X-Error-Message"]
    with pytest.raises(GatedRepoError):
        api.auth_check(repo_id)
    with pytest.raises(GatedRepoError):
        api.hf_hub_download(repo_id, "no-such-file.json", revision="no-such-revision")


def test_grants_expire_and_are_given_without_asking(gated: str, governed) -> None:
    outsider = governed.outsider
    governed.reviewer.api.grant_access(gated, user=outsider.user.username)
    outsider.api.auth_check(gated)
    with pytest.raises(HfHubHTTPError, match="already has access"):
        governed.reviewer.api.grant_access(gated, user=outsider.user.username)
    with pytest.raises(HfHubHTTPError, match="User not found"):
        governed.reviewer.api.grant_access(gated, user="nobody-at-all")
    with pytest.raises(HfHubHTTPError) as not_theirs:
        outsider.api.grant_access(gated, user="somebody")
    assert not_theirs.value.response.status_code == 403


def test_under_direct_control_the_card_says_what_is_asked(direct) -> None:
    """As on the Hub: `extra_gated_fields` of the card are the form, its labels the keys."""
    api, repo_id = direct.owner.api, f"{direct.name}/carded"
    api.create_repo(repo_id)
    card = "---\nlicense: mit\nextra_gated_fields:\n  Your company: text\n  I agree: checkbox\n---\n# Hi"
    api.upload_file(repo_id=repo_id, path_or_fileobj=card.encode(), path_in_repo="README.md")
    api.update_repo_settings(repo_id, gated="manual")
    with direct.outsider.http as http:
        assert http.post(f"/{repo_id}/ask-access", json={"Your company": "Example"}).status_code == 422
        answers = {"Your company": "Example", "I agree": "true"}
        assert http.post(f"/{repo_id}/ask-access", data=answers).status_code == 303
        (request,) = direct.reviewer.api.list_pending_access_requests(repo_id)
        assert request.fields["Your company"] == "Example"
        assert http.post(f"/api/models/{repo_id}/user-access-request/cancel").json() == {"ok": True}
        assert http.post(f"/api/models/{repo_id}/user-access-request/cancel").status_code == 404
    assert list(direct.reviewer.api.list_pending_access_requests(repo_id)) == []
    with direct.reviewer.http as http:
        assert http.get(f"/{repo_id}/user-access-report").json() == []


def test_outsiders_know_the_served_commit_and_no_other(governed) -> None:
    repo_id, api = make(governed), governed.outsider.api
    inner = governed.writer.api
    serving = serve(repo_id)
    secret = inner.upload_file(repo_id=repo_id, path_or_fileobj=b"secret", path_in_repo="secret.txt").oid
    inner.create_branch(repo_id, branch="secret-branch")
    inner.create_tag(repo_id, tag="v2")
    assert api.model_info(repo_id).sha == serving.commit.oid
    assert api.model_info(repo_id, revision=serving.commit.oid).sha == serving.commit.oid
    assert sorted(api.list_repo_files(repo_id)) == ["README.md", "config.json"]
    refs = api.list_repo_refs(repo_id)
    assert [(ref.name, ref.target_commit) for ref in refs.branches] == [("main", serving.commit.oid)] and not refs.tags
    commits = api.list_repo_commits(repo_id)
    assert [(commit.commit_id, commit.authors) for commit in commits] == [(serving.commit.oid, [governed.name])]
    for revision in (secret, secret[:8], "secret-branch", "v2", "refs/heads/secret-branch"):
        with pytest.raises(RevisionNotFoundError):
            api.model_info(repo_id, revision=revision)
        with pytest.raises(RevisionNotFoundError):
            api.hf_hub_download(repo_id, "secret.txt", revision=revision)
    assert inner.model_info(repo_id, revision="secret-branch").sha == secret


def test_what_is_no_longer_served_is_gone_at_once(governed) -> None:
    repo_id = make(governed)
    serving = serve(repo_id)
    governed.outsider.api.model_info(repo_id)
    type(serving).objects.filter(pk=serving.pk).update(until=timezone.now())
    with pytest.raises(RepositoryNotFoundError):
        governed.outsider.api.model_info(repo_id)


@pytest.mark.parametrize("how", ["wrong", "expired", "revoked", "not a bearer", "inactive"])
def test_a_token_that_opens_nothing(governed, how: str) -> None:
    who = governed.outsider
    repo_id = make(governed)
    serve(repo_id)
    header = f"Bearer {who.secret}"
    if how == "wrong":
        header = "Bearer imp_wrong"
    elif how == "expired":
        Token.objects.filter(pk=who.token.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    elif how == "revoked":
        revoke_token(token_id=who.token.pk, user=who.user)
    elif how == "inactive":
        type(who.user).objects.filter(pk=who.user.pk).update(is_active=False)
    else:
        header = "Basic dXNlcjpwYXNz"
    with who.http as http:
        for method, address in [("GET", "/api/whoami-v2"), *ADDRESSES]:
            answer = http.request(method, address.format(repo_id), headers={"authorization": header})
            assert answer.status_code == 401, (method, address)
            assert answer.headers["x-error-message"] == "Invalid credentials in Authorization header"
            assert "x-error-code" not in answer.headers and answer.headers["www-authenticate"].startswith("Bearer")


def test_a_reader_and_a_token_that_only_reads_do_not_write(governed, person) -> None:
    repo_id = make(governed)
    serve(repo_id)
    from accounts.roles import Role

    reading = person(governed.organization, Role.OWNER, scopes=("read",))
    for who, words in ((governed.outsider, "but not write to it"), (reading, "may not be used to write")):
        for act in (
            lambda who=who: who.api.upload_file(repo_id=repo_id, path_or_fileobj=b"x", path_in_repo="x.txt"),
            lambda who=who: who.api.create_branch(repo_id, branch="x"),
            lambda who=who: who.api.auth_check(repo_id, write=True),
        ):
            with pytest.raises(HfHubHTTPError, match=words) as refused_:
                act()
            assert refused_.value.response.status_code == 403
    with pytest.raises(HfHubHTTPError, match="may not be used to write"):
        reading.api.create_repo(f"{governed.name}/new")
    assert reading.api.list_repo_files(repo_id)


def test_a_session_reads_files_and_opens_nothing_else(governed) -> None:
    """Acting takes a token, so that no page elsewhere can act through somebody's browser."""
    from django.test import Client

    repo_id = make(governed)
    client = Client(enforce_csrf_checks=True)
    client.force_login(governed.owner.user)
    assert client.get(f"/api/models/{repo_id}").status_code == 401
    assert client.get("/api/whoami-v2").status_code == 401
    changing = client.post("/api/repos/create", {"name": "x"}, content_type="application/json")
    assert changing.status_code == 401
