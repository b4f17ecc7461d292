"""Writes of jobs: enqueue, claim, beat, end, sweep. Each locks the row, asks whether the lease holds, and moves it.

All moments are the database's: workers' clocks differ, and a fast one would take over what is still being done.
"""

from __future__ import annotations

import logging
import os
import random
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from jobs import bell, handlers
from jobs.models import Job, Worker
from jobs.states import CANCEL, CLAIM, FAIL, OPEN, PUT_BACK, SUCCEED, JobState
from rules import Transition

log = logging.getLogger(__name__)
RING_AGAIN_AFTER = timedelta(seconds=20)
RING_AT_ONCE = 500
FORGET_WORKER_AFTER = timedelta(days=1)
SWEEP_LOCK = 7305181
# So that what failed together does not come back together.
JITTER = 0.2
WITHOUT_HANDLER_BACKOFF = (30.0, 120.0, 600.0)


class LeaseLost(Exception):
    """Another worker has taken the job over, or it was cancelled; whoever sees this must stop without writing."""


def subject_of(row: object) -> str:
    """The name under which jobs and events know a row: `app.model:key`."""
    return f"{row._meta.label_lower}:{row.pk}"  # type: ignore[attr-defined]


def database_now() -> datetime:
    """The moment at which the database began this statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


def enqueue(
    kind: str,
    *,
    subject: object,
    payload: Mapping[str, object] | None = None,
    key: str = "",
    run_after: datetime | None = None,
) -> Job:
    """Insert a job in the caller's transaction and ring a worker once that is committed.

    Where an open job has the same key (default: kind and subject), that one is returned and nothing is added; one that
    still waits takes over a `run_after` that is given. A running one does not begin again: work whose input changes
    while it runs needs a key that names the input.
    """
    name = subject if isinstance(subject, str) else subject_of(subject)
    how = handlers.handler_of(kind)
    now = database_now()
    wanted = Job(
        id=_time_ordered_id(),
        kind=kind,
        queue=how.queue,
        subject=name,
        payload=dict(payload or {}),
        key=key or f"{kind}:{name}",
        max_attempts=how.max_attempts,
        unit=how.unit,
        created_at=now,
        run_after=run_after or now,
        rung_at=now if run_after is None or run_after <= now else None,
    )
    job = _inserted_or_open(wanted)
    if job.pk != wanted.pk and run_after is not None:
        Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(run_after=run_after)
        job.refresh_from_db()
    if job.state == JobState.QUEUED and job.run_after <= now and (job.pk == wanted.pk or run_after is not None):
        transaction.on_commit(lambda: ring(job))
    return job


def _inserted_or_open(wanted: Job) -> Job:
    """Insert the job, or find the open one that has its key; that one may end in between, so this may take turns."""
    while True:
        # ON CONFLICT DO NOTHING, since a failed INSERT would end the caller's transaction.
        Job.objects.bulk_create([wanted], ignore_conflicts=True)
        found = Job.objects.filter(key=wanted.key, state__in=OPEN).first()
        if found is not None:
            return found


def ring(job: Job) -> bool:
    """Nudge a worker, after the row says so; a broker that is away loses only the nudge, and the sweep rings again.

    The row is left alone once the message is out: a claim that met it locked would leave the job to the next sweep.
    """
    is_heard = bell.ring(str(job.pk), kind=job.kind, queue=job.queue)
    if not is_heard:
        Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(rung_at=None)
    return is_heard


def claim(job_id: str, *, worker: str) -> Job | None:
    """Take a job's lease, and with it the next fencing number; None where there is nothing to take.

    A row that somebody else holds locked at this moment is left to the next ring.
    """
    with transaction.atomic():
        now = database_now()
        job = _due(now).select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None:
            return None
        if job.is_cancel_requested:
            _end(job, CANCEL, now, "jobs.cancelled", "It was cancelled.")
            return None
        if job.attempts >= job.max_attempts:
            lost = "Its worker was lost, or stopped answering, each time that it was tried."
            _end(job, FAIL, now, "jobs.attempts_exhausted", job.error_message or lost)
            return None
        changed = job.move(CLAIM, at=now)
        job.attempts += 1
        job.fence += 1
        job.worker = worker[:120]
        job.started_at = now
        job.lease_expires_at = now + timedelta(seconds=settings.JOB_LEASE_SECONDS)
        job.save(update_fields=[*changed, "attempts", "fence", "worker", "started_at"])
        return job


def beat(
    job: Job,
    *,
    done: int | None = None,
    total: int | None = None,
    stage: str | None = None,
    rate: float | None = None,
) -> None:
    """Renew the lease and note the progress; raises LeaseLost where the lease is no longer this worker's."""
    expires_at = database_now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    changes: dict[str, object] = {"lease_expires_at": expires_at, "rate": rate}
    changes |= {name: value for name, value in (("done", done), ("total", total)) if value is not None}
    if stage is not None:
        changes["stage"] = stage[:200]
    if not _held(job).filter(is_cancel_requested=False).update(**changes):
        raise LeaseLost


def hold(job: Job) -> Job:
    """Lock the job's row inside a transaction that writes its result; raises LeaseLost where the lease is gone.

    With this no worker that was given up for dead can write after its successor: taking over needs this lock, and
    raises the number that this row is found by.
    """
    row = _held(job).select_for_update().first()
    if row is None:
        raise LeaseLost
    return row


@transaction.atomic
def succeed(job: Job) -> None:
    """End the job well."""
    row = hold(job)
    changed = row.move(SUCCEED, at=database_now())
    row.done, row.error_code, row.error_message = row.total, "", ""
    row.save(update_fields=[*changed, "done", "error_code", "error_message"])


