"""How jobs end without their result, and what the end of a part means for the whole.

Locks are taken in one order, the whole before its parts; whoever ends a part locks its whole first (`lock_whole`).
"""

from __future__ import annotations

from datetime import datetime
from functools import partial

from django.db import transaction

from jobs import handlers
from jobs.handlers import Divide
from jobs.models import Job
from jobs.rows import LeaseLost, database_now, hold, new_row, ring
from jobs.states import CANCEL, DIVIDE, GATHER, OPEN, JobState
from rules import Transition

CANCELLED = ("jobs.cancelled", "It was cancelled.")


@transaction.atomic
def divide(job: Job, plan: Divide) -> None:
    """Make the parts of a running job, in the transaction that sets it aside for them; this is no attempt of its own.

    Raises LeaseLost where the job was taken over or cancelled; then no part was made.
    """
    row, now = hold(job), database_now()
    if row.is_cancel_requested:
        raise LeaseLost
    parts = []
    for number, part in enumerate(plan.parts):
        key = f"{row.pk}:{row.fence}:{number}"
        made = new_row(part.kind, subject=row.subject, payload=part.payload, key=key, now=now, run_after=None)
        made.whole, made.total, made.stage = row, part.total, part.stage[:200]
        parts.append(made)
    # Made within one millisecond, ids alone would not keep the order in which the parts are to be begun.
    for made, pk in zip(parts, sorted(part.pk for part in parts), strict=True):
        made.pk = pk
    Job.objects.bulk_create(parts)
    changed = row.move(DIVIDE, at=now)
    row.attempts -= 1
    row.done, row.total, row.stage = plan.done, plan.total, ""
    row.save(update_fields=[*changed, "attempts", "done", "total", "stage"])
    for made in parts:
        transaction.on_commit(partial(ring, made))


def lock_whole(job: Job) -> Job | None:
    """Lock the job that this one is a part of; None for one that is whole itself."""
    return Job.objects.select_for_update().get(pk=job.whole_id) if job.whole_id else None


def end(job: Job, transition: Transition, now: datetime, code: str, message: str, whole: Job | None) -> None:
    """End a locked job without its result, and tell whom it was for, in the same transaction.

    Its parts end with it; a part takes its whole along, with its own reason.
    """
    how = handlers.find(job.kind)
    if how and how.on_failure:
        # First, since the row is only locked so far: whoever enqueues meanwhile and holds what this needs can go on.
        how.on_failure(job.subject, code, message)
    was_divided = job.state == JobState.DIVIDED
    changed = job.move(transition, at=now)
    job.error_code, job.error_message = code, message
    job.save(update_fields=[*changed, "error_code", "error_message"])
    if was_divided:
        _cancel_parts(job, now)
    if whole is not None and whole.state == JobState.DIVIDED:
        end(whole, transition, now, code, message, None)


def part_succeeded(whole: Job, now: datetime) -> None:
    """Queue the locked whole again where this was its last open part; each other part's end comes here too late."""
    if whole.state != JobState.DIVIDED or whole.parts.filter(state__in=OPEN).exists():
        return
    changed = whole.move(GATHER, at=now)
    whole.run_after = whole.rung_at = now
    whole.save(update_fields=[*changed, "run_after", "rung_at"])
    transaction.on_commit(partial(ring, whole))


def cancel_locked(job: Job, now: datetime) -> None:
    """End a locked job that nobody works on, and ask the worker of a running one to stop."""
    if job.state == JobState.RUNNING:
        job.is_cancel_requested = True
        job.save(update_fields=["is_cancel_requested"])
    elif job.is_open:
        end(job, CANCEL, now, *CANCELLED, None)


def _cancel_parts(whole: Job, now: datetime) -> None:
    for part in whole.parts.filter(state__in=OPEN).select_for_update().order_by("pk"):
        cancel_locked(part, now)
