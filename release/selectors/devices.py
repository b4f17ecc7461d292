"""Reads of devices with what runs and ran on them, as far as a viewer may see that work."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from jobs import device_register, subjects
from jobs.models import Device, Job
from jobs.selectors import jobs_for
from jobs.services import database_now
from jobs.states import JobState
from jobs.subjects import Subject
from registry.inference.attached import QUEUES
from registry.inference.routing import KIND
from registry.models import Commit, Evidence
from registry.states import EvidenceKind, Outcome

RUNS_READ, RUNS_SHOWN, DEVICES_SHOWN = 300, 4, 200


@dataclass(frozen=True, slots=True)
class PastRun:
    """One run that a device did."""

    evidence_id: int
    outcome: str
    made_at: Any
    quantization: str
    tokens_per_second: float | None
    seconds: float | None
    subject: Subject


@dataclass(slots=True)
class Seen:
    """One device as a viewer sees it; `job` is what runs on it, without a subject where that is not for them."""

    device: Device
    is_live: bool
    job: Job | None = None
    subject: Subject | None = None
    runs: list[PastRun] = field(default_factory=list)


def devices_seen_by(user: User) -> list[Seen]:
    """All registered devices, the living first; four queries whatever their number."""
    now = database_now()
    rows = Device.objects.filter(queue__startswith=QUEUES).order_by("-seen_at")[:DEVICES_SHOWN]
    seen = [Seen(row, device_register.is_live(row, now)) for row in rows]
    _add_work(user, seen)
    _add_runs(user, seen)
    return sorted(seen, key=lambda one: (not one.is_live, one.device.worker, one.device.name))


def _add_work(user: User, seen: Iterable[Seen]) -> None:
    running = Job.objects.filter(kind=KIND, state=JobState.RUNNING, queue__startswith=QUEUES)
    visible = {job.pk for job in jobs_for(user).filter(pk__in=[job.pk for job in running])}
    named = subjects.describe(job.subject for job in running if job.pk in visible)
    by_place: Mapping[tuple[str, str], Job] = {(job.worker, job.queue): job for job in running}
    for one in seen:
        job = by_place.get((one.device.worker, one.device.queue)) if one.is_live else None
        if job is not None and job.payload.get("device", one.device.name) == one.device.name:
            one.job = job
            one.subject = named.get(job.subject)


def _add_runs(user: User, seen: Iterable[Seen]) -> None:
    own = Commit.objects.filter(variant__organization__memberships__user=user).values("checkpoint")
    rows = (
        Evidence.objects.filter(kind=EvidenceKind.SMOKE, checkpoint__in=own)
        .exclude(outcome=Outcome.NOT_RUN)
        .order_by("-id")
        .values_list(
            "pk", "checkpoint", "outcome", "made_at", "report__record__worker", "report__device",
            "report__quantization", "report__measurements__generation__tokens_per_second", "report__seconds",
        )[:RUNS_READ]
    )  # fmt: skip
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        if len(found[row[4], row[5]]) < RUNS_SHOWN:
            found[row[4], row[5]].append(row)
    label = Evidence._meta.get_field("checkpoint").related_model._meta.label_lower
    named = subjects.describe(f"{label}:{row[1]}" for some in found.values() for row in some)
    for one in seen:
        for pk, checkpoint, outcome, at, _, _, quantization, speed, seconds in found[
            one.device.worker, one.device.name
        ]:
            subject = named[f"{label}:{checkpoint}"]
            one.runs.append(PastRun(pk, outcome, at, str(quantization), _number(speed), _number(seconds), subject))


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
