"""A smoke report as its page shows it: the verdict and what it rests on, metrics, drawings, samples, versions, plan.

Reports are data that a tool wrote about untrusted files: everything in them is read with a default and shown escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from registry.inference import record
from registry.models import Evidence
from registry.states import Outcome
from release.presenters import smoke_charts
from release.selectors.smoke import Run
from web.formatting import duration, size
from web.tones import OUTCOMES, Status, Tone

METRIC_OK = Status("Within", Tone.SUCCESS)
METRIC_NOTED = Status("Noted", Tone.NEUTRAL)
METRIC_SEVERITIES = {
    "fail": Status("Outside", Tone.DANGER),
    "warn": Status("Outside", Tone.WARNING),
    "note": Status("Noted", Tone.INFO),
}
BASES = {
    "declared_loss": "It rests on the loss that was declared with the probe.",
    "reference_report": "It rests on an earlier report on the same probe.",
    "none": "There was neither a declared loss nor an earlier report: it rests on rules that need no reference.",
}
LAYERS = {
    "no_new_privs": "No new privileges",
    "limits": "Limits",
    "namespaces": "Namespaces, no network",
    "capabilities": "No capabilities",
    "landlock": "Landlock, files",
    "seccomp": "System calls",
}
IN_FORCE, ABSENT = Status("In force", Tone.SUCCESS), Status("Absent", Tone.WARNING)
MANY_DIGITS = re.compile(r"\d{5,18}")
SHOWN_SAMPLES, SHOWN_STARTS = 20, 10


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric in two reports."""

    name: str
    own: str
    other: str
    change: str


def context(evidence: Evidence) -> dict[str, Any]:
    """All that the page shows of one report."""
    report = evidence.report
    return {
        "verdict_status": OUTCOMES[evidence.outcome],
        "basis": BASES.get(record.basis(report), record.basis(report)) if evidence.outcome != Outcome.NOT_RUN else "",
        "probe": probe(report),
        "tiles": tiles(report) if evidence.outcome != Outcome.NOT_RUN else [],
        "metrics": metrics(report),
        "bars": smoke_charts.bars(report),
        "blocks": smoke_charts.blocks(report),
        "samples": samples(report),
        "starts": starts(report),
        "versions": versions(report),
        "layers": layers(report),
        "plan": plan(report),
        "report_digest": record.digest(report),
    }


