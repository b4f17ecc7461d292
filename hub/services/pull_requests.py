"""Pull requests: opened, committed to, spoken about, closed, and merged into the main branch or refused.

Every act takes its turn at the repository first, as commits do, so that what was compared is what is merged.
"""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from accounts.roles import Actor
from gating.services import follow_card
from hub import policies
from hub.differences import conflicts, differences
from hub.models import PullRequest, PullRequestEvent
from hub.selectors.infos import CARD, card_of
from hub.selectors.trees import tree_of
from hub.services.repositories import open_history
from hub.states import CLOSE, MERGE, OFFER, REOPEN, PullEventKind, PullState
from registry import policies as registry
from registry.models import Commit, Ref, Variant
from registry.selectors import head_of
from registry.services import commits, turns
from registry.services.commits import Changes
from registry.states import RefKind
from rules import Refused, Transition

LONGEST_TITLE, LONGEST_COMMENT = 200, 65_536
# A client whose first answer was lost sends the same proposal again within its own retries.
REPEAT_WITHIN = timedelta(minutes=15)
EVENTS = {
    OFFER: "hub:pull_request:offered",
    CLOSE: "hub:pull_request:closed",
    REOPEN: "hub:pull_request:reopened",
    MERGE: "hub:pull_request:merged",
}
SAID_IN = {OFFER: "open", CLOSE: "closed", REOPEN: "open", MERGE: "merged"}


@transaction.atomic
def open_one(
    *, variant: Variant, title: str, description: str, by: User, base: Commit | None = None, is_draft: bool = False
) -> PullRequest:
    """Open a pull request that begins at `base`, or at the main branch; whether `by` may write was asked at the door.

    A repository without any commit is given its first one, for it to begin at.
    """
    locked = turns.take(variant)
    start = base or head_of(locked) or open_history(variant=locked, by=by)
    last = PullRequest.objects.filter(variant=locked).order_by("-number").values_list("number", flat=True).first()
    now = timezone.now()
    made = PullRequest.objects.create(
        variant=locked,
        number=(last or 0) + 1,
        title=_title(title),
        state=PullState.DRAFT if is_draft else PullState.OPEN,
        author=by,
        base=start,
        created_at=now,
        updated_at=now,
    )
    Ref.objects.create(variant=locked, kind=RefKind.PULL, name=str(made.number), commit=start, updated_at=now)
    if description.strip():
        _comment(made, description, by)
    _record("hub:pull_request:opened", made, by, base=start.oid, is_draft=is_draft)
    return made


@transaction.atomic
def propose(
    *, variant: Variant, changes: Changes, title: str, message: str, author: User, base: Commit | None = None
) -> tuple[PullRequest, Commit]:
    """Open a pull request and make its first commit at once; the same proposal sent again answers the first one."""
    locked = turns.take(variant)
    start = base or head_of(locked)
    said = {"variant": locked, "changes": changes, "title": title, "message": message, "author": author}
    repeated = start and _repeated(locked, start, title, author, said)
    if repeated:
        return repeated
    made = open_one(variant=locked, title=title, description=message, by=author, base=start)
    commit = commits.commit(**said, branch=str(made.number), kind=RefKind.PULL)
    _note_commit(made, commit, author)
    return made, commit


@transaction.atomic
def commit_to(
    *, variant: Variant, number: int, changes: Changes, title: str, message: str, author: User, parent: str = ""
) -> Commit:
    """Add a commit to a pull request that still takes some."""
    locked = turns.take(variant)
    found = named(locked, number)
    policies.may_commit_to(found.state, number).require()
    commit = commits.commit(
        variant=locked,
        changes=changes,
        title=title,
        message=message,
        author=author,
        branch=str(number),
        kind=RefKind.PULL,
        expected_parent=parent,
    )
    _note_commit(found, commit, author)
    return commit


@transaction.atomic
def comment(*, pull_request: PullRequest, text: str, by: User, actor: Actor) -> PullRequestEvent:
    """Say something about a pull request."""
    policies.may_comment(actor).require()
    return _comment(pull_request, text, by)


@transaction.atomic
def edit(*, pull_request: PullRequest, event: PullRequestEvent, text: str, by: User, actor: Actor) -> PullRequestEvent:
    """Give one's own comment other words; the earlier ones stay on record."""
    policies.may_edit(actor, event.by_id).require()
    return _said(pull_request, PullEventKind.EDIT, by, text=_words(text), about=event)


@transaction.atomic
def hide(*, pull_request: PullRequest, event: PullRequestEvent, by: User, actor: Actor) -> PullRequestEvent:
    """Show a comment no longer; its words stay on record."""
    policies.may_hide(actor, event.by_id).require()
    return _said(pull_request, PullEventKind.HIDE, by, about=event)


@transaction.atomic
def rename(*, pull_request: PullRequest, title: str, by: User, actor: Actor) -> PullRequestEvent:
    """Give a pull request another title."""
    found = _again(pull_request)
    policies.may_tend(actor, found.author_id).require()
    former, found.title, found.updated_at = found.title, _title(title), timezone.now()
    found.save(update_fields=["title", "updated_at"])
    _record("hub:pull_request:renamed", found, by, former=former)
    return _said(found, PullEventKind.TITLE, by, text=found.title, former=former)


