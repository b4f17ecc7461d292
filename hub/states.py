"""The states of a pull request, and who may move it between them."""

from __future__ import annotations

from enum import StrEnum

from accounts.roles import Role
from rules import Table, Transition


class PullState(StrEnum):
    """Where a pull request stands, and who acts next."""

    DRAFT = "draft"
    """Its author goes on committing to it, and says when it is ready."""
    OPEN = "open"
    """Whoever may merge it decides; its author may still commit to it."""
    CLOSED = "closed"
    """It was not taken, and may be opened again; its commits and their evidence stay."""
    MERGED = "merged"
    """Its changes are part of the main branch; nothing moves it from here."""


# Automation proposes and a person takes: service accounts that hold one of these roles are refused by the policy.
MERGERS = frozenset({Role.OWNER, Role.RELEASE_MANAGER})
S = PullState

OFFER = Transition("offer", frozenset({S.DRAFT}), S.OPEN, MERGERS)
CLOSE = Transition("close", frozenset({S.DRAFT, S.OPEN}), S.CLOSED, MERGERS)
REOPEN = Transition("reopen", frozenset({S.CLOSED}), S.OPEN, MERGERS)
MERGE = Transition("merge", frozenset({S.OPEN}), S.MERGED, MERGERS)

TRANSITIONS = Table(OFFER, CLOSE, REOPEN, MERGE)
# Whoever opened it makes these moves, too.
BY_AUTHOR = frozenset({OFFER, CLOSE, REOPEN})
TAKES_COMMITS = frozenset({S.DRAFT, S.OPEN})


class PullEventKind(StrEnum):
    """What happened in a pull request, in the order in which it is told."""

    COMMENT = "comment"
    COMMIT = "commit"
    TITLE = "title"
    STATE = "state"
    EDIT = "edit"
    """A comment was given other words; the earlier ones stay on record."""
    HIDE = "hide"
    """A comment is not shown any more."""
