"""What the release rules are given: plain frozen values, no rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from accounts.roles import Role
from registry.states import Component, EvidenceKind, Level, Outcome
from release.states import Decision, ReleaseState

# What the files of a checkpoint disclose by themselves; other components are disclosed only where they are named.
SHOWN_BY_FILES = (Component.WEIGHTS, Component.ARCHITECTURE, Component.TOKENIZER, Component.MODEL_CARD)


class Standing(StrEnum):
    """How one requirement stands."""

    MET = "met"
    WAIVED = "waived"
    UNMET = "unmet"
    NOT_RUN = "not_run"
    """The evidence says that it could not be made. Not run is never pass."""
    RUNNING = "running"
    """The evidence is being made, or waits for a worker."""

    @property
    def is_settled(self) -> bool:
        """Whether it stands in the way no longer."""
        return self in (Standing.MET, Standing.WAIVED)


@dataclass(frozen=True, slots=True)
class EvidenceFacts:
    """The newest evidence of one kind; `outcome` None while there is none."""

    kind: EvidenceKind
    outcome: Outcome | None
    summary: str = ""
    id: int | None = None
    is_running: bool = False


@dataclass(frozen=True, slots=True)
class DisclosureFacts:
    """What is decided for one component."""

    component: str
    level: Level
    reason_code: str = ""
    note: str = ""
    owner: str = ""
    review_on: date | None = None


@dataclass(frozen=True, slots=True)
class OpennessFacts:
    """The strongest words that the card may use of a variant as it would leave, and what it claims beyond them."""

    label: str
    why_not_more: str = ""
    beyond: tuple[str, ...] = ()
    """Sentences on claims that are surely too strong, each with its remedy."""
    doubtful: tuple[str, ...] = ()
    """Sentences on claims that nobody can settle here."""


@dataclass(frozen=True, slots=True)
class LineageFacts:
    """What the licenses of everything that a variant is made from say of its release, as it would leave."""

    verdict: str
    against: tuple[str, ...] = ()
    """Sentences on what is unlawful as proposed, each with its remedy."""
    questions: tuple[str, ...] = ()
    """What a legal reviewer must decide."""
    missing: tuple[str, ...] = ()
    """Texts that must go along and that nobody but the lab can add."""
    owed: int = 0


@dataclass(frozen=True, slots=True)
class ParentFacts:
    """One parent that is named for a variant, and what the weights of both say of that."""

    name: str
    sentence: str
    is_contradicted: bool = False


@dataclass(frozen=True, slots=True)
class ItemFacts:
    """One variant in a release."""

    repo_id: str
    checkpoint: str
    packaged: str
    level: Level
    license: str = ""
    license_digest: str = ""
    license_problem: str = ""
    gate: str = ""
    has_gate: bool = False
    evidence: tuple[EvidenceFacts, ...] = ()
    waived: frozenset[str] = frozenset()
    disclosures: tuple[DisclosureFacts, ...] = ()
    leaks: tuple[str, ...] = ()
    """Sentences that say which held-back variant's content is in it."""
    doubts: tuple[str, ...] = ()
    """Sentences on likenesses to held-back variants that somebody has to decide."""
    openness: OpennessFacts | None = None
    """None where it does not leave."""
    lineage: LineageFacts | None = None
    """None where nothing of others is in it."""
    parents: tuple[ParentFacts, ...] = ()


@dataclass(frozen=True, slots=True)
class VoteFacts:
    """One vote, on the digest that it was given for."""

    role: Role
    by_id: int
    by_name: str
    decision: Decision
    digest: str


@dataclass(frozen=True, slots=True)
class TargetFacts:
    """Where it goes."""

    name: str
    kind: str
    endpoint: str = ""
    namespace: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """A release as the policies see it."""

    organization: str
    state: ReleaseState
    digest: str
    title: str
    policy: dict[str, object] = field(hash=False)
    policy_digest: str = ""
    submitted_by_id: int | None = None
    scheduled_for: datetime | None = None
    items: tuple[ItemFacts, ...] = ()
    targets: tuple[TargetFacts, ...] = ()
    votes: tuple[VoteFacts, ...] = ()

    @property
    def valid_votes(self) -> tuple[VoteFacts, ...]:
        """The votes on exactly this digest by others than its submitter; all others are void."""
        return tuple(vote for vote in self.votes if vote.digest == self.digest and vote.by_id != self.submitted_by_id)
