"""Between tests that commit, every row goes and what guards the rows stays."""

from __future__ import annotations

import pytest
from django.contrib.contenttypes.models import ContentType
from django.db import DatabaseError, connection, transaction

from accounts.models import User
from audit.models import Event
from tests import emptying
from tests.factories import make_lab

pytestmark = pytest.mark.django_db(transaction=True)


def ask(statement: str) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return cursor.fetchone()[0]


def test_every_row_goes_and_content_types_stay(monkeypatch):
    monkeypatch.setattr(emptying, "LARGE_BYTES", 8000)  # so that what was written counts as large
    before = list(ContentType.objects.order_by("pk").values_list())
    make_lab("acme")
    assert Event.objects.exists() and ask("SELECT pg_relation_size('audit_event')") > 8000
    emptying.empty()
    left = [name for name in emptying._tables() if ask(f'SELECT EXISTS (SELECT FROM "{name}")')]
    assert left == []
    assert list(ContentType.objects.order_by("pk").values_list()) == before


def test_triggers_and_references_are_asked_again_afterwards():
    make_lab("acme")
    emptying.empty()
    assert ask("SHOW session_replication_role") == "origin"
    make_lab("acme")
    with pytest.raises(DatabaseError, match="Cannot delete"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("DELETE FROM audit_event")
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f'DELETE FROM "{User._meta.db_table}"')


def test_a_transaction_that_may_still_write_is_waited_for(request):
    """A request whose client went away leaves nothing to the next test."""
    other = connection.copy()
    request.addfinalizer(other.close)
    other.set_autocommit(False)
    with other.cursor() as cursor:
        cursor.execute('SELECT count(*) FROM "accounts_user"')
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
        with pytest.raises(DatabaseError, match="lock timeout"):
            emptying.empty()
        cursor.execute("RESET lock_timeout")
    other.rollback()
    emptying.empty()
