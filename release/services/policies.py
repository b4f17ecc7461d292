"""Release policies: installing a version, and waivers from single requirements."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import yaml
from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Actor
from registry.models import Checkpoint, Organization
from release import evidence_policies, policies
from release.models import Release, ReleasePolicy, Waiver
from release.policy_document import check_document
from release.requirements import EVIDENCE_TITLES, LIKENESS_DECIDED, LINEAGE_DECIDED, LINEAGE_VERIFIED
from rules import Refused

DEFAULT_POLICY = Path(__file__).resolve().parent.parent / "default_policy.yaml"
LONGEST_WAIVER_DAYS = 90


@transaction.atomic
def install_policy(*, document: dict[str, object], by: User | None, note: str = "") -> ReleasePolicy:
    """Make a document the policy in force; the same document twice changes nothing. Refused where it makes no sense."""
    check_document(document)
    body = json.dumps(document, sort_keys=True, separators=(",", ":"))
    digest = f"sha256:{hashlib.sha256(body.encode()).hexdigest()}"
    newest = ReleasePolicy.objects.select_for_update().first()
    if newest and newest.digest == digest:
        return newest
    made = ReleasePolicy.objects.create(
        version=newest.version + 1 if newest else 1, document=document, digest=digest, note=note[:300], made_by=by
    )
    audit.record("release:policy:installed", subject=made, actor=by, at=made.made_at, digest=digest, note=note)
    return made


def default_document() -> dict[str, object]:
    """The policy that an instance starts with."""
    return yaml.safe_load(DEFAULT_POLICY.read_text(encoding="utf-8"))


@transaction.atomic
def waive(
    *,
    organization: Organization,
    checkpoint: Checkpoint,
    requirement: str,
    reason: str,
    days: int,
    by: User,
    actor: Actor,
) -> Waiver:
    """Take the absence of one kind of evidence, or what licenses leave open, upon oneself for some days."""
    evidence_policies.may_waive(actor).require()
    if requirement in (LINEAGE_DECIDED, LINEAGE_VERIFIED):
        evidence_policies.may_decide_lineage(actor).require()
    elif requirement == LIKENESS_DECIDED:
        evidence_policies.may_decide_likeness(actor).require()
    elif requirement not in {f"evidence.{kind}" for kind in EVIDENCE_TITLES}:
        raise Refused.because(evidence_policies.NOT_WAIVABLE, requirement=requirement)
    if not reason.strip():
        raise Refused.because(evidence_policies.WAIVER_REASON)
    if not 1 <= days <= LONGEST_WAIVER_DAYS:
        raise Refused.because(evidence_policies.WAIVER_DAYS, days=days)
    now = timezone.now()
    waiver = Waiver.objects.create(
        requirement=requirement,
        digest=checkpoint.digest,
        reason=reason.strip()[:500],
        owner=by,
        made_at=now,
        expires_at=now + timedelta(days=days),
    )
    audit.record(
        "release:requirement:waived",
        subject=checkpoint,
        actor=by,
        at=now,
        organization=organization.name,
        label=checkpoint.digest,
        requirement=requirement,
        reason=waiver.reason,
        days=days,
    )
    return waiver


def waive_for(*, release: Release, what: str, reason: str, days: int, by: User, actor: Actor) -> Waiver:
    """Waive for one of a release's checkpoints; `what` is the requirement's code, “@” and the digest."""
    requirement, _, digest = what.partition("@")
    item = release.items.filter(checkpoint__digest=digest).select_related("checkpoint").first()
    if item is None:
        raise Refused.because(policies.NOT_IN_RELEASE, variant=digest[:19])
    return waive(
        organization=release.organization,
        checkpoint=item.checkpoint,
        requirement=requirement,
        reason=reason,
        days=days,
        by=by,
        actor=actor,
    )
