"""Background work of the registry: validation and smoke inference. Each job writes one row of evidence."""

from __future__ import annotations

import time
from itertools import accumulate

from django.utils import timezone

import weights
from jobs import Divide, Part, handler
from jobs.running import Lease, LeaseEnd
from jobs.services import LeaseLost, database_now
from registry.blobs import blob_store
from registry.inference import running
from registry.inference.running import lost
from registry.models import Checkpoint, CheckpointFile
from registry.services.evidence import record_evidence
from registry.states import EvidenceKind, Outcome
from registry.validation import planning, storing
from registry.validation.inspecting import StoredFile, inspect_confined

NOUNS = {"block": "blocking finding", "warn": "warning", "note": "note"}
OUTCOME_OF_VERDICT = {"pass": Outcome.PASS, "warn": Outcome.WARN, "block": Outcome.FAIL}


@handler("registry.validate", queue="validate", title="Validation")
def validate(lease: Lease) -> None:
    """Have every file of a checkpoint read, each at most once for a rule set, and join what was found.

    Where that is more than one worker's work it is divided into jobs for single files, and this is called again after
    the last of them. What is finished stays: a killed worker's successor goes on with the first unfinished file.
    """
    checkpoint = Checkpoint.objects.get(pk=lease.subject_id)
    files = list(checkpoint.files.select_related("blob").order_by("path"))
    known = storing.known(files, since=lease.job.created_at)
    groups = planning.groups([file for file in files if file.pk not in known])
    total = sum(file.size_bytes for file in files)
    done = sum(file.size_bytes for file in files if file.pk in known)
    if len(groups) > 1:
        raise Divide([_part(group) for group in groups], done=done, total=total)
    begun = time.monotonic()
    for group in groups:
        _inspect(lease, group, done, total)
    lease.report(total, total, "Joining what was found")
    _conclude(lease, checkpoint, files, time.monotonic() - begun)


@handler("registry.inspect", queue="validate", title="Validation of files")
def inspect(lease: Lease) -> None:
    """Read some files of a checkpoint, as a part of its validation."""
    wanted = lease.payload["files"]
    files = list(CheckpointFile.objects.filter(pk__in=wanted).select_related("blob").order_by("path"))
    known = storing.known(files, since=lease.job.created_at)
    total = sum(file.size_bytes for file in files)
    done = sum(file.size_bytes for file in files if file.pk in known)
    _inspect(lease, [file for file in files if file.pk not in known], done, total)


@handler("registry.smoke", max_attempts=2, unit="steps", on_failure=lost, title="Smoke inference")
def smoke_inference(lease: Lease) -> None:
    """Send a checkpoint to a device that fits; there, load it, quantized, in a confined process, and have it speak."""
    running.work(lease)


def _part(group: list[CheckpointFile]) -> Part:
    payload = {"files": [file.pk for file in group]}
    stage = f"{len(group)} small files" if len(group) > 1 else group[0].path
    return Part("registry.inspect", payload, sum(file.size_bytes for file in group), stage)


def _inspect(lease: Lease, files: list[CheckpointFile], done: int, total: int) -> None:
    """Read files in a confined process and write each report under the lease, as soon as it is there."""
    before = [done + size for size in accumulate((file.size_bytes for file in files), initial=0)]
    several = f"{len(files)} small files: " if len(files) > 1 else ""

    def progress(number: int, count: int) -> None:
        lease.report(before[number] + count, total, several + files[number].path)

    def found(number: int, report: weights.FileReport, is_complete: bool) -> None:
        with lease.writing():
            storing.keep(files[number], report, is_complete=is_complete, at=database_now())
        progress(number, files[number].size_bytes)

    if files:
        progress(0, 0)
    with blob_store().locals(file.blob_id for file in files) as content:
        stored = [StoredFile(content[file.blob_id], file.path, file.size_bytes, file.blob_id) for file in files]
        inspect_confined(stored, found=found, progress=progress, cancel=LeaseEnd(lease))
    if lease.is_lost:
        raise LeaseLost


def _conclude(lease: Lease, checkpoint: Checkpoint, files: list[CheckpointFile], seconds: float) -> None:
    """Join the reports of all files into one piece of evidence."""
    rows = storing.known(files, since=lease.job.created_at)
    report = weights.join(storing.reports(rows.values()), seconds=_seconds(lease, seconds))
    if report.manifest_digest != checkpoint.digest:
        raise RuntimeError(f"the files of {checkpoint.digest} make {report.manifest_digest}")
    record_evidence(
        lease,
        checkpoint=checkpoint,
        kind=EvidenceKind.VALIDATION,
        outcome=OUTCOME_OF_VERDICT[report.verdict],
        summary=_validation_summary(report),
        tool="imprimatur-weights",
        tool_version=str(report.tool).rpartition(" ")[2],
        rules_version=str(report.ruleset),
        report=storing.storable(report.to_json()),
    )


def _seconds(lease: Lease, own: float) -> float:
    """How long it took on the clock: since its parts were made, where it had some."""
    first = lease.job.parts.order_by("pk").first()
    return (timezone.now() - first.created_at).total_seconds() if first else own


def _validation_summary(report: weights.Report) -> str:
    by_severity: dict[str, int] = {}
    for finding in report.findings:
        by_severity[finding.severity] = by_severity.get(finding.severity, 0) + 1
    said = ", ".join(_counted(by_severity[key], noun) for key, noun in NOUNS.items() if key in by_severity)
    held = ((report.files, "file"), (report.tensors, "tensor"), (report.parameters, "parameter"))
    return f"{', '.join(_counted(*one) for one in held)}: {said or 'no finding'}."


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
