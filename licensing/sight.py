"""Who may see a variant is known by an app above; it registers its answer here, and pages of licensing ask."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from accounts.models import User
from registry.models import Variant

FindVariant = Callable[[User | None, str], Variant]
AmongThese = Callable[[User | None, Iterable[int]], set[int]]
_finder: FindVariant | None = None
_among: AmongThese | None = None


def register(finder: FindVariant, among: AmongThese) -> None:
    """Name who finds a variant for a viewer, or refuses, and who says which of some variants a viewer may know of."""
    global _finder, _among
    _finder, _among = finder, among


def seen_variant(user: User | None, repo_id: str) -> Variant:
    """The variant of this name; Refused alike for missing and hidden."""
    if _finder is None:
        raise RuntimeError("Nobody said who may see variants.")
    return _finder(user, repo_id)


def hidden_names(user: User | None, names: Iterable[str]) -> set[str]:
    """Those of the names that are variants here of which the viewer may not know."""
    wanted = set(names)
    parts = {name.partition("/")[2] for name in wanted}
    rows = Variant.objects.filter(name__in=parts).select_related("organization").only("name", "organization__name")
    inside = {row.pk: row.repo_id for row in rows if row.repo_id in wanted}
    if _among is None:
        return set(inside.values())
    known = _among(user, inside)
    return {name for pk, name in inside.items() if pk not in known}
