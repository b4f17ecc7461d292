"""Jobs in words: their states, and a row as the pages show it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from jobs import handlers, subjects
from jobs.models import Device, Job, Worker
from jobs.selectors import SeenWorker
from jobs.states import JobState
from jobs.subjects import Subject
from web.tones import Status, Tone

STATES = {
    JobState.QUEUED: Status("Waiting", Tone.PENDING, "hourglass"),
    JobState.RUNNING: Status("Running", Tone.INFO, "loader-2"),
    JobState.DIVIDED: Status("Running", Tone.INFO, "loader-2"),
    JobState.SUCCEEDED: Status("Done", Tone.SUCCESS),
    JobState.FAILED: Status("Failed", Tone.DANGER),
    JobState.CANCELLED: Status("Cancelled", Tone.MUTED, "ban"),
}
UNDER_WAY = (JobState.RUNNING, JobState.DIVIDED)
RETRYING = Status("Will be tried again", Tone.WARNING, "refresh")
LATER = Status("Waits for its hour", Tone.PENDING, "calendar-time")
ALIVE = Status("Alive", Tone.SUCCESS, "plug-connected")
SILENT = Status("Silent", Tone.WARNING, "alert-triangle")


@dataclass(frozen=True, slots=True)
class JobRow:
    """A job as a list or its own page shows it."""

    job: Job
    subject: Subject
    status: Status
    is_under_way: bool

    @property
    def title(self) -> str:
        """What it does, in words."""
        return title_of(self.job.kind)


def title_of(kind: str) -> str:
    """What jobs of a kind do, in words; a kind that no process here knows is called by its name."""
    known = handlers.find(kind)
    return known.title if known else kind


def status_of(job: Job, now: datetime) -> Status:
    """The state of a job as people mean it: waiting again after a failure is not just waiting."""
    if job.state == JobState.QUEUED and job.error_code:
        return RETRYING
    if job.state == JobState.QUEUED and job.run_after > now:
        return LATER
    return STATES[JobState(job.state)]


def rows(jobs: Iterable[Job], now: datetime) -> list[JobRow]:
    """Jobs with their subjects named; one query for each model among them."""
    found = list(jobs)
    named = subjects.describe(job.subject for job in found)
    return [JobRow(job, named[job.subject], status_of(job, now), is_under_way=job.state in UNDER_WAY) for job in found]


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as the page shows it."""

    worker: Worker
    status: Status
    machine: str
    pool: str
    devices: list[Device]


def worker_rows(workers: Iterable[SeenWorker]) -> list[WorkerRow]:
    """Workers with whether they live, and on what they compute."""
    found = []
    for seen in workers:
        pool, _, machine = seen.worker.name.partition("@")
        found.append(WorkerRow(seen.worker, ALIVE if seen.is_alive else SILENT, machine, pool, seen.devices))
    return found
