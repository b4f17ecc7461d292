"""The head of a variant's pages: its level, its tabs, and what is known of what is served."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from accounts.models import User
from gating.presenters import access_panel
from registry.presenters import NOT_DISCLOSED, level
from registry.states import Component
from release import selectors
from release.selectors.variants import Seen
from web.tones import Status

TABS = (
    ("card", "Card", "file-text", False),
    ("files", "Files", "files", False),
    ("evidence", "Evidence", "checklist", True),
    ("license", "License", "license", False),
    ("openness", "Openness", "chart-donut", False),
    ("lineage", "Lineage", "git-fork", False),
    ("history", "History", "history", True),
)
_tabs_from_above: list[tuple[str, str, str, bool]] = []


def register_tab(url_name: str, label: str, icon: str, *, is_inside: bool) -> None:
    """Add a tab of an app above this one, whose page takes organization and name; for members only if `is_inside`."""
    _tabs_from_above.append((url_name, label, icon, is_inside))


def head(user: User, seen: Seen, tab: str) -> dict[str, Any]:
    """What every page of a variant shows."""
    variant = seen.variant
    place = [variant.organization.name, variant.name]
    return {
        "seen": seen,
        "variant": variant,
        "access": seen.access,
        "status": status(seen),
        "serving": seen.serving,
        "tabs": [
            {"label": label, "url": reverse(_url_name(name), args=place), "is_current": name == tab, "icon": icon}
            for name, label, icon, is_inside in (*TABS, *_tabs_from_above)
            if seen.is_member or not is_inside
        ],
        "panel": access_panel(user, variant),
    }


def _url_name(tab: str) -> str:
    return tab if ":" in tab else f"variant:{tab}"


def status(seen: Seen) -> Status:
    """At which level it stands, as far as the viewer may know."""
    variant = seen.variant
    if variant.organization.is_direct_control:
        if variant.is_private:
            return NOT_DISCLOSED
        return level("gated" if variant.gate_mode else "public")
    if seen.serving is not None:
        return level(seen.serving.level)
    if not seen.is_member:
        return NOT_DISCLOSED
    decided = selectors.disclosures_in_force([variant.pk]).get(variant.pk, {}).get(Component.WEIGHTS, "")
    return level(decided)