def tiles(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The few figures that people look for first."""
    bits, speed = record.bits_per_byte(report), record.tokens_per_second(report)
    peak, joules = (
        record.number(report, "measurements", "memory", "peak_bytes"),
        record.number(report, "energy", "joules"),
    )
    found = [
        ("Device", record.text(report, "device")),
        ("Quantization", record.text(report, "quantization")),
        ("Bits per byte", "" if bits is None else f"{bits:.3f}"),
        ("Tokens per second", "" if speed is None else f"{speed:,.1f}"),
        ("Peak memory", "" if peak is None else size(int(peak))),
        ("Energy", "" if joules is None else f"{joules:,.0f} J"),
        ("Took", duration(record.number(report, "seconds")) if record.number(report, "seconds") else ""),
    ]
    return [(label, value) for label, value in found if value]


def probe(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which text was read, who declared it, and which report was the reference."""
    said, reference = record.mapping(report, "record", "probe"), record.mapping(report, "record", "reference")
    declared = record.number(report, "measurements", "probe", "declared_bits_per_byte")
    tokens = len(record.listed(report, "measurements", "probe", "declared_token_losses", "nats"))
    size_bytes = record.number(report, "measurements", "probe", "bytes")
    found = [
        ("Probe", record.text(said, "sentence")),
        ("Declared loss", "" if declared is None else f"{declared:.4f} bits per byte"),
        ("Declared by token", f"{tokens} losses" if tokens else ""),
        ("Read of it", "" if size_bytes is None else size(int(size_bytes))),
        ("Reference", record.text(reference, "sentence")),
    ]
    return [(label, value) for label, value in found if value]


def metrics(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Every metric with its rule; what stands outside first."""
    found = [metric(one) for one in record.listed(report, "metrics") if isinstance(one, Mapping)]
    return sorted(found, key=lambda one: one["rank"])


def metric(given: Mapping[str, Any]) -> dict[str, Any]:
    """One metric as a row."""
    is_ok, severity = given.get("ok") is True, str(given.get("severity"))
    outside = METRIC_SEVERITIES.get(severity, METRIC_SEVERITIES["fail"])
    noted, unit = is_ok and severity == "note", str(given.get("unit") or "")
    words = {name: str(given.get(name) or "") for name in ("code", "name", "threshold", "reason", "source")}
    if unit == "bytes":
        words["threshold"] = MANY_DIGITS.sub(lambda found: size(int(found.group())), words["threshold"])
    return words | {
        "value": _amount(record.number(given, "value"), unit),
        "status": METRIC_NOTED if noted else METRIC_OK if is_ok else outside,
        "rank": 2 if noted else 1 if is_ok else 0,
    }


def samples(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the model wrote; shown escaped, since a checkpoint may write anything."""
    found = []
    for one in record.listed(report, "samples")[:SHOWN_SAMPLES]:
        tokens = record.number(one, "tokens")
        found.append(
            {
                "prompt": record.text(one, "prompt"),
                "text": record.text(one, "text"),
                "tokens": "" if tokens is None else int(tokens),
                "stopped": record.at(one, "stopped") is True,
                "mode": "sampled" if record.text(one, "mode") == "sampled" else "greedy",
            }
        )
    return found


def starts(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each cold start of the confined process."""
    found = []
    for number, one in enumerate(record.listed(report, "starts")[:SHOWN_STARTS], 1):
        peak = record.number(one, "peak_bytes")
        found.append(
            {
                "number": int(record.number(one, "number") or number),
                "seconds": record.number(one, "seconds"),
                "peak": "" if peak is None else size(int(peak)),
                "ended": record.text(one, "ended") or record.text(one, "stopped"),
            }
        )
    return found


def versions(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What it was measured with."""
    seed = record.number(report, "seed")
    found = [
        ("Device", record.text(report, "record", "device", "title")),
        ("Worker", record.text(report, "record", "worker")),
        ("Attempt", str(int(record.number(report, "record", "attempt") or 1))),
        ("Driver", record.text(report, "driver")),
        ("Kernel", record.text(report, "measurements", "engine", "kernel")),
        ("Number type", record.text(report, "measurements", "engine", "dtype")),
        ("Seed", "" if seed is None else str(int(seed))),
        *((str(name).capitalize(), str(value)) for name, value in record.mapping(report, "versions").items()),
    ]
    return [(label, value) for label, value in found if value]


def layers(report: Mapping[str, Any]) -> list[tuple[str, str, Status]]:
    """The layers of confinement: what each did, or that it was missing."""
    if not record.mapping(report, "sandbox"):
        return []
    applied, said = set(record.listed(report, "sandbox", "applied")), record.mapping(report, "sandbox", "detail")
    missing = record.mapping(report, "sandbox", "missing")
    return [
        (label, str(said.get(name) or missing.get(name) or ""), IN_FORCE if name in applied else ABSENT)
        for name, label in LAYERS.items()
    ]


def plan(report: Mapping[str, Any]) -> dict[str, Any]:
    """Why it ran where it did."""
    options = [
        {
            "device": record.text(one, "device"),
            "quantization": record.text(one, "quantization"),
            "why": record.text(one, "why"),
            "status": Status("Fits", Tone.SUCCESS) if record.at(one, "fits") is True else Status("No room", Tone.MUTED),
        }
        for one in record.listed(report, "plan", "options")
    ]
    routed = record.text(report, "record", "routed", "reason")
    own = record.text(report, "plan", "reason")
    said = "" if own == record.text(report, "reason") and options else own or routed
    return {"sentence": said, "routed": routed if routed != own else "", "options": options}


def history(runs: Sequence[Run], shown: int) -> dict[str, Any]:
    """The runs of a variant over time: rows, and the figures for two lines, oldest first."""
    values = {
        name: [float(v) for run in reversed(runs) if isinstance(v := getattr(run, name), int | float) and v >= 0]
        for name in ("bits_per_byte", "tokens_per_second")
    }
    rows = [(run, OUTCOMES[run.outcome], run.id == shown) for run in runs]
    return {"runs": rows, "bits": values["bits_per_byte"], "speeds": values["tokens_per_second"]}


def compared(own: Mapping[str, Any], other: Mapping[str, Any]) -> list[Compared]:
    """The metrics that both reports have a value of, side by side."""
    theirs = {record.text(one, "code") or record.text(one, "name"): one for one in record.listed(other, "metrics")}
    found = []
    for one in record.listed(own, "metrics"):
        match = theirs.get(record.text(one, "code") or record.text(one, "name"))
        mine, before = record.number(one, "value"), record.number(match, "value")
        if mine is None or before is None:
            continue
        unit = record.text(one, "unit")
        words = (_amount(mine, unit), _amount(before, unit), _change(mine, before, unit))
        found.append(Compared(record.text(one, "name"), *words))
    return found


def _change(mine: float, before: float, unit: str) -> str:
    """How far one figure is from another: shares of shares would mislead, so percents differ by points."""
    if mine == before:
        return "–"
    if unit in ("percent", "nats"):
        return f"{mine - before:+.3g} {'points' if unit == 'percent' else unit}"
    return f"{100 * (mine / before - 1):+.1f} %" if before > 0 else ""


def _amount(value: float | None, unit: str) -> str:
    if value is None:
        return "–"
    if unit == "bytes":
        return size(int(value))
    return f"{value:,.4g} {unit}".strip() if abs(value) < 10_000 else f"{value:,.0f} {unit}".strip()