@transaction.atomic
def move(
    *, pull_request: PullRequest, transition: Transition, by: User, actor: Actor, text: str = ""
) -> PullRequestEvent:
    """Offer, close or reopen a pull request, with a word on why."""
    found = _again(pull_request)
    policies.may_move(transition, found.state, found.number, found.author_id, actor).require()
    if text.strip():
        _comment(found, text, by)
    now = timezone.now()
    found.move(transition, at=now)
    _record(EVENTS[transition], found, by)
    return _said(found, PullEventKind.STATE, by, text=SAID_IN[transition])


@transaction.atomic
def merge(*, pull_request: PullRequest, by: User, actor: Actor, text: str = "") -> Commit:
    """Make the proposed changes a commit of the main branch; Refused where both changed a path since it began.

    The commit is made under the rules of every other: the same locks, the same checks of names and content, and the
    checkpoint that comes of it gathers evidence of its own where it is a new one.
    """
    found = _again(pull_request)
    base, head, main = found.base, head_of_pull(found), head_of(found.variant)
    before, proposed = commits.files_of(base.checkpoint), commits.files_of(head.checkpoint)
    present = commits.files_of(main.checkpoint) if main else {}
    touched, clashing = differences(before, proposed), conflicts(before, proposed, present)
    policies.may_merge(found.state, found.number, actor, is_empty=not touched, conflicts=clashing).require()
    changes = Changes(
        add={one.path: proposed[one.path] for one in touched if one.after},
        delete=[one.path for one in touched if not one.after and one.path in present],
    )
    if text.strip():
        _comment(found, text, by)
    made = commits.commit(
        variant=found.variant,
        changes=changes,
        title=f"{found.title} (#{found.number})",
        message=f"Merges {found.ref} at {head.oid}.",
        author=by,
    )
    if CARD in changes.add:
        follow_card(variant=found.variant, metadata=card_of(tree_of(made.checkpoint)), by=by)
    found.move(MERGE, at=timezone.now(), merge_commit=made)
    _record(EVENTS[MERGE], found, by, head=head.oid, commit=made.oid)
    _said(found, PullEventKind.STATE, by, text=SAID_IN[MERGE], commit=made)
    return made


def named(variant: Variant, number: int) -> PullRequest:
    """The pull request of a number; Refused where there is none."""
    rows = PullRequest.objects.filter(variant=variant, number=number)
    found = rows.select_related("variant__organization", "author", "base__checkpoint", "merge_commit").first()
    if found is None:
        raise Refused.because(policies.NO_PULL_REQUEST, number=number)
    return found


def head_of_pull(pull_request: PullRequest) -> Commit:
    """The newest commit of a pull request; its base where nothing was committed to it."""
    rows = Ref.objects.filter(variant=pull_request.variant, kind=RefKind.PULL, name=str(pull_request.number))
    return rows.select_related("commit__checkpoint").get().commit


def heads_of(variant: Variant) -> dict[int, Commit]:
    """The newest commit of each pull request, by number."""
    rows = Ref.objects.filter(variant=variant, kind=RefKind.PULL).select_related("commit__checkpoint")
    return {int(ref.name): ref.commit for ref in rows}


def _again(pull_request: PullRequest) -> PullRequest:
    """The pull request as it is now, at its repository's turn."""
    return named(turns.take(pull_request.variant), pull_request.number)


def _repeated(
    variant: Variant, start: Commit, title: str, author: User, said: dict[str, object]
) -> tuple[PullRequest, Commit] | None:
    """The proposal that was made a moment ago, where this is the same again."""
    recent = PullRequest.objects.filter(
        variant=variant,
        author=author,
        base=start,
        state=PullState.OPEN,
        title=_title(title),
        created_at__gt=timezone.now() - REPEAT_WITHIN,
    ).order_by("-number")
    for found in recent[:3]:
        if head_of_pull(found).parent_id != start.pk:
            continue
        try:
            with transaction.atomic():
                again = commits.commit(**said, branch=str(found.number), kind=RefKind.PULL, expected_parent=start.oid)
        except Refused as refused:
            if registry.BRANCH_MOVED.code in refused.verdict.codes:
                continue
            raise
        return found, again
    return None


def _note_commit(pull_request: PullRequest, commit: Commit, by: User) -> None:
    """Tell of a commit, once."""
    if not pull_request.events.filter(commit=commit, kind=PullEventKind.COMMIT).exists():
        _said(pull_request, PullEventKind.COMMIT, by, commit=commit)
    PullRequest.objects.filter(pk=pull_request.pk).update(updated_at=timezone.now())


def _comment(pull_request: PullRequest, text: str, by: User) -> PullRequestEvent:
    return _said(pull_request, PullEventKind.COMMENT, by, text=_words(text))


def _said(pull_request: PullRequest, kind: PullEventKind, by: User, **more: object) -> PullRequestEvent:
    return PullRequestEvent.objects.create(pull_request=pull_request, kind=kind, by=by, **more)


def _words(text: str) -> str:
    words = text.strip()
    if not 0 < len(words) <= LONGEST_COMMENT:
        raise Refused.because(policies.BAD_COMMENT, longest=LONGEST_COMMENT)
    return words


def _title(title: str) -> str:
    words = " ".join(title.split())[:LONGEST_TITLE]
    if not words:
        raise Refused.because(policies.BAD_TITLE)
    return words


def _record(kind: str, pull_request: PullRequest, by: User, **facts: object) -> None:
    audit.record(
        kind,
        subject=pull_request.variant,
        actor=by,
        at=timezone.now(),
        organization=pull_request.variant.organization.name,
        number=pull_request.number,
        title=pull_request.title,
        **facts,
    )
