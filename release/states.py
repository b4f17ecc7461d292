"""The states of releases and publications, and who may move them."""

from __future__ import annotations

from enum import StrEnum

from accounts.roles import REVIEWER_ROLES, Role
from rules import Table, Transition


class ReleaseState(StrEnum):
    """Where a release stands, who acts next, and what ends that."""

    DRAFT = "draft"
    """The release manager or automation completes it; submission ends it."""
    IN_REVIEW = "in_review"
    """Reviewers sign its digest; the last signature that the policy asks for, a refusal or a recall ends it."""
    APPROVED = "approved"
    """The release manager schedules or publishes it."""
    SCHEDULED = "scheduled"
    """Waits for its hour; every gate is asked again when that strikes."""
    PUBLISHING = "publishing"
    """Workers carry it out; all publications live, or one given up, ends it."""
    LIVE = "live"
    """Observed live on every target; withdrawal ends it."""
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    """A reviewer refused it; the release manager takes it back to draft and changes it."""


MANAGERS = frozenset({Role.RELEASE_MANAGER})
DRAFTERS = frozenset({Role.RELEASE_MANAGER, Role.AUTOMATION})
S = ReleaseState

SUBMIT = Transition("submit", frozenset({S.DRAFT}), S.IN_REVIEW, DRAFTERS)
RECALL = Transition("recall", frozenset({S.IN_REVIEW, S.APPROVED, S.SCHEDULED, S.REFUSED}), S.DRAFT, MANAGERS)
REFUSE = Transition("refuse", frozenset({S.IN_REVIEW}), S.REFUSED, REVIEWER_ROLES)
APPROVE = Transition("approve", frozenset({S.IN_REVIEW}), S.APPROVED, REVIEWER_ROLES)
SCHEDULE = Transition("schedule", frozenset({S.APPROVED}), S.SCHEDULED, MANAGERS)
UNSCHEDULE = Transition("unschedule", frozenset({S.SCHEDULED}), S.APPROVED)
PUBLISH = Transition("publish", frozenset({S.APPROVED, S.SCHEDULED}), S.PUBLISHING, MANAGERS)
GO_LIVE = Transition("go live", frozenset({S.PUBLISHING}), S.LIVE)
WITHDRAW = Transition("withdraw", frozenset({S.PUBLISHING, S.LIVE}), S.WITHDRAWN, MANAGERS)

TRANSITIONS = Table(SUBMIT, RECALL, REFUSE, APPROVE, SCHEDULE, UNSCHEDULE, PUBLISH, GO_LIVE, WITHDRAW)


class PublicationState(StrEnum):
    """How far one release has come on one target. Live means observed live."""

    PENDING = "pending"
    STAGED = "staged"
    """The target's repository exists, private, and files are going up."""
    VERIFIED = "verified"
    """All files are up and every digest was read back equal; still private."""
    LIVE = "live"
    """Visibility and gate were set, and read back."""
    DRIFTED = "drifted"
    """A later look found the target different."""
    FAILED = "failed"
    """Given up for now; publishing again resumes it."""
    WITHDRAWN = "withdrawn"


P = PublicationState
PUBLICATION_TRANSITIONS = Table(
    Transition("stage", frozenset({P.PENDING, P.FAILED, P.STAGED, P.WITHDRAWN}), P.STAGED),
    Transition("verify", frozenset({P.STAGED}), P.VERIFIED),
    Transition("go live", frozenset({P.VERIFIED}), P.LIVE),
    Transition("fail", frozenset({P.PENDING, P.STAGED, P.VERIFIED}), P.FAILED),
    Transition("drift", frozenset({P.LIVE}), P.DRIFTED),
    Transition("withdraw", frozenset({P.PENDING, P.STAGED, P.VERIFIED, P.LIVE, P.DRIFTED, P.FAILED}), P.WITHDRAWN),
)


class TargetKind(StrEnum):
    """What a target is."""

    HERE = "here"
    """This instance serves it to outsiders."""
    HUB = "hub"
    """Anything that speaks the Hub's protocol."""


class Decision(StrEnum):
    """What a reviewer says."""

    APPROVE = "approve"
    REFUSE = "refuse"
