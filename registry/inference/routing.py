"""The way of a smoke run to a device: planned from headers alone among what is registered, then sent to its queue.

Owns what happens where nothing fits or nothing is there: the answer is `not_run`, says what would be needed, and is
looked at again when a device comes. Refuses to own the run itself (`registry.inference.running`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

from django.db.models import Exists, OuterRef

import jobs.services as jobs
from jobs import Retry, Route, device_register
from jobs.models import Device, Job
from jobs.running import Lease
from jobs.services import database_now
from registry.inference import attached, hardware
from registry.models import Checkpoint, Evidence
from registry.states import EvidenceKind, Outcome
from smoke.devices import Inventory
from smoke.plan import Plan
from smoke.report import SmokeReport, not_run

KIND = "registry.smoke"
LOOK_FOR_DEVICE_SECONDS = 5
WAIT_FOR_ROOM_SECONDS = 20
ROOM_WITHIN = timedelta(minutes=15)
AWAITING_DEVICE = ("no_device", "does_not_fit", "no_such_device", "no_torch", "switched_off")
"""Codes of reports that another device, or the same one another day, would change."""
LOOKED_AT_AGAIN = 500


def send(lease: Lease, planned: Callable[[Inventory], Plan]) -> Plan:
    """Raises Route to the queue of the device that fits best, or Retry while the first ones may still register.

    Returns the plan that cannot be run, where no device would do.
    """
    live = sorted(device_register.live(attached.QUEUES), key=attached.rank)
    if not live:
        if database_now() - lease.job.created_at < device_register.patience():
            message = "No worker has registered a device for smoke inference yet."
            raise Retry("registry.no_device", message, after_seconds=LOOK_FOR_DEVICE_SECONDS, counts=False)
        plan = planned(attached.NOTHING)
        reason = "No device for smoke inference is attached."
        return replace(plan, code="no_device", reason=reason) if plan.code == "no_torch" else plan
    plan = planned(attached.inventory(live))
    if not plan.runnable:
        return plan
    chosen = next(row for row in live if row.name == plan.device)
    raise Route(chosen.queue, {"device": plan.device, "quantization": plan.quantization, "reason": plan.reason})


def plan_here(lease: Lease, planned: Callable[[Inventory], Plan], own: Sequence[Device]) -> Plan:
    """The plan among the devices of the worker that took the work.

    Raises Retry while there is no room on it: another worker of the queue may have some, or this one later.
    """
    if not own:
        message = "The worker that took it has not registered its devices yet."
        raise Retry("registry.no_device", message, after_seconds=LOOK_FOR_DEVICE_SECONDS, counts=False)
    plan = planned(attached.inventory(own))
    if plan.code == "does_not_fit" and database_now() - lease.job.created_at < ROOM_WITHIN:
        raise Retry("registry.no_room", plan.reason, after_seconds=WAIT_FOR_ROOM_SECONDS, counts=False)
    return plan


def unplanned(plan: Plan) -> SmokeReport:
    """The report of a checkpoint that no plan could be made for, with what would be needed."""
    needed = hardware.sentence(hardware.rows(plan)) if plan.code in AWAITING_DEVICE else ""
    return not_run(plan.code, f"{plan.reason} {needed}".strip(), plan=plan.to_json())


def is_known(lease: Lease, checkpoint: Checkpoint, report: SmokeReport) -> bool:
    """Whether nothing new was found out by looking again, so that a second row would say the same."""
    if not lease.payload.get("is_second_look") or report.outcome != Outcome.NOT_RUN:
        return False
    last = Evidence.objects.filter(checkpoint=checkpoint, kind=EvidenceKind.SMOKE).order_by("-id").first()
    return last is not None and last.outcome == Outcome.NOT_RUN and last.report.get("code") == report.code


def look_again(changed: Sequence[Device]) -> None:
    """Call back what waits for devices that are gone, and ask once more where a new device may do.

    Called at each look at the register, in its transaction.
    """
    live = device_register.live(attached.QUEUES)
    jobs.call_back(KIND, except_in=set(live.values_list("queue", flat=True)))
    if any(device.is_live and device.queue.startswith(attached.QUEUES) for device in changed):
        for checkpoint in _awaiting_device():
            jobs.enqueue(KIND, subject=checkpoint, payload={"digest": checkpoint.digest, "is_second_look": True})


def _awaiting_device() -> list[Checkpoint]:
    """The checkpoints whose newest smoke evidence says that there was no device for them, newest first."""
    newer = Evidence.objects.filter(checkpoint=OuterRef("checkpoint"), kind=EvidenceKind.SMOKE, pk__gt=OuterRef("pk"))
    rows = Evidence.objects.filter(
        ~Exists(newer), kind=EvidenceKind.SMOKE, outcome=Outcome.NOT_RUN, report__code__in=AWAITING_DEVICE
    )
    return [row.checkpoint for row in rows.select_related("checkpoint").defer("report")[:LOOKED_AT_AGAIN]]


def open_job_of(subject: str) -> Job | None:
    """The smoke run of a subject that has not ended."""
    return Job.objects.filter(subject=subject, kind=KIND, finished_at=None).first()
