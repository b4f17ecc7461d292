"""Writes of organizations, members, families, variants and lineage."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Role
from registry import policies
from registry.models import Family, LineageEdge, Membership, Organization, Variant
from registry.selectors import ancestor_ids
from registry.services import turns
from registry.states import Relation
from rules import Refused

# The first words of the product's own addresses, and some that it may need one day.
RESERVED_NAMES = frozenset(
    [
        "about",
        "access",
        "account",
        "accounts",
        "admin",
        "api",
        "audit",
        "datasets",
        "devices",
        "docs",
        "favicon.ico",
        "gates",
        "healthz",
        "help",
        "jobs",
        "kernels",
        "licenses",
        "models",
        "oauth",
        "readyz",
        "releases",
        "robots.txt",
        "settings",
        "sign-in",
        "sign-out",
        "spaces",
        "static",
        "ui",
        "users",
        "xet",
    ]
)


@transaction.atomic
def create_organization(
    *, name: str, title: str = "", is_direct_control: bool = False, owner: User | None = None
) -> Organization:
    """Create a namespace, governed unless it is put under direct control in so many words.

    Names that pages of the product begin with are refused: such a namespace could never be reached.
    """
    if name.lower() in RESERVED_NAMES:
        raise Refused.because(policies.NAME_RESERVED, name=name)
    organization = Organization(name=name, title=title, is_direct_control=is_direct_control)
    _insert(organization, what="organization", name=name)
    now = timezone.now()
    audit.record(
        "registry:organization:created",
        subject=organization,
        actor=owner,
        at=now,
        organization=name,
        is_direct_control=is_direct_control,
    )
    if owner:
        add_member(organization=organization, user=owner, role=Role.OWNER, by=owner)
    return organization


@transaction.atomic
def add_member(*, organization: Organization, user: User, role: Role, by: User | None) -> Membership:
    """Give a person a role; nothing happens where they have it."""
    now = timezone.now()
    membership, is_new = Membership.objects.get_or_create(
        organization=organization, user=user, role=role, defaults={"since": now}
    )
    if is_new:
        audit.record(
            "registry:member:added",
            subject=organization,
            actor=by,
            at=now,
            organization=organization.name,
            user=user.username,
            role=role,
        )
    return membership


@transaction.atomic
def create_family(*, organization: Organization, name: str, title: str, by: User) -> Family:
    """Create a family of variants."""
    family = Family(organization=organization, name=name, title=title)
    _insert(family, what="family", name=name)
    audit.record("registry:family:created", subject=family, actor=by, at=timezone.now(), organization=organization.name)
    return family


@transaction.atomic
def create_variant(
    *,
    organization: Organization,
    name: str,
    by: User,
    family: Family | None = None,
    summary: str = "",
    is_private: bool = True,
) -> Variant:
    """Create a variant without any checkpoint; whether `by` may do so was asked at the door."""
    variant = Variant(
        organization=organization, family=family, name=name, summary=summary, created_by=by, is_private=is_private
    )
    _insert(variant, what="model", name=f"{organization.name}/{name}")
    audit.record(
        "registry:variant:created", subject=variant, actor=by, at=timezone.now(), organization=organization.name
    )
    return variant


@transaction.atomic
def describe_variant(*, variant: Variant, by: User, family: Family | None, summary: str) -> None:
    """Change what a variant says of itself."""
    variant.family, variant.summary, variant.updated_at = family, summary, timezone.now()
    variant.save(update_fields=["family", "summary", "updated_at"])
    audit.record(
        "registry:variant:described",
        subject=variant,
        actor=by,
        at=variant.updated_at,
        organization=variant.organization.name,
        summary=summary,
    )


@transaction.atomic
def add_parent(
    *, child: Variant, relation: Relation, by: User, parent: Variant | None = None, external_parent: str = ""
) -> LineageEdge:
    """Record where a variant came from: a variant here, or a repository elsewhere by name.

    Naming a parent again with another relation corrects the record.
    """
    if parent is not None and child.pk in ancestor_ids([parent.pk]) | {parent.pk}:
        raise Refused.because(policies.LINEAGE_LOOP, child=child.repo_id, parent=parent.repo_id)
    edge, is_new = LineageEdge.objects.get_or_create(
        child=child, parent=parent, external_parent=external_parent, defaults={"relation": relation}
    )
    if not is_new and edge.relation != relation:
        edge.relation, is_new = relation, True
        edge.save(update_fields=["relation"])
    if is_new:
        audit.record(
            "registry:lineage:added",
            subject=child,
            actor=by,
            at=timezone.now(),
            organization=child.organization.name,
            parent=edge.parent_name,
            relation=relation,
        )
    return edge


@transaction.atomic
def remove_parent(*, child: Variant, name: str, by: User) -> None:
    """Take back that a variant came from somewhere; Refused where that is not on record. The record of it stays."""
    edges = LineageEdge.objects.filter(child=child).select_related("parent__organization")
    edge = next((one for one in edges if one.parent_name.casefold() == name.casefold()), None)
    if edge is None:
        raise Refused.because(policies.UNKNOWN, what=f"parent of {child.repo_id}", name=name[:193])
    parent = edge.parent_name
    edge.delete()
    audit.record(
        "registry:lineage:removed",
        subject=child,
        actor=by,
        at=timezone.now(),
        organization=child.organization.name,
        parent=parent,
        relation=edge.relation,
    )


@transaction.atomic
def set_direct_control(
    *, variant: Variant, by: User, is_private: bool | None = None, gate_mode: str | None = None
) -> Variant:
    """Set visibility and gate at once, in a namespace under direct control; None leaves one as it is."""
    locked = turns.take(variant)
    if not locked.organization.is_direct_control:
        raise ValueError(f"{locked.organization} is governed: only a release changes what it discloses")
    locked.is_private = locked.is_private if is_private is None else is_private
    locked.gate_mode = locked.gate_mode if gate_mode is None else gate_mode
    locked.updated_at = timezone.now()
    locked.save(update_fields=["is_private", "gate_mode", "updated_at"])
    audit.record(
        "registry:variant:settings_changed",
        subject=locked,
        actor=by,
        at=locked.updated_at,
        organization=locked.organization.name,
        is_private=locked.is_private,
        gate_mode=locked.gate_mode,
    )
    return locked


def _insert(row: Organization | Family | Variant, *, what: str, name: str) -> None:
    try:
        row.clean_fields()
    except ValidationError as error:
        raise Refused.because(policies.BAD_NAME, name=name, reason=" ".join(error.messages)) from error
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Refused.because(policies.NAME_TAKEN, what=what, name=name) from error
