"""What the pages before a grave act show: exactly what will leave, and what cannot be taken back."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from accounts.roles import Actor
from registry.presenters import LEVELS
from registry.states import Level
from release import evidence_policies, policies, selectors
from release.models import Release
from release.presenters import cockpit, publications, requirements, states
from rules import Verdict


def publish(release: Release, actor: Actor) -> dict[str, Any]:
    """The context of the page before publication."""
    facts = selectors.facts_of(release)
    items = cockpit.items(release)
    return {
        "release": release,
        "status": states.release(release.state),
        "verdict": policies.may_publish(facts, actor, timezone.now()),
        "leaving": [item for item in items if item.is_shown],
        "staying": [item for item in items if not item.is_shown],
        "targets": list(release.targets.all()),
        "count": requirements.count(facts),
        "votes": [vote for vote in cockpit.votes(release) if not vote.is_void],
    }


def withdraw(release: Release, actor: Actor) -> dict[str, Any]:
    """The context of the page before withdrawal: places, downloads and grants, as far as we know them."""
    facts = selectors.facts_of(release)
    items = [item for item in release.items.select_related("variant__organization") if item.level != Level.HELD_BACK]
    holders = selectors.holders_of([item.variant_id for item in items])
    return {
        "release": release,
        "status": states.release(release.state),
        "verdict": policies.may_withdraw(facts, actor),
        "places": publications.rows(release),
        "items": [
            {
                "variant": item.variant,
                "status": LEVELS[Level(item.level)],
                "downloads": item.variant.downloads,
                "holders": holders.get(item.variant_id, 0),
            }
            for item in items
        ],
    }


def may_waive(actor: Actor) -> Verdict:
    """Whether somebody may waive, for the page to say so before they type."""
    return evidence_policies.may_waive(actor)
