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
from typing import Any


class Outcome(StrEnum):
    """The four answers of any evidence. Not run is never pass."""

    PASS = "pass"
    WARN = "warn"
    FAIL = "fail"
    NOT_RUN = "not_run"


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
    """One fixed prompt and what greedy decoding made of it."""

    prompt: str
    text: str
    tokens: int
    stopped: bool
    """Whether the model ended by itself before the token limit."""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"prompt": self.prompt, "text": self.text, "tokens": self.tokens, "stopped": self.stopped}


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
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SmokeReport:
        """The report that `to_json` wrote; KeyError or ValueError where it is not one."""
        return cls(
            outcome=Outcome(data["outcome"]),
            code=str(data["code"]),
            reason=str(data["reason"]),
            device=str(data["device"]),
            quantization=str(data["quantization"]),
            metrics=tuple(Metric(**{**m, "severity": Severity(m["severity"])}) for m in data["metrics"]),
            samples=tuple(Sample(**s) for s in data["samples"]),
            seconds=float(data["seconds"]),
            versions=data["versions"],
            sandbox=data["sandbox"],
            plan=data["plan"],
            measurements=data["measurements"],
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
