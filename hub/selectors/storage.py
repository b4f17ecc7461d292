"""What the repositories of somebody's organizations take up, in pages by name."""

from __future__ import annotations

from django.db.models import Value
from django.db.models.functions import Concat

from accounts.models import User
from gating.selectors import visible_variants
from hub import presenters
from hub.errors import missing_repo
from hub.selectors.lists import Page
from hub.selectors.repositories import Scopes
from registry.models import CheckpointFile, Membership, Serving, Variant

PAGE = 100


def page(user: User, scopes: Scopes, *, organization: str, after: str) -> Page:
    """A page of the repositories of the organizations that `user` belongs to, by name, with the bytes each keeps.

    Content that several of them share counts for each. Refused where they belong to no organization of this name.
    """
    memberships = Membership.objects.filter(user=user)
    if organization:
        memberships = memberships.filter(organization__name__iexact=organization)
    if organization and not memberships.exists():
        raise missing_repo()
    rows = visible_variants(user, scopes=scopes).filter(organization__in=memberships.values("organization"))
    if after:
        rows = rows.annotate(place=Concat("organization__name", Value("/"), "name")).filter(place__gt=after)
    listed = list(rows.order_by("organization__name", "name")[: PAGE + 1])
    shown = listed[:PAGE]
    kept = _kept_bytes(shown)
    served = set(Serving.objects.filter(variant__in=shown, until=None).values_list("variant", flat=True))
    items = [
        {
            "id": row.repo_id,
            "type": "model",
            "updatedAt": presenters.moment(row.updated_at),
            "visibility": "public" if _is_public(row, served) else "private",
            "storage": kept.get(row.pk, 0),
        }
        for row in shown
    ]
    return Page(items, shown[-1].repo_id if len(listed) > PAGE else "")


def _kept_bytes(rows: list[Variant]) -> dict[int, int]:
    """The bytes of all content that any commit of each variant names, each content once; one query."""
    sums: dict[int, int] = {}
    contents = CheckpointFile.objects.filter(checkpoint__commits__variant__in=rows)
    for variant_id, _, size_bytes in (
        contents.order_by()
        .values_list("checkpoint__commits__variant", "blob", "blob__size_bytes")
        .distinct()
        .iterator()
    ):
        sums[variant_id] = sums.get(variant_id, 0) + size_bytes
    return sums


def _is_public(row: Variant, served: set[int]) -> bool:
    return not row.is_private if row.organization.is_direct_control else row.pk in served
