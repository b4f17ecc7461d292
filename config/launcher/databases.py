"""Makes databases and tells whether their schema is the one in this checkout; changes no table itself.

A start that finds everything in place must not load Django for it. After each migration, a stamp is left on the
database: what the files were, and which migrations the database then held.
"""

from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path

import psycopg
from psycopg import sql

from config.launcher.instance import ROOT


def ensure_database(server_url: str, name: str) -> bool:
    """Make the database where it is missing, and say whether it was."""
    with psycopg.connect(server_url, autocommit=True, connect_timeout=5) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return False
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return True


def is_migrated(url: str) -> bool:
    """Whether the stamp on the database fits the files here and the migrations that it holds now."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        found = connection.execute(
            "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()"
        ).fetchone()
        return found is not None and found[0] is not None and found[0] == _stamp(connection)


def is_empty(url: str) -> bool:
    """Whether the database holds no migration yet."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        return _applied(connection) is None


def leave_stamp(url: str) -> None:
    """Note on the database that it is migrated; without the right to do so, the next start just migrates again."""
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as connection:
        statement = sql.SQL("COMMENT ON DATABASE {} IS {}").format(
            sql.Identifier(connection.info.dbname), sql.Literal(_stamp(connection))
        )
        with contextlib.suppress(psycopg.errors.InsufficientPrivilege):
            connection.execute(statement)


def _stamp(connection: psycopg.Connection) -> str:
    return f"migrated {files_digest()} {_applied(connection)}"


def _applied(connection: psycopg.Connection) -> str | None:
    if connection.execute("SELECT to_regclass('django_migrations')").fetchone() == (None,):
        return None
    row = connection.execute(
        "SELECT md5(string_agg(app || '.' || name, ',' ORDER BY app, name)) FROM django_migrations"
    ).fetchone()
    return row[0] if row else None


def files_digest(root: Path = ROOT) -> str:
    """Return a digest of our migrations and, for those of others, of the pinned versions."""
    digest = hashlib.sha256()
    for path in [root / "requirements.txt", *sorted(root.glob("*/migrations/*.py"))]:
        digest.update(f"{path.relative_to(root)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:32]
