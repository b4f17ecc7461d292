"""Reads of single tensors of validated files: the database searches, sorts and adds up, so that a page of a checkpoint
with 70,000 tensors loads a page of them. Nothing here knows fingerprints; the rows have none."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import F, QuerySet

from registry.models import Checkpoint, FileInspection, Tensor

PAGE = 100
# By which column, and whether the largest comes first where nobody says otherwise.
SORTS = {
    "name": ("sort_key", False),
    "dtype": ("dtype", False),
    "elements": ("elements", True),
    "bytes": ("size_bytes", True),
    "min": ("low", False),
    "max": ("high", True),
    "mean": ("mean", True),
    "rms": ("rms", True),
    "zeros": ("zero_share", True),
}
DEPTH = 4
LARGEST_CELLS = 3000
_CELLS = f"""
    SELECT split_part(rest, '.', 1), split_part(rest, '.', 2), split_part(rest, '.', 3), split_part(rest, '.', 4),
           dtype, min(sort_key), sum(size_bytes)::bigint, sum(elements)::numeric, count(*)
    FROM (
        SELECT substr(translate(name, '/', '.'), %s) AS rest, dtype, sort_key, size_bytes, elements
        FROM registry_tensor
        WHERE inspection_id = ANY(%s) AND starts_with(translate(name, '/', '.'), %s)
    ) named
    GROUP BY 1, 2, 3, 4, 5 ORDER BY 7 DESC LIMIT {LARGEST_CELLS}
"""  # noqa: S608 - a number of this module


@dataclass(frozen=True, slots=True)
class Cell:
    """The tensors below one place in the tree of modules, of one data type."""

    path: tuple[str, ...]
    dtype: str
    sort_key: str
    size_bytes: int
    elements: int
    tensors: int


@dataclass(frozen=True, slots=True)
class Inspected:
    """The inspections of a checkpoint's files under one rule set: paths by the inspection's id."""

    paths: dict[int, str]
    incomplete: frozenset[str]
    without_rows: int
    counts: dict[str, int]
    cells: list[Cell] = field(default_factory=list)

    @property
    def ids(self) -> list[int]:
        """Their ids."""
        return list(self.paths)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which tensors somebody asks for, and in which order."""

    search: str = ""
    dtype: str = ""
    path: str = ""
    sort: str = "name"
    is_reversed: bool = False

    @property
    def is_descending(self) -> bool:
        """Whether the largest comes first."""
        return SORTS[self.sort][1] != self.is_reversed


@dataclass(frozen=True, slots=True)
class OfDtype:
    """All tensors of one data type together."""

    dtype: str
    tensors: int
    elements: int
    size_bytes: int


def inspected(checkpoint: Checkpoint, rules_version: str) -> Inspected:
    """What was inspected of a checkpoint, with its tensors added up; two queries."""
    files = dict(checkpoint.files.values_list("path", "blob_id"))
    found = FileInspection.objects.filter(
        blob__in=set(files.values()), path__in=list(files), rules_version=rules_version
    ).defer("report")
    own = [row for row in found if files.get(row.path) == row.blob_id]
    return Inspected(
        paths={row.pk: row.path for row in own},
        incomplete=frozenset(row.path for row in own if not row.is_complete),
        without_rows=sum(row.tensor_count is None for row in own),
        counts={row.path: row.tensor_count or 0 for row in own},
        cells=[Cell(tuple(words), *rest) for row in own for words, *rest in row.overview],
    )


def rows(seen: Inspected, wanted: Wanted) -> QuerySet[Tensor]:
    """The tensors that somebody asks for, in order; the last word of the order is unique."""
    ids = [pk for pk, path in seen.paths.items() if not wanted.path or path == wanted.path]
    found = Tensor.objects.filter(inspection__in=ids)
    if wanted.search:
        found = found.filter(name__icontains=wanted.search)
    if wanted.dtype:
        found = found.filter(dtype=wanted.dtype)
    column = F(SORTS[wanted.sort][0])
    ordered = column.desc(nulls_last=True) if wanted.is_descending else column.asc(nulls_last=True)
    return found.order_by(ordered, "sort_key", "id")


def one(seen: Inspected, tensor_id: int) -> Tensor | None:
    """One tensor of the checkpoint."""
    return Tensor.objects.filter(pk=tensor_id, inspection__in=seen.ids).first()


def count(seen: Inspected, wanted: Wanted, found: QuerySet[Tensor]) -> int:
    """How many tensors somebody asks for; asks the database only where they are narrowed by more than their file."""
    if wanted.search or wanted.dtype:
        return found.count()
    return sum(number for path, number in seen.counts.items() if wanted.path in ("", path))


def by_dtype(seen: Inspected) -> list[OfDtype]:
    """Tensors, parameters and bytes of each data type, most bytes first."""
    sums: dict[str, list[int]] = {}
    for cell in seen.cells:
        known = sums.setdefault(cell.dtype, [0, 0, 0])
        known[:] = known[0] + cell.tensors, known[1] + cell.elements, known[2] + cell.size_bytes
    found = [OfDtype(dtype, *amounts) for dtype, amounts in sums.items()]
    return sorted(found, key=lambda row: (-row.size_bytes, row.dtype))


def siblings(seen: Inspected, tensor: Tensor, limit: int = 400) -> list[Tensor]:
    """The same part in all layers: names equal but for their numbers, of the same type and shape; one query."""
    pattern = "".join(r"\d+" if part.isdigit() else _quoted(part) for part in _pieces(tensor.name))
    same = Tensor.objects.filter(inspection__in=seen.ids, dtype=tensor.dtype, shape=tensor.shape)
    return list(same.filter(name__regex=f"^{pattern}$").order_by("sort_key", "id")[:limit])


def cells(seen: Inspected, at: str) -> list[Cell]:
    """The tensors below a module, added up down to four levels below it; one query, none for all modules."""
    if not at:
        return seen.cells
    start = f"{at}."
    with connection.cursor() as cursor:
        cursor.execute(_CELLS, [len(start) + 1, seen.ids, start])
        found = cursor.fetchall()
    return [
        Cell(tuple(part for part in row[:DEPTH] if part), row[4], row[5], int(row[6]), int(row[7]), row[8])
        for row in found
    ]


def _pieces(name: str) -> list[str]:
    return re.findall(r"\d+|\D+", name)


def _quoted(text: str) -> str:
    """Text as PostgreSQL's regular expressions take it literally."""
    return "".join(c if c.isalnum() or c in "_-/ " else f"\\{c}" if c.isascii() else c for c in text)


def as_plain(tensor: Tensor, path: str) -> dict[str, Any]:
    """A tensor as the API tells it."""
    names = ("name", "dtype", "shape", "elements", "size_bytes", "low", "high", "mean", "rms")
    rest = ("zeros", "zero_share", "nans", "infinities")
    return {"id": tensor.pk, "path": path} | {name: getattr(tensor, name) for name in (*names, *rest)}
