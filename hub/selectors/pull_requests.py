"""Pull requests as one caller meets them: lists, one with all that happened in it, and what it changes.

People who know a single commit of a repository know of no pull request of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet

from accounts.roles import Actor
from gating.selectors import actor_of
from hub import policies
from hub.differences import Difference, conflicts, differences
from hub.models import PullRequest, PullRequestEvent
from hub.selectors.repositories import Repository, Scopes
from hub.selectors.trees import Entry, tree_of
from hub.services import pull_requests as services
from hub.states import PullEventKind, PullState
from registry.models import Checkpoint, Commit
from registry.selectors import head_of
from rules import Refused

STATUSES = {
    "": tuple(PullState),
    "all": tuple(PullState),
    "open": (PullState.DRAFT, PullState.OPEN),
    "closed": (PullState.CLOSED, PullState.MERGED),
}


@dataclass
class Said:
    """One event of a pull request with what became of it: later words of a comment, or that it is hidden."""

    event: PullRequestEvent
    words: list[PullRequestEvent] = field(default_factory=list)
    is_hidden: bool = False

    @property
    def text(self) -> str:
        """Its words as they are now; none where they are hidden."""
        if self.is_hidden:
            return ""
        return self.words[-1].text if self.words else self.event.text


@dataclass(frozen=True, slots=True)
class Changed:
    """A path that a pull request changes, with what stands there before and after; None where nothing does."""

    difference: Difference
    before: Entry | None
    after: Entry | None

    @property
    def path(self) -> str:
        """Where it is."""
        return self.difference.path

    @property
    def word(self) -> str:
        """Whether it is added, changed or removed."""
        return self.difference.word


def named(repository: Repository, number: str | int) -> PullRequest:
    """The pull request of a number; Refused alike where there is none and where the caller may know of none."""
    is_number = str(number).isascii() and str(number).isdecimal() and len(str(number)) < 10
    if not is_number or repository.access.only_commit_id is not None:
        raise Refused.because(policies.NO_PULL_REQUEST, number=str(number)[:20])
    return services.named(repository.variant, int(number))


def rows_of(repository: Repository, *, status: str = "", author: str = "") -> QuerySet[PullRequest]:
    """The pull requests that the caller may know of, newest first."""
    rows = PullRequest.objects.filter(variant=repository.variant, state__in=[str(s) for s in STATUSES[status]])
    if repository.access.only_commit_id is not None:
        rows = rows.none()
    if author:
        rows = rows.filter(author__username=author)
    return rows.select_related("author")


def heads(repository: Repository) -> dict[int, Commit]:
    """The head of each pull request, by number."""
    if repository.access.only_commit_id is not None:
        return {}
    return services.heads_of(repository.variant)


def told(pull_request: PullRequest) -> list[Said]:
    """What happened, in order; corrections stand with what they correct."""
    found: dict[int, Said] = {}
    rows = pull_request.events.select_related("by", "commit", "commit__checkpoint").order_by("id")
    for event in rows:
        about = found.get(event.about_id or 0)
        if event.kind == PullEventKind.EDIT and about:
            about.words.append(event)
        elif event.kind == PullEventKind.HIDE and about:
            about.is_hidden = True
        else:
            found[event.pk] = Said(event)
    return list(found.values())


def comment_of(pull_request: PullRequest, comment_id: str) -> PullRequestEvent:
    """A comment by the id that it is shown with; Refused where it is none of this pull request's, or hidden."""
    try:
        pk = int(comment_id, 16) if len(comment_id) <= 24 else 0
    except ValueError:
        pk = 0
    comments = pull_request.events.filter(kind=PullEventKind.COMMENT).exclude(later__kind=PullEventKind.HIDE)
    found = comments.filter(pk=pk).first() if 0 < pk < 1 << 63 else None
    if found is None:
        raise Refused.because(policies.NO_COMMENT)
    return found


def changed(pull_request: PullRequest, head: Commit) -> list[Changed]:
    """What it changes since it began."""
    before, after = tree_of(pull_request.base.checkpoint).entries, tree_of(head.checkpoint).entries
    return [
        Changed(one, before.get(one.path) if one.before else None, after.get(one.path) if one.after else None)
        for one in differences(_files(before.values()), _files(after.values()))
    ]


def conflicts_of(pull_request: PullRequest, head: Commit) -> list[str]:
    """Paths that stand in the way of merging it now."""
    if pull_request.state == PullState.MERGED:
        return []
    main = head_of(pull_request.variant)
    return conflicts(_at(pull_request.base.checkpoint), _at(head.checkpoint), _at(main.checkpoint if main else None))


def actor(repository: Repository, scopes: Scopes) -> Actor:
    """The caller as the rules of pull requests see them."""
    return actor_of(repository.user, repository.variant, scopes=scopes)


def _at(checkpoint: Checkpoint | None) -> dict[str, Entry]:
    return _files(tree_of(checkpoint).entries.values())


def _files(entries: Iterable[Entry]) -> dict[str, Entry]:
    return {entry.path: entry for entry in entries if not entry.is_folder}
