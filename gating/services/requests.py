"""Writes of requests: asking, withdrawing, deciding. Each locks, asks the rules, writes and records in one transaction.

The requester's row is what acts on one request queue behind: two tabs that ask at once make one request.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

import audit.services as audit
import licensing.services as licensing
from accounts.models import User
from accounts.roles import Scope
from gating import policies, selectors
from gating.form import LICENSE_NOT_TICKED, check_answers, stored_fields
from gating.models import AccessRequest, GateVersion, Grant, Revocation
from gating.services.gates import HUB_DURATION_DAYS
from gating.states import ACCEPT, CANCEL, KEEP, REJECT, RENEW, REOPEN, RequestState
from licensing.models import Acceptance
from registry.models import Variant
from rules import Refused, Transition, Verdict

Scopes = frozenset[Scope] | None
DEFAULT_DURATION_DAYS = 180


@transaction.atomic
def ask(
    *,
    variant: Variant,
    user: User,
    answers: Mapping[str, object],
    accepted_text_sha256: str = "",
    from_address: str | None = None,
    agent: str = "",
    scopes: Scopes = None,
) -> AccessRequest:
    """Send the gate's form, for the first time, anew, or for renewal; an automatic gate accepts at once.

    `accepted_text_sha256` is the digest of the license text that the requester saw, and is required where the gate
    has a license. Raises Refused with every fault, each naming its field.
    """
    if user.is_authenticated:
        _queue_behind(user)
    gate = selectors.gate_in_force(variant)
    facts = selectors.access_facts(user, [variant])[variant.pk]
    actor = selectors.actor_of(user, variant, scopes=scopes)
    policies.may_ask(facts, selectors.gate_facts(variant, gate), actor).require()
    clean, faults = check_answers(stored_fields(gate.fields) if gate else (), answers)
    license_version = gate.license_version if gate else None
    if license_version is not None and not accepted_text_sha256:
        faults = Verdict.all_of([faults, Verdict.of(LICENSE_NOT_TICKED.refuse())])
    faults.require()
    acceptance = None
    if license_version is not None:
        acceptance = licensing.accept(
            user=user,
            license_version=license_version,
            variant=variant,
            form_version=gate.number,
            seen_sha256=accepted_text_sha256,
            from_address=from_address,
            agent=agent,
        )
    request = _write_request(variant, user, gate, clean, acceptance)
    if variant.gate_mode == "auto" if variant.organization.is_direct_control else gate.is_automatic:
        _accept(request, gate, by=None, at=request.asked_at, note="The gate accepts at once.")
    return request


@transaction.atomic
def accept_text(
    *,
    variant: Variant,
    user: User,
    accepted_text_sha256: str,
    from_address: str | None = None,
    agent: str = "",
    scopes: Scopes = None,
) -> Acceptance:
    """Accept the text that the gate demands now, by somebody whose grant still runs; the grant goes on unchanged."""
    if user.is_authenticated:
        _queue_behind(user)
    facts = selectors.access_facts(user, [variant])[variant.pk]
    policies.may_accept_text(facts, selectors.actor_of(user, variant, scopes=scopes)).require()
    gate = selectors.gate_in_force(variant)
    if not accepted_text_sha256:
        raise Refused.because(LICENSE_NOT_TICKED)
    return licensing.accept(
        user=user,
        license_version=gate.license_version,
        variant=variant,
        form_version=gate.number,
        seen_sha256=accepted_text_sha256,
        from_address=from_address,
        agent=agent,
    )


@transaction.atomic
def accept(*, request_id: int, by: User, reason: str = "", scopes: Scopes = None) -> AccessRequest:
    """Grant what was asked for, for as long as the gate in force says."""
    request = _move_allowed(ACCEPT, request_id, by, scopes, reason)
    gate = selectors.gate_in_force(request.variant)
    _accept(request, gate, by=by, at=timezone.now(), note=reason.strip())
    return request


@transaction.atomic
def reject(*, request_id: int, by: User, reason: str, scopes: Scopes = None) -> AccessRequest:
    """Refuse what was asked for; grants that still run end at once."""
    request = _move_allowed(REJECT, request_id, by, scopes, reason)
    _close(request, REJECT, "rejected", by=by, reason=reason.strip())
    return request


@transaction.atomic
def reopen(*, request_id: int, by: User, reason: str, scopes: Scopes = None) -> AccessRequest:
    """Put a decided request back into the queue; grants that still run end at once."""
    request = _move_allowed(REOPEN, request_id, by, scopes, reason)
    _close(request, REOPEN, "reopened", by=by, reason=reason.strip())
    return request


@transaction.atomic
def cancel(*, request_id: int, by: User, scopes: Scopes = None) -> AccessRequest:
    """Withdraw one's own request; a request for renewal goes back to the grant that still runs."""
    request = locked_request(request_id, by, scopes)
    facts = selectors.request_facts(request)
    transition = KEEP if facts.has_live_grant else CANCEL
    policies.may_move(transition, facts, selectors.actor_of(by, request.variant, scopes=scopes)).require()
    now = timezone.now()
    request.move(transition, at=now)
    request.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    record_event(request, "cancelled", by, now)
    return request


