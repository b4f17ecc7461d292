"""Reading a license case from plain data: every key known, every value of its kind, each fault with the path to it.

Owns the keys and words of a license case. An unknown key is refused by name; a missing one means an unknown fact.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from licensing.cases import CaseRefused, Fields, count, shown
from licensing.engine.book import Book, shipped_book
from licensing.engine.case import (
    SHIPPABLE,
    Actor,
    Case,
    Circumstances,
    Disclosure,
    OutputPurpose,
    Parent,
    Proposal,
    Purpose,
    Relation,
    Uses,
)
from licensing.engine.expressions import BadExpression, choices
from licensing.engine.regions import SEATS

MOST_PARENTS = 5_000
MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])\Z")


def read_case(given: object, book: Book | None = None) -> Case:
    """The case that the data states; raises CaseRefused."""
    book = book or shipped_book()
    fields = Fields(given)
    parents = fields.inners("parents")
    if parents is not None and len(parents) > MOST_PARENTS:
        raise CaseRefused("parents", f"has {len(parents)} members; at most {MOST_PARENTS} are judged")
    case = Case(
        parents=None if parents is None else tuple(_parent(parent, book) for parent in parents),
        proposed=_proposal(fields.inner("proposed"), book),
        actor=read_actor(fields.inner("actor")),
        release=_circumstances(fields.inner("release")),
    )
    fields.finish()
    return case


def _parent(fields: Fields, book: Book) -> Parent:
    license_path = fields.at("license")
    found = Parent(
        license=fields.text("license"),
        model=fields.text("model"),
        modality=fields.text("modality").lower(),
        relation=fields.choice("relation", Relation),
        uses=fields.choice("uses", Uses),
        purpose=fields.choice("purpose", OutputPurpose),
        declared_in_card=fields.text("declared_in_card"),
    )
    _must_be_known(found.license, license_path, book, may_be_own=False)
    fields.finish()
    return found


def _proposal(fields: Fields, book: Book) -> Proposal:
    license_path = fields.at("license")
    is_stated = fields.holds("license")
    license = fields.text("license")
    _must_be_known(license, license_path, book, may_be_own=True)
    found = Proposal(
        license=license,
        releases_nothing=is_stated and not license,
        name=fields.text("name"),
        model_class=fields.text("model_class").lower(),
        ships=_ships(fields),
        ships_text=_ships_text(fields),
    )
    fields.finish()
    return found


def _must_be_known(expression: str, path: str, book: Book, *, may_be_own: bool) -> None:
    try:
        choices(expression, book, may_be_own=may_be_own)
    except BadExpression as problem:
        raise CaseRefused(path, str(problem)) from None


def _ships(fields: Fields) -> Mapping[str, bool | None] | None:
    """A list says all that the bundle holds; a mapping says of each item whether it does."""
    path, found = fields.at("ships"), fields.take("ships")
    if found is None:
        return None
    if isinstance(found, Mapping):
        inner = Fields(found, path)
        stated = {item: inner.flag(item) for item in SHIPPABLE}
        inner.finish()
        return stated
    given = [found] if isinstance(found, str) else found
    if not isinstance(given, list):
        raise CaseRefused(path, f"must be a list of what the bundle holds, not {shown(found)}")
    for position, item in enumerate(given):
        if item not in SHIPPABLE:
            raise CaseRefused(f"{path}[{position}]", f"must be one of {', '.join(SHIPPABLE)}, not {shown(item)}")
    return {item: item in given for item in SHIPPABLE}


def _ships_text(fields: Fields) -> Mapping[str, tuple[str, ...]]:
    """The strings by item; a plain text or list of texts is looked through for every item."""
    path, found = fields.at("ships_text"), fields.take("ships_text")
    if found is None:
        return {}
    if isinstance(found, Mapping):
        inner = Fields(found, path)
        stated = {item: inner.texts(item) for item in SHIPPABLE if inner.holds(item)}
        inner.finish()
        return {item: texts for item, texts in stated.items() if texts is not None}
    texts = Fields({"ships_text": found}, path.rpartition(".")[0]).texts("ships_text") or ()
    return {"notice": texts, "display": texts}


def read_actor(fields: Fields) -> Actor:
    """Who releases, from the keys of `actor`; raises CaseRefused."""
    seat_path, months_path = fields.at("seat"), fields.at("mau_at")
    found = Actor(
        kind=fields.text("kind").lower().replace("-", "_").replace(" ", "_"),
        seat=fields.text("seat").upper(),
        mau_now=fields.count("mau_now"),
        mau_at=_months(fields.take("mau_at"), months_path),
        annual_revenue_usd=fields.amount("annual_revenue_usd"),
        monthly_revenue_usd=fields.amount("monthly_revenue_usd"),
        receives_as=fields.text("receives_as").lower(),
    )
    if found.seat and found.seat not in SEATS:
        raise CaseRefused(seat_path, f"must be a country in the two letters of ISO 3166, not {shown(found.seat)}")
    fields.finish()
    return found


def _months(given: object, path: str) -> Mapping[str, int]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise CaseRefused(path, f"must be users by month, as {{2024-06: 1000}}, not {shown(given)}")
    for month in given:
        if not isinstance(month, str) or not MONTH.match(month):
            raise CaseRefused(f"{path}.{month}", "is no month, as 2024-06")
    return {str(month): count(users, f"{path}.{month}") for month, users in given.items() if users is not None}


def _circumstances(fields: Fields) -> Circumstances:
    found = Circumstances(
        disclosure=fields.choice("disclosure", Disclosure),
        territory=fields.texts("territory"),
        purpose=fields.choice("purpose", Purpose),
        use_tags=fields.texts("use_tags"),
    )
    fields.finish()
    return found
