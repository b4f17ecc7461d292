"""The REST API of accounts: the happy path, then each refusal."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import Token
from accounts.roles import Role
from tests.factories import make_member, make_organization, make_token, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada():
    return make_member(make_organization("acme", title="Acme"), Role.AUDITOR, "ada")


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


def test_whoami_names_user_roles_and_token(client, ada):
    told = client.get("/api/v1/whoami/", headers=bearer(make_token(ada, "read", name="cluster"))).json()
    assert (told["username"], told["is_service"]) == ("ada", False)
    assert told["organizations"] == [{"organization": "acme", "title": "Acme", "roles": ["auditor"]}]
    assert (told["token"]["name"], told["token"]["scopes"]) == ("cluster", ["read"])
    assert "secret" not in str(told)


def test_whoami_by_session_has_no_token(client, ada):
    client.force_login(ada)
    assert client.get("/api/v1/whoami/").json()["token"] is None


@pytest.mark.parametrize("header", ["Bearer imp_wrong", "Bearer ", "bearer x y"])
def test_a_bad_token_is_refused_and_never_ignored(client, ada, header):
    client.force_login(ada)
    answer = client.get("/api/v1/whoami/", headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "accounts.bad_token")
    assert answer["WWW-Authenticate"].startswith("Bearer")
    assert answer["Content-Type"] == "application/problem+json"


def test_nobody_is_asked_to_sign_in(client):
    assert client.get("/api/v1/whoami/").status_code == 401


@pytest.mark.parametrize(
    "end",
    [
        lambda token: Token.objects.filter(pk=token.pk).update(expires_at=timezone.now()),
        lambda token: Token.objects.filter(pk=token.pk).update(revoked_at=timezone.now()),
        lambda token: type(token.user).objects.filter(pk=token.user_id).update(is_active=False),
    ],
)
def test_a_token_that_ended_opens_nothing(client, ada, end):
    secret = make_token(ada)
    end(Token.objects.get())
    assert client.get("/api/v1/whoami/", headers=bearer(secret)).json()["code"] == "accounts.bad_token"


def test_a_use_is_noted_but_not_with_every_request(client, ada):
    secret = make_token(ada)
    client.get("/api/v1/whoami/", headers=bearer(secret))
    first = Token.objects.get().last_used_at
    client.get("/api/v1/whoami/", headers=bearer(secret))
    assert Token.objects.get().last_used_at == first
    Token.objects.update(last_used_at=first - timedelta(minutes=10))
    client.get("/api/v1/whoami/", headers=bearer(secret))
    assert Token.objects.get().last_used_at > first - timedelta(minutes=1)


def test_tokens_are_listed_by_key(client, ada):
    secret = make_token(ada)
    for number in range(3):
        make_token(ada, name=f"token {number}")
    make_token(make_user())
    first = client.get("/api/v1/tokens/?limit=3", headers=bearer(secret)).json()
    assert [token["name"] for token in first["results"]] == ["token 2", "token 1", "token 0"]
    rest = client.get(first["next"], headers=bearer(secret)).json()
    assert [token["name"] for token in rest["results"]] == ["test"]
    assert "secret" not in str(first)


def test_a_session_makes_a_token(client, ada):
    client.force_login(ada)
    asked = {"name": "cluster", "scopes": ["write"], "expires_days": 30}
    made = client.post("/api/v1/tokens/", asked, content_type="application/json")
    assert made.status_code == 201
    assert client.get("/api/v1/whoami/", headers=bearer(made.json()["secret"])).json()["token"]["scopes"] == ["write"]


def test_a_session_without_proof_against_forgery_makes_none(ada):
    client = Client(enforce_csrf_checks=True)
    client.force_login(ada)
    answer = client.post("/api/v1/tokens/", {"name": "x"}, content_type="application/json")
    assert answer.status_code == 403
    assert not Token.objects.exists()


@pytest.mark.parametrize("scope", ["read", "write", "review"])
def test_a_token_cannot_make_a_token(client, ada, scope):
    answer = client.post(
        "/api/v1/tokens/", {"name": "x"}, content_type="application/json", headers=bearer(make_token(ada, scope))
    )
    assert (answer.status_code, answer.json()["code"]) == (403, "accounts.token_cannot_make_tokens")
    assert answer.json()["reasons"][0]["lifted_by"] == "You, by signing in with your password"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({}, "name"),
        ({"name": "x", "scopes": ["admin"]}, "scopes"),
        ({"name": "x", "scopes": []}, "scopes"),
        ({"name": "x", "expires_days": 366}, "expires_days"),
        ({"name": "x", "expires_days": "soon"}, "expires_days"),
        ({"name": " "}, "name"),
    ],
)
def test_a_faulty_token_names_its_field(client, ada, asked, field):
    client.force_login(ada)
    answer = client.post("/api/v1/tokens/", asked, content_type="application/json")
    assert answer.status_code == 422
    assert field in {reason.get("field") for reason in answer.json()["reasons"]}


def test_a_token_may_end_itself_but_no_other_without_the_scope(client, ada):
    reading, other = make_token(ada, "read"), make_token(ada, "read")
    mine, another = Token.objects.order_by("pk")
    refused = client.post(f"/api/v1/tokens/{another.pk}/revoke/", headers=bearer(reading))
    assert (refused.status_code, refused.json()["code"]) == (403, "accounts.scope_missing")
    ended = client.post(f"/api/v1/tokens/{mine.pk}/revoke/", headers=bearer(reading))
    assert ended.status_code == 200
    assert ended.json()["revoked_at"]
    assert client.get("/api/v1/whoami/", headers=bearer(reading)).status_code == 401
    assert client.get("/api/v1/whoami/", headers=bearer(other)).status_code == 200


def test_a_token_of_somebody_else_does_not_exist(client, ada):
    make_token(make_user())
    strange = Token.objects.get()
    answer = client.post(f"/api/v1/tokens/{strange.pk}/revoke/", headers=bearer(make_token(ada)))
    assert (answer.status_code, answer.json()["code"]) == (404, "accounts.no_such_token")
