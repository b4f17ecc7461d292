"""A validation report as its pages show it: verdict first, findings by severity and check, files, tensors, bytes.

Reports are data that a tool wrote about untrusted files: everything in them is read with a default and shown escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from registry.models import Evidence
from release.selectors.tensors import SORTS, Inspected, Wanted
from web.tones import SEVERITIES, Status, Tone
from weights import CHECKS

SHOWN_PLACES = 6
PAGE_PLACES = 100
ORDER = ("block", "warn", "note")
HEADINGS = {
    "block": "Blocks a release",
    "warn": "Has to be accepted by a named person",
    "note": "Worth knowing",
}
VERDICTS = {
    "pass": (Status("Pass", Tone.SUCCESS), "Nothing was found that stands against a release."),
    "warn": (Status("Warning", Tone.WARNING), "Nothing blocks a release; some findings have to be accepted."),
    "block": (Status("Blocked", Tone.DANGER, "circle-x"), "It may not be released as it is."),
}
COLUMNS = (
    ("name", "Tensor", False), ("dtype", "Type", False), ("", "Shape", False), ("elements", "Parameters", True),
    ("bytes", "Size", True), ("min", "Lowest", True), ("max", "Highest", True), ("mean", "Mean", True),
    ("rms", "RMS", True), ("zeros", "Zero", True),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """One finding: where it is and what it says."""

    check: str
    severity: str
    path: str
    message: str
    tensor: str = ""
    offset: int | None = None
    evidence: str = ""

    @property
    def status(self) -> Status:
        """Its severity as it is shown."""
        return SEVERITIES[self.severity]


@dataclass(frozen=True, slots=True)
class OfCheck:
    """All findings of one check: what it means, what to do, and the places."""

    check: str
    title: str
    meaning: str
    fix: str
    severity: str
    count: int
    places: list[Found]

    @property
    def status(self) -> Status:
        """Its severity as it is shown."""
        return SEVERITIES[self.severity]

    @property
    def hidden(self) -> int:
        """How many places are not shown."""
        return self.count - len(self.places)


@dataclass(frozen=True, slots=True)
class OfSeverity:
    """The checks of one severity that found something."""

    severity: str
    heading: str
    count: int
    checks: list[OfCheck]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a viewer narrows the findings to; empty words narrow nothing."""

    severity: str = ""
    check: str = ""
    path: str = ""
    after: int = 0

    def keep(self, one: Found) -> bool:
        """Whether a finding is wanted."""
        return self.severity in ("", one.severity) and self.check in ("", one.check) and self.path in ("", one.path)


