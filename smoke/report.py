"""What a smoke run has to say: the report, its metrics and their plain-data form.

Owns: the shape of the report, and how the outcome follows from the metrics. Refuses to own: thresholds
(`smoke.verdict`) and how anything is measured (`smoke.runner`).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

E = TypeVar("E", bound=StrEnum)


class Outcome(StrEnum):
    """The four answers of any evidence. Not run is never pass."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_RUN = "not_run"


class Basis(StrEnum):
    """What a verdict rests on."""

    DECLARED_LOSS = "declared_loss"
    """The loss that the owner measured at export on a probe held out of training."""
    REFERENCE_REPORT = "reference_report"
    """An earlier report, most often that of the parent."""
    NONE = "none"
    """Neither: rules that hold without any reference."""


class Severity(StrEnum):
    """What a metric that is not ok does to the outcome."""

    FAIL = "fail"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True)
class Metric:
    """One measured value against one rule. `value` is None where the number was not finite or could not be taken."""

    code: str
    name: str
    value: float | None
    threshold: str
    ok: bool
    reason: str
    severity: Severity = Severity.FAIL
    unit: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "code": self.code,
            "name": self.name,
            "value": finite(self.value),
            "unit": self.unit,
            "threshold": self.threshold,
            "ok": self.ok,
            "severity": self.severity.value,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class Sample:
    """One fixed prompt and what the model made of it."""

    prompt: str
    text: str
    tokens: int
    stopped: bool
    """Whether the model ended by itself before the token limit."""
    mode: str = "greedy"
    """`greedy`, or `sampled` with the report's seed."""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "prompt": self.prompt,
            "text": self.text,
            "tokens": self.tokens,
            "stopped": self.stopped,
            "mode": self.mode,
        }


