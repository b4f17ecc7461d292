"""Reads of single tensors, straight out of the reports of validated files: the database searches, sorts and adds up,
so that a page of a checkpoint with a million tensors loads a page of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import connection

from registry.models import Checkpoint

SHOWN = 100
ORDERS = {
    "name": "name ASC, path ASC",
    "size": "size_bytes DESC, name ASC",
    "dtype": "dtype ASC, name ASC",
    "file": "path ASC, name ASC",
}
_ROWS = """
    SELECT f.path AS path, t->>'name' AS name, t->>'dtype' AS dtype, t->'shape' AS shape,
           (t->>'elements')::bigint AS elements, (t->>'size_bytes')::bigint AS size_bytes,
           t->'low' AS low, t->'high' AS high, (t->>'zeros')::bigint AS zeros,
           (t->>'nans')::bigint AS nans, (t->>'infinities')::bigint AS infinities
    FROM registry_checkpointfile f
    JOIN registry_fileinspection i ON i.blob_id = f.blob_id AND i.path = f.path AND i.rules_version = %s
    CROSS JOIN LATERAL jsonb_array_elements(COALESCE(i.report->'tensors', '[]'::jsonb)) t
    WHERE f.checkpoint_id = %s
"""
# A block by its number (`model.layers.7`), else the module: the name without its last word.
_GROUP = r"""
    CASE WHEN name ~ '\.\d+\.' THEN substring(name from '^(.*?\.\d+)\.') ELSE regexp_replace(name, '\.[^.]*$', '') END
"""


@dataclass(frozen=True, slots=True)
class Tensors:
    """Some of the tensors of a checkpoint, and how many there are."""

    rows: list[dict[str, Any]]
    found: int

    @property
    def hidden(self) -> int:
        """How many were found but are not among the rows."""
        return self.found - len(self.rows)


def tensors(checkpoint: Checkpoint, rules_version: str, *, search: str = "", order: str = "name") -> Tensors:
    """The first tensors whose names hold the words, in one of `ORDERS`; one query."""
    statement = f"""
        SELECT *, count(*) OVER () AS found FROM ({_ROWS}) t
        WHERE strpos(lower(name), lower(%s)) > 0 ORDER BY {ORDERS[order]} LIMIT {SHOWN}
    """  # noqa: S608 - only names from this module are put in
    rows = _read(statement, [rules_version, checkpoint.pk, search])
    return Tensors(rows, rows[0]["found"] if rows else 0)


def groups(checkpoint: Checkpoint, rules_version: str) -> list[tuple[str, int]]:
    """Bytes of each block or module, largest first."""
    statement = f"""
        SELECT {_GROUP} AS part, sum(size_bytes)::bigint AS size_bytes FROM ({_ROWS}) t GROUP BY part ORDER BY 2 DESC
    """  # noqa: S608 - as above
    return [(row["part"], row["size_bytes"]) for row in _read(statement, [rules_version, checkpoint.pk])]


def by_dtype(checkpoint: Checkpoint, rules_version: str) -> list[tuple[str, int]]:
    """Bytes of each data type, largest first."""
    statement = f"""
        SELECT dtype, sum(size_bytes)::bigint AS size_bytes FROM ({_ROWS}) t GROUP BY dtype ORDER BY 2 DESC
    """  # noqa: S608 - as above
    return [(row["dtype"], row["size_bytes"]) for row in _read(statement, [rules_version, checkpoint.pk])]


def _read(statement: str, parameters: list[Any]) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    for row in rows:
        for name in ("shape", "low", "high"):
            if isinstance(row.get(name), str):
                row[name] = json.loads(row[name])
    return rows
