"""Doing a job: the lease that a handler is given, and how its end is written."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection, transaction

from jobs import services
from jobs.handlers import Retry, handler_of
from jobs.models import Job
from jobs.services import LeaseLost
from rules import Refused

log = logging.getLogger(__name__)
REPORT_EVERY_SECONDS = 0.5


class Lease:
    """A claimed job as its handler sees it: what to do, how to report, and how to write under the lease."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self._reported_at = 0.0
        self._done = 0
        self._total = 0
        self._stage = ""
        self._lost = threading.Event()

    @property
    def payload(self) -> dict[str, object]:
        """The small facts that the job was enqueued with."""
        return self.job.payload

    @property
    def subject_id(self) -> str:
        """The key of the row that the job works on."""
        return self.job.subject.rpartition(":")[2]

    @property
    def is_lost(self) -> bool:
        """Whether the lease is gone, so that long work can stop between two of its own checks."""
        return self._lost.is_set()

    def report(self, done: int, total: int, stage: str = "") -> None:
        """Note progress, at most twice a second; raises LeaseLost where the job was taken over or cancelled."""
        self._done, self._total, self._stage = done, total, stage or self._stage
        if self.is_lost:
            raise LeaseLost
        now = time.monotonic()
        if now - self._reported_at >= REPORT_EVERY_SECONDS:
            self._reported_at = now
            services.beat(self.job, done=done, total=total, stage=self._stage)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that commits only while the lease is held."""
        with transaction.atomic():
            services.hold(self.job)
            yield

    def keep_alive(self, stop: threading.Event) -> None:
        """Renew the lease from a thread, for handlers that are busy for longer than a lease lasts."""
        try:
            while not stop.wait(settings.JOB_LEASE_SECONDS / 3):
                try:
                    services.beat(self.job)
                except LeaseLost:
                    self._lost.set()
                    return
                except Exception as error:  # the database may be away for a moment; the lease outlasts that
                    log.warning("Could not renew the lease of job %s: %s", self.job.pk, error)
                    connection.close()
        finally:
            connection.close()


def run(job_id: str, *, worker: str) -> str:
    """Claim and do one job; returns the word for how it ended. Safe to call any number of times."""
    job = services.claim(job_id, worker=worker)
    if job is None:
        return "not claimed"
    lease = Lease(job)
    stop = threading.Event()
    beating = threading.Thread(target=lease.keep_alive, args=(stop,), name=f"lease-{job.pk}", daemon=True)
    beating.start()
    try:
        return _work(lease)
    finally:
        stop.set()
        beating.join()


def _work(lease: Lease) -> str:
    job = lease.job
    try:
        try:
            handler_of(job.kind).work(lease)
            services.succeed(job)
            return "succeeded"
        except LeaseLost:
            raise
        except Retry as error:
            services.put_back(
                job,
                code=error.code,
                message=error.message,
                after_seconds=error.after_seconds,
                counts=error.counts,
            )
            return "put back"
        except Refused as error:
            reason = error.verdict.reasons[0]
            services.fail(job, code=reason.code, message=error.verdict.sentence)
            return "failed"
        except Exception as error:
            log.exception("Job %s (%s) broke", job.pk, job.kind)
            services.put_back(
                job,
                code="jobs.broken",
                message=f"An unexpected {type(error).__name__} ended it.",
                after_seconds=None,
            )
            return "put back"
    except LeaseLost:
        _mark_cancelled(job)
        return "lease lost"


def _mark_cancelled(job: Job) -> None:
    from django.utils import timezone

    from jobs.states import JobState

    Job.objects.filter(pk=job.pk, state=JobState.RUNNING, fence=job.fence, is_cancel_requested=True).update(
        state=JobState.CANCELLED, finished_at=timezone.now(), lease_expires_at=None
    )
