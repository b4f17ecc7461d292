"""Requests and grants as those meet them who decide."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django import forms
from django.utils import timezone

from accounts.models import User
from audit.models import Event
from audit.presenters import sentence
from gating import selectors
from gating.decision_forms import ReasonForm
from gating.form import FormField, stored_fields
from gating.models import AccessRequest, Grant
from gating.selectors.requests import COUNTED, age_of
from gating.states import FieldType, RequestState
from rules import Verdict
from web.countries import COUNTRIES
from web.tones import Status, Tone

REQUESTS = {
    RequestState.PENDING: Status("Pending", Tone.INFO, "hourglass"),
    RequestState.ACCEPTED: Status("Accepted", Tone.SUCCESS, "user-check"),
    RequestState.REJECTED: Status("Rejected", Tone.DANGER, "x"),
    RequestState.REVOKED: Status("Revoked", Tone.DANGER, "ban"),
    RequestState.CANCELLED: Status("Cancelled", Tone.MUTED),
}

LIVE = Status("Runs", Tone.GATED, "lock-open")
OVER = Status("Expired", Tone.MUTED, "hourglass")
ENDED = Status("Revoked", Tone.DANGER, "ban")

# Verb -> label, tone, icon, what will happen.
ACTS = {
    "accept": ("Accept", "primary", "user-check", "They may read the model at once, for as long as the gate says."),
    "reject": ("Reject", "danger", "x", "They read your reason. A grant that still runs ends at once."),
    "reopen": ("Reopen", "plain", "arrow-back-up", "It waits for a decision again. A grant that runs ends at once."),
    "revoke": (
        "Revoke access",
        "danger",
        "ban",
        "Their next download is refused. Copies that they made already stay where they are.",
    ),
}
# Events by what they mean for the requester.
TONES = {"accepted": Tone.SUCCESS, "granted": Tone.SUCCESS, "rejected": Tone.DANGER, "revoked": Tone.DANGER}


@dataclass(frozen=True, slots=True)
class RequestRow:
    """A request as the queue lists it."""

    request: AccessRequest
    status: Status
    age: timedelta


@dataclass(frozen=True, slots=True)
class GrantRow:
    """A grant as the page of a request lists it."""

    grant: Grant
    status: Status
    ended_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that a reviewer can do, with what speaks against it and the form of its reason."""

    verb: str
    label: str
    tone: str
    icon: str
    note: str
    verdict: Verdict
    form: forms.Form
    needs_reason: bool


def request_rows(requests: Iterable[AccessRequest]) -> list[RequestRow]:
    """Requests with their states and how long they waited."""
    return [RequestRow(request, request_status(request), age_of(request)) for request in requests]


def request_status(request: AccessRequest) -> Status:
    """The state of a request."""
    return REQUESTS[RequestState(request.state)]


def answers(request: AccessRequest) -> list[tuple[str, str]]:
    """The questions of the form that was answered, with the answers as people read them."""
    fields = stored_fields(request.gate_version.fields) if request.gate_version else ()
    return [(field.label, _answer(field, request.answers.get(field.name))) for field in fields]


def _answer(field: FormField, given: object) -> str:
    if given is None:
        return "Not answered"
    if field.type == FieldType.CHECKBOX:
        return "Yes"
    if field.type == FieldType.COUNTRY:
        return f"{COUNTRIES.get(str(given), given)} ({given})"
    return str(given)


def decisions(
    offered: Iterable[str], verdicts: Mapping[str, Verdict], sent: Mapping[str, ReasonForm]
) -> list[Decision]:
    """What can be done from the state at hand, in the order of its table; a sent form comes back as it was."""
    return [
        Decision(
            verb, *ACTS[verb], verdicts[verb], sent.get(verb) or ReasonForm(prefix=verb), needs_reason=verb != "accept"
        )
        for verb in offered
    ]


def grant_rows(grants: Iterable[Grant]) -> list[GrantRow]:
    """Grants with whether each runs."""
    now = timezone.now()
    return [_grant_row(grant, now) for grant in grants]


def _grant_row(grant: Grant, now: datetime) -> GrantRow:
    revocation = getattr(grant, "revocation", None)
    if revocation is not None:
        return GrantRow(grant, ENDED, revocation.revoked_at, revocation.reason)
    return GrantRow(grant, LIVE if grant.expires_at > now else OVER, grant.expires_at, "")


def queue_tabs(user: User, state: str, model: str, url: str) -> list[dict[str, object]]:
    """The states as tabs; only what waits is counted, and only so far."""
    waiting = selectors.pending_count(user)
    count = f"{COUNTED - 1}+" if waiting >= COUNTED else waiting
    return [
        {
            "label": status.label,
            "url": f"{url}?{urlencode({'state': key.value} | ({'model': model} if model else {}))}",
            "is_current": key == state,
            "count": count if key == RequestState.PENDING else "",
        }
        for key, status in REQUESTS.items()
    ]


def history(events: Iterable[Event]) -> list[dict[str, object]]:
    """What happened, as a timeline shows it."""
    return [
        {
            "at": event.at,
            "sentence": sentence(event),
            "tone": TONES.get(event.kind.rpartition(":")[2], Tone.NEUTRAL),
            "actor": event.actor_name,
        }
        for event in events
    ]
