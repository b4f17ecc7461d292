"""The sign-in page: the happy path, then each refusal."""

import threading

import pytest
from django.contrib.auth import get_user
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts import signing_in
from audit.models import Event
from tests.factories import make_user

pytestmark = pytest.mark.django_db
URL = "/sign-in/"


@pytest.fixture(autouse=True)
def fresh_counters():
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def ada():
    return make_user("ada", full_name="Ada Okafor")


def sign_in(client, username="ada", password="password", **more):
    return client.post(URL, {"username": username, "password": password, **more}, headers=more.pop("headers", {}))


def test_the_page_asks_for_name_and_password(client):
    answer = client.get(URL)
    assert answer.status_code == 200
    assert b'autocomplete="current-password"' in answer.content
    assert "no-store" in answer["Cache-Control"]
    assert reverse("accounts:sign-in") == URL


def test_the_right_password_opens_a_session_and_is_recorded(client, ada):
    answer = sign_in(client)
    assert (answer.status_code, answer["Location"]) == (303, "/")
    assert get_user(client) == ada
    event = Event.objects.get(kind="accounts:session:opened")
    assert (event.actor_id, event.subject) == (ada.pk, f"accounts.user:{ada.pk}")


@pytest.mark.parametrize(
    ("given", "leads_to"),
    [
        ("/account/?after=3", "/account/?after=3"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_next_leads_only_to_this_host(client, ada, given, leads_to):
    assert sign_in(client, next=given)["Location"] == leads_to


def test_who_is_signed_in_is_led_on(client, ada):
    client.force_login(ada)
    assert client.get(URL, {"next": "/account/"})["Location"] == "/account/"


def test_the_session_gets_a_new_key(client, ada):
    client.get(URL)
    client.session["planted"] = "1"
    session = client.session
    session["planted"] = "1"
    session.save()
    client.cookies["imprimatur_session"] = planted = session.session_key
    sign_in(client)
    assert client.session.session_key != planted


@pytest.mark.parametrize(("username", "password"), [("ada", "wrong"), ("nobody", "password"), ("Ada", "password")])
def test_a_wrong_name_and_a_wrong_password_are_answered_alike(client, ada, username, password):
    answer = sign_in(client, username, password)
    assert answer.status_code == 422
    assert b"There is no open account with this user name and password" in answer.content
    assert b'value="wrong"' not in answer.content
    assert get_user(client).is_anonymous


def test_an_inactive_user_is_answered_like_an_unknown_one(client, ada):
    ada.is_active = False
    ada.save(update_fields=["is_active"])
    assert b"There is no open account" in sign_in(client).content


def test_an_account_without_password_cannot_sign_in(client):
    make_user("robot", password=None, is_service=True)
    assert sign_in(client, "robot", "").status_code == 422
    assert sign_in(client, "robot", "!").status_code == 422


def test_empty_fields_are_named(client):
    answer = sign_in(client, "", "")
    assert answer.status_code == 422
    assert answer.content.count(b"This field is required.") >= 2


def test_a_form_from_elsewhere_is_refused(ada):
    assert sign_in(Client(enforce_csrf_checks=True)).status_code == 403


def test_repeated_failures_pause_this_name_from_this_address(client, ada):
    for _ in range(signing_in.FAILURES_PER_NAME_AND_ADDRESS):
        assert sign_in(client, password="wrong").status_code == 422
    paused = sign_in(client)
    assert paused.status_code == 429
    assert paused["Retry-After"] == "900"
    assert b"not even the right password" in paused.content
    assert b"Can be lifted by: You, by waiting" in paused.content
    assert get_user(client).is_anonymous
    # once, however often it is tried on
    sign_in(client)
    event = Event.objects.get(kind="accounts:sign_in:paused")
    assert event.subject == f"accounts.user:{ada.pk}"
    assert event.actor_name == "system"
    assert "127.0.0.1" not in event.body


def test_another_name_and_another_address_are_not_paused(client, ada):
    make_user("ben")
    for _ in range(signing_in.FAILURES_PER_NAME_AND_ADDRESS + 1):
        sign_in(client, password="wrong")
    assert sign_in(client, "ben").status_code == 303
    elsewhere = Client(REMOTE_ADDR="127.0.0.2")
    assert sign_in(elsewhere).status_code == 303


def test_many_names_from_one_address_pause_the_address(client, ada, monkeypatch):
    monkeypatch.setattr(signing_in, "FAILURES_PER_ADDRESS", 3)
    for number in range(3):
        assert sign_in(client, f"name-{number}", "wrong").status_code == 422
    assert sign_in(client).status_code == 429


def test_success_forgives_the_failures_before_it(client, ada):
    for _ in range(3):
        for _ in range(signing_in.FAILURES_PER_NAME_AND_ADDRESS - 1):
            sign_in(client, password="wrong")
        assert sign_in(client).status_code == 303


def test_behind_a_proxy_the_address_is_the_one_that_the_proxy_saw(rf, settings):
    request = rf.get("/", HTTP_X_FORWARDED_FOR="6.6.6.6, 10.1.1.1", REMOTE_ADDR="172.16.0.1")
    assert signing_in.address_of(request) == "172.16.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert signing_in.address_of(request) == "10.1.1.1"


@pytest.mark.usefixtures("nobody_counts")
def test_where_nobody_can_count_nobody_is_locked_out(client, ada):
    for _ in range(signing_in.FAILURES_PER_NAME_AND_ADDRESS + 1):
        assert sign_in(client, password="wrong").status_code == 422
    assert sign_in(client).status_code == 303


def test_sign_out_ends_the_session_and_only_answers_forms(client, ada):
    client.force_login(ada)
    assert client.get("/sign-out/").status_code == 405
    answer = client.post("/sign-out/")
    assert (answer.status_code, answer["Location"]) == (303, URL)
    assert get_user(client).is_anonymous


@pytest.mark.django_db(transaction=True)
def test_a_burst_of_guesses_is_counted_before_it_is_checked(monkeypatch):
    """Simultaneous guesses must not all be checked because none had failed yet when they came."""
    make_user("ada")
    checked, together = [], threading.Barrier(12)
    monkeypatch.setattr(signing_in, "authenticate", lambda request, **given: checked.append(given))

    def guess():
        from django.db import connection

        together.wait(10)
        sign_in(Client(), password="wrong")
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(12)]
    [thread.start() for thread in threads]
    [thread.join(20) for thread in threads]
    assert len(checked) == signing_in.FAILURES_PER_NAME_AND_ADDRESS
