"""Writes of jobs: enqueue, claim, beat, end, sweep. Each locks the row, asks whether the lease holds, and moves it.

All moments are the database's: workers' clocks differ, and a fast one would take over what is still being done.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce

from jobs import bell, handlers
from jobs.endings import CANCELLED, cancel_locked, divide, end, lock_whole, part_succeeded
from jobs.models import Job, Worker
from jobs.rows import LeaseLost, database_now, held, hold, new_row, ring
from jobs.states import CANCEL, CLAIM, FAIL, OPEN, PUT_BACK, SUCCEED, JobState

__all__ = [
    "LeaseLost",
    "beat",
    "call_back",
    "cancel",
    "claim",
    "database_now",
    "divide",
    "enqueue",
    "fail",
    "hand_over",
    "hold",
    "put_back",
    "ring",
    "route",
    "see_worker",
    "stop_cancelled",
    "subject_of",
    "succeed",
    "sweep",
]

RING_AGAIN_AFTER = timedelta(seconds=20)
RING_AT_ONCE = 500
FORGET_WORKER_AFTER = timedelta(days=1)
SWEEP_LOCK = 7305181
# So that what failed together does not come back together.
JITTER = 0.2
WITHOUT_HANDLER_BACKOFF = (30.0, 120.0, 600.0)


def subject_of(row: object) -> str:
    """The name under which jobs and events know a row: `app.model:key`."""
    return f"{row._meta.label_lower}:{row.pk}"  # type: ignore[attr-defined]


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
    now = database_now()
    wanted = new_row(kind, subject=name, payload=payload, key=key or f"{kind}:{name}", now=now, run_after=run_after)
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


def claim(job_id: str, *, worker: str) -> Job | None:
    """Take a job's lease, and with it the next fencing number; None where there is nothing to take.

    A row that somebody else holds locked at this moment is left to the next ring.
    """
    with transaction.atomic():
        now = database_now()
        job = _due(now).select_for_update(skip_locked=True).filter(pk=job_id).first()
        if job is None:
            return None
        is_spent = job.is_cancel_requested or job.attempts >= job.max_attempts
        if is_spent and job.whole_id is None:
            _end_spent(job, now, None)
        if not is_spent:
            _take(job, worker, now)
            return job
    if job.whole_id is not None:
        _end_spent_part(job)
    return None


def _take(job: Job, worker: str, now: datetime) -> None:
    changed = job.move(CLAIM, at=now)
    job.attempts += 1
    job.fence += 1
    job.worker = worker[:120]
    job.started_at = now
    job.lease_expires_at = now + timedelta(seconds=settings.JOB_LEASE_SECONDS)
    job.save(update_fields=[*changed, "attempts", "fence", "worker", "started_at"])


def _end_spent(job: Job, now: datetime, whole: Job | None) -> None:
    """End a due job that was cancelled, or that took its worker along each time."""
    if job.is_cancel_requested:
        end(job, CANCEL, now, *CANCELLED, whole)
        return
    lost = "Its worker was lost, or stopped answering, each time that it was tried."
    place = f"{job.stage}: {lost}" if job.stage and job.whole_id else lost
    end(job, FAIL, now, "jobs.attempts_exhausted", job.error_message or place, whole)


@transaction.atomic
def _end_spent_part(part: Job) -> None:
    """The same for a part, found spent by a claim that had not locked its whole; whoever was quicker has done it."""
    whole, now = lock_whole(part), database_now()
    row = _due(now).select_for_update().filter(pk=part.pk, fence=part.fence).first()
    if row is not None:
        _end_spent(row, now, whole)


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
    if not held(job).filter(is_cancel_requested=False).update(**changes):
        raise LeaseLost


@transaction.atomic
def succeed(job: Job) -> None:
    """End the job well."""
    whole = lock_whole(job)
    row, now = hold(job), database_now()
    changed = row.move(SUCCEED, at=now)
    row.done, row.error_code, row.error_message = row.total, "", ""
    row.save(update_fields=[*changed, "done", "error_code", "error_message"])
    if whole is not None:
        part_succeeded(whole, now)


@transaction.atomic
def put_back(job: Job, *, code: str, message: str, after_seconds: float | None, counts: bool = True) -> None:
    """Queue the job again after a pause; where its attempts are used up, or it was cancelled, end it."""
    whole = lock_whole(job)
    row, now = hold(job), database_now()
    if row.is_cancel_requested:
        end(row, CANCEL, now, *CANCELLED, whole)
        return
    if counts and row.attempts >= row.max_attempts:
        end(row, FAIL, now, code, message, whole)
        return
    changed = row.move(PUT_BACK, at=now)
    pause = _backoff(row) if after_seconds is None else after_seconds
    row.attempts -= 0 if counts else 1
    row.run_after = now + timedelta(seconds=pause)
    row.error_code, row.error_message = code, message
    row.save(update_fields=[*changed, "attempts", "run_after", "error_code", "error_message"])


@transaction.atomic
def route(job: Job, *, queue: str, payload: Mapping[str, object]) -> None:
    """Queue a running job elsewhere, with what was found out for it; raises LeaseLost where it was cancelled."""
    row, now = hold(job), database_now()
    if row.is_cancel_requested:
        raise LeaseLost
    changed = row.move(PUT_BACK, at=now)
    row.attempts -= 1
    row.queue, row.payload = queue, {**row.payload, **payload}
    row.run_after = row.rung_at = now
    row.done, row.total, row.stage, row.error_code, row.error_message = 0, 0, "", "", ""
    row.save(
        update_fields=[
            *changed, "attempts", "queue", "payload", "run_after", "rung_at",
            "done", "total", "stage", "error_code", "error_message",
        ]
    )  # fmt: skip
    transaction.on_commit(lambda: ring(row))


@transaction.atomic
def call_back(kind: str, *, except_in: Collection[str]) -> int:
    """Hand the jobs of a kind that wait in other queues than these back to where their kind begins; returns how many.

    Those whose worker was lost are among them: the workers of their queue may all be gone.
    """
    home, now = handlers.handler_of(kind).queue, database_now()
    waits = Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_expires_at__lt=now)
    rows = Job.objects.filter(waits, kind=kind).exclude(queue__in=[home, *except_in])
    found = list(rows.select_for_update(skip_locked=True))
    for job in found:
        job.queue, job.run_after, job.rung_at = home, now, now
        job.save(update_fields=["queue", "run_after", "rung_at"])
        transaction.on_commit(partial(ring, job))
    return len(found)


@transaction.atomic
def fail(job: Job, *, code: str, message: str) -> None:
    """End the job for good, with the reason."""
    whole = lock_whole(job)
    end(hold(job), FAIL, database_now(), code, message, whole)


@transaction.atomic
def cancel(job_id: str) -> None:
    """End a job at once where nobody works on it, its parts with it, and ask the worker of a running one to stop.

    One that has ended stays as it is; an open part stands for its whole.
    """
    job = Job.objects.get(pk=job_id)
    whole_id = job.whole_id if job.is_open else None
    cancel_locked(Job.objects.select_for_update().get(pk=whole_id or job.pk), database_now())


@transaction.atomic
def stop_cancelled(job: Job) -> bool:
    """End a job whose worker has just stopped; False where it was not cancelled, or is no longer this worker's."""
    whole = lock_whole(job)
    row = held(job).select_for_update().filter(is_cancel_requested=True).first()
    if row is None:
        return False
    end(row, CANCEL, database_now(), *CANCELLED, whole)
    return True


