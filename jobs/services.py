"""Writes of jobs: enqueue, claim, beat, finish, sweep. Each is one conditional statement or one short transaction."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from jobs.handlers import handler_of
from jobs.models import Job, Worker
from jobs.states import OPEN, JobState

log = logging.getLogger(__name__)
RING_AGAIN_AFTER = timedelta(seconds=20)
FORGET_WORKER_AFTER = timedelta(days=1)


class LeaseLost(Exception):
    """Another worker has taken the job over, or it was cancelled; whoever sees this must stop without writing."""


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

    Where an open job has the same key (default: kind and subject), that one is returned and nothing is added.
    """
    name = subject if isinstance(subject, str) else subject_of(subject)
    how = handler_of(kind)
    now = timezone.now()
    wanted = Job(
        kind=kind,
        queue=how.queue,
        subject=name,
        payload=dict(payload or {}),
        key=key or f"{kind}:{name}",
        max_attempts=how.max_attempts,
        unit=how.unit,
        created_at=now,
        run_after=run_after or now,
    )
    # ON CONFLICT DO NOTHING, since a failed INSERT would end the caller's transaction.
    Job.objects.bulk_create([wanted], ignore_conflicts=True)
    job = Job.objects.filter(key=wanted.key, state__in=OPEN).get()
    if job.pk == wanted.pk and job.run_after <= now:
        transaction.on_commit(lambda: ring(job))
    return job


def ring(job: Job) -> None:
    """Nudge a worker. A broker that is away loses only the nudge: the sweeper rings again."""
    from celery import current_app

    try:
        current_app.send_task("jobs.run", args=[str(job.pk)], queue=job.queue, retry=False)
    except Exception as error:
        log.warning("Could not ring for job %s: %s", job.pk, error)
        return
    Job.objects.filter(pk=job.pk).update(rung_at=timezone.now())


def claim(job_id: str, *, worker: str) -> Job | None:
    """Take a job's lease, and with it the next fencing number; None where there is nothing to take."""
    now = timezone.now()
    with transaction.atomic():
        job = (
            Job.objects.select_for_update(skip_locked=True)
            .filter(pk=job_id, run_after__lte=now)
            .filter(Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_expires_at__lt=now))
            .first()
        )
        if job is None:
            return None
        if job.attempts >= job.max_attempts:
            _give_up(job, "jobs.attempts_exhausted", job.error_message or "The worker was lost each time it tried.")
            return None
        job.state = JobState.RUNNING
        job.attempts += 1
        job.fence += 1
        job.worker = worker
        job.started_at = now
        job.lease_expires_at = now + timedelta(seconds=settings.JOB_LEASE_SECONDS)
        job.save(update_fields=["state", "attempts", "fence", "worker", "started_at", "lease_expires_at"])
        return job


def beat(job: Job, *, done: int | None = None, total: int | None = None, stage: str | None = None) -> None:
    """Renew the lease and note the progress; raises LeaseLost where the lease is no longer this worker's."""
    changes: dict[str, object] = {"lease_expires_at": timezone.now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)}
    if done is not None:
        changes["done"] = done
    if total is not None:
        changes["total"] = total
    if stage is not None:
        changes["stage"] = stage[:200]
    if not _held(job).filter(is_cancel_requested=False).update(**changes):
        raise LeaseLost


def hold(job: Job) -> None:
    """Lock the job's row inside a transaction that writes its result; raises LeaseLost where the lease is gone.

    With this no worker that was given up for dead can write after its successor.
    """
    if not _held(job).select_for_update().exists():
        raise LeaseLost


def succeed(job: Job) -> None:
    """End the job well."""
    now = timezone.now()
    if not _held(job).update(
        state=JobState.SUCCEEDED,
        finished_at=now,
        lease_expires_at=None,
        done=F("total"),
        error_code="",
        error_message="",
    ):
        raise LeaseLost


@transaction.atomic
def put_back(job: Job, *, code: str, message: str, after_seconds: float | None, counts: bool = True) -> None:
    """Queue the job again after a pause; where its attempts are used up, give it up."""
    row = _held(job).select_for_update().first()
    if row is None:
        raise LeaseLost
    row.error_code, row.error_message = code, message
    if counts and row.attempts >= row.max_attempts:
        _give_up(row, code, message)
        return
    backoff = handler_of(row.kind).backoff
    pause = backoff[min(row.attempts, len(backoff)) - 1] if after_seconds is None else after_seconds
    row.state = JobState.QUEUED
    row.attempts -= 0 if counts else 1
    row.run_after = timezone.now() + timedelta(seconds=pause)
    row.lease_expires_at = None
    row.save(update_fields=["state", "attempts", "run_after", "lease_expires_at", "error_code", "error_message"])


@transaction.atomic
def fail(job: Job, *, code: str, message: str) -> None:
    """End the job for good, with the reason."""
    row = _held(job).select_for_update().first()
    if row is None:
        raise LeaseLost
    _give_up(row, code, message)


@transaction.atomic
def cancel(job_id: str) -> None:
    """End a queued job at once, and ask the worker of a running one to stop at its next beat."""
    job = Job.objects.select_for_update().get(pk=job_id)
    if job.state == JobState.QUEUED:
        job.state, job.finished_at = JobState.CANCELLED, timezone.now()
        job.save(update_fields=["state", "finished_at"])
    elif job.state == JobState.RUNNING:
        job.is_cancel_requested = True
        job.save(update_fields=["is_cancel_requested"])


def sweep() -> int:
    """Ring for every job that is due and was not rung for lately; returns how many."""
    now = timezone.now()
    due = (
        Job.objects.filter(run_after__lte=now)
        .filter(Q(state=JobState.QUEUED) | Q(state=JobState.RUNNING, lease_expires_at__lt=now))
        .filter(Q(rung_at=None) | Q(rung_at__lt=now - RING_AGAIN_AFTER) | Q(rung_at__lt=F("run_after")))
        .order_by("run_after")[:500]
    )
    count = 0
    for job in due:
        ring(job)
        count += 1
    Job.objects.filter(state=JobState.RUNNING, is_cancel_requested=True, lease_expires_at__lt=now).update(
        state=JobState.CANCELLED, finished_at=now, lease_expires_at=None
    )
    Worker.objects.filter(seen_at__lt=now - FORGET_WORKER_AFTER).delete()
    return count


def see_worker(name: str, *, queues: list[str], devices: list[dict[str, object]] | None = None) -> None:
    """Note that a worker lives."""
    now = timezone.now()
    changes: dict[str, object] = {"queues": queues, "seen_at": now}
    if devices is not None:
        changes["devices"] = devices
    Worker.objects.update_or_create(name=name, defaults=changes, create_defaults=changes | {"started_at": now})


def _held(job: Job):
    """The job's row, if this claim still holds it."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence)


def _give_up(job: Job, code: str, message: str) -> None:
    job.state, job.finished_at, job.lease_expires_at = JobState.FAILED, timezone.now(), None
    job.error_code, job.error_message = code, message
    job.save(update_fields=["state", "finished_at", "lease_expires_at", "error_code", "error_message"])
    on_failure = handler_of(job.kind).on_failure
    if on_failure:
        on_failure(job.subject, code, message)
