"""Requests for access: lists, decisions, grants, and asking."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, JsonResponse

from accounts.signing_in import sent_from
from gating.models import AccessRequest
from hub.call import Call, malformed, storable_in, text_of
from hub.selectors import people
from hub.selectors import requests as selectors
from hub.selectors.repositories import Repository
from hub.services import requests as services
from hub.views import repository

DEFAULT_LIMIT, LEAST_LIMIT, LARGEST_LIMIT = 1000, 10, 1000
# The field by which a requester names the license text that they accept, by its SHA-256.
TEXT_FIELD = "license_text_sha256"


def listing(call: Call, ns: str, name: str, status: str) -> HttpResponse:
    """A page of the requests with one status."""
    found = repository.seen(call, ns, name)
    if status not in selectors.STATES:
        raise malformed(f"The lists of requests are {', '.join(selectors.STATES)}.")
    limit, before = call.query("limit"), call.query("after")
    if any(text and not (text.isascii() and text.isdecimal() and len(text) < 19) for text in (limit, before)):
        raise malformed("The parameters limit and after must be numbers.")
    size = min(max(int(limit or DEFAULT_LIMIT), LEAST_LIMIT), LARGEST_LIMIT)
    rows = selectors.page(found, call.scopes, status, limit=size + 1, before=int(before) if before else None)
    answer = JsonResponse([selectors.item(row) for row in rows[:size]], safe=False)
    if len(rows) > size:
        answer["Link"] = call.next_link(after=str(rows[size - 1].pk))
    return answer


def report(call: Call, ns: str, name: str) -> HttpResponse:
    """All requests as one file."""
    found = repository.seen(call, ns, name)
    answer = JsonResponse(selectors.report(found, call.scopes), safe=False)
    answer["Content-Disposition"] = f'attachment; filename="{found.variant.name}-access-report.json"'
    return answer


def handle(call: Call, ns: str, name: str) -> HttpResponse:
    """Accept, reject or reopen a request."""
    user, found = call.somebody(), repository.seen(call, ns, name)
    selectors.require_reader(found, call.scopes)
    sent = call.json()
    status = text_of(sent, "status")
    if status not in selectors.STATES:
        raise malformed(f"The field status must be one of {', '.join(selectors.STATES)}.")
    services.decide(
        request=_request_in(found, sent),
        status=status,
        reason=text_of(sent, "rejectionReason", ""),
        by=user,
        scopes=call.scopes,
    )
    return JsonResponse({})


def grant(call: Call, ns: str, name: str) -> HttpResponse:
    """Give somebody access who need not have asked."""
    user, found = call.somebody(), repository.seen(call, ns, name)
    selectors.require_reader(found, call.scopes)
    services.grant(repository=found, user=people.named(text_of(call.json(), "user")), by=user, scopes=call.scopes)
    return JsonResponse({})


def ask_access(call: Call, ns: str, name: str) -> HttpResponse:
    """Send the gate's form for oneself, as JSON or as a form."""
    user, found = call.somebody(), repository.seen(call, ns, name)
    selectors.require_gate(found)
    is_json = call.request.content_type == "application/json"
    answers: dict[str, Any] = call.json() if is_json else dict(call.form())
    digest = storable_in(answers).pop(TEXT_FIELD, "")
    if not isinstance(digest, str):
        raise malformed(f"The field {TEXT_FIELD} must be a text.")
    services.ask(
        repository=found,
        by=user,
        answers=answers,
        accepted_text_sha256=digest.removeprefix("sha256:"),
        **sent_from(call.request),
        scopes=call.scopes,
    )
    answer = HttpResponse(status=303)
    answer["Location"] = f"{call.origin}/{found.repo_id}"
    return answer


def cancel(call: Call, ns: str, name: str) -> HttpResponse:
    """Withdraw one's own request."""
    user, found = call.somebody(), repository.seen(call, ns, name)
    services.withdraw(request=selectors.of_person(found, user), by=user, scopes=call.scopes)
    return JsonResponse({"ok": True})


def _request_in(found: Repository, sent: dict[str, Any]) -> AccessRequest:
    named = [name for name in ("user", "userId", "requestId") if sent.get(name)]
    if len(named) != 1:
        raise malformed("Name the request by exactly one of user, userId and requestId.")
    value = text_of(sent, named[0])
    if named == ["requestId"]:
        return selectors.with_id(found, value)
    return selectors.of_person(found, people.named(value) if named == ["user"] else people.with_id(value))
