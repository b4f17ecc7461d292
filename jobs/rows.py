"""What every writer of a job's row needs: the clock, a new row, the row under its lease, and the ring for it."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import connection
from django.db.models import QuerySet

from jobs import bell, handlers
from jobs.models import Job
from jobs.states import JobState


class LeaseLost(Exception):
    """Another worker has taken the job over, or it was cancelled; whoever sees this must stop without writing."""


def database_now() -> datetime:
    """The moment at which the database began this statement."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        return cursor.fetchone()[0].astimezone(UTC)


def new_row(
    kind: str,
    *,
    subject: str,
    payload: Mapping[str, object] | None,
    key: str,
    now: datetime,
    run_after: datetime | None,
) -> Job:
    """A job that waits, not yet saved; KeyError where the kind has no handler."""
    how = handlers.handler_of(kind)
    return Job(
        id=time_ordered_id(),
        kind=kind,
        queue=how.queue,
        subject=subject,
        payload=dict(payload or {}),
        key=key,
        max_attempts=how.max_attempts,
        unit=how.unit,
        created_at=now,
        run_after=run_after or now,
        rung_at=now if run_after is None or run_after <= now else None,
    )


def ring(job: Job) -> bool:
    """Nudge a worker, after the row says so; a broker that is away loses only the nudge, and the sweep rings again.

    The row is left alone once the message is out: a claim that met it locked would leave the job to the next sweep.
    """
    is_heard = bell.ring(str(job.pk), kind=job.kind, queue=job.queue)
    if not is_heard:
        Job.objects.filter(pk=job.pk, state=JobState.QUEUED).update(rung_at=None)
    return is_heard


def held(job: Job) -> QuerySet[Job]:
    """The job's row, if this claim still holds it."""
    return Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence)


def hold(job: Job) -> Job:
    """Lock the job's row inside a transaction that writes its result; raises LeaseLost where the lease is gone.

    With this no worker that was given up for dead can write after its successor: taking over needs this lock, and
    raises the number that this row is found by.
    """
    row = held(job).select_for_update().first()
    if row is None:
        raise LeaseLost
    return row


def time_ordered_id() -> uuid.UUID:
    """A UUID of version 7. Source: RFC 9562, section 5.7."""
    value = (time.time_ns() // 1_000_000) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    return uuid.UUID(int=value & ~(0x3 << 62) | 0x2 << 62)
