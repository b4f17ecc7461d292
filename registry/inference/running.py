"""A smoke run as a job: first sent to a device, then done there, and written down however it ended."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings

from jobs import device_register
from jobs.endings import CANCELLED
from jobs.models import Device
from jobs.running import Lease, LeaseEnd
from jobs.services import LeaseLost
from registry.blobs import blob_store
from registry.inference import attached, declared, hardware, routing
from registry.inference.headers import headers_of
from registry.models import Checkpoint
from registry.services.evidence import record_evidence, write_evidence
from registry.states import EvidenceKind, Outcome
from registry.validation.storing import storable
from smoke import run as smoke_run
from smoke import sandbox
from smoke.devices import Inventory
from smoke.plan import Plan, make_plan
from smoke.report import SmokeReport, not_run
from smoke.supervise import Limits
from smoke.verdict import RULES_VERSION

TOOL, TOOL_VERSION = "imprimatur-smoke", "2.0"
# What a run still needs where the operator allows weaker containment; whatever is missing shows in the report.
WEAKER = ("no_new_privs", "limits", "seccomp")


def work(lease: Lease) -> None:
    """Do whichever half of the job is due: the way to a device where nobody sent it yet, else the run."""
    checkpoint = Checkpoint.objects.get(pk=lease.subject_id)
    if not settings.IS_SMOKE_ENABLED:
        off = not_run("switched_off", "Smoke inference is switched off on this instance (SMOKE=0).")
        if not routing.is_known(lease, checkpoint, off):
            _record(lease, checkpoint, off, {})
        return
    base = declared.base_of(checkpoint)
    own: list[Device] = []
    with headers_of(checkpoint) as headers, headers_of(base) as beneath:

        def planned(inventory: Inventory) -> Plan:
            return make_plan(headers or {}, base=beneath, inventory=inventory)

        if lease.job.queue.startswith(attached.QUEUES):
            own = _own_devices(lease)
            plan = routing.plan_here(lease, planned, own)
        else:
            lease.report(0, 0, "Looking for a device")
            plan = routing.send(lease, planned)
    known: dict[str, Any] = {"base": base.digest} if base is not None else {}
    known["hardware"] = hardware.rows(plan)
    if plan.runnable:
        with places_of(checkpoint) as places, _places_of_base(base) as under:
            found = declared.grounds(checkpoint, places)
            report = _confined(lease, checkpoint, places, under, plan, found)
        title = next((row.title for row in own if row.name == plan.device), "")
        known |= {**found.facts, "device": {"name": plan.device, "title": title}}
    else:
        report = routing.unplanned(plan)
    if not routing.is_known(lease, checkpoint, report):
        _record(lease, checkpoint, report, known)


@contextmanager
def places_of(checkpoint: Checkpoint) -> Iterator[Mapping[str, Path]]:
    """The files of a checkpoint by their paths, each where its content lies."""
    hashes = dict(checkpoint.files.values_list("path", "blob_id"))
    with blob_store().locals(hashes.values()) as content:
        yield {path: content[sha256] for path, sha256 in hashes.items()}


@contextmanager
def _places_of_base(base: Checkpoint | None) -> Iterator[Mapping[str, Path] | None]:
    """The files that an adapter is put on; None where lineage names none."""
    if base is None:
        yield None
        return
    with places_of(base) as places:
        yield places


def _own_devices(lease: Lease) -> list[Device]:
    own = list(device_register.of_worker(lease.job.worker, lease.job.queue))
    free = attached.free_now()
    for row in own:
        row.free_bytes = free.get(row.name, row.free_bytes)
    return own


def _confined(
    lease: Lease,
    checkpoint: Checkpoint,
    places: Mapping[str, Path],
    base: Mapping[str, Path] | None,
    plan: Plan,
    found: declared.Grounds,
) -> SmokeReport:
    def tell(said: smoke_run.Progress) -> None:
        if not lease.is_lost:
            lease.report(said.done, said.total, said.sentence)

    report = smoke_run.run(
        places,
        base=base,
        plan=plan,
        probe=found.probe,
        reference=found.reference,
        is_parent=found.reference is not None,
        progress=tell,
        cancel=LeaseEnd(lease),
        limits=Limits(wall_seconds=settings.SMOKE_WALL_SECONDS),
        required=sandbox.REQUIRED if settings.SMOKE_CONTAINMENT == "require" else WEAKER,
        manifest_digest=checkpoint.digest,
    )
    if lease.is_lost:
        raise LeaseLost
    return report


def _record(lease: Lease, checkpoint: Checkpoint, report: SmokeReport, known: dict[str, Any]) -> None:
    """Write the evidence: the tool's report, and under `record` what only the platform knows of the run."""
    record = {
        "worker": lease.job.worker,
        "queue": lease.job.queue,
        "attempt": lease.job.attempts,
        "routed": {name: lease.payload[name] for name in ("device", "reason") if name in lease.payload},
        **known,
    }
    record_evidence(
        lease,
        checkpoint=checkpoint,
        kind=EvidenceKind.SMOKE,
        outcome=Outcome(report.outcome.value),
        summary=report.reason,
        tool=TOOL,
        tool_version=TOOL_VERSION,
        rules_version=RULES_VERSION,
        report=storable({**report.to_json(), "record": record}),
    )


def lost(subject: str, code: str, message: str) -> None:
    """Write down that a run was given up, in the transaction that does so; a cancelled one has no result."""
    job = routing.open_job_of(subject)
    if job is None or code == CANCELLED[0]:
        return
    checkpoint = Checkpoint.objects.get(pk=subject.rpartition(":")[2])
    report = not_run(code.replace("jobs.", ""), message)
    record = {"worker": job.worker, "queue": job.queue, "attempt": job.attempts}
    write_evidence(
        job.pk,
        checkpoint=checkpoint,
        kind=EvidenceKind.SMOKE,
        outcome=Outcome.NOT_RUN,
        summary=message,
        tool=TOOL,
        tool_version=TOOL_VERSION,
        rules_version=RULES_VERSION,
        report={**report.to_json(), "record": record},
    )
