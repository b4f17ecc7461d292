"""Empties the test database between tests whose rows are really committed.

Owns how the tables come to be empty. Which tests commit is theirs to say, and the schema is the migrations'.
"""

from __future__ import annotations

from django.db import connection, transaction
from django.test import TransactionTestCase

# What migrating leaves in them belongs to the schema, and Django keeps the numbers of their rows in memory.
KEPT = {"django_content_type", "auth_permission"}
# Dead rows of larger tables would be read again by each test that follows.
LARGE_BYTES = 1 << 20


def empty_quickly() -> None:
    """Let tests that commit end with `empty` where Django would truncate each table, empty or not, with its indexes.

    That and writing content types and permissions anew took longer than most of these tests.
    """
    TransactionTestCase._fixture_teardown = lambda case: empty()


def empty() -> None:
    """Delete all rows, triggers and references unasked, once every transaction that may still write has ended."""
    quoted = [connection.ops.quote_name(name) for name in sorted(_tables())]
    with transaction.atomic(), connection.cursor() as cursor:
        # The lock that truncating takes: a request that nobody waits for anymore leaves no row to the next test.
        cursor.execute(f"LOCK TABLE {', '.join(quoted)} IN ACCESS EXCLUSIVE MODE")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("; ".join(f"DELETE FROM {name}" for name in quoted))
        cursor.execute(
            "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
            " AND pg_relation_size(oid) > %s",
            [LARGE_BYTES],
        )
        large = [name for (name,) in cursor.fetchall()]
    with connection.cursor() as cursor:
        for name in large:
            cursor.execute(f"VACUUM {name}")


def _tables() -> set[str]:
    return {*connection.introspection.django_table_names(only_existing=True, include_views=False)} - KEPT
