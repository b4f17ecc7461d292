"""Reads of jobs, always for a viewer."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from jobs import policies, subjects
from jobs.models import Job, Worker
from jobs.services import database_now
from jobs.states import JobState
from rules import Refused

SEEN_LATELY = timedelta(seconds=60)


def jobs_for(user: Any) -> QuerySet[Job]:
    """The jobs that somebody may see: those on what they may see."""
    return Job.objects.filter(subjects.visible_to(user))


def job_for(user: Any, job_id: UUID) -> Job:
    """One job; Refused alike where there is none and where this viewer may not see it."""
    found = jobs_for(user).filter(pk=job_id).first()
    if found is None:
        raise Refused.because(policies.UNKNOWN_JOB)
    return found


def of_state(user: Any, state: str) -> QuerySet[Job]:
    """The jobs in one state, newest first; all of them where the word is no state."""
    rows = jobs_for(user)
    return rows.filter(state=state) if state in set(JobState) else rows


def workers() -> list[tuple[Worker, bool]]:
    """All workers that were seen within a day, with whether they live, the living first."""
    since = database_now() - SEEN_LATELY
    return sorted(
        ((worker, worker.seen_at >= since) for worker in Worker.objects.order_by("name")), key=lambda pair: not pair[1]
    )
