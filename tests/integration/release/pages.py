"""Where the pages of a release are, for their tests."""

from __future__ import annotations

from release.models import Release

HTMX = {"HX-Request": "true"}


def address(release: Release, rest: str = "") -> str:
    """A page of a release."""
    return f"/releases/{release.pk}/{rest}"


def state(release: Release) -> str:
    """The state that is stored."""
    return Release.objects.get(pk=release.pk).state
