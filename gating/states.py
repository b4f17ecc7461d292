"""The states of a request for gated access."""

from __future__ import annotations

from enum import StrEnum

from accounts.roles import Role
from rules import Table, Transition


class RequestState(StrEnum):
    """Where a request stands."""

    PENDING = "pending"
    """An access reviewer acts next."""
    ACCEPTED = "accepted"
    """The requester has a grant, until it expires or is revoked."""
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    """Withdrawn by the requester."""


class FieldType(StrEnum):
    """What a gate's form can ask for."""

    TEXT = "text"
    CHECKBOX = "checkbox"
    SELECT = "select"
    COUNTRY = "country"
    DATE = "date_picker"


REVIEWERS = frozenset({Role.ACCESS_REVIEWER, Role.OWNER})
TRANSITIONS = Table(
    Transition("accept", frozenset({RequestState.PENDING, RequestState.REJECTED}), RequestState.ACCEPTED, REVIEWERS),
    Transition("reject", frozenset({RequestState.PENDING, RequestState.ACCEPTED}), RequestState.REJECTED, REVIEWERS),
    Transition("reopen", frozenset({RequestState.ACCEPTED, RequestState.REJECTED}), RequestState.PENDING, REVIEWERS),
    Transition("cancel", frozenset({RequestState.PENDING}), RequestState.CANCELLED),
)
