"""The page of one's own account, and its tokens."""

import re

import pytest
from django.utils import timezone

from accounts.models import Token
from accounts.roles import Role
from audit.models import Event
from tests.factories import make_member, make_organization, make_token, make_user

pytestmark = pytest.mark.django_db
URL = "/account/"
GOOD = {"name": "cluster", "scopes": ["read", "write"], "expires_days": "30"}


@pytest.fixture
def ada(client):
    user = make_member(make_organization("acme", title="Acme Research"), Role.SAFETY_REVIEWER, "ada")
    client.force_login(user)
    return user


def test_the_page_asks_for_a_session(client):
    answer = client.get(URL)
    assert (answer.status_code, answer["Location"]) == (302, "/sign-in/?next=/account/")


def test_the_page_says_who_one_is_and_what_one_is_where(client, ada):
    page = client.get(URL).content.decode()
    assert "Acme Research" in page
    assert "safety reviewer" in page
    assert "No tokens yet" in page


def test_without_a_role_the_page_says_so(client):
    client.force_login(make_user())
    assert "You hold no role in an organization" in client.get(URL).content.decode()


def test_a_token_is_shown_once_works_and_is_recorded(client, ada):
    answer = client.post(URL, GOOD)
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    (secret,) = set(re.findall(r"imp_[0-9a-f]{40}", answer.content.decode()))
    assert secret not in client.get(URL).content.decode()
    token = Token.objects.get()
    assert (token.scopes, token.secret_sha256) == (["read", "write"], Token.digest_of(secret))
    assert 29 <= (token.expires_at - timezone.now()).days <= 30
    event = Event.objects.get(kind="accounts:token:created")
    assert event.actor_id == ada.pk
    assert secret not in event.body
    asked = client.get("/api/v1/whoami/", headers={"Authorization": f"Bearer {secret}"})
    assert asked.json()["username"] == "ada"


def test_htmx_gets_the_part_alone(client, ada):
    answer = client.post(URL, GOOD, headers={"HX-Request": "true"})
    assert answer.content.lstrip().startswith(b'<div class="stack" id="tokens">')
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": ""}, "This field is required."),
        ({"name": "x" * 101}, "at most 100 characters"),
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["admin"]}, "not one of the available choices"),
        ({"expires_days": "100000"}, "not one of the available choices"),
    ],
)
def test_a_faulty_form_is_shown_again(client, ada, wrong, said):
    answer = client.post(URL, GOOD | wrong)
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not Token.objects.exists()


def test_revoking_takes_effect_at_once(client, ada):
    secret = make_token(ada)
    token = Token.objects.get()
    assert client.post(f"/account/tokens/{token.pk}/revoke/").status_code == 303
    refused = client.get("/api/v1/whoami/", headers={"Authorization": f"Bearer {secret}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "accounts.bad_token")
    assert Event.objects.filter(kind="accounts:token:revoked").count() == 1
    again = client.post(f"/account/tokens/{token.pk}/revoke/")
    assert again.status_code == 404


def test_nobody_revokes_the_token_of_somebody_else(client, ada):
    make_token(make_user())
    token = Token.objects.get()
    assert client.post(f"/account/tokens/{token.pk}/revoke/").status_code == 404
    token.refresh_from_db()
    assert token.revoked_at is None
    assert client.get(f"/account/tokens/{token.pk}/revoke/").status_code == 405


def test_the_page_makes_a_constant_number_of_queries(client, ada, django_assert_max_num_queries):
    for number in range(12):
        make_token(ada, name=f"token {number}")
    with django_assert_max_num_queries(9):
        client.get(URL)
