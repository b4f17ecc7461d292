"""What the pages of pull requests show: states, changed files with sizes, evidence, and which acts are possible."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from accounts.roles import Actor
from hub import policies
from hub.models import PullRequest
from hub.presenters import PULL_STATES
from hub.selectors import pull_requests as selectors
from hub.selectors.pull_requests import Changed, Said
from hub.services.pull_requests import head_of_pull
from hub.states import CLOSE, MERGE, OFFER, REOPEN, PullEventKind, PullState
from release.presenters.evidence import Kind, kinds
from rules import Verdict
from web.tones import Status, Tone

CHOICES = {"open": "Open", "closed": "Closed and merged", "all": "All"}
MOST_FILES = 500
CHANGES = {
    "added": Status("Added", Tone.SUCCESS, "plus"),
    "changed": Status("Changed", Tone.INFO, "pencil"),
    "removed": Status("Removed", Tone.DANGER, "trash"),
}
DONE = {
    "offer": "is offered for merging",
    "close": "is closed",
    "reopen": "is open again",
    "merge": "is merged into main",
}


@dataclass(frozen=True, slots=True)
class Row:
    """A pull request in a list."""

    pull: PullRequest
    status: Status


@dataclass(frozen=True, slots=True)
class File:
    """A path that is changed."""

    change: Changed
    status: Status

    @property
    def path(self) -> str:
        """Where it is."""
        return self.change.path

    @property
    def before_bytes(self) -> int | None:
        """How large it was; None where it was not there."""
        return self.change.before.size_bytes if self.change.before else None

    @property
    def after_bytes(self) -> int | None:
        """How large it becomes; None where it goes."""
        return self.change.after.size_bytes if self.change.after else None


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be done with a pull request, or why it cannot."""

    name: str
    label: str
    icon: str
    tone: str
    verdict: Verdict


def rows(pulls: Iterable[PullRequest]) -> list[Row]:
    """Pull requests as a list shows them."""
    return [Row(pull, PULL_STATES[PullState(pull.state)]) for pull in pulls]


def done(verb: str, number: int) -> str:
    """What to say after an act."""
    return f"Pull request {number} {DONE[verb]}."


def context_of(pull: PullRequest, actor: Actor) -> dict[str, Any]:
    """All that the page of one pull request shows."""
    head = head_of_pull(pull)
    changed, clashing = selectors.changed(pull, head), selectors.conflicts_of(pull, head)
    is_empty = head.checkpoint_id == pull.base.checkpoint_id
    return {
        "pull": pull,
        "state": PULL_STATES[PullState(pull.state)],
        "head": head,
        "changed": [File(one, CHANGES[one.word]) for one in changed[:MOST_FILES]],
        "hidden": max(0, len(changed) - MOST_FILES),
        "told": [_told(said) for said in selectors.told(pull)],
        "evidence": [] if is_empty else _evidence(kinds(head.checkpoint)),
        "acts": _acts(pull, actor, is_empty=not changed, clashing=clashing),
        "may_comment": policies.may_comment(actor),
    }


def _acts(pull: PullRequest, actor: Actor, *, is_empty: bool, clashing: list[str]) -> list[Act]:
    """What can be done where it stands; an act that starts elsewhere is not shown."""
    state, found = PullState(pull.state), []
    if MERGE.starts_at(state):
        verdict = policies.may_merge(pull.state, pull.number, actor, is_empty=is_empty, conflicts=clashing)
        found.append(Act(MERGE.name, "Merge into main", "git-merge", "primary", verdict))
    for transition, label, icon, tone in (
        (OFFER, "Offer for merging", "git-branch", "primary"),
        (REOPEN, "Open again", "restore", "plain"),
        (CLOSE, "Close", "x", "plain"),
    ):
        if transition.starts_at(state):
            verdict = policies.may_move(transition, pull.state, pull.number, pull.author_id, actor)
            found.append(Act(transition.name, label, icon, tone, verdict))
    return found


def _evidence(made: list[Kind]) -> list[Kind]:
    return [kind for kind in made if kind.evidence or kind.job]


def _told(said: Said) -> dict[str, Any]:
    """One thing that happened, with the words for it."""
    event = said.event
    sentences = {
        PullEventKind.COMMIT: lambda: "committed",
        PullEventKind.TITLE: lambda: f"changed the title from “{event.former}”",
        PullEventKind.STATE: lambda: {"open": "opened it", "closed": "closed it", "merged": "merged it"}[event.text],
        PullEventKind.COMMENT: lambda: "wrote",
    }
    return {"said": said, "event": event, "sentence": sentences[PullEventKind(event.kind)]()}
