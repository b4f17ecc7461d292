"""Targets: where releases can go. Their tokens come from the environment, never through here."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from registry.models import Organization
from release.models import Target
from release.states import TargetKind


@transaction.atomic
def put_target(
    *,
    organization: Organization,
    name: str,
    title: str,
    kind: TargetKind,
    by: User | None,
    endpoint: str = "",
    namespace: str = "",
    is_default: bool = False,
) -> Target:
    """Add a target, or change where one of that name leads; releases that were signed for the old address stop
    matching their digest then."""
    target, is_new = Target.objects.update_or_create(
        organization=organization,
        name=name,
        defaults={
            "title": title,
            "kind": kind,
            "endpoint": endpoint,
            "namespace": namespace,
            "is_default": is_default,
            "is_active": True,
        },
    )
    audit.record(
        "release:target:added" if is_new else "release:target:changed",
        subject=target,
        actor=by,
        at=timezone.now(),
        organization=organization.name,
        endpoint=endpoint,
        namespace=namespace,
    )
    return target
