"""Requests for access as the protocol lists them, to those who may read the answers in them."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from accounts.models import User
from gating import selectors as gating
from gating.form import stored_fields
from gating.hub_form import answers_by_label
from gating.models import AccessRequest
from gating.policies.review import NOT_A_REVIEWER
from gating.selectors.requests import READERS
from gating.states import RequestState
from hub import policies, presenters
from hub.selectors.repositories import Repository, Scopes
from rules import Refused, Verdict

# The protocol knows three lists. Whoever lost access by a decision stands with the rejected.
STATES = {
    "pending": (RequestState.PENDING,),
    "accepted": (RequestState.ACCEPTED,),
    "rejected": (RequestState.REJECTED, RequestState.REVOKED),
}


def page(repository: Repository, scopes: Scopes, status: str, *, limit: int, before: int | None) -> list[AccessRequest]:
    """Requests in one of the three lists, newest first, those with an id below `before`."""
    require_reader(repository, scopes)
    rows = _requests(repository).filter(state__in=STATES[status]).order_by("-id")
    return list((rows.filter(pk__lt=before) if before is not None else rows)[:limit])


def report(repository: Repository, scopes: Scopes) -> list[dict[str, Any]]:
    """All requests, as they stand."""
    require_reader(repository, scopes)
    return [item(request) for request in _requests(repository).order_by("id")]


def of_person(repository: Repository, user: User) -> AccessRequest:
    """A person's request; Refused where they have none."""
    found = _requests(repository).filter(user=user).first()
    if found is None:
        raise Refused.because(policies.NO_REQUEST)
    return found


def with_id(repository: Repository, request_id: str) -> AccessRequest:
    """A request by the id that lists show; Refused where it is none of this repository's."""
    is_id = request_id.isascii() and request_id.isdecimal() and len(request_id) < 19
    found = _requests(repository).filter(pk=int(request_id)).first() if is_id else None
    if found is None:
        raise Refused.because(policies.NO_REQUEST)
    return found


def require_reader(repository: Repository, scopes: Scopes) -> None:
    """Refused unless the caller may read requests and the repository has a gate."""
    if repository.user is None:
        raise Refused.because(policies.LOG_IN)
    actor = gating.actor_of(repository.user, repository.variant, scopes=scopes)
    organization = repository.variant.organization.name
    Verdict.of(NOT_A_REVIEWER.unless(actor.roles & READERS, organization=organization)).require()
    require_gate(repository)


def require_gate(repository: Repository) -> None:
    """Refused where the repository is not gated."""
    if not repository.access.is_gated:
        raise Refused.because(policies.NOT_GATED, repo_id=repository.repo_id)


def item(request: AccessRequest) -> dict[str, Any]:
    """A request as it stands in a list; an address is shown only while somebody has to decide."""
    status = next(word for word, states in STATES.items() if request.state in states)
    person = {"_id": str(request.user_id), "user": request.user.username, "fullname": request.user.display_name}
    if request.state == RequestState.PENDING and request.user.email:
        person["email"] = request.user.email
    fields = stored_fields(request.gate_version.fields) if request.gate_version else ()
    shown: dict[str, Any] = {
        "requestId": str(request.pk),
        "user": person,
        "status": status,
        "timestamp": presenters.moment(request.asked_at),
        "fields": answers_by_label(fields, request.answers),
    }
    if request.decided_at:
        shown["reviewedAt"] = presenters.moment(request.decided_at)
    if request.decided_by:
        shown["grantedBy"] = {"user": request.decided_by.username}
    return shown


def _requests(repository: Repository) -> QuerySet[AccessRequest]:
    rows = AccessRequest.objects.filter(variant=repository.variant).exclude(state=RequestState.CANCELLED)
    return rows.select_related("user", "decided_by", "gate_version", "variant__organization")
