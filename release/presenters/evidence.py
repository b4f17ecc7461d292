"""Evidence as its page shows it: outcome, findings, and the work that makes it.

Reports are data that tools wrote about untrusted files: everything in them is read with a default and shown escaped.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.models import Job
from jobs.presenters import UNDER_WAY
from registry.models import Checkpoint, Evidence
from registry.presenters import EVIDENCE
from registry.selectors import evidence_work, latest_evidence
from registry.states import EvidenceKind
from release.selectors.variants import evidence_history
from web.formatting import thousands
from web.tones import OUTCOMES, Status, Tone

SHOWN_FINDINGS = 60
# A validation has pages of its own, which show them all.
SHOWN_OF_VALIDATION = 4
NOT_MADE = Status("None yet", Tone.PENDING)
WAITING = Status("Waiting", Tone.INFO, "hourglass")
BROKEN = Status("Could not be made", Tone.DANGER, "alert-octagon")


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of evidence: the newest result, and the work on another."""

    kind: EvidenceKind
    title: str
    status: Status
    evidence: Evidence | None
    job: Job | None
    findings: list[dict[str, Any]]
    hidden_findings: int
    facts: list[tuple[str, str]]

    @property
    def is_under_way(self) -> bool:
        """Whether a worker is at it, not only whether it waits."""
        return self.job is not None and self.job.state in UNDER_WAY

    @property
    def is_running(self) -> bool:
        """Whether it is being made now."""
        return self.job is not None and self.job.is_open

    @property
    def has_failed(self) -> bool:
        """Whether the newest attempt ended without a result."""
        return self.job is not None and self.job.state == "failed"


def kinds(checkpoint: Checkpoint) -> list[Kind]:
    """Every kind, made or not."""
    made, work = latest_evidence(checkpoint), evidence_work(checkpoint)
    return [_kind(kind, made.get(kind), work.get(kind)) for kind in EvidenceKind]


def context(checkpoint: Checkpoint) -> dict[str, Any]:
    """All that the page shows of a checkpoint's evidence."""
    found = kinds(checkpoint)
    shown = {"kinds": found, "is_moving": any(kind.is_running for kind in found)}
    shown["history"] = [
        (row, OUTCOMES[row.outcome], EVIDENCE[EvidenceKind(row.kind)]) for row in evidence_history(checkpoint)
    ]
    return shown


def _kind(kind: EvidenceKind, evidence: Evidence | None, job: Job | None) -> Kind:
    if job is not None and job.is_open:
        status = OUTCOMES["running"] if job.state in UNDER_WAY else WAITING
    elif evidence is not None:
        status = OUTCOMES[evidence.outcome]
    else:
        status = BROKEN if job is not None and job.state == "failed" else NOT_MADE
    report = evidence.report if evidence else {}
    findings = [_finding(one) for one in _list(report.get("findings")) if isinstance(one, Mapping)]
    most = SHOWN_OF_VALIDATION if kind == EvidenceKind.VALIDATION else SHOWN_FINDINGS
    return Kind(
        kind,
        EVIDENCE[kind],
        status,
        evidence,
        job,
        findings[:most],
        max(0, len(findings) - most),
        _facts(kind, report),
    )


def _finding(given: Mapping[str, Any]) -> dict[str, Any]:
    severity = str(given.get("severity"))
    shown = {name: str(given.get(name) or "") for name in ("check", "path", "tensor", "message", "evidence", "fix")}
    return shown | {"severity": severity if severity in ("block", "warn", "note") else "note"}


def _facts(kind: EvidenceKind, report: Mapping[str, Any]) -> list[tuple[str, str]]:
    if kind == EvidenceKind.VALIDATION:
        names = (("files", "Files"), ("tensors", "Tensors"), ("parameters", "Parameters"))
        return [(label, thousands(report[name])) for name, label in names if isinstance(report.get(name), int)]
    if kind == EvidenceKind.SMOKE:
        names = (("device", "Device"), ("quantization", "Quantization"))
        return [(label, str(report[name])) for name, label in names if report.get(name)]
    return []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
