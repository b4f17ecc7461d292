"""What validation leaves in the database: one report for each content, and its tensors as rows to search and sort.

Owns the two forms of a file's report, and that a content is read once for a rule set. Fingerprints stay in the report;
the rows that pages read have none.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection, transaction

import weights
from registry.models import CheckpointFile, FileInspection
from weights.tensor_values import unit_bytes

# What JSON in Python can hold and the database cannot; the escapes are those of `json.dumps`.
UNSTORABLE = re.compile(r"\\u0000|\\ud[89a-f]|NaN|Infinity")
LONE = re.compile("[\ud800-\udfff]")
LARGEST = (1 << 63) - 1
NUMBER = re.compile(r"\d+")
MODULE_DEPTH = 4
MOST_MODULES = 2000
OTHERS = "others"
COLUMNS = (
    "inspection_id", "position", "name", "sort_key", "dtype", "shape", "elements", "size_bytes",
    "low", "high", "mean", "rms", "zeros", "zero_share", "nans", "infinities",
)  # fmt: skip


def known(files: Sequence[CheckpointFile], *, since: datetime) -> dict[int, FileInspection]:
    """The inspections that there are of files, by the file's id, without their reports; one query.

    One that limits ended counts only where it was made after `since`: whoever asks again wants it tried again.
    """
    rows = FileInspection.objects.filter(
        blob__in={file.blob_id for file in files}, rules_version=weights.RULESET
    ).defer("report")
    found = {(row.blob_id, row.path): row for row in rows if row.is_complete or row.made_at >= since}
    pairs = ((file.pk, found.get((file.blob_id, file.path))) for file in files)
    return {pk: row for pk, row in pairs if row is not None}


def keep(file: CheckpointFile, report: weights.FileReport, *, is_complete: bool, at: datetime) -> None:
    """Write a file's report and tensors, unless somebody else has read the same content meanwhile."""
    stored = storable(report.to_json())
    with transaction.atomic():
        row, is_new = FileInspection.objects.get_or_create(
            blob_id=file.blob_id,
            path=file.path,
            rules_version=weights.RULESET,
            defaults={"report": stored, "is_complete": is_complete, "made_at": at},
        )
        if not is_new:
            row = FileInspection.objects.select_for_update().get(pk=row.pk)
            if row.is_complete:
                return
            # What limits ended may have left the rows of some tensors, or the count of none.
            row.tensors.all().delete()
            row.report, row.is_complete, row.made_at, row.tensor_count = stored, is_complete, at, None
            row.save(update_fields=["report", "is_complete", "made_at", "tensor_count"])
        write_tensors(row, report.tensors)


def reports(rows: Iterable[FileInspection]) -> list[weights.FileReport]:
    """The reports of inspections; tensors that were never written as rows, since they are older than those, are."""
    found = []
    for row in FileInspection.objects.filter(pk__in=[row.pk for row in rows]):
        report = weights.FileReport.from_json(row.report)
        if row.tensor_count is None:
            with transaction.atomic():
                write_tensors(FileInspection.objects.select_for_update().get(pk=row.pk), report.tensors)
        found.append(report)
    return found


def write_tensors(row: FileInspection, tensors: Sequence[weights.TensorRecord]) -> None:
    """Write the tensors of a locked inspection as rows, once; by COPY, since one file may have 70,000."""
    if row.tensor_count is not None:
        return
    with connection.cursor() as cursor:
        statement = f"COPY registry_tensor ({', '.join(COLUMNS)}) FROM STDIN"
        with cursor.copy(statement) as copy:
            for values in _rows(row.pk, tensors):
                copy.write_row(values)
    row.tensor_count, row.overview = len(tensors), overview(tensors)
    row.save(update_fields=["tensor_count", "overview"])


def overview(tensors: Iterable[weights.TensorRecord]) -> list[list[Any]]:
    """Tensors added up by the first four words of their names and their type, most bytes first, so that a picture of
    70,000 tensors reads a few hundred rows: words, type, first sort key, bytes, parameters, tensors."""
    sums: dict[tuple[str, ...], list[Any]] = {}
    for tensor in tensors:
        name = _text(tensor.name)
        words = tuple(name.replace("/", ".").split(".")[:MODULE_DEPTH])
        key = sort_key(name)
        known = sums.setdefault((*words, tensor.dtype), [list(words), tensor.dtype, key, 0, 0, 0])
        known[2] = min(known[2], key)
        known[3] += tensor.size_bytes
        known[4] += tensor.elements
        known[5] += 1
    ranked = sorted(sums.values(), key=lambda row: (-row[3], row[2]))
    kept, rest = ranked[:MOST_MODULES], ranked[MOST_MODULES:]
    others: dict[str, list[Any]] = {}
    for _, dtype, key, *amounts in rest:
        other = others.setdefault(dtype, [[OTHERS], dtype, key, 0, 0, 0])
        other[3:] = [had + more for had, more in zip(other[3:], amounts, strict=True)]
    return kept + list(others.values())


def storable(value: dict[str, Any]) -> dict[str, Any]:
    """The same report without what the database cannot hold: NUL, half characters, numbers that are none.

    These come from hostile files alone, and in texts that no check compares later.
    """
    if not UNSTORABLE.search(json.dumps(value)):
        return value
    return dict(_clean(value))


def sort_key(name: str) -> str:
    """A name by which layer 2 comes before layer 10."""
    return NUMBER.sub(lambda found: found.group().zfill(8), name)


def _rows(inspection_id: int, tensors: Sequence[weights.TensorRecord]) -> Iterator[tuple[Any, ...]]:
    for position, tensor in enumerate(tensors):
        name = _text(tensor.name)
        units = tensor.size_bytes // unit_bytes(tensor.dtype) or 1
        yield (
            inspection_id,
            position,
            name,
            sort_key(name),
            tensor.dtype,
            [min(size, LARGEST) for size in tensor.shape],
            min(tensor.elements, LARGEST),
            min(tensor.size_bytes, LARGEST),
            *(_number(getattr(tensor, field, None)) for field in ("low", "high", "mean", "rms")),
            min(tensor.zeros, LARGEST),
            min(1.0, tensor.zeros / units),
            min(tensor.nans, LARGEST),
            min(tensor.infinities, LARGEST),
        )


def _number(value: float | int | None) -> float | None:
    if value is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def _text(text: str) -> str:
    return LONE.sub("\ufffd", text.replace("\0", "\u2400"))


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {_text(str(key)): _clean(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item) for item in value]
    return value
