"""Doing a job: the lease that a handler is given, and how its end is written."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.db import connection, transaction

from jobs import handlers, services
from jobs.handlers import Divide, Retry, Route
from jobs.models import Job
from jobs.pace import Pace
from jobs.services import LeaseLost
from rules import Refused

log = logging.getLogger(__name__)
REPORT_EVERY_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Progress:
    """What a handler last said of its work."""

    done: int
    total: int
    stage: str
    rate: float | None


class Lease:
    """A claimed job as its handler sees it: what to do, how to report, and how to write under the lease.

    A thread of its own renews the lease and writes the progress, so that a handler may be busy for longer than a lease
    lasts, and reporting costs it nothing.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self._said: Progress | None = None
        self._pace = Pace()
        self._lost = threading.Event()
        self._renewed_at = time.monotonic()

    @property
    def payload(self) -> dict[str, Any]:
        """The small facts that the job was enqueued with."""
        return self.job.payload

    @property
    def subject_id(self) -> str:
        """The key of the row that the job works on."""
        return self.job.subject.rpartition(":")[2]

    @property
    def is_lost(self) -> bool:
        """Whether the lease is gone, or must be taken for gone since it could not be renewed in time.

        Effects outside the database have no fence; a worker that cannot reach the database has to stop by its own
        clock, before its successor begins.
        """
        return self._lost.is_set() or time.monotonic() - self._renewed_at > settings.JOB_LEASE_SECONDS

    def report(self, done: int, total: int, stage: str = "") -> None:
        """Say how far the work is; raises LeaseLost where the job was taken over or cancelled."""
        if self.is_lost:
            raise LeaseLost
        self._pace.note(done, time.monotonic())
        kept = self._said.stage if self._said else ""
        self._said = Progress(done, total, stage or kept, self._pace.per_second)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction that commits only while the lease is held."""
        with transaction.atomic():
            services.hold(self.job)
            yield

    def keep_alive(self, stop: threading.Event) -> None:
        """Renew the lease and write the progress until told to stop, or until the lease is gone."""
        written = self._said
        try:
            while not stop.wait(REPORT_EVERY_SECONDS):
                said, asked_at = self._said, time.monotonic()
                if said is written and asked_at - self._renewed_at < settings.JOB_LEASE_SECONDS / 3:
                    continue
                try:
                    self._beat(said)
                    written, self._renewed_at = said, asked_at
                except LeaseLost:
                    self._lost.set()
                    return
                except Exception as error:  # the database may be away for a moment; the lease outlasts that
                    log.warning("Could not renew the lease of job %s: %s", self.job.pk, error)
                    connection.close()
        finally:
            connection.close()

    def _beat(self, said: Progress | None) -> None:
        if said is None:
            services.beat(self.job)
        else:
            services.beat(self.job, done=said.done, total=said.total, stage=said.stage, rate=said.rate)


class LeaseEnd(threading.Event):
    """Set once a lease is gone, also while whoever works under it hears nothing."""

    def __init__(self, lease: Lease) -> None:
        super().__init__()
        self._lease = lease

    def is_set(self) -> bool:
        """Whether whoever works under the lease must stop."""
        return self._lease.is_lost


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
    except LeaseLost:
        return "cancelled" if services.stop_cancelled(job) else "lease lost"
    finally:
        stop.set()
        beating.join()


def _work(lease: Lease) -> str:
    """Do the work and write its end; raises LeaseLost where that is no longer this worker's to write."""
    job = lease.job
    how = handlers.find(job.kind)
    try:
        if how is None:
            raise Retry("jobs.no_handler", f"This version of the worker does not know jobs of the kind {job.kind}.")
        how.work(lease)
    except LeaseLost:
        raise
    except Retry as error:
        services.put_back(
            job, code=error.code, message=error.message, after_seconds=error.after_seconds, counts=error.counts
        )
        return "put back"
    except Divide as plan:
        services.divide(job, plan)
        return "divided"
    except Route as way:
        services.route(job, queue=way.queue, payload=way.payload)
        return "routed"
    except Refused as refused:
        services.fail(job, code=refused.verdict.reasons[0].code, message=refused.verdict.sentence)
        return "failed"
    except SoftTimeLimitExceeded:
        message = f"It was stopped after {how.limit_seconds} seconds." if how else "It was stopped for its length."
        services.put_back(job, code="jobs.time_limit", message=message, after_seconds=None)
        return "put back"
    except Exception as error:
        log.exception("Job %s (%s) broke", job.pk, job.kind)
        message = f"An unexpected {type(error).__name__} ended it."
        services.put_back(job, code="jobs.broken", message=message, after_seconds=None)
        return "put back"
    services.succeed(job)
    return "succeeded"