def hand_over(*, worker: str) -> int:
    """Put back what a worker that must stop now still runs, without counting the attempt; returns how many.

    The fencing number is raised, so that whatever still runs in the stopping process can write no more.
    """
    with transaction.atomic():
        running = Job.objects.filter(state=JobState.RUNNING, worker=worker, is_cancel_requested=False)
        jobs, now = list(running.select_for_update(skip_locked=True)), database_now()
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


def see_worker(name: str, *, queues: list[str], started_at: datetime) -> None:
    """Note that a worker lives; what it computes on is registered apart, by `jobs.device_register`."""
    changes: dict[str, object] = {"queues": queues, "started_at": started_at, "seen_at": database_now()}
    Worker.objects.update_or_create(name=name[:120], defaults=changes)


def _due(now: datetime) -> QuerySet[Job]:
    """What may be claimed: its hour has come, and no lease holds it."""
    return Job.objects.filter(
        Q(state=JobState.QUEUED, run_after__lte=now) | Q(state=JobState.RUNNING, lease_expires_at__lt=now)
    )


def _backoff(job: Job) -> float:
    """The pause before the next attempt, in seconds, a little more or less."""
    how = handlers.find(job.kind)
    steps = how.backoff if how else WITHOUT_HANDLER_BACKOFF
    return steps[min(job.attempts, len(steps)) - 1] * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311
