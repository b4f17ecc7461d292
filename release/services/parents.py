"""Naming where a variant came from, by people and automation; what licenses demand follows from it."""

from __future__ import annotations

import re

from accounts.models import User
from accounts.roles import Actor, Scope
from gating.selectors import visible_variants
from registry.models import LineageEdge, Variant
from registry.selectors import is_named
from registry.services.variants import add_parent, remove_parent
from registry.states import Relation
from release import policies
from rules import Refused

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(?:/[A-Za-z0-9][\w.-]{0,95})?", re.ASCII)


def name_parent(
    *,
    variant: Variant,
    name: str,
    relation: Relation,
    by: User,
    actor: Actor,
    scopes: frozenset[Scope] | None = None,
) -> LineageEdge:
    """Put a parent on record: a variant that the person may know of, or else a repository elsewhere by its name."""
    policies.may_name_parents(actor).require()
    if not NAME.fullmatch(name):
        raise Refused.because(policies.BAD_PARENT, name=name[:60])
    organization, _, rest = name.partition("/")
    parent = visible_variants(by, scopes=scopes).filter(is_named(organization, rest)).first()
    external = "" if parent else name
    return add_parent(child=variant, relation=relation, by=by, parent=parent, external_parent=external)


def forget_parent(*, variant: Variant, name: str, by: User, actor: Actor) -> None:
    """Take a parent off the record; the audit trail keeps that it was there."""
    policies.may_name_parents(actor).require()
    remove_parent(child=variant, name=name, by=by)
