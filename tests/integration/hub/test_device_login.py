"""Logging in a program by a browser: the real client waits, its person confirms, and one token is given once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from huggingface_hub import HfApi, constants
from huggingface_hub.errors import DeviceCodeError
from huggingface_hub.utils._oauth_device import poll_device_token, refresh_access_token, request_device_code

from accounts.models import Token
from audit.models import Event
from hub.models import DeviceLogin
from hub.services import device_logins

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def begun(server, monkeypatch: pytest.MonkeyPatch) -> dict:
    """What the client was given when it began."""
    monkeypatch.setattr(constants, "ENDPOINT", server.url)
    return request_device_code()


@pytest.fixture
def browser(person) -> Client:
    """Somebody's browser, signed in."""
    somebody = person()
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(somebody.user)
    client.somebody = somebody.user
    return client


def test_a_confirmed_program_acts_as_its_person_and_within_the_chosen_scopes(server, begun, browser) -> None:
    assert begun["verification_uri_complete"] == f"{server.url}/account/device/?code={begun['user_code']}"
    page = browser.get("/account/device/", {"code": begun["user_code"].lower().replace("-", " ")})
    assert begun["user_code"] in page.text and "127.0.0.1" in page.text and "python-httpx2" in page.text
    assert browser.post("/account/device/", {"code": begun["user_code"]}).status_code == 422, (
        "nothing may be chosen for them"
    )
    done = browser.post("/account/device/", {"code": begun["user_code"], "scopes": ["read", "write"]})
    assert done.status_code in {302, 303}
    given = poll_device_token(begun)
    assert given["expires_in"] == 30 * 86_400 and "refresh_token" not in given
    me = HfApi(endpoint=server.url, token=given["access_token"]).whoami()
    assert (me["name"], me["auth"]["accessToken"]["role"]) == (browser.somebody.username, "write")
    assert me["auth"]["accessToken"]["displayName"].startswith("hf auth login")
    with pytest.raises(DeviceCodeError, match="invalid_grant"):
        poll_device_token(begun)
    assert Token.objects.filter(user=browser.somebody, name__startswith="hf auth").count() == 1
    assert Event.objects.filter(kind="hub:device_login:confirmed", actor_id=browser.somebody.pk).exists()
    assert "no longer" in browser.get("/account/device/", {"code": begun["user_code"]}).text
    with pytest.raises(DeviceCodeError, match="not renewed"):
        refresh_access_token("anything")


def test_a_program_that_is_turned_away_or_too_late_is_told_so(begun, browser) -> None:
    browser.post("/account/device/", {"code": begun["user_code"], "deny": "1"})
    with pytest.raises(DeviceCodeError, match="denied"):
        poll_device_token(begun)
    late = request_device_code()
    DeviceLogin.objects.filter(decided_at=None).update(expires_at=timezone.now() - timedelta(seconds=1))
    with pytest.raises(DeviceCodeError, match="expired"):
        poll_device_token(late)
    assert browser.post("/account/device/", {"code": late["user_code"], "scopes": ["read"]}).status_code == 422


def test_asking_too_soon_is_slowed_down_and_unknown_codes_open_nothing(begun) -> None:
    answers = [device_logins.redeem(device_code=begun["device_code"]).error for _ in range(2)]
    assert answers == ["authorization_pending", "slow_down"]
    assert device_logins.redeem(device_code="").error == "invalid_grant"


def test_codes_cannot_be_tried_one_after_another(begun, browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_logins, "GUESSES", 3)
    answers = [browser.get("/account/device/", {"code": "BBBBBBBB"}).status_code for _ in range(4)]
    assert answers == [422, 422, 422, 429]
    assert browser.get("/account/device/", {"code": begun["user_code"]}).status_code == 429


def test_nobody_confirms_without_signing_in(begun) -> None:
    answer = Client(headers={"host": "127.0.0.1"}).get("/account/device/", {"code": begun["user_code"]})
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/?next=/account/device/")
