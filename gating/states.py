"""The states of a request for gated access, and who may move it between them."""

from __future__ import annotations

from enum import StrEnum

from accounts.roles import Role
from rules import Table, Transition


class RequestState(StrEnum):
    """Where a request stands, and who acts next. What opens files is the grant, never this state."""

    PENDING = "pending"
    """An access reviewer acts next. A request for renewal waits here while the earlier grant still runs."""
    ACCEPTED = "accepted"
    """The requester has a grant until it expires; then they may ask for renewal."""
    REJECTED = "rejected"
    """An access reviewer may reopen or accept it."""
    REVOKED = "revoked"
    """It was accepted, and the grant was ended early; an access reviewer may reopen or accept it."""
    CANCELLED = "cancelled"
    """Withdrawn by the requester, who may ask anew."""


class FieldType(StrEnum):
    """What a gate's form can ask for, in the words of a model card's `extra_gated_fields`."""

    TEXT = "text"
    CHECKBOX = "checkbox"
    SELECT = "select"
    COUNTRY = "country"
    DATE = "date_picker"

    @property
    def label(self) -> str:
        """The type in words."""
        return {"checkbox": "box to tick", "select": "choice", "date_picker": "date"}.get(self.value, self.value)


REVIEWERS = frozenset({Role.ACCESS_REVIEWER, Role.OWNER})
GATE_KEEPERS = frozenset({Role.ACCESS_REVIEWER, Role.OWNER, Role.RELEASE_MANAGER})
S = RequestState

ACCEPT = Transition("accept", frozenset({S.PENDING, S.REJECTED, S.REVOKED}), S.ACCEPTED, REVIEWERS)
REJECT = Transition("reject", frozenset({S.PENDING, S.ACCEPTED}), S.REJECTED, REVIEWERS)
# From pending too: a grant still runs while its renewal waits.
REVOKE = Transition("revoke", frozenset({S.ACCEPTED, S.PENDING}), S.REVOKED, REVIEWERS)
REOPEN = Transition("reopen", frozenset({S.ACCEPTED, S.REJECTED, S.REVOKED}), S.PENDING, REVIEWERS)
# The requester's own moves; no role holds the pen.
RENEW = Transition("renew", frozenset({S.ACCEPTED}), S.PENDING)
CANCEL = Transition("cancel", frozenset({S.PENDING}), S.CANCELLED)
KEEP = Transition("cancel renewal", frozenset({S.PENDING}), S.ACCEPTED)

TRANSITIONS = Table(ACCEPT, REJECT, REVOKE, REOPEN, RENEW, CANCEL, KEEP)
BY_REQUESTER = frozenset({RENEW, CANCEL, KEEP})