@dataclass(frozen=True, slots=True)
class Pages:
    """One page of a numbered list, and the addresses around it."""

    start: int
    end: int
    total: int
    newer: str = ""
    older: str = ""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file of the report with what was found in it."""

    path: str
    size_bytes: int
    sha256: str
    tensors: int
    is_complete: bool
    counts: list[tuple[Status, int]] = field(default_factory=list)


def findings(evidence: Evidence | None) -> list[Found]:
    """The findings of a report, as far as they can be read."""
    given = evidence.report.get("findings") if evidence else []
    return [_found(one) for one in given if isinstance(one, Mapping)] if isinstance(given, list) else []


def verdict(evidence: Evidence, found: Sequence[Found]) -> dict[str, Any]:
    """The head of the page: one word, one sentence, and the counts."""
    report = evidence.report
    status, sentence = VERDICTS.get(str(report.get("verdict")), VERDICTS["block"])
    counts = Counter(one.severity for one in found)
    names = ("files", "tensors", "parameters", "bytes")
    return {
        "status": status,
        "sentence": sentence,
        "counts": [(severity, SEVERITIES[severity], counts[severity]) for severity in ORDER if counts[severity]],
        "facts": {name: report[name] if isinstance(report.get(name), int) else None for name in names},
        "seconds": report.get("seconds") if isinstance(report.get("seconds"), int | float) else None,
    }


def grouped(found: Iterable[Found], filters: Filters) -> list[OfSeverity]:
    """Findings by severity, then by check; with one check chosen, a page of its places."""
    by_check: dict[tuple[str, str], list[Found]] = {}
    for one in found:
        if filters.keep(one):
            by_check.setdefault((one.severity, one.check), []).append(one)
    begin, size = (filters.after, PAGE_PLACES) if filters.check else (0, SHOWN_PLACES)
    sections = []
    for severity in ORDER:
        checks = [_of_check(check, places, begin, size) for (of, check), places in by_check.items() if of == severity]
        if checks:
            total = sum(check.count for check in checks)
            sections.append(OfSeverity(severity, HEADINGS[severity], total, checks))
    return sections


def choices(found: Iterable[Found]) -> dict[str, Any]:
    """What the findings can be narrowed to, with counts."""
    found = list(found)
    checks, paths = Counter(one.check for one in found), Counter(one.path for one in found)
    severities = Counter(one.severity for one in found)
    return {
        "severities": [(one, SEVERITIES[one].label, severities[one]) for one in ORDER if severities[one]],
        "checks": sorted(checks.items()),
        "paths": sorted(paths.items()),
    }


def files(evidence: Evidence, seen: Inspected, found: Iterable[Found]) -> list[FileRow]:
    """The files of the report, those with the gravest findings first, then by path."""
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one.path, Counter())[one.severity] += 1
    manifest = evidence.report.get("manifest")
    rows = []
    for entry in manifest if isinstance(manifest, list) else []:
        path = str(entry.get("path"))
        own = counts.get(path, Counter())
        shown = [(SEVERITIES[severity], own[severity]) for severity in ORDER if own[severity]]
        rows.append(
            FileRow(
                path, int(entry.get("size_bytes", 0)), str(entry.get("sha256")), seen.counts.get(path, 0),
                path not in seen.incomplete, shown,
            )
        )  # fmt: skip
    return sorted(rows, key=lambda row: ([-counts.get(row.path, Counter())[one] for one in ORDER], row.path))


def pages(total: int, start: int, size: int, address: Mapping[str, Any]) -> Pages:
    """The page that begins at `start`, with addresses that keep the rest of the query."""
    end = min(total, start + size)
    newer = f"?{urlencode({**address, 'after': max(0, start - size)})}" if start else ""
    older = f"?{urlencode({**address, 'after': end})}" if end < total else ""
    return Pages(start + 1 if total else 0, end, total, newer, older)


def headers(wanted: Wanted, address: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The columns of the tensor browser: each says how it sorts now and where a click leads."""
    shown = []
    for name, label, is_number in COLUMNS:
        is_current = bool(name) and name == wanted.sort
        turned = is_current and not wanted.is_reversed
        query = {**address, "sort": name, **({"reverse": "1"} if turned else {})}
        direction = ("descending" if wanted.is_descending else "ascending") if is_current else ""
        shown.append(
            {
                "label": label,
                "is_number": is_number,
                "direction": direction,
                "url": f"?{urlencode(query)}" if name in SORTS else "",
            }
        )
    return shown


def _of_check(check: str, places: list[Found], begin: int, size: int) -> OfCheck:
    known = CHECKS.get(check)
    return OfCheck(
        check=check,
        title=known.title if known else "A check of an earlier rule set",
        meaning=known.meaning if known else "",
        fix=known.fix if known else "",
        severity=places[0].severity,
        count=len(places),
        places=places[begin : begin + size],
    )


def _found(given: Mapping[str, Any]) -> Found:
    words = {name: str(given.get(name) or "")[:1000] for name in ("check", "path", "message", "tensor", "evidence")}
    severity, offset = given.get("severity"), given.get("offset")
    return Found(
        **words,
        severity=severity if severity in ORDER else "note",
        offset=offset if isinstance(offset, int) else None,
    )
