"""That content is kept and collected in turn: locks of the database, which those who keep share.

Hashes are divided into as many locks as their first two digits tell apart, since a commit may keep thousands. Whoever
keeps content holds its locks from before it looks into the store until its rows are written; whoever collects takes a
lock alone or not at all, so that nobody who keeps ever waits long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.db import connection

# Any number that no other lock of this database has: the letters "blob".
KIND = 0x626C6F62
BUCKETS = tuple(f"{number:02x}" for number in range(256))


def hold(hashes: Iterable[str]) -> None:
    """Keep these contents from being collected until the transaction ends; waits for whoever collects just then."""
    numbers = sorted({int(sha256[:2], 16) for sha256 in hashes})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock_shared(%s, number) FROM unnest(%s::int[]) AS number", [KIND, numbers]
        )


@contextmanager
def taken(bucket: str) -> Iterator[bool]:
    """The lock of a bucket for whoever collects, until the block ends; False where somebody keeps something there."""
    key = [KIND, int(bucket, 16)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", key)
        (is_taken,) = cursor.fetchone()
    try:
        yield is_taken
    finally:
        if is_taken:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)
