"""Reads of jobs, always for a viewer."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Q, QuerySet, Sum, When

from jobs import device_register, policies, subjects
from jobs.models import Device, Job, Worker
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
    return with_parts([found])[0]


def of_state(user: Any, state: str) -> QuerySet[Job]:
    """The whole jobs in one state, newest first; all of them where the word is no state. A divided one is running."""
    rows = jobs_for(user).filter(whole=None)
    if state == JobState.RUNNING:
        return rows.filter(state__in=[JobState.RUNNING, JobState.DIVIDED])
    return rows.filter(state=state) if state in set(JobState) else rows


def parts_of(user: Any, job_id: UUID) -> QuerySet[Job]:
    """The parts of a job, newest first."""
    return jobs_for(user).filter(whole=job_id)


def parts(job: Job, limit: int) -> list[Job]:
    """The parts of a seen job: what runs first, then what failed, what waits, what is done; one query."""
    order = [JobState.RUNNING, JobState.FAILED, JobState.QUEUED, JobState.CANCELLED, JobState.SUCCEEDED]
    rank = Case(*(When(state=state, then=number) for number, state in enumerate(order)), default=len(order))
    return list(job.parts.order_by(rank, "pk")[:limit])


def with_parts(jobs: Iterable[Job]) -> list[Job]:
    """The same jobs, with the progress of the divided ones added up over their parts; one query at most.

    Each also tells how many parts it has and how many are done, as `part_count` and `parts_done`.
    """
    found = list(jobs)
    divided = [job.pk for job in found if job.state == JobState.DIVIDED]
    if not divided:
        return found
    is_running = Q(state=JobState.RUNNING)
    sums = (
        Job.objects.filter(whole__in=divided)
        .order_by()
        .values("whole")
        .annotate(
            did=Sum("done"),
            pace=Sum("rate", filter=is_running),
            count=Count("pk"),
            ended=Count("pk", filter=Q(state=JobState.SUCCEEDED)),
            running=Count("pk", filter=is_running),
        )
    )
    by_whole = {row["whole"]: row for row in sums}
    for job in found:
        if row := by_whole.get(job.pk):
            job.done, job.rate = min(job.total, job.done + row["did"]), row["pace"]
            job.part_count, job.parts_done = row["count"], row["ended"]
            job.stage = f"{row['ended']} of {row['count']} parts done, {row['running']} under way"
    return found


@dataclass(frozen=True, slots=True)
class SeenWorker:
    """A worker, whether it lives, and what it had to compute on when it was last heard of."""

    worker: Worker
    is_alive: bool
    devices: list[Device]


def workers() -> list[SeenWorker]:
    """All workers that were seen within a day, the living first."""
    since, rows = database_now() - SEEN_LATELY, list(Worker.objects.order_by("name"))
    devices = device_register.of_workers(rows)
    found = [SeenWorker(row, row.seen_at >= since, devices[row.name]) for row in rows]
    return sorted(found, key=lambda seen: not seen.is_alive)
