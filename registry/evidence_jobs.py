"""Which background job makes which kind of evidence; apps register theirs, since the registry knows none above it."""

from __future__ import annotations

from registry.states import EvidenceKind

_jobs: dict[EvidenceKind, str] = {}


def register(kind: EvidenceKind, job_kind: str) -> None:
    """Name the job that makes this kind of evidence; called once for each kind, when an app is ready."""
    _jobs[kind] = job_kind


def evidence_jobs() -> dict[EvidenceKind, str]:
    """All kinds of evidence with the jobs that make them."""
    return dict(_jobs)
