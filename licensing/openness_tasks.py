"""The background work of openness: one row of evidence that holds the assessment, bound to the checkpoint's digest."""

from __future__ import annotations

from jobs import handler
from jobs.running import Lease
from licensing.catalog import shipped
from licensing.openness.assessment import RULES_VERSION
from licensing.openness_reads import Openness, openness_of
from registry.models import Checkpoint, Variant
from registry.services.evidence import record_evidence
from registry.states import EvidenceKind, Outcome

TOOL_VERSION = "1.0"


@handler("licensing.openness", queue="validate", unit="files", title="Openness")
def assess_openness(lease: Lease) -> None:
    """Compute how open a checkpoint is, component by component, and whether its card claims more."""
    checkpoint = Checkpoint.objects.get(pk=lease.subject_id)
    lease.report(0, checkpoint.file_count, "reading names and card")
    variant = (
        Variant.objects.filter(commits__checkpoint=checkpoint)
        .select_related("organization")
        .order_by("-commits__id")
        .first()
    )
    if variant is None:
        record_evidence(
            lease,
            checkpoint=checkpoint,
            kind=EvidenceKind.OPENNESS,
            outcome=Outcome.NOT_RUN,
            summary="No model has this checkpoint, so that nothing is known of what is disclosed.",
            **_tool(),
        )
        return
    found = openness_of(variant, checkpoint)
    record_evidence(
        lease,
        checkpoint=checkpoint,
        kind=EvidenceKind.OPENNESS,
        outcome=outcome_of(found),
        summary=summary_of(found),
        report={
            "variant": variant.repo_id,
            "checkpoint": checkpoint.digest,
            "assumed": found.assumed,
            "assessment": found.assessment.as_dict(),
            "findings": findings_of(found),
        },
        **_tool(),
    )


def outcome_of(found: Openness) -> Outcome:
    """Fail where the card surely claims more than there is, warn where it may; how open it is, is no fault."""
    severities = {excess.severity for excess in found.excesses}
    if "block" in severities:
        return Outcome.FAIL
    return Outcome.WARN if severities or found.card_problem else Outcome.PASS


def summary_of(found: Openness) -> str:
    """The label and the three answers in one line, or what the card claims beyond them."""
    if found.excesses:
        return found.excesses[0].message[:500]
    answers = found.assessment
    return (
        f"{answers.label.label.value.capitalize()}. {answers.mof.level.title}; open source AI: "
        f"{answers.osaid.answer.value}; EU exemption: {answers.eu.answer.value}."
    )


def findings_of(found: Openness) -> list[dict[str, str]]:
    """What the card claims beyond what there is, as findings with their fix."""
    findings = [
        {
            "check": "openness.claim",
            "severity": excess.severity,
            "message": excess.message,
            "path": "README.md",
            "evidence": f"line {excess.claim.line} of the text" if excess.claim.line else "metadata",
            "fix": excess.fix,
        }
        for excess in found.excesses
    ]
    if found.card_problem:
        findings.append(
            {"check": "openness.no_card", "severity": "warn", "message": found.card_problem, "path": "README.md"}
        )
    return findings


def _tool() -> dict[str, str]:
    return {
        "tool": "imprimatur-openness",
        "tool_version": TOOL_VERSION,
        "rules_version": f"{RULES_VERSION}, catalog of {shipped().as_of}",
    }
