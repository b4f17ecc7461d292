"""Background work as rows: the row is the work, the message that rings a worker is only a nudge."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone

from jobs.states import OPEN, JobState
from rules import Transition

# Plain words, since migrations keep them and import nothing of ours.
OPEN_VALUES = sorted(state.value for state in OPEN)


class Job(models.Model):
    """One piece of work on one subject. Written by `jobs.services` alone; kept as a record after its end.

    `fence` grows with each claim: a writer that holds an older number has lost its lease and may write nothing. Ids
    are UUIDs of version 7, so that their order is that of enqueueing.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    kind = models.CharField(max_length=60)
    queue = models.CharField(max_length=30)
    subject = models.CharField(max_length=120, help_text="What it works on, as `app.model:key`.")
    payload = models.JSONField(default=dict)
    key = models.CharField(max_length=200, help_text="Two open jobs never share one.")
    whole = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, related_name="parts", help_text="The job that this is a part of."
    )
    state = models.CharField(
        max_length=12, default=JobState.QUEUED.value, choices=[(s.value, s.value) for s in JobState]
    )

    created_at = models.DateTimeField(default=timezone.now)
    run_after = models.DateTimeField(default=timezone.now)
    rung_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    attempts = models.PositiveSmallIntegerField(default=0)
    max_attempts = models.PositiveSmallIntegerField(default=5)
    fence = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    lease_expires_at = models.DateTimeField(null=True)
    is_cancel_requested = models.BooleanField(default=False)

    stage = models.CharField(max_length=200, blank=True)
    done = models.BigIntegerField(default=0, help_text="Units done; bytes where `unit` says so.")
    total = models.BigIntegerField(default=0)
    unit = models.CharField(max_length=20, default="bytes")
    rate = models.FloatField(null=True, help_text="Units per second, over the last half minute.")
    error_code = models.CharField(max_length=80, blank=True)
    error_message = models.TextField(blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["key"], condition=Q(state__in=OPEN_VALUES), name="one_open_job_per_key"),
            models.CheckConstraint(
                condition=~Q(state=JobState.RUNNING.value) | Q(lease_expires_at__isnull=False),
                name="running_has_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_VALUES, finished_at__isnull=True)
                | (~Q(state__in=OPEN_VALUES) & Q(finished_at__isnull=False)),
                name="ended_has_time",
            ),
        ]
        indexes = [
            models.Index(fields=["subject", "kind"], name="job_subject"),
            models.Index(fields=["state", "run_after"], name="job_due", condition=Q(state__in=OPEN_VALUES)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.subject} ({self.state})"

    @property
    def is_open(self) -> bool:
        """Whether it is still to be done."""
        return self.state in OPEN

    @property
    def percent(self) -> int | None:
        """Whole percent done; None while the total is unknown."""
        if self.state == JobState.SUCCEEDED:
            return 100
        return min(100, self.done * 100 // self.total) if self.total else None

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the pace of the last half minute; None while there is none.

        Of a divided job, only where `selectors.with_parts` has added its parts up.
        """
        if self.state not in (JobState.RUNNING, JobState.DIVIDED) or not self.rate or not self.total:
            return None
        return max(0.0, (self.total - self.done) / self.rate)

    def move(self, transition: Transition, *, at: datetime) -> list[str]:
        """Take the transition on this locked row and return the fields it changed; AssertionError from a wrong state.

        An end has a time, and only what runs has a lease.
        """
        assert transition.starts_at(JobState(self.state)), f"{self} cannot {transition.name}"
        self.state = transition.target.value
        self.finished_at = None if self.is_open else at
        self.lease_expires_at = None
        self.rate = None
        return ["state", "finished_at", "lease_expires_at", "rate"]


class Worker(models.Model):
    """One worker process as it last reported itself; swept away when it has been silent for a day."""

    name = models.CharField(max_length=120, primary_key=True)
    queues = models.JSONField(default=list)
    started_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name


class Device(models.Model):
    """One device of one worker, as that worker last described it: written by `jobs.device_register` alone.

    The row of a worker that fell silent stays and is shown as gone; nobody deletes it. `is_live` is what the last look
    found, so that whoever waits for a device is told once; `device_register.is_live` asks the clock.
    """

    worker = models.CharField(max_length=120)
    name = models.CharField(max_length=40, help_text="As the worker calls it, such as `cuda:0`.")
    kind = models.CharField(max_length=20)
    title = models.CharField(max_length=200)
    uuid = models.CharField(max_length=80, blank=True)
    queue = models.CharField(max_length=30)
    total_bytes = models.BigIntegerField(default=0)
    free_bytes = models.BigIntegerField(default=0, help_text="When it was last looked at.")
    description = models.JSONField(default=dict, help_text="All that the worker says of it.")
    first_seen_at = models.DateTimeField(default=timezone.now)
    looked_at = models.DateTimeField(default=timezone.now)
    seen_at = models.DateTimeField(default=timezone.now)
    signed_off_at = models.DateTimeField(null=True)
    is_live = models.BooleanField(default=False)
    changed_at = models.DateTimeField(default=timezone.now, help_text="Since when it is live, or gone.")

    class Meta:
        ordering = ["worker", "name"]
        constraints = [models.UniqueConstraint(fields=["worker", "name"], name="one_row_per_device")]

    def __str__(self) -> str:
        return f"{self.name} of {self.worker}"
