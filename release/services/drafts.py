"""Drafts: what is to be released, how far, under which license, where to and when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Actor
from gating.models import GateVersion
from licensing.models import LicenseVersion
from registry.models import Checkpoint, Organization, Variant
from registry.states import Component, Level, ReasonCode
from release import policies
from release.facts import SHOWN_BY_FILES
from release.models import Release, ReleaseItem, Target
from release.selectors import outline_of, policy_in_force, targets_of
from rules import Refused


@transaction.atomic
def create_draft(*, organization: Organization, title: str, by: User, actor: Actor, summary: str = "") -> Release:
    """Open a draft under the policy in force, bound for the organization's default targets."""
    policies.may_draft(actor).require()
    now = timezone.now()
    release = Release.objects.create(
        organization=organization,
        title=title.strip()[:150],
        summary=summary,
        policy=policy_in_force(),
        drafted_by=by,
        drafted_at=now,
        updated_at=now,
    )
    release.targets.set(targets_of(organization).filter(is_default=True))
    _record(release, "release:release:drafted", by, now, title=release.title)
    return release


@transaction.atomic
def put_item(
    *,
    release_id: int,
    variant: Variant,
    checkpoint: Checkpoint,
    level: str,
    by: User,
    actor: Actor,
    license_version: LicenseVersion | None = None,
    gate_version: GateVersion | None = None,
    reason_code: str = "",
    note: str = "",
    owner: User | None = None,
    review_on: date | None = None,
    components: dict[str, str] | None = None,
) -> ReleaseItem:
    """Put a variant into a draft, or change how it stands there.

    `components` may hold back, or gate, single components; all others follow `level`. Reason, owner and review date
    are for what is not public.
    """
    release = _editable(release_id, actor)
    if level not in set(Level):
        raise Refused.because(policies.ITEM_LEVEL_UNKNOWN, level=level)
    if variant.organization_id != release.organization_id:
        raise Refused.because(
            policies.NOT_OF_ORGANIZATION, what=variant.repo_id, organization=release.organization.name
        )
    if not variant.commits.filter(checkpoint=checkpoint).exists():
        raise Refused.because(policies.CHECKPOINT_FOREIGN, variant=variant.repo_id, digest=checkpoint.short_digest)
    if gate_version is None and level == Level.GATED:
        gate_version = GateVersion.objects.filter(variant=variant).order_by("-number").first()
    lines = _disclosure_lines(
        level, components or {}, reason_code=reason_code, note=note, owner=owner or by, review_on=review_on
    )
    item, _ = ReleaseItem.objects.update_or_create(
        release=release,
        variant=variant,
        defaults={
            "checkpoint": checkpoint,
            "packaged": None,
            "level": level,
            "license_version": license_version,
            "gate_version": gate_version if level == Level.GATED else None,
            "disclosures": lines,
        },
    )
    _record(
        release,
        "release:item:put",
        by,
        timezone.now(),
        variant=variant.repo_id,
        digest=checkpoint.digest,
        level=level,
        license=str(license_version or ""),
    )
    return item


@transaction.atomic
def remove_item(*, release_id: int, variant: Variant, by: User, actor: Actor) -> None:
    """Take a variant out of a draft."""
    release = _editable(release_id, actor)
    deleted, _ = ReleaseItem.objects.filter(release=release, variant=variant).delete()
    if deleted:
        _record(release, "release:item:removed", by, timezone.now(), variant=variant.repo_id)


@transaction.atomic
def set_targets(*, release_id: int, names: Iterable[str], by: User, actor: Actor) -> None:
    """Say where a draft goes, by the targets' names."""
    release = _editable(release_id, actor)
    chosen: list[Target] = []
    for name in names:
        target = targets_of(release.organization).filter(name=name).first()
        if target is None:
            raise Refused.because(policies.UNKNOWN_TARGET, name=name)
        chosen.append(target)
    release.targets.set(chosen)
    _record(release, "release:targets:set", by, timezone.now(), targets=[target.name for target in chosen])


@transaction.atomic
def describe(
    *, release_id: int, by: User, actor: Actor, title: str, summary: str, scheduled_for: datetime | None
) -> Release:
    """Change a draft's title, summary and hour."""
    release = _editable(release_id, actor)
    now = timezone.now()
    if scheduled_for is not None and scheduled_for <= now:
        raise Refused.because(policies.PAST_SCHEDULE, at=f"{scheduled_for:%Y-%m-%d %H:%M} UTC")
    release.title, release.summary, release.scheduled_for = title.strip()[:150], summary, scheduled_for
    release.updated_at = now
    release.save(update_fields=["title", "summary", "scheduled_for", "updated_at"])
    _record(release, "release:release:described", by, now, title=release.title)
    return release


def _editable(release_id: int, actor: Actor) -> Release:
    release = (
        Release.objects.select_for_update(of=("self",)).select_related("organization", "policy").get(pk=release_id)
    )
    policies.may_edit(outline_of(release), actor).require()
    return release


def _disclosure_lines(
    level: str,
    components: dict[str, str],
    *,
    reason_code: str,
    note: str,
    owner: User,
    review_on: date | None,
) -> list[dict[str, object]]:
    """One line for each component that a checkpoint's files show, and for each further one that was named."""
    if reason_code and reason_code not in set(ReasonCode):
        raise Refused.because(policies.UNKNOWN_REASON, reason_code=reason_code)
    levels = {component.value: level for component in SHOWN_BY_FILES} | components
    lines: list[dict[str, object]] = []
    for component, chosen in levels.items():
        if component not in set(Component):
            raise Refused.because(policies.UNKNOWN_COMPONENT, component=component)
        if chosen not in set(Level):
            raise Refused.because(policies.ITEM_LEVEL_UNKNOWN, level=chosen)
        is_explained = chosen != Level.PUBLIC
        lines.append(
            {
                "component": component,
                "level": chosen,
                "reason_code": reason_code if is_explained else "",
                "note": note[:500] if is_explained else "",
                "owner": owner.username if is_explained else "",
                "review_on": review_on.isoformat() if is_explained and review_on else "",
            }
        )
    return lines


def _record(release: Release, kind: str, by: User, at: datetime, **facts: object) -> None:
    audit.record(kind, subject=release, actor=by, at=at, organization=release.organization.name, **facts)
