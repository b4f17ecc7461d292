"""Submission, votes, recall: everything between a draft and leave to publish."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Actor
from registry.states import Level
from release import policies, states
from release.digest import release_digest
from release.facts import ReleaseFacts, Standing
from release.models import Release, Review
from release.packaging import package
from release.requirements import approval_requirements
from release.selectors import facts_of, outline_of
from release.states import Decision, Transition
from rules import Refused


@transaction.atomic
def submit(*, release_id: int, by: User, actor: Actor) -> Release:
    """Package what would leave, fix the digest over all of it, and hand it to the reviewers.

    Where the policy asks nobody to sign, the release is approved at once.
    """
    release = locked(release_id)
    policies.may_submit(facts_of(release), actor).require()
    for item in release.items.select_related("variant__organization", "checkpoint", "license_version__license"):
        item.packaged = item.checkpoint if item.level == Level.HELD_BACK else package(item)
        item.save(update_fields=["packaged"])
    now = timezone.now()
    release.digest = release_digest(facts_of(release))
    refusal = release.reviews.filter(digest=release.digest, decision=Decision.REFUSE).first()
    if refusal:
        raise Refused.because(policies.REFUSED_BEFORE, role=refusal.role.replace("_", " "), reason=refusal.reason)
    if release.reviews.filter(digest=release.digest, by=by).exists():
        raise Refused.because(policies.SIGNER_SUBMITS)
    release.submitted_by, release.submitted_at = by, now
    move(release, states.SUBMIT, by=by, at=now, fields=["digest", "submitted_by", "submitted_at"])
    _approve_if_complete(release, at=now)
    return release


@transaction.atomic
def approve(*, release_id: int, by: User, actor: Actor, seen: str, reason: str = "") -> Release:
    """Sign exactly the digest that was seen; the last signature that the policy asks for approves the release."""
    release = locked(release_id)
    facts = facts_of(release)
    role = policies.voting_role(facts, actor)
    policies.may_approve(facts, actor, role, seen).require()
    now = timezone.now()
    _vote(release, facts, role, Decision.APPROVE, by, reason, now)
    _approve_if_complete(release, at=now)
    return release


@transaction.atomic
def refuse(*, release_id: int, by: User, actor: Actor, seen: str, reason: str) -> Release:
    """Refuse what was seen, with a reason; one refusal is enough."""
    release = locked(release_id)
    facts = facts_of(release)
    role = policies.voting_role(facts, actor)
    policies.may_refuse(facts, actor, role, seen).require()
    if not reason.strip():
        raise Refused.because(policies.REASON_NEEDED)
    now = timezone.now()
    _vote(release, facts, role, Decision.REFUSE, by, reason, now)
    move(release, states.REFUSE, by=by, at=now, reason=reason)
    return release


@transaction.atomic
def recall(*, release_id: int, by: User, actor: Actor) -> Release:
    """Take a release back to draft; whatever was signed is void once its digest differs."""
    release = locked(release_id)
    policies.may_recall(outline_of(release), actor).require()
    release.submitted_by = release.submitted_at = None
    release.digest = ""
    release.items.update(packaged=None)
    move(
        release,
        states.RECALL,
        by=by,
        at=timezone.now(),
        fields=["submitted_by", "submitted_at", "digest"],
    )
    return release


def locked(release_id: int) -> Release:
    """The release under its lock; raises Release.DoesNotExist."""
    rows = Release.objects.select_for_update(of=("self",)).select_related("organization", "policy", "submitted_by")
    return rows.get(pk=release_id)


def move(
    release: Release,
    transition: Transition,
    *,
    by: User | None,
    at: datetime,
    fields: list[str] | None = None,
    **facts: object,
) -> None:
    """Move a locked release, save the named fields with its state, and record the event."""
    before = release.state
    release.move(transition, at=at)
    release.save(update_fields=["state", "updated_at", *(fields or [])])
    audit.record(
        f"release:release:{transition.name.replace(' ', '_')}",
        subject=release,
        actor=by,
        at=at,
        organization=release.organization.name,
        digest=release.digest,
        state_before=before,
        state=release.state,
        **facts,
    )


def _vote(
    release: Release,
    facts: ReleaseFacts,
    role: object,
    decision: Decision,
    by: User,
    reason: str,
    at: datetime,
) -> None:
    review = Review.objects.create(
        release=release, digest=facts.digest, role=role, decision=decision, reason=reason.strip()[:1000], by=by, at=at
    )
    audit.record(
        f"release:review:{'approved' if decision == Decision.APPROVE else 'refused'}",
        subject=release,
        actor=by,
        at=at,
        organization=release.organization.name,
        digest=review.digest,
        role=review.role,
        reason=review.reason,
    )


def _approve_if_complete(release: Release, *, at: datetime) -> None:
    if all(one.standing == Standing.MET for one in approval_requirements(outline_of(release))):
        move(release, states.APPROVE, by=None, at=at)
