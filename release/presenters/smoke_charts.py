"""The drawings of a smoke report: columns around zero for blocks, bars side by side for everything else. Pure geometry.

Owns what is drawn from which measurement, and leaves out what was not measured.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.inference import record
from web.formatting import size

WIDTH, HEIGHT = 640.0, 150.0
MOST_BLOCKS = 128
LANGUAGES = {
    "ar": "Arabic",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "ja": "Japanese",
    "ko": "Korean",
    "pt": "Portuguese",
    "ru": "Russian",
    "zh": "Chinese",
    "code": "Code",
}
STAGES = {
    "plan": "Planning",
    "process": "Starting the confined process",
    "start": "Importing the engine",
    "tensors": "Reading tensors",
    "load": "Loading and quantizing",
    "repeat": "Measuring what must repeat",
    "likelihood": "Scoring the probe",
    "blocks": "Turning blocks down",
    "repairs": "Trying repairs",
    "generate": "Writing from prompts",
    "representations": "Reading sentences",
    "agreement": "Comparing with full precision",
    "end": "Ending the process",
    "rest": "The rest",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One bar: its words, its amount in words, its share of the width, and whether it stands out."""

    label: str
    value: str
    width: float
    is_other: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """Bars side by side, longest full."""

    title: str
    rows: list[Row]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One block: where its two columns stand."""

    label: str
    skip: float
    damping: float | None
    x: float
    width: float
    skip_y: float
    skip_height: float
    damping_y: float
    damping_height: float


@dataclass(frozen=True, slots=True)
class Columns:
    """The blocks of a model, above and below the line of no change."""

    columns: list[Column]
    zero: float
    high: float
    low: float
    note: str
    width: float = WIDTH
    height: float = HEIGHT


def bars(report: Mapping[str, Any]) -> list[Rows]:
    """Every chart of bars that the report has figures for."""
    return [chart for chart in (memory(report), languages(report), time(report)) if chart.rows]


def memory(report: Mapping[str, Any]) -> Rows:
    """What was planned beside what was measured, and what was free."""
    planned = record.number(report, "measurements", "memory", "planned_bytes") or record.number(
        report, "plan", "peak_bytes"
    )
    pairs = [
        ("Planned at most", planned, True),
        ("Measured at most", record.number(report, "measurements", "memory", "peak_bytes"), False),
        ("Measured on the host", record.number(report, "measurements", "memory", "host_peak_bytes"), False),
        ("Weights as stored", record.number(report, "plan", "stored_bytes"), True),
    ]
    return _rows("Memory", [(label, value, size(int(value)), other) for label, value, other in pairs if value])


def languages(report: Mapping[str, Any]) -> Rows:
    """Bits per byte of each language that was read."""
    found = record.at(report, "measurements", "languages")
    if isinstance(found, Mapping):
        items = list(found.items())
    else:
        items = [(record.text(one, "language") or record.text(one, "name"), one) for one in _list(found)]
    pairs = []
    for name, one in items:
        bits = one if isinstance(one, int | float) else record.number(one, "bits_per_byte")
        if name and bits is not None and not isinstance(bits, bool):
            pairs.append((LANGUAGES.get(str(name), str(name)[:40]), float(bits), f"{bits:.2f}", False))
    return _rows("Bits per byte by language", sorted(pairs, key=lambda pair: pair[1]))


def time(report: Mapping[str, Any]) -> Rows:
    """What the seconds are made of, added up over the starts."""
    spent: dict[str, float] = {}
    for part in record.listed(report, "breakdown"):
        seconds, stage = record.number(part, "seconds"), record.text(part, "stage")
        if seconds is not None and stage:
            spent[stage] = spent.get(stage, 0.0) + seconds
    pairs = [(_stage(stage), seconds, f"{seconds:.1f} s", False) for stage, seconds in spent.items() if seconds > 0]
    starts = len(record.listed(report, "starts"))
    note = f"Added up over {starts} starts." if starts > 1 else ""
    return _rows("Time", sorted(pairs, key=lambda pair: -pair[1]), note)


def blocks(report: Mapping[str, Any]) -> Columns | None:
    """How much the loss rises when a block is skipped, and at worst when a part of it is turned down or up."""
    found = []
    for one in record.listed(report, "measurements", "depth", "blocks")[:MOST_BLOCKS]:
        skip = record.number(one, "skip_nats")
        damped = [
            value
            for name in record.mapping(one, "damped_nats")
            if (value := record.number(one, "damped_nats", name)) is not None
        ]
        if skip is not None:
            found.append((str(record.at(one, "block")), skip, min(damped) if damped else None))
    if not found:
        return None
    values = [value for _, skip, damping in found for value in (skip, damping) if value is not None]
    high, low = max(0.0, *values), min(0.0, *values)
    span = (high - low) or 1.0
    zero = HEIGHT * high / span
    slot = WIDTH / len(found)
    width = min(22.0, slot * 0.4)

    def box(value: float | None) -> tuple[float, float]:
        tall = HEIGHT * abs(value or 0.0) / span
        return round(zero - tall if (value or 0.0) >= 0 else zero, 2), round(
            max(tall, 0.5 if value is not None else 0), 2
        )

    columns = [
        Column(label, skip, damping, round(n * slot + slot / 2 - width, 2), round(width, 2), *box(skip), *box(damping))
        for n, (label, skip, damping) in enumerate(found)
    ]
    total = record.number(report, "measurements", "depth", "total")
    note = f"{len(found)} of {total:.0f} blocks were looked at." if total and total > len(found) else ""
    return Columns(columns, round(zero, 2), high, low, note)


def _rows(title: str, pairs: Sequence[tuple[str, float, str, bool]], note: str = "") -> Rows:
    most = max((value for _, value, _, _ in pairs), default=0.0) or 1.0
    return Rows(
        title, [Row(label, words, round(100 * value / most, 2), other) for label, value, words, other in pairs], note
    )


def _stage(name: str) -> str:
    return STAGES.get(name) or name.replace("_", " ").capitalize()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
