"""Facts of releases for tests, complete unless told otherwise."""

from __future__ import annotations

from datetime import UTC, date, datetime

from accounts.roles import Actor, Role
from registry.states import EvidenceKind, Level, Outcome, ReasonCode
from release.facts import (
    SHOWN_BY_FILES,
    DisclosureFacts,
    EvidenceFacts,
    ItemFacts,
    ReleaseFacts,
    TargetFacts,
    VoteFacts,
)
from release.states import Decision, ReleaseState

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DIGEST = f"sha256:{'a' * 64}"
OTHER = f"sha256:{'b' * 64}"
SUBMITTER, SAFETY, LEGAL = 1, 2, 3
POLICY = {
    "evidence": {
        "public": {"validation": ["pass", "warn"], "license": ["pass"], "smoke": ["pass"]},
        "gated": {"validation": ["pass", "warn"]},
        "held_back": {},
    },
    "approvals": {
        "public": ["safety_reviewer", "legal_reviewer"],
        "gated": ["security_reviewer"],
        "held_back": [],
    },
}


def evidence(outcome: Outcome | None = Outcome.PASS, **options: object) -> tuple[EvidenceFacts, ...]:
    """Evidence of every kind with one outcome."""
    return tuple(EvidenceFacts(kind, outcome, f"It is {outcome}.", 7, **options) for kind in EvidenceKind)


def lines(level: Level, **options: object) -> tuple[DisclosureFacts, ...]:
    """What is decided for the components that files show."""
    explained = {"reason_code": ReasonCode.SAFETY.value, "owner": "ada", "review_on": date(2027, 2, 1)}
    given = (explained if level != Level.PUBLIC else {}) | options
    return tuple(DisclosureFacts(component.value, level, **given) for component in SHOWN_BY_FILES)


def item(level: Level = Level.PUBLIC, **options: object) -> ItemFacts:
    """One variant that satisfies everything."""
    return ItemFacts(
        **{
            "repo_id": "acme/nano",
            "checkpoint": f"sha256:{'c' * 64}",
            "packaged": f"sha256:{'d' * 64}",
            "level": level,
            "license": "Apache 2.0",
            "license_digest": "apache-2.0@2.0:e:f",
            "gate": "1:1" if level == Level.GATED else "",
            "has_gate": level == Level.GATED,
            "evidence": evidence(),
            "disclosures": lines(level),
            **options,
        }
    )


def vote(role: Role, by_id: int, decision: Decision = Decision.APPROVE, digest: str = DIGEST) -> VoteFacts:
    """One vote."""
    return VoteFacts(role, by_id, f"user-{by_id}", decision, digest)


SIGNED = (vote(Role.SAFETY_REVIEWER, SAFETY), vote(Role.LEGAL_REVIEWER, LEGAL))


def release(state: ReleaseState = ReleaseState.DRAFT, **options: object) -> ReleaseFacts:
    """A release with one public variant that satisfies everything but signatures."""
    return ReleaseFacts(
        **{
            "organization": "acme",
            "state": state,
            "digest": "" if state == ReleaseState.DRAFT else DIGEST,
            "title": "First wave",
            "policy": POLICY,
            "policy_digest": f"sha256:{'f' * 64}",
            "submitted_by_id": None if state == ReleaseState.DRAFT else SUBMITTER,
            "items": (item(),),
            "targets": (TargetFacts("here", "here"),),
            **options,
        }
    )


def actor(*roles: Role, id: int = 9, **options: object) -> Actor:
    """A signed-in person with these roles."""
    return Actor(id=id, name=f"user-{id}", roles=frozenset(roles), **options)