def locked_request(request_id: int, by: User, scopes: Scopes) -> AccessRequest:
    """The request, if `by` may read it, with the requester's row locked; Refused alike for missing and hidden."""
    found = selectors.request_for(by, request_id, scopes=scopes)
    _queue_behind(found.user)
    return selectors.request_for(by, request_id, scopes=scopes)


def make_grant(request: AccessRequest, days: int, *, by: User | None, at: datetime) -> Grant:
    """Write a grant for an accepted request."""
    return Grant.objects.create(
        variant=request.variant,
        user=request.user,
        request=request,
        granted_by=by,
        granted_at=at,
        expires_at=at + timedelta(days=days),
    )


def end_grants(request: AccessRequest, *, by: User | None, at: datetime, reason: str) -> int:
    """End all grants of the requester for the variant that still run; returns how many."""
    grants = selectors.live_grants(request.variant, request.user, at)
    for grant in grants:
        Revocation.objects.create(grant=grant, revoked_by=by, revoked_at=at, reason=reason)
    return len(grants)


def duration_of(variant: Variant, gate: GateVersion | None) -> int:
    """For how many days a grant lasts."""
    if gate is not None:
        return gate.duration_days
    return HUB_DURATION_DAYS if variant.organization.is_direct_control else DEFAULT_DURATION_DAYS


def record_event(request: AccessRequest, what: str, by: User | None, at: datetime, **facts: object) -> None:
    """Record an act on a request; answers are personal, so that events never hold them."""
    audit.record(
        f"gating:request:{what}",
        subject=request,
        actor=by,
        at=at,
        organization=request.organization.name,
        label=f"{request.user.username} at {request.variant.repo_id}",
        variant=request.variant.repo_id,
        user=request.user.username,
        **facts,
    )


def _queue_behind(user: User) -> None:
    # NO KEY UPDATE: rows that refer to the user can still be written meanwhile.
    User.objects.select_for_update(no_key=True).only("id").get(pk=user.pk)


def _move_allowed(transition: Transition, request_id: int, by: User, scopes: Scopes, reason: str) -> AccessRequest:
    request = locked_request(request_id, by, scopes)
    actor = selectors.actor_of(by, request.variant, scopes=scopes)
    policies.may_move(transition, selectors.request_facts(request), actor, reason=reason).require()
    return request


def _write_request(
    variant: Variant,
    user: User,
    gate: GateVersion | None,
    answers: dict[str, object],
    acceptance: Acceptance | None,
) -> AccessRequest:
    now = timezone.now()
    request = (
        AccessRequest.objects.select_related("variant__organization", "user", "organization")
        .filter(variant=variant, user=user)
        .exclude(state=RequestState.CANCELLED)
        .first()
    )
    is_renewal = request is not None and request.state == RequestState.ACCEPTED
    if request is None:
        request = AccessRequest(variant=variant, organization=variant.organization, user=user)
    elif is_renewal:
        request.move(RENEW, at=now)
    request.gate_version, request.answers, request.acceptance, request.asked_at = gate, answers, acceptance, now
    request.save()
    record_event(
        request,
        "renewal_asked" if is_renewal else "asked",
        user,
        now,
        gate=gate.number if gate else None,
        license_text_sha256=acceptance.text_sha256 if acceptance else "",
    )
    return request


def _accept(request: AccessRequest, gate: GateVersion | None, *, by: User | None, at: datetime, note: str) -> None:
    request.move(ACCEPT, at=at, by=by, reason=note)
    request.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    grant = make_grant(request, duration_of(request.variant, gate), by=by, at=at)
    record_event(request, "accepted", by, at, grant=grant.pk, expires_at=grant.expires_at.isoformat(), reason=note)


def _close(request: AccessRequest, transition: Transition, what: str, *, by: User, reason: str) -> None:
    now = timezone.now()
    request.move(transition, at=now, by=by, reason=reason)
    request.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    ended = end_grants(request, by=by, at=now, reason=reason)
    record_event(request, what, by, now, reason=reason, grants_ended=ended)


def erase_answers(user: User, pseudonym: str, at: datetime) -> int:
    """Take out what a person answered at gates, when they are erased; that they asked, and what became of it, stays."""
    return AccessRequest.objects.filter(user=user).exclude(answers={}).update(answers={})
