"""Connections prepare what is run often, and a connection that was ended is noticed before it is used."""

from __future__ import annotations

import pytest
from django.db import close_old_connections, connection
from django.test.utils import CaptureQueriesContext

from gating.selectors import visible_variant
from tests.factories import make_organization, make_user, make_variant

PREPARED = "SELECT statement FROM pg_prepared_statements WHERE statement LIKE '%%gating_grant%%'"


@pytest.mark.django_db
def test_a_statement_is_parsed_once_for_each_connection() -> None:
    variant = make_variant(make_organization("acme", is_direct_control=True), "nano", is_private=False)
    for name in ("ada", "grace", "edith"):
        _, access = visible_variant(make_user(name), variant.repo_id)
        assert not access.is_member
    with connection.cursor() as cursor:
        cursor.execute(PREPARED)
        assert len(cursor.fetchall()) == 1


@pytest.mark.django_db
def test_what_was_prepared_is_shown_with_its_values() -> None:
    with CaptureQueriesContext(connection) as asked, connection.prepared_cursor() as cursor:
        cursor.execute("SELECT %s::int + 1", [41])
        assert cursor.fetchone() == (42,)
    assert asked.captured_queries[0]["sql"] == "SELECT 41::int + 1"


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_the_server_ended_is_opened_anew() -> None:
    before = number()
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [before])
    other.close()
    close_old_connections()  # what happens before each request
    assert number() != before


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_stands_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    before = number()
    close_old_connections()
    monkeypatch.setattr(connection.connection, "cursor", None)
    assert connection.is_usable()
    monkeypatch.undo()
    assert number() == before


def number() -> int:
    """Of the server's process behind the connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return cursor.fetchone()[0]
