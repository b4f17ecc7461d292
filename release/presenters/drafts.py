"""What the pages of a draft show: what can be chosen, and what is known of it before it is chosen."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.roles import Actor
from gating.selectors import newest_gate
from registry.models import Variant
from registry.presenters import level
from registry.states import Component
from release import policies, selectors
from release.models import Release


def description(release: Release) -> dict[str, Any]:
    """The draft's own words, hour and targets, as its form shows them first."""
    return {
        "title": release.title,
        "summary": release.summary,
        "scheduled_for": release.scheduled_for,
        "targets": list(release.targets.values_list("name", flat=True)),
    }


def choosable(release: Release, asked: str) -> list[dict[str, Any]]:
    """The organization's variants with where they stand now, and whether they are in the release."""
    variants = selectors.variants_of(release.organization, asked)
    inside = set(release.items.values_list("variant", flat=True))
    in_force = selectors.disclosures_in_force([variant.pk for variant in variants])
    return [
        {
            "variant": variant,
            "url": reverse("release:item", args=[release.pk, variant.name]),
            "status": level(in_force.get(variant.pk, {}).get(Component.WEIGHTS, "")),
            "is_inside": variant.pk in inside,
        }
        for variant in variants
    ]


def item(release: Release, variant: Variant, actor: Actor) -> dict[str, Any]:
    """The context of an item's form."""
    return {
        "release": release,
        "variant": variant,
        "verdict": policies.may_edit(selectors.outline_of(release), actor),
        "gate": newest_gate(variant),
        "is_inside": release.items.filter(variant=variant).exists(),
        "has_checkpoints": variant.commits.exists(),
    }