@transaction.atomic
def put_back(job: Job, *, code: str, message: str, after_seconds: float | None, counts: bool = True) -> None:
    """Queue the job again after a pause; where its attempts are used up, or it was cancelled, end it."""
    row = hold(job)
    now = database_now()
    if row.is_cancel_requested:
        _end(row, CANCEL, now, "jobs.cancelled", "It was cancelled.")
        return
    if counts and row.attempts >= row.max_attempts:
        _end(row, FAIL, now, code, message)
        return
    changed = row.move(PUT_BACK, at=now)
    pause = _backoff(row) if after_seconds is None else after_seconds
    row.attempts -= 0 if counts else 1
    row.run_after = now + timedelta(seconds=pause)
    row.error_code, row.error_message = code, message
    row.save(update_fields=[*changed, "attempts", "run_after", "error_code", "error_message"])


@transaction.atomic
def fail(job: Job, *, code: str, message: str) -> None:
    """End the job for good, with the reason."""
    _end(hold(job), FAIL, database_now(), code, message)


@transaction.atomic
def cancel(job_id: str) -> None:
    """End a queued job at once, and ask the worker of a running one to stop; one that has ended stays as it is."""
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state == JobState.QUEUED:
        _end(job, CANCEL, database_now(), "jobs.cancelled", "It was cancelled.")
    elif job.state == JobState.RUNNING:
        job.is_cancel_requested = True
        job.save(update_fields=["is_cancel_requested"])


@transaction.atomic
def stop_cancelled(job: Job) -> bool:
    """End a job whose worker has just stopped; False where it was not cancelled, or is no longer this worker's."""
    row = _held(job).select_for_update().filter(is_cancel_requested=True).first()
    if row is None:
        return False
    _end(row, CANCEL, database_now(), "jobs.cancelled", "It was cancelled.")
    return True


def hand_over(*, worker: str) -> int:
    """Put back what a worker that must stop now still runs, without counting the attempt; returns how many.

    The fencing number is raised, so that whatever still runs in the stopping process can write no more.
    """
    with transaction.atomic():
        held = Job.objects.filter(state=JobState.RUNNING, worker=worker, is_cancel_requested=False)
        jobs, now = list(held.select_for_update(skip_locked=True)), database_now()
        for job in jobs:
            changed = job.move(PUT_BACK, at=now)
            job.attempts, job.fence, job.run_after, job.rung_at = job.attempts - 1, job.fence + 1, now, now
            job.save(update_fields=[*changed, "attempts", "fence", "run_after", "rung_at"])
    for job in jobs:
        ring(job)
    return len(jobs)


def sweep() -> int:
    """Ring for every job that is due and was not rung for lately; returns how many.

    One process sweeps at a time, and a queue never holds many more messages than jobs: those that wait behind busy
    workers were rung for, and ringing again would only pile up.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SWEEP_LOCK])
        if not cursor.fetchone()[0]:
            return 0
        now = database_now()
        Worker.objects.filter(seen_at__lt=now - FORGET_WORKER_AFTER).delete()
        queues = _due(now).order_by().values_list("queue", flat=True).distinct()
        unheard = [job for queue in queues for job in _unheard(queue, now)]
        Job.objects.filter(pk__in=[job.pk for job in unheard]).update(rung_at=now)
    return sum(ring(job) for job in unheard)


def _unheard(queue: str, now: datetime) -> list[Job]:
    """The jobs of a queue to ring for, locked; one that somebody else has locked is left to the next sweep."""
    waiting = bell.waiting(queue)
    if waiting is None:
        return []
    # A ring before its hour, or before the lease ran out, was for something else.
    since_due = Q(rung_at__gte=Coalesce("lease_expires_at", "run_after"))
    lately = Q(rung_at__isnull=False, rung_at__gte=now - RING_AGAIN_AFTER) & since_due
    due = _due(now).filter(queue=queue)
    room = min(RING_AT_ONCE, due.count() - waiting)
    silent = due.exclude(lately).order_by(F("rung_at").asc(nulls_first=True), "run_after")
    return list(silent.select_for_update(skip_locked=True)[: max(0, room)])


def see_worker(
    name: str, *, queues: list[str], started_at: datetime, devices: list[dict[str, object]] | None = None
) -> None:
    """Note that a worker lives; `devices` None leaves what it said of them before."""
    changes: dict[str, object] = {"queues": queues, "started_at": started_at, "seen_at": database_now()}
    if devices is not None:
        changes["devices"] = devices
    Worker.objects.update_or_create(name=name[:120], defaults=changes)


def _due(now: datetime) -> QuerySet[Job]:
    """What may be claimed: its hour has come, and no lease holds it."""
    return Job.objects.filter(
        Q(state=JobState.QUEUED, run_after__lte=now) | Q(state=JobState.RUNNING, lease_expires_at__lt=now)
    )


def _held(job: Job) -> QuerySet[Job]:
    """The job's row, if this claim still holds it."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence)


def _backoff(job: Job) -> float:
    """The pause before the next attempt, in seconds, a little more or less."""
    how = handlers.find(job.kind)
    steps = how.backoff if how else WITHOUT_HANDLER_BACKOFF
    return steps[min(job.attempts, len(steps)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311


def _end(job: Job, transition: Transition, now: datetime, code: str, message: str) -> None:
    """End a locked job without its result, and tell whom it was for, in the same transaction."""
    how = handlers.find(job.kind)
    if how and how.on_failure:
        # First, since the row is only locked so far: whoever enqueues meanwhile and holds what this needs can go on.
        how.on_failure(job.subject, code, message)
    changed = job.move(transition, at=now)
    job.error_code, job.error_message = code, message
    job.save(update_fields=[*changed, "error_code", "error_message"])


def _time_ordered_id() -> uuid.UUID:
    """A UUID of version 7. Source: RFC 9562, section 5.7."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
