"""Background work of the registry: validation and smoke inference. Each job writes one row of evidence."""

from __future__ import annotations

import threading
import time

from django.conf import settings

import weights
from jobs import handler
from jobs.running import Lease
from jobs.services import LeaseLost
from registry.blobs import blob_store
from registry.models import Checkpoint, CheckpointFile, FileInspection
from registry.services.evidence import record_evidence
from registry.states import EvidenceKind, Outcome
from smoke import run as smoke_run
from smoke import sandbox
from smoke.report import SmokeReport, not_run
from smoke.supervise import Limits
from smoke.verdict import RULES_VERSION

# What a run still needs where the operator allows weaker containment; whatever is missing shows in the report.
WEAKER = ("no_new_privs", "limits", "seccomp")
OUTCOME_OF_VERDICT = {"pass": Outcome.PASS, "warn": Outcome.WARN, "block": Outcome.FAIL}


@handler("registry.validate", queue="validate")
def validate(lease: Lease) -> None:
    """Read every file of a checkpoint once, each at most once for a rule set, and join what was found.

    Finished files are kept as rows, so that a killed worker's successor goes on with the first unfinished one.
    """
    checkpoint = Checkpoint.objects.get(pk=lease.subject_id)
    files = list(checkpoint.files.select_related("blob").order_by("-blob__size_bytes", "path"))
    total = sum(file.blob.size_bytes for file in files)
    begun = time.monotonic()
    reports, done = [], 0
    for file in files:
        reports.append(_inspected(lease, file, done, total))
        done += file.blob.size_bytes
        lease.report(done, total, file.path)
    report = weights.join(reports, seconds=time.monotonic() - begun)
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
        report=report.to_json(),
    )


@handler("registry.smoke", queue="smoke.cpu", max_attempts=2, unit="steps")
def smoke_inference(lease: Lease) -> None:
    """Load a checkpoint, quantized, in a confined process, and have it speak."""
    checkpoint = Checkpoint.objects.get(pk=lease.subject_id)
    if settings.IS_SMOKE_ENABLED:
        report = _run_smoke(lease, checkpoint)
    else:
        report = not_run("switched-off", "Smoke inference is switched off on this instance (SMOKE=0).")
    record_evidence(
        lease,
        checkpoint=checkpoint,
        kind=EvidenceKind.SMOKE,
        outcome=Outcome(report.outcome.value),
        summary=report.reason,
        tool="imprimatur-smoke",
        tool_version="1.0",
        rules_version=RULES_VERSION,
        report=report.to_json(),
    )


def _run_smoke(lease: Lease, checkpoint: Checkpoint) -> SmokeReport:
    store = blob_store()
    places = {file.path: store.path(file.blob_id) for file in checkpoint.files.all()}
    cancel = threading.Event()

    def tell(progress: smoke_run.Progress) -> None:
        try:
            lease.report(progress.done, progress.total, progress.stage)
        except LeaseLost:
            cancel.set()

    required = sandbox.REQUIRED if settings.SMOKE_CONTAINMENT == "require" else WEAKER
    report = smoke_run.run(
        places,
        progress=tell,
        cancel=cancel,
        limits=Limits(wall_seconds=settings.SMOKE_WALL_SECONDS),
        required=required,
    )
    if cancel.is_set() or lease.is_lost:
        raise LeaseLost
    return report


def _inspected(lease: Lease, file: CheckpointFile, before: int, total: int) -> weights.FileReport:
    known = FileInspection.objects.filter(blob=file.blob, path=file.path, rules_version=weights.RULESET).first()
    if known:
        return weights.FileReport.from_json(known.report)
    report = weights.inspect_file(
        blob_store().path(file.blob_id),
        file.path,
        progress=lambda done: lease.report(before + done, total, file.path),
    )
    if report.sha256 != file.blob_id:
        raise RuntimeError(f"the stored bytes of {file.path} no longer have the hash {file.blob_id}")
    with lease.writing():
        FileInspection.objects.bulk_create(
            [FileInspection(blob=file.blob, path=file.path, rules_version=weights.RULESET, report=report.to_json())],
            ignore_conflicts=True,
        )
    return report


def _validation_summary(report: weights.Report) -> str:
    by_severity: dict[str, int] = {}
    for finding in report.findings:
        by_severity[finding.severity] = by_severity.get(finding.severity, 0) + 1
    said = ", ".join(f"{count} {severity}" for severity, count in by_severity.items()) or "no finding"
    return f"{report.files} files, {report.tensors} tensors, {report.parameters:,} parameters: {said}."
