"""Evidence: which jobs a checkpoint needs, and how their results are written."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

import audit.services as audit
import jobs.services as jobs
from accounts.models import User
from jobs.models import Job
from jobs.running import Lease
from jobs.states import OPEN
from registry.evidence_jobs import evidence_jobs
from registry.models import Checkpoint, Commit, Evidence
from registry.states import EvidenceKind, Outcome


@transaction.atomic
def start_evidence(*, checkpoint: Checkpoint, kinds: set[EvidenceKind] | None = None, again: bool = False) -> list[Job]:
    """Enqueue the jobs that make a checkpoint's evidence: those it lacks, or, with `again`, all of `kinds`."""
    present = set() if again else set(Evidence.objects.filter(checkpoint=checkpoint).values_list("kind", flat=True))
    return [
        jobs.enqueue(job_kind, subject=checkpoint, payload={"digest": checkpoint.digest})
        for kind, job_kind in evidence_jobs().items()
        if kind not in present and (kinds is None or kind in kinds)
    ]


@transaction.atomic
def stop_evidence(*, checkpoint: Checkpoint, kind: EvidenceKind, by: User) -> bool:
    """Cancel the open job that makes a kind of evidence; False where there is none. What it finished reading stays."""
    job = Job.objects.filter(subject=jobs.subject_of(checkpoint), kind=evidence_jobs()[kind], state__in=OPEN).first()
    if job is None:
        return False
    jobs.cancel(str(job.pk))
    now = timezone.now()
    for organization in _holders(checkpoint):
        audit.record(
            "registry:evidence:stopped",
            subject=checkpoint,
            actor=by,
            at=now,
            organization=organization,
            label=checkpoint.digest,
            kind_of_evidence=kind,
        )
    return True


def record_evidence(lease: Lease, **said: Any) -> Evidence:
    """Write a result under the job's lease, as `write_evidence` takes it; a job that lost it writes nothing."""
    with lease.writing():
        return write_evidence(lease.job.pk, **said)


def write_evidence(
    job_id: UUID,
    *,
    checkpoint: Checkpoint,
    kind: EvidenceKind,
    outcome: Outcome,
    summary: str,
    tool: str,
    tool_version: str,
    rules_version: str = "",
    report: dict[str, object] | None = None,
) -> Evidence:
    """Write a result in the caller's transaction; a job that runs twice writes once."""
    known = Evidence.objects.filter(checkpoint=checkpoint, kind=kind, job_id=job_id).first()
    if known:
        return known
    made = Evidence.objects.create(
        checkpoint=checkpoint,
        kind=kind,
        outcome=outcome,
        summary=summary[:500],
        tool=tool,
        tool_version=tool_version,
        rules_version=rules_version,
        report=report or {},
        job_id=job_id,
        made_at=timezone.now(),
    )
    for organization in _holders(checkpoint):
        audit.record(
            "registry:evidence:recorded",
            subject=checkpoint,
            actor=None,
            at=made.made_at,
            organization=organization,
            label=checkpoint.digest,
            kind_of_evidence=kind,
            outcome=outcome,
            summary=made.summary,
        )
    return made


def _holders(checkpoint: Checkpoint) -> list[str]:
    """The organizations whose people read of a checkpoint; an event that named none would be read by all auditors."""
    names = Commit.objects.filter(checkpoint=checkpoint).values_list("variant__organization__name", flat=True)
    return sorted(set(names)) or [""]
