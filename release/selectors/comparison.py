"""Reads for comparing two checkpoints: which others a member may name, and the tensors that validation saw.

The records carry fingerprints, so they go to the comparison alone and never to a page or an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Max
from django.db.models.fields.json import KT, KeyTransform

import weights
from accounts.models import User
from registry.models import Checkpoint, Commit, Evidence, FileInspection, Membership
from registry.states import EvidenceKind
from release import evidence_policies
from release.selectors.validation import validation_of
from rules import Refused

SHOWN = 60
# Beyond these a page would wait too long; the command line compares any number.
MOST_TENSORS = 20_000


@dataclass(frozen=True, slots=True)
class Other:
    """A checkpoint to compare with, by the newest commit that points at it."""

    digest: str
    label: str
    is_chosen: bool


def others(user: User, checkpoint: Checkpoint | None, given: str) -> list[Other]:
    """The validated checkpoints of a member's organizations, newest first, without this one; two queries."""
    if checkpoint is None:
        return []
    commits = _commits(user).filter(checkpoint__evidence__kind=EvidenceKind.VALIDATION)
    newest = commits.order_by().values("checkpoint").annotate(newest=Max("pk")).order_by("-newest")
    ids = [row["newest"] for row in newest.exclude(checkpoint=checkpoint)[:SHOWN]]
    rows = Commit.objects.filter(pk__in=ids).select_related("variant__organization", "checkpoint").order_by("-pk")
    return [
        Other(row.checkpoint.digest, f"{row.variant.repo_id} · {row.title[:60]}", row.checkpoint.digest == given)
        for row in rows
    ]


def chosen(user: User, digest: str) -> Evidence:
    """The validation of a checkpoint that a member may name; Refused alike where there is none and where hidden."""
    found = Checkpoint.objects.filter(digest=digest, pk__in=_commits(user).values("checkpoint")).first()
    evidence = validation_of(found) if found else None
    if evidence is None:
        raise Refused.because(evidence_policies.NOT_COMPARABLE, digest=digest[:19])
    return evidence


def records(evidence: Evidence) -> list[weights.TensorRecord]:
    """The tensors of a validated checkpoint with their fingerprints; Refused where there are too many for a page."""
    files = dict(evidence.checkpoint.files.values_list("path", "blob_id"))
    rows = FileInspection.objects.filter(
        blob__in=set(files.values()), path__in=list(files), rules_version=evidence.rules_version
    )
    if sum(count or 0 for count in rows.values_list("tensor_count", flat=True)) > MOST_TENSORS:
        raise Refused.because(evidence_policies.TOO_MANY_TENSORS, most=f"{MOST_TENSORS:,}")
    found = rows.annotate(tensors_json=KeyTransform("tensors", "report"), sha256=KT("report__sha256"))
    return [
        weights.TensorRecord.from_json(tensor)
        for path, sha256, tensors in found.order_by("path").values_list("path", "sha256", "tensors_json")
        if files.get(path) == sha256
        for tensor in tensors or ()
    ]


def _commits(user: User):
    organizations = Membership.objects.filter(user=user).values("organization")
    return Commit.objects.filter(variant__organization__in=organizations)
