"""The list of repositories: filtered, sorted and paged by key, with a constant number of queries a page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import User
from gating.selectors import accesses, visible_variants
from hub import presenters
from hub.call import malformed
from hub.selectors.repositories import Scopes
from registry.models import Ref, Serving, Variant
from registry.services.commits import MAIN
from registry.states import Level, RefKind

DEFAULT_LIMIT, LARGEST_LIMIT = 100, 1000
SORTS = {"": "id", "createdAt": "id", "lastModified": "updated_at", "downloads": "downloads"}
SALT = "hub.list"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a caller wants listed."""

    author: str = ""
    search: str = ""
    is_gated: bool | None = None
    sort: str = "id"
    is_ascending: bool = False
    limit: int = DEFAULT_LIMIT
    cursor: str = ""

    @classmethod
    def of(cls, query: Callable[[str], str], *, words: Callable[[str], list[str]]) -> Wanted:
        """Read from a query; Refused where something in it is not understood, rather than passed over."""
        if words("filter"):
            raise malformed("Lists here cannot be filtered by tags; use author, search and gated.")
        sort, gated, limit = query("sort"), query("gated").lower(), query("limit")
        if sort not in SORTS:
            raise malformed(f"Lists here are sorted by {', '.join(filter(None, SORTS))}.")
        if gated not in {"", "true", "false"}:
            raise malformed("The parameter gated must be true or false.")
        if limit and not (limit.isdecimal() and limit.isascii() and len(limit) < 10 and int(limit) > 0):
            raise malformed("The parameter limit must be a positive number.")
        return cls(
            author=query("author"),
            search=query("search"),
            is_gated=None if not gated else gated == "true",
            sort=SORTS[sort],
            is_ascending=query("direction") == "1",
            limit=min(int(limit or DEFAULT_LIMIT), LARGEST_LIMIT),
            cursor=query("cursor"),
        )


@dataclass(frozen=True, slots=True)
class Page:
    """Some repositories, and where the next ones begin; an empty cursor is the end."""

    items: list[dict[str, Any]]
    cursor: str


def page(wanted: Wanted, *, user: User | None, scopes: Scopes) -> Page:
    """A page of what `user` may know of."""
    rows = list(_after(wanted, _filtered(wanted, visible_variants(user, scopes=scopes)))[: wanted.limit + 1])
    shown = rows[: wanted.limit]
    return Page(_items(shown, user, scopes), _cursor(wanted, shown[-1]) if len(rows) > wanted.limit else "")


def _filtered(wanted: Wanted, rows: QuerySet[Variant]) -> QuerySet[Variant]:
    if wanted.author:
        rows = rows.filter(organization__name__iexact=wanted.author)
    for word in wanted.search.split("/", 1) if "/" in wanted.search else [wanted.search]:
        if word:
            rows = rows.filter(Q(name__icontains=word) | Q(organization__name__icontains=word))
    if wanted.is_gated is not None:
        served = Serving.objects.filter(variant=OuterRef("pk"), until=None, level=Level.GATED)
        is_direct = Q(organization__is_direct_control=True)
        gated = (is_direct & ~Q(gate_mode="")) | (~is_direct & Exists(served))
        rows = rows.filter(gated) if wanted.is_gated else rows.exclude(gated)
    return rows


def _after(wanted: Wanted, rows: QuerySet[Variant]) -> QuerySet[Variant]:
    """Rows behind the cursor, in order; the id breaks ties, so that none comes twice or never."""
    sign = "" if wanted.is_ascending else "-"
    rows = rows.order_by(f"{sign}{wanted.sort}", f"{sign}id")
    if not wanted.cursor:
        return rows
    try:
        value, pk = signing.loads(wanted.cursor, salt=SALT)
        if wanted.sort == "updated_at":
            value = datetime.fromisoformat(value)
    except (signing.BadSignature, ValueError, TypeError):
        raise malformed("The cursor is not one that was given out here.") from None
    beyond = "gt" if wanted.is_ascending else "lt"
    return rows.filter(Q(**{f"{wanted.sort}__{beyond}": value}) | Q(**{wanted.sort: value, f"id__{beyond}": pk}))


def _cursor(wanted: Wanted, last: Variant) -> str:
    value = getattr(last, wanted.sort)
    return signing.dumps([value.isoformat() if isinstance(value, datetime) else value, last.pk], salt=SALT)


def _items(rows: list[Variant], user: User | None, scopes: Scopes) -> list[dict[str, Any]]:
    decided = accesses(user, rows, scopes=scopes)
    servings = {
        serving.variant_id: serving
        for serving in Serving.objects.filter(variant__in=rows, until=None).select_related("commit")
    }
    heads = {
        ref.variant_id: ref.commit.oid
        for ref in Ref.objects.filter(variant__in=rows, kind=RefKind.BRANCH, name=MAIN).select_related("commit")
    }
    items = []
    for row in rows:
        access, serving = decided[row.pk], servings.get(row.pk)
        is_direct = row.organization.is_direct_control
        is_outside = access.only_commit_id is not None and serving is not None
        items.append(
            presenters.summary(
                row,
                is_private=row.is_private if is_direct else serving is None,
                gated=(row.gate_mode if is_direct else "manual") if access.is_gated else False,
                modified=serving.since if is_outside else row.updated_at,
                sha=serving.commit.oid if is_outside else heads.get(row.pk, ""),
            )
        )
    return items
