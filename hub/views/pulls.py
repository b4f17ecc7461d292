"""Pull requests: proposed, listed, spoken about, closed and merged."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse

from hub import patches, policies, pull_answers
from hub.call import Call, malformed, text_of
from hub.models import PullRequest, PullRequestEvent
from hub.selectors import pull_requests as selectors
from hub.selectors.pull_requests import Said
from hub.selectors.repositories import Repository
from hub.selectors.trees import Entry, content_of
from hub.services import downloads
from hub.services import pull_requests as services
from hub.services.pull_requests import LONGEST_COMMENT, LONGEST_TITLE
from hub.states import CLOSE, OFFER, REOPEN, PullState
from hub.views import repository
from registry.models import Commit
from rules import Refused

PAGE, MOST_PAGES = 50, 100_000
TYPES = frozenset({"", "all", "pull_request", "discussion"})


def listing(call: Call, ns: str, name: str) -> HttpResponse:
    """A page of the pull requests; discussions without changes are none."""
    found = repository.seen(call, ns, name)
    status, kind, number = call.query("status"), call.query("type"), call.query("p") or "0"
    if status not in selectors.STATUSES or kind not in TYPES:
        raise malformed("The parameter status is all, open or closed; type is all, pull_request or discussion.")
    if not (number.isascii() and number.isdecimal() and len(number) < 6):
        raise malformed("The parameter p must be a number.")
    start = int(number) * PAGE
    rows = selectors.rows_of(found, status=status, author=call.query("author"))
    if kind == "discussion":
        rows = rows.none()
    listed = [pull_answers.pull_request(_in(found, row)) for row in rows[start : start + PAGE]]
    return JsonResponse({"discussions": listed, "count": rows.count(), "start": start})


def create(call: Call, ns: str, name: str) -> HttpResponse:
    """Open a pull request without changes, to which commits follow."""
    found = repository.written(call, ns, name)
    sent = call.json()
    if sent.get("pullRequest") is not True:
        raise Refused.because(policies.ONLY_PULL_REQUESTS)
    made = services.open_one(
        variant=found.variant,
        title=text_of(sent, "title", limit=LONGEST_TITLE),
        description=text_of(sent, "description", "", limit=LONGEST_COMMENT),
        by=found.user,
        is_draft=True,
    )
    address = f"{call.origin}/{found.repo_id}/discussions/{made.number}"
    return JsonResponse({"num": made.number, "url": address, "pullRequest": True})


def attach(call: Call) -> HttpResponse:
    """Pictures would be content that no rule looks at; asked for apart from any repository."""
    call.somebody()
    raise Refused.because(
        policies.LEFT_OUT,
        sought="pictures or other attachments of comments",
        instead="Say it in words, or commit the file.",
    )


def details(call: Call, ns: str, name: str, number: str) -> HttpResponse:
    """One pull request with all that happened in it, and what it changes for those who may read the files."""
    found, row = _one(call, ns, name, number)
    head = services.head_of_pull(row)
    diff = None
    if call.asks("diff") and found.access.reads.allowed:
        diff = _patch(found, row, head)
    clashing = selectors.conflicts_of(row, head)
    return JsonResponse(pull_answers.pull_details(row, selectors.told(row), clashing, diff=diff))


def comment(call: Call, ns: str, name: str, number: str) -> HttpResponse:
    """Say something."""
    _, row, said = _written(call, ns, name, number)
    text = text_of(call.json(), "comment", limit=LONGEST_COMMENT)
    return _answer("newMessage", services.comment(pull_request=row, text=text, **said))


def edit(call: Call, ns: str, name: str, number: str, comment: str) -> HttpResponse:
    """Give a comment other words."""
    _, row, said = _written(call, ns, name, number)
    event = selectors.comment_of(row, comment)
    text = text_of(call.json(), "content", limit=LONGEST_COMMENT)
    services.edit(pull_request=row, event=event, text=text, **said)
    return _updated(row, event)


def hide(call: Call, ns: str, name: str, number: str, comment: str) -> HttpResponse:
    """Show a comment no longer."""
    _, row, said = _written(call, ns, name, number)
    event = selectors.comment_of(row, comment)
    services.hide(pull_request=row, event=event, **said)
    return _updated(row, event)


def title(call: Call, ns: str, name: str, number: str) -> HttpResponse:
    """Give it another title."""
    _, row, said = _written(call, ns, name, number)
    words = text_of(call.json(), "title", limit=LONGEST_TITLE)
    return _answer("newTitle", services.rename(pull_request=row, title=words, **said))


def status(call: Call, ns: str, name: str, number: str) -> HttpResponse:
    """Offer, close or reopen it."""
    _, row, said = _written(call, ns, name, number)
    sent = call.json()
    wanted = text_of(sent, "status")
    if wanted not in {"open", "closed"}:
        raise malformed('The field status must be "open" or "closed".')
    transition = CLOSE if wanted == "closed" else OFFER if row.state == PullState.DRAFT else REOPEN
    text = text_of(sent, "comment", "", limit=LONGEST_COMMENT)
    return _answer("newStatus", services.move(pull_request=row, transition=transition, text=text, **said))


def merge(call: Call, ns: str, name: str, number: str) -> HttpResponse:
    """Make its changes part of the main branch."""
    found, row, said = _written(call, ns, name, number)
    text = text_of(call.json(), "comment", "", limit=LONGEST_COMMENT)
    made = services.merge(pull_request=row, text=text, **said)
    url = f"{call.origin}/{found.repo_id}/commit/{made.oid}"
    return JsonResponse({"success": True, "commitUrl": url, "commitOid": made.oid})


def _one(call: Call, ns: str, name: str, number: str) -> tuple[Repository, PullRequest]:
    found = repository.seen(call, ns, name)
    return found, selectors.named(found, number)


def _written(call: Call, ns: str, name: str, number: str) -> tuple[Repository, PullRequest, dict[str, Any]]:
    user = call.somebody()
    found, row = _one(call, ns, name, number)
    return found, row, {"by": user, "actor": selectors.actor(found, call.scopes)}


def _in(found: Repository, row: PullRequest) -> PullRequest:
    """The row with its repository at hand."""
    row.variant = found.variant
    return row


def _answer(name: str, event: PullRequestEvent) -> HttpResponse:
    return JsonResponse({name: pull_answers.pull_event(Said(event))})


def _updated(row: PullRequest, event: PullRequestEvent) -> HttpResponse:
    said = next(said for said in selectors.told(row) if said.event.pk == event.pk)
    return JsonResponse({"updatedComment": pull_answers.pull_event(said)})


def _patch(found: Repository, row: PullRequest, head: Commit) -> str:
    """What it changes; what people outside the organization read of files here is on record like a download."""
    read: list[Entry] = []

    def content(entry: Entry) -> bytes:
        read.append(entry)
        return content_of(entry)

    changed = selectors.changed(row, head)
    diff = patches.patch([(one.path, one.before, one.after) for one in changed], content)
    if read and not found.access.is_member:
        former = {(one.path, one.before.sha256) for one in changed if one.before}
        commits = [row.base if (entry.path, entry.sha256) in former else head for entry in read]
        downloads.record_whole(repository=found, read=zip(commits, read, strict=True))
    return diff