@dataclass(frozen=True)
class SmokeReport:
    """Result of one smoke run. `reason` is one sentence that a person can act on; `code` is its stable name."""

    outcome: Outcome
    code: str
    reason: str
    device: str = ""
    quantization: str = ""
    metrics: tuple[Metric, ...] = ()
    samples: tuple[Sample, ...] = ()
    seconds: float = 0.0
    versions: Mapping[str, str] = field(default_factory=dict)
    sandbox: Mapping[str, Any] = field(default_factory=dict)
    plan: Mapping[str, Any] = field(default_factory=dict)
    measurements: Mapping[str, Any] = field(default_factory=dict)
    """What the metrics were judged from: kernel, dtype, probe, memory, coverage."""
    basis: Basis = Basis.NONE
    manifest_digest: str = ""
    """Identity of the files that were run; empty where the caller did not say."""
    driver: str = ""
    seed: int | None = None
    """Seed of sampling; None where nothing was sampled."""
    rules_version: str = ""
    starts: tuple[Mapping[str, Any], ...] = ()
    """Each start of the confined process: seconds, memory, stages, and what it gave that must repeat."""
    breakdown: tuple[Mapping[str, Any], ...] = ()
    """What the seconds are made of: start, stage, seconds and processor seconds, in order."""
    energy: Mapping[str, Any] = field(default_factory=dict)
    """Joules or None, who counted them, and the reason."""

    def to_json(self) -> dict[str, Any]:
        """As plain data that any JSON library can write: no NaN, no infinity."""
        return {
            "outcome": self.outcome.value,
            "code": self.code,
            "reason": self.reason,
            "device": self.device,
            "quantization": self.quantization,
            "metrics": [metric.to_json() for metric in self.metrics],
            "samples": [sample.to_json() for sample in self.samples],
            "seconds": round(self.seconds, 3),
            "versions": dict(self.versions),
            "sandbox": plain(self.sandbox),
            "plan": plain(self.plan),
            "measurements": plain(self.measurements),
            "basis": self.basis.value,
            "manifest_digest": self.manifest_digest,
            "driver": self.driver,
            "seed": self.seed,
            "rules_version": self.rules_version,
            "starts": plain(self.starts),
            "breakdown": plain(self.breakdown),
            "energy": plain(self.energy),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SmokeReport:
        """The report that `to_json` wrote, also by an earlier version; ValueError naming the field where it is none."""
        if not isinstance(data, Mapping):
            raise ValueError("a report is a JSON object")
        seed = data.get("seed")
        return cls(
            outcome=_one_of(Outcome, data, "outcome"),
            code=_text(data, "code"),
            reason=_text(data, "reason"),
            device=_text(data, "device"),
            quantization=_text(data, "quantization"),
            metrics=tuple(_metric(m) for m in _items(data, "metrics")),
            samples=tuple(_sample(s) for s in _items(data, "samples")),
            seconds=_number(data, "seconds"),
            versions=_mapping(data, "versions"),
            sandbox=_mapping(data, "sandbox"),
            plan=_mapping(data, "plan"),
            measurements=_mapping(data, "measurements"),
            basis=_one_of(Basis, {"basis": "none", **data}, "basis"),
            manifest_digest=str(data.get("manifest_digest") or ""),
            driver=str(data.get("driver") or ""),
            seed=seed if isinstance(seed, int) else None,
            rules_version=str(data.get("rules_version") or ""),
            starts=tuple(_items({"starts": (), **data}, "starts")),
            breakdown=tuple(_items({"breakdown": (), **data}, "breakdown")),
            energy=_mapping({"energy": {}, **data}, "energy"),
        )


def _text(data: Mapping[str, Any], name: str) -> str:
    if not isinstance(data.get(name), str):
        raise ValueError(f"field {name!r} of a report is a text")
    return str(data[name])


def _number(data: Mapping[str, Any], name: str) -> float:
    found = data.get(name)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        raise ValueError(f"field {name!r} of a report is a number")
    return float(found)


def _mapping(data: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = data.get(name)
    if not isinstance(found, Mapping):
        raise ValueError(f"field {name!r} of a report is an object")
    return found


def _items(data: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = data.get(name)
    if not isinstance(found, (list, tuple)) or not all(isinstance(item, Mapping) for item in found):
        raise ValueError(f"field {name!r} of a report is a list of objects")
    return list(found)


def _one_of(kind: type[E], data: Mapping[str, Any], name: str) -> E:
    try:
        return kind(str(data.get(name)))
    except ValueError:
        raise ValueError(f"field {name!r} of a report is one of {', '.join(kind)}") from None


def _metric(item: Mapping[str, Any]) -> Metric:
    number = item.get("value")
    if number is not None and (isinstance(number, bool) or not isinstance(number, (int, float))):
        raise ValueError("field 'value' of a metric is a number or null")
    return Metric(
        code=_text(item, "code"),
        name=_text(item, "name"),
        value=number,
        threshold=_text(item, "threshold"),
        ok=item.get("ok") is True,
        reason=_text(item, "reason"),
        severity=_one_of(Severity, item, "severity"),
        unit=str(item.get("unit") or ""),
    )


def _sample(item: Mapping[str, Any]) -> Sample:
    return Sample(
        prompt=_text(item, "prompt"),
        text=_text(item, "text"),
        tokens=int(_number(item, "tokens")),
        stopped=item.get("stopped") is True,
        mode=str(item.get("mode") or "greedy"),
    )


def not_run(code: str, reason: str, **rest: Any) -> SmokeReport:
    """The report of a run that did not happen."""
    return SmokeReport(outcome=Outcome.NOT_RUN, code=code, reason=reason, **rest)


def outcome_of(metrics: Iterable[Metric]) -> tuple[Outcome, str, str]:
    """Outcome, code and sentence of these metrics; without a single metric nothing was run."""
    metrics = list(metrics)
    broken = [m for m in metrics if not m.ok and m.severity is Severity.FAIL]
    doubtful = [m for m in metrics if not m.ok and m.severity is Severity.WARN]
    if broken:
        return Outcome.FAIL, broken[0].code, _sentence(broken)
    if doubtful:
        return Outcome.WARN, doubtful[0].code, _sentence(doubtful)
    if not metrics:
        return Outcome.NOT_RUN, "nothing_measured", "Nothing was measured."
    return Outcome.PASS, "healthy", f"All {len(metrics)} checks passed."


def _sentence(metrics: list[Metric]) -> str:
    more = f" And {len(metrics) - 1} more." if len(metrics) > 1 else ""
    return f"{metrics[0].name}: {metrics[0].reason}{more}"


def finite(value: float | None) -> float | None:
    """The value, or None in place of what JSON cannot write."""
    return value if value is not None and math.isfinite(value) else None


def plain(value: Any) -> Any:
    """The same data with None in place of numbers that JSON cannot write."""
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def dumps(report: SmokeReport) -> str:
    """The report as JSON text."""
    return json.dumps(report.to_json(), allow_nan=False, indent=2)
