"""The list of repositories: filtered, sorted and paged by key.

A page costs a constant number of queries. Tags stand in cards and not in columns: a list filtered by them looks
through rows in lots, through so many a page and no more, and goes on with the next page.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, When

from accounts.models import User
from gating.policies import Access
from gating.selectors import accesses, membership, visible_variants
from hub import presenters
from hub.call import malformed
from hub.masks import masked, unmasked
from hub.selectors import descriptions, infos
from hub.selectors.repositories import Scopes, gate_word
from registry.models import CheckpointFile, Ref, Serving, Variant
from registry.services.commits import MAIN
from registry.states import Level, RefKind

DEFAULT_LIMIT, LARGEST_LIMIT, LARGEST_FULL_LIMIT = 100, 1000, 100
# How many rows are looked through at once for a tag, and for one page at most.
LOT, MOST_LOOKED_THROUGH = 200, 2000
# Nobody likes models here, and nothing trends: all are alike by that, and then by age.
SORTS = {
    "": "id",
    "createdAt": "id",
    "lastModified": "shown_at",
    "downloads": "downloads",
    "likes": "id",
    "trendingScore": "id",
}
CARD_PROPERTIES = frozenset({"cardData", "model-index"})
SERVED_BY_PROVIDERS = ("inference", "inference_provider")
NOT_KNOWN = ("apps", "num_parameters")
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
    tags: frozenset[str] = frozenset()
    task: str = ""
    is_nothing: bool = False
    expand: frozenset[str] = frozenset()
    with_files: bool = False
    with_card: bool = False
    with_config: bool = False

    @classmethod
    def of(
        cls, query: Callable[[str], str], *, words: Callable[[str], list[str]], asks: Callable[[str], bool]
    ) -> Wanted:
        """Read from a query; Refused where something in it is not understood, rather than passed over."""
        if unknown := next((name for name in NOT_KNOWN if words(name)), ""):
            raise malformed(f"Lists here cannot be filtered by {unknown}.")
        sort, gated, limit = query("sort"), query("gated").lower(), query("limit")
        if sort not in SORTS:
            raise malformed(f"Lists here are sorted by {', '.join(filter(None, SORTS))}.")
        if gated not in {"", "true", "false"}:
            raise malformed("The parameter gated must be true or false.")
        if limit and not (limit.isdecimal() and limit.isascii() and len(limit) < 10 and int(limit) > 0):
            raise malformed("The parameter limit must be a positive number.")
        expand = infos.properties(words("expand"))
        with_files = "siblings" in expand if expand else asks("full")
        with_card = bool(expand & CARD_PROPERTIES) if expand else asks("cardData")
        return cls(
            author=query("author"),
            search=query("search"),
            is_gated=None if not gated else gated == "true",
            sort=SORTS[sort],
            is_ascending=query("direction") == "1",
            limit=min(int(limit or DEFAULT_LIMIT), LARGEST_FULL_LIMIT if with_files or with_card else LARGEST_LIMIT),
            cursor=query("cursor"),
            tags=frozenset(tag for word in words("filter") for tag in word.split(",") if tag),
            task=query("pipeline_tag"),
            is_nothing=any(words(name) for name in SERVED_BY_PROVIDERS),
            expand=expand,
            with_files=with_files,
            with_card=with_card,
            with_config="config" in expand if expand else asks("config"),
        )

    @property
    def by_card(self) -> bool:
        """Whether cards decide what is listed."""
        return bool(self.tags or self.task)


@dataclass(frozen=True, slots=True)
class Page:
    """Some repositories, and where the next ones begin; an empty cursor is the end."""

    items: list[dict[str, Any]]
    cursor: str


def page(wanted: Wanted, *, user: User | None, scopes: Scopes) -> Page:
    """A page of what `user` may know of; one that is filtered by cards may hold less than was asked for."""
    if wanted.is_nothing:
        return Page([], "")
    rows = _filtered(wanted, visible_variants(user, scopes=scopes)).annotate(shown_at=_shown_at(user, scopes))
    items: list[dict[str, Any]] = []
    cursor, looked_through = wanted.cursor, 0
    while True:
        lot = LOT if wanted.by_card else wanted.limit
        found = list(_after(wanted, cursor, rows)[: lot + 1])
        for row, item in zip(found[:lot], _items(wanted, found[:lot], user, scopes), strict=True):
            looked_through, cursor = looked_through + 1, _cursor(wanted, row)
            if _fits(wanted, item):
                items.append(_cut(wanted, item))
            if len(items) == wanted.limit or looked_through == MOST_LOOKED_THROUGH:
                return Page(items, cursor if row is not found[-1] else "")
        if len(found) <= lot:
            return Page(items, "")


def _shown_at(user: User | None, scopes: Scopes) -> Case:
    """When a row changed last, as far as the caller may know: outside, when what is served was."""
    knows_all = Q(organization__is_direct_control=True) | Q(membership(user, scopes))
    served = Serving.objects.filter(variant=OuterRef("pk"), until=None)
    return Case(When(knows_all, then=F("updated_at")), default=Subquery(served.values("since")[:1]))


def _fits(wanted: Wanted, item: dict[str, Any]) -> bool:
    return wanted.tags <= set(item["tags"]) and wanted.task in {"", item.get("pipeline_tag")}


def _cut(wanted: Wanted, item: dict[str, Any]) -> dict[str, Any]:
    """What of an item was asked for."""
    if wanted.expand:
        return presenters.only(item, wanted.expand)
    return item


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


def _after(wanted: Wanted, cursor: str, rows: QuerySet[Variant]) -> QuerySet[Variant]:
    """Rows behind the cursor, in order; the id breaks ties, so that none comes twice or never."""
    sign = "" if wanted.is_ascending else "-"
    rows = rows.order_by(f"{sign}{wanted.sort}", f"{sign}id")
    if not cursor:
        return rows
    try:
        value, mask = signing.loads(cursor, salt=SALT)
        pk = unmasked(mask)
        if wanted.sort == "id":
            value = pk
        if wanted.sort == "shown_at":
            value = datetime.fromisoformat(value)
    except (signing.BadSignature, ValueError, TypeError):
        raise malformed("The cursor is not one that was given out here.") from None
    beyond = "gt" if wanted.is_ascending else "lt"
    return rows.filter(Q(**{f"{wanted.sort}__{beyond}": value}) | Q(**{wanted.sort: value, f"id__{beyond}": pk}))


def _cursor(wanted: Wanted, last: Variant) -> str:
    value = "" if wanted.sort == "id" else getattr(last, wanted.sort)
    return signing.dumps([value.isoformat() if isinstance(value, datetime) else value, masked(last.pk)], salt=SALT)


def _items(wanted: Wanted, rows: list[Variant], user: User | None, scopes: Scopes) -> list[dict[str, Any]]:
    """The rows as the caller may know them: outside a governed organization, as what is served."""
    decided = accesses(user, rows, scopes=scopes)
    servings = {
        serving.variant_id: serving
        for serving in Serving.objects.filter(variant__in=rows, until=None).select_related("commit")
    }
    heads = {
        ref.variant_id: ref.commit
        for ref in Ref.objects.filter(variant__in=rows, kind=RefKind.BRANCH, name=MAIN).select_related("commit")
    }
    outside = {row.pk for row in rows if decided[row.pk].only_commit_id is not None and row.pk in servings}
    shown = {pk: servings[pk].commit for pk in outside} | {pk: heads[pk] for pk in heads.keys() - outside}
    details = _details(wanted, {pk: commit.checkpoint_id for pk, commit in shown.items()}, decided)
    items = []
    for row in rows:
        serving, is_direct = servings.get(row.pk), row.organization.is_direct_control
        modified = serving.since if row.pk in outside else row.updated_at
        item = presenters.summary(
            row,
            is_private=row.is_private if is_direct else serving is None,
            gated=gate_word(row, decided[row.pk]),
            modified=modified,
            sha=shown[row.pk].oid if row.pk in shown else "",
        )
        if row.pk in outside:
            item["createdAt"] = item["lastModified"]
        items.append(item | details.get(row.pk, {}))
    return items


def _details(wanted: Wanted, checkpoints: dict[int, int], decided: dict[int, Access]) -> dict[int, dict[str, Any]]:
    """What the rows' checkpoints say of them; of a configuration nothing to those before whom the gate is closed."""
    if wanted.with_card:
        cards = descriptions.card_data(checkpoints.values())
        said, unsaid = {pk: presenters.card_fields(card) for pk, card in cards.items()}, presenters.card_fields({})
    else:
        said, unsaid = descriptions.card_words(checkpoints.values()), presenters.card_words({})
    configs = descriptions.configs(checkpoints.values()) if wanted.with_config else {}
    files: dict[int, list[dict[str, str]]] = {}
    if wanted.with_files:
        rows = CheckpointFile.objects.filter(checkpoint__in=set(checkpoints.values())).order_by("path")
        for checkpoint, path in rows.values_list("checkpoint_id", "path"):
            files.setdefault(checkpoint, []).append({"rfilename": path})
    found = {}
    for pk, checkpoint in checkpoints.items():
        found[pk] = dict(said.get(checkpoint, unsaid))
        if wanted.with_files:
            found[pk]["siblings"] = files.get(checkpoint, [])
        if checkpoint in configs and decided[pk].reads.allowed:
            found[pk]["config"] = configs[checkpoint]
    return found
