"""Haste is slowed down, in words that the client understands; losing the count stops nobody."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from huggingface_hub.utils._http import parse_ratelimit_headers

from tests.integration.hub.people import Person, person

pytestmark = pytest.mark.django_db


@pytest.fixture
def somebody(settings) -> Person:
    """Somebody with a token, where three requests are allowed, and two from an address without one."""
    settings.REQUESTS_PER_TOKEN, settings.REQUESTS_PER_ADDRESS = 3, 2
    cache.clear()
    return person("http://testserver")


def ask(address: str = "192.0.2.1", secret: str = "", path: str = "/api/models"):
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    return Client(headers=headers).get(path, REMOTE_ADDR=address)


def test_a_token_is_counted_wherever_it_comes_from(somebody: Person) -> None:
    answers = [ask(f"192.0.2.{number}", somebody.secret).status_code for number in range(4)]
    assert answers == [200, 200, 200, 429]
    assert ask("192.0.2.9", person("http://testserver").secret).status_code == 200
    assert ask("192.0.2.9").status_code == 200


def test_the_client_is_told_how_long_to_wait(somebody: Person) -> None:
    for _ in range(3):
        answer = ask()
    assert answer.status_code == 429 and "Go on in" in answer["X-Error-Message"]
    read = parse_ratelimit_headers(answer.headers)
    assert read is not None and read.remaining == 0 and read.limit == 2 and read.window_seconds == 300
    assert 0 < read.reset_in_seconds <= 300 and int(answer["Retry-After"]) == read.reset_in_seconds


def test_tokens_that_open_nothing_count_for_their_address(somebody: Person) -> None:
    assert [ask(secret=f"imp_{number}").status_code for number in range(3)] == [401, 401, 429]


def test_uploads_own_addresses_are_not_counted(somebody: Person) -> None:
    client = Client()
    assert {client.put("/api/hub/uploads/x:y:z", REMOTE_ADDR="192.0.2.1").status_code for _ in range(4)} == {403}


@pytest.mark.parametrize(
    ("path", "status"), [("/api/datasets", 404), ("/api/repos/create", 405), ("/api/nothing-here", 404)]
)
def test_what_is_not_here_is_counted_as_well(somebody: Person, path: str, status: int) -> None:
    assert [ask(path=path).status_code for _ in range(3)] == [status, status, 429]


def test_what_the_xet_client_asks_before_each_xorb_is_not_counted(somebody: Person) -> None:
    path = "/api/xet/store/lab/v1/xorb-grants/default/0"
    assert {Client().post(path, REMOTE_ADDR="192.0.2.1").status_code for _ in range(4)} == {404}


@pytest.mark.usefixtures("nobody_counts")
def test_nobody_is_limited_where_nobody_can_count(somebody: Person) -> None:
    assert {ask().status_code for _ in range(4)} == {200}
