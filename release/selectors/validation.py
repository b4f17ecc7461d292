"""Reads for the pages of a validation: the newest report, and the work on another with its parts."""

from __future__ import annotations

from typing import Any

from jobs import presenters, selectors
from jobs.services import database_now
from registry.models import Checkpoint, Evidence
from registry.selectors import evidence_work
from registry.states import EvidenceKind

SHOWN_PARTS = 60


def validation_of(checkpoint: Checkpoint) -> Evidence | None:
    """The newest validation of a checkpoint."""
    return Evidence.objects.filter(checkpoint=checkpoint, kind=EvidenceKind.VALIDATION).order_by("-id").first()


def work(checkpoint: Checkpoint) -> dict[str, Any]:
    """The newest job of a checkpoint's validation with its progress added up, and its parts while it runs."""
    job = evidence_work(checkpoint).get(EvidenceKind.VALIDATION)
    if job is None:
        return {"job": None, "parts": []}
    now = database_now()
    parts = selectors.parts(job, SHOWN_PARTS) if job.is_open else []
    return {
        "job": job,
        "job_status": presenters.status_of(job, now),
        "parts": [(part, presenters.status_of(part, now)) for part in parts],
    }
