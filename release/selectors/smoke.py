"""Reads of smoke reports: one run, the runs of a variant over time, and what one may be compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.models import User
from registry.inference import record
from registry.models import Checkpoint, Evidence, Membership, Variant
from registry.selectors import latest_evidence
from registry.states import EvidenceKind, Outcome
from release import evidence_policies
from release.tested_on import Trial
from rules import Refused

RUNS = 40
VERSIONS = ("torch", "transformers")


@dataclass(frozen=True, slots=True)
class Run:
    """One run in the history of a variant, without its report."""

    id: int
    checkpoint: str
    outcome: str
    made_at: Any
    device: str
    quantization: str
    bits_per_byte: Any
    tokens_per_second: Any


def report_of(checkpoint: Checkpoint, run: str = "") -> Evidence | None:
    """The run that is named, or the newest; None without any, Refused where the name is none of the checkpoint's."""
    rows = Evidence.objects.filter(checkpoint=checkpoint, kind=EvidenceKind.SMOKE).order_by("-id")
    if not run:
        return rows.first()
    found = rows.filter(pk=run).first() if run.isdecimal() and len(run) < 19 else None
    if found is None:
        raise Refused.because(evidence_policies.UNKNOWN_RUN, run=run[:20])
    return found


def standing(checkpoint: Checkpoint) -> Evidence | None:
    """The run that counts: the newest that was run, or the newest attempt where none was."""
    return latest_evidence(checkpoint).get(EvidenceKind.SMOKE)


def newest_of(checkpoint: Checkpoint) -> Evidence | None:
    """The smoke evidence that stands for exactly this checkpoint; None where its report names other files."""
    found = standing(checkpoint)
    named = record.text(found.report, "manifest_digest") if found else ""
    return found if named in ("", checkpoint.digest) else None


def hardware_of(checkpoint: Checkpoint) -> list[dict[str, Any]]:
    """The hardware that a checkpoint fits, as the run that counts says."""
    found = newest_of(checkpoint)
    return _hardware_in(found.report) if found else []


def _hardware_in(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [one for one in record.listed(report, "record", "hardware") if isinstance(one, dict)]


def trial_of(checkpoint: Checkpoint) -> tuple[Trial | None, list[dict[str, Any]]]:
    """What the run that counts says of a checkpoint, and the hardware that it fits; nothing of what was not run."""
    found = newest_of(checkpoint)
    if found is None:
        return None, []
    report = found.report
    hardware = _hardware_in(report)
    if found.outcome == Outcome.NOT_RUN or not record.text(report, "device"):
        return None, hardware
    title = record.text(report, "record", "device", "title")
    versions = record.mapping(report, "versions")
    named = {name: str(versions[name]) for name in VERSIONS if versions.get(name)}
    if record.text(report, "driver"):
        named["driver"] = record.text(report, "driver")
    made = Trial(
        outcome=found.outcome,
        device=f"{title} ({record.text(report, 'device')})" if title else record.text(report, "device"),
        quantization=record.text(report, "quantization"),
        made_on=found.made_at.date(),
        checkpoint=checkpoint.digest,
        report=record.digest(report),
        bits_per_byte=record.bits_per_byte(report),
        tokens_per_second=record.tokens_per_second(report),
        versions=named,
    )
    return made, hardware


def runs_of(variant: Variant) -> list[Run]:
    """What was run of a variant's checkpoints, the newest first."""
    rows = (
        Evidence.objects.filter(kind=EvidenceKind.SMOKE, checkpoint__commits__variant=variant)
        .order_by("-id")
        .distinct()
        .values_list(
            "pk", "checkpoint__digest", "outcome", "made_at", "report__device", "report__quantization",
            "report__measurements__bits_per_byte", "report__measurements__generation__tokens_per_second",
        )[:RUNS]
    )  # fmt: skip
    return [Run(*row) for row in rows]


def comparable(user: User, variant: Variant, own: Evidence) -> list[tuple[str, Evidence]]:
    """The runs that one may be laid beside: the earlier one of this model, and the newest of each parent."""
    rows = (
        Evidence.objects.filter(kind=EvidenceKind.SMOKE).exclude(outcome=Outcome.NOT_RUN).select_related("checkpoint")
    )
    earlier = rows.filter(checkpoint__commits__variant=variant, pk__lt=own.pk).order_by("-id").first()
    found = [("The run before", earlier)] if earlier else []
    # Reports are for members: what others find out about a public model, its children's owners are not told.
    inside = Membership.objects.filter(user=user).values("organization")
    for edge in variant.parent_edges.filter(parent__organization__in=inside).select_related("parent__organization"):
        newest = rows.filter(checkpoint__commits__variant=edge.parent).order_by("-id").first()
        if newest and newest.pk != own.pk:
            found.append((f"{edge.parent_name}, its parent", newest))
    return found
