"""The part of the command line that compares: what to compare with, fingerprints in files, the table for people.

A file of fingerprints stands for a checkpoint that is not at hand. It is written readable by its owner alone, since
whoever has it can tell whether other weights come from that checkpoint.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from weights.checkpoint import FolderProgress, inspect_file, inspect_folder
from weights.comparison import compare
from weights.findings import Severity, printable
from weights.fingerprints import VERSION
from weights.relations import Comparison, Relation
from weights.report import TOOL, Report, TensorRecord
from weights.terminal import wrapped

FILE_LIMIT_BYTES = 1 << 30
_SHOWN = 20
_ORDER = tuple(Relation)
_SAID = {
    Relation.SAME: "equal weights, whatever their names and files",
    Relation.CAST: "the same weights, rounded to another float type",
    Relation.QUANTIZED: "the same weights, rounded to codes",
    Relation.FINE_TUNED: "weights that come from the same ones by training or another change",
    Relation.PARTIAL: "some of the weights are the other's, some are not",
    Relation.UNRELATED: "no matrix of one is known again in the other",
}


class OtherUnreadableError(OSError):
    """What should be compared with cannot be read; the message is a sentence."""


def write_fingerprints(report: Report, place: Path) -> None:
    """Write what a later comparison needs of this checkpoint into a file that only its owner may read."""
    content = {
        "fingerprints": VERSION,
        "tool": TOOL,
        "manifest_digest": report.manifest_digest,
        "tensors": [record.to_json() for record in report.records],
    }
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(place, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(json.dumps(content) + "\n")


def read_other(place: Path, *, progress: FolderProgress | None = None, threads: int = 2) -> list[TensorRecord]:
    """The tensors of a folder, of a single weights file, or of a file of fingerprints.

    OtherUnreadableError says why there are none.
    """
    try:
        if place.is_dir():
            report = inspect_folder(place, progress=progress, threads=threads)
            records, findings = report.records, report.findings
        elif _is_json(place):
            return _stored(place)
        else:
            single = inspect_file(place, place.name)
            records, findings = single.tensors, single.findings
    except OtherUnreadableError:
        raise
    except OSError as error:
        raise OtherUnreadableError(f"{place}: {error}") from error
    if not records:
        broken = [finding for finding in findings if finding.severity is Severity.BLOCK]
        reason = f": {broken[0].path}: {broken[0].message}" if broken else "."
        raise OtherUnreadableError(f"{place} holds no tensors to compare with{reason}")
    return records


def compare_with(report: Report, others: Sequence[TensorRecord]) -> Comparison:
    """How the checkpoint of `report` relates to those tensors."""
    return compare(report.records, others)


def comparison_table(found: Comparison, other: str, width: int = 100) -> str:
    """The answer for people: the relation, counts by relation, and the tensors that stand out."""
    lines = [
        f"compared {found.relation.value.upper()}: {_SAID[found.relation]}",
        f"         with {printable(other, 200)}",
        f"         {found.shared} of {len(found.tensors)} tensors have a counterpart there: "
        f"{found.shared_share:.1%} of the weights here, {found.other_share:.1%} of the weights there",
    ]
    counts = Counter(tensor.relation for tensor in found.tensors)
    for relation in _ORDER:
        if counts[relation]:
            values = [t.similarity for t in found.tensors if t.relation is relation and t.similarity is not None]
            least = f", similarity {min(values):.4f} or more" if values else ""
            lines.append(f"         {relation.value:<10} {counts[relation]:>6} tensors{least}")
    main = counts.most_common(1)[0][0] if counts else None
    odd = [tensor for tensor in found.tensors if tensor.relation is not main and tensor.proves]
    for tensor in odd[:_SHOWN]:
        partner = f" <- {printable(tensor.other, 60)}" if tensor.other else ""
        part = f" ({tensor.share:.0%} of its rows)" if tensor.other and tensor.share < 0.9999 else ""
        lines.append(f"  {tensor.relation.value:<10} {printable(tensor.name, 60)}{partner}{part}")
    if len(odd) > _SHOWN:
        lines.append(f"  … and {len(odd) - _SHOWN} more; --json has them all")
    if found.missing:
        lines.append(f"         {len(found.missing)} tensors there have no counterpart here")
    return "\n".join(part for line in lines for part in wrapped(line, width, " " * 11))


def _is_json(place: Path) -> bool:
    if not place.is_file():
        raise OtherUnreadableError(f"{place} is neither a folder nor a file.")
    with place.open("rb") as file:
        return file.read(64).lstrip()[:1] == b"{"


def _stored(place: Path) -> list[TensorRecord]:
    if place.stat().st_size > FILE_LIMIT_BYTES:
        raise OtherUnreadableError(f"{place} is too large for a file of fingerprints.")
    try:
        content: Any = json.loads(place.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise OtherUnreadableError(f"{place} is not a file of fingerprints: {error}") from error
    if "fingerprints" not in content:
        if "manifest_digest" in content:
            raise OtherUnreadableError(
                f"{place} is a report without fingerprints; write them with --fingerprints FILE and name that file."
            )
        raise OtherUnreadableError(f"{place} is not a file of fingerprints.")
    if content["fingerprints"] != VERSION:
        raise OtherUnreadableError(f"{place} has fingerprints of version {content['fingerprints']}, not {VERSION}.")
    try:
        return [_record(value) for value in content["tensors"]]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise OtherUnreadableError(f"{place} is not a file of fingerprints: a tensor is not well formed.") from error


def _record(value: dict[str, Any]) -> TensorRecord:
    record = TensorRecord.from_json(value)
    texts = (record.name, record.dtype)
    is_sound = all(isinstance(text, str) for text in texts) and all(
        text is None or isinstance(text, str) for text in (record.digest, record.sample)
    )
    numbers = (record.elements, record.size_bytes, *record.shape)
    if not is_sound or not all(isinstance(number, int) and number >= 0 for number in numbers):
        raise ValueError("not a tensor")
    return record
