"""What the rules of access are given: facts about a variant, a person's standing at its gate, and a request."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from gating.states import RequestState
from registry.states import Level


@dataclass(frozen=True, slots=True)
class ServingFacts:
    """What of a governed variant is disclosed now: one commit, at one level.

    `is_gate_automatic` where the gate in force lets everybody in who asks.
    """

    level: Level
    commit_id: int
    checkpoint_id: int
    is_gate_automatic: bool = False


@dataclass(frozen=True, slots=True)
class GrantFacts:
    """One grant: when it ends by itself, and when it was ended early, if it was."""

    id: int
    expires_at: datetime
    revoked_at: datetime | None = None

    def is_live(self, at: datetime) -> bool:
        """Whether it opens files at that moment; the moment of expiry is the first at which it does not."""
        return self.revoked_at is None and at < self.expires_at


@dataclass(frozen=True, slots=True)
class Standing:
    """A person's standing at one gate: their request, and all grants they ever had there, oldest first.

    `accept_by` is when the text that the gate demands now must be accepted for grants to go on; None where the person
    has accepted it, or none is demanded.
    """

    request_id: int | None = None
    request_state: RequestState | None = None
    request_gate_id: int | None = None
    grants: tuple[GrantFacts, ...] = ()
    accept_by: datetime | None = None

    def must_accept(self, at: datetime) -> bool:
        """Whether the grace is over: the text changed, and the person has not accepted the new one."""
        return self.accept_by is not None and at >= self.accept_by

    def live_grant(self, at: datetime) -> GrantFacts | None:
        """The grant that opens files at that moment and lasts longest; None where there is none."""
        live = [grant for grant in self.grants if grant.is_live(at)]
        return max(live, key=lambda grant: grant.expires_at, default=None)

    @property
    def last_grant(self) -> GrantFacts | None:
        """The newest grant, live or not."""
        return self.grants[-1] if self.grants else None


@dataclass(frozen=True, slots=True)
class VariantAccessFacts:
    """One variant as one person meets it at one moment.

    `is_private` and `is_gate_set` count under direct control, `serving` otherwise.
    """

    variant_id: int
    repo_id: str
    organization: str
    ask_url: str
    at: datetime
    is_direct_control: bool = False
    is_private: bool = True
    is_gate_set: bool = False
    serving: ServingFacts | None = None
    standing: Standing = field(default_factory=Standing)

    @property
    def is_disclosed(self) -> bool:
        """Whether people outside the organization may know of it."""
        return not self.is_private if self.is_direct_control else self.serving is not None

    @property
    def is_gated(self) -> bool:
        """Whether people outside the organization need a grant to read its files."""
        if self.is_direct_control:
            return self.is_gate_set
        return self.serving is not None and self.serving.level == Level.GATED


@dataclass(frozen=True, slots=True)
class GateFacts:
    """The gate in force: which version, and the digest of the text that it asks to accept, if any."""

    id: int
    number: int
    license_text_sha256: str = ""


@dataclass(frozen=True, slots=True)
class RequestFacts:
    """One request as its reviewer meets it.

    `accepted_sha256` is the newest text that the requester accepted for the variant, `demanded_sha256` the one that
    the gate in force demands; either is empty where there is none.
    """

    id: int
    user_id: int
    user_name: str
    organization: str
    state: RequestState
    is_gated: bool
    has_live_grant: bool = False
    accepted_sha256: frozenset[str] = frozenset()
    demanded_sha256: str = ""
