"""Who may read which events: the rule; who holds which role is known by an app that this one does not know."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db.models import Q


@dataclass(frozen=True, slots=True)
class Readership:
    """What somebody may read beside their own acts.

    `organizations` are those in which they hold a role of a person. `reads_all` is for auditors and owners: events that
    belong to no organization, such as the license catalog, release policies, sign-ins and tokens.
    """

    organizations: frozenset[str] = frozenset()
    reads_all: bool = False

    @property
    def is_any(self) -> bool:
        """Whether there is anything to read beside their own acts."""
        return self.reads_all or bool(self.organizations)


_provider: Callable[[Any], Readership] = lambda user: Readership()  # noqa: E731


def use_provider(provider: Callable[[Any], Readership]) -> None:
    """Name the function that knows; composition does this once."""
    global _provider
    _provider = provider


def readership_of(user: Any) -> Readership:
    """What this user may read beside their own acts."""
    return _provider(user)


def readable_by(user: Any) -> Q:
    """The events that somebody may read, as a filter.

    Their own acts, those of their organizations, and for auditors and owners those that belong to none.
    """
    theirs = Q(actor_name=user.username, actor_id=user.pk)
    readership = readership_of(user)
    if readership.organizations:
        theirs |= Q(organization__in=readership.organizations)
    if readership.reads_all:
        theirs |= Q(organization="")
    return theirs
