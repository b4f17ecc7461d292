"""Requests for access through the protocol: the same acts as on the pages, in the Hub's three words."""

from __future__ import annotations

from collections.abc import Mapping

from accounts.models import User
from gating import selectors as gating
from gating import services
from gating.form import stored_fields
from gating.hub_form import answers_by_name
from gating.models import AccessRequest, Grant
from gating.policies import asking, review
from gating.states import RequestState
from hub import policies
from hub.selectors.repositories import Repository, Scopes
from rules import Refused

# The client need not give a reason, and our record must hold one.
UNSAID = "No reason was given (through the Hub endpoint)."
# Asking again while a request is open changes nothing and is no fault.
ASKED_BEFORE = frozenset({asking.ALREADY_ASKED.code, asking.ALREADY_GRANTED.code, asking.ASK_CLOSED.code})


def decide(*, request: AccessRequest, status: str, reason: str, by: User, scopes: Scopes) -> None:
    """Move a request to one of the three lists; Refused where it is on that list already."""
    said = {"request_id": request.pk, "by": by, "scopes": scopes}
    try:
        if status == "accepted":
            services.accept(**said, reason=reason)
        elif status == "rejected":
            services.reject(**said, reason=reason or UNSAID)
        else:
            services.reopen(**said, reason=reason or UNSAID)
    except Refused as refused:
        if refused.verdict.codes & {review.WRONG_STATE.code, review.REQUEST_NOT_FOUND.code}:
            raise Refused.because(policies.NO_REQUEST) from refused
        raise


def grant(*, repository: Repository, user: User, by: User, scopes: Scopes) -> Grant:
    """Give somebody access who need not have asked."""
    try:
        return services.grant(variant=repository.variant, user=user, by=by, scopes=scopes)
    except Refused as refused:
        if review.ALREADY_HAS_GRANT.code in refused.verdict.codes:
            raise Refused.because(policies.HAS_ACCESS) from refused
        raise


def ask(
    *,
    repository: Repository,
    by: User,
    answers: Mapping[str, object],
    accepted_text_sha256: str,
    from_address: str | None,
    agent: str,
    scopes: Scopes,
) -> None:
    """Send the gate's form, with labels for names; again while a request is open, nothing happens."""
    gate = gating.gate_in_force(repository.variant)
    fields = stored_fields(gate.fields) if gate else ()
    try:
        services.ask(
            variant=repository.variant,
            user=by,
            answers=answers_by_name(fields, answers),
            accepted_text_sha256=accepted_text_sha256,
            from_address=from_address,
            agent=agent,
            scopes=scopes,
        )
    except Refused as refused:
        if not refused.verdict.codes <= ASKED_BEFORE:
            raise


def withdraw(*, request: AccessRequest, by: User, scopes: Scopes) -> None:
    """Withdraw one's own request; Refused where it is decided already."""
    if request.state != RequestState.PENDING:
        raise Refused.because(policies.NO_REQUEST)
    services.cancel(request_id=request.pk, by=by, scopes=scopes)
