"""Writes of grants: giving access to somebody who need not have asked, and ending it early."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Scope
from gating import policies, selectors
from gating.models import AccessRequest, Grant
from gating.selectors.requests import person_facts
from gating.services.requests import duration_of, end_grants, locked_request, make_grant, record_event
from gating.states import ACCEPT, REVOKE, RequestState
from registry.models import Variant
from rules import Refused


@transaction.atomic
def grant(
    *, variant: Variant, user: User, by: User, days: int | None = None, scopes: frozenset[Scope] | None = None
) -> Grant:
    """Give a person access, for `days` or for as long as the gate says; an open request of theirs is accepted by it."""
    User.objects.select_for_update(no_key=True).only("id").get(pk=user.pk)
    selectors.access(by, variant, scopes=scopes).sees.require()
    actor = selectors.actor_of(by, variant, scopes=scopes)
    policies.may_grant(person_facts(variant, user), actor, days=days).require()
    gate = selectors.gate_in_force(variant)
    now = timezone.now()
    rows = AccessRequest.objects.select_related("variant__organization", "user", "organization")
    request = rows.filter(variant=variant, user=user).exclude(state=RequestState.CANCELLED).first()
    if request is None:
        request = AccessRequest(
            variant=variant, organization=variant.organization, user=user, gate_version=gate, asked_at=now
        )
    if ACCEPT.starts_at(RequestState(request.state)):
        request.move(ACCEPT, at=now, by=by)
    else:  # accepted before, and the grant has run out
        request.decided_at, request.decided_by, request.reason = now, by, ""
    request.save()
    made = make_grant(request, days or duration_of(variant, gate), by=by, at=now)
    record_event(request, "granted", by, now, grant=made.pk, expires_at=made.expires_at.isoformat())
    return made


@transaction.atomic
def revoke(*, grant_id: int, by: User, reason: str, scopes: frozenset[Scope] | None = None) -> Grant:
    """End a grant early; the next request for a file is refused. Copies already made are out of reach."""
    found = Grant.objects.filter(pk=grant_id).first()
    if found is None or found.request_id is None:
        raise Refused.because(policies.review.REQUEST_NOT_FOUND)
    request = locked_request(found.request_id, by, scopes)
    actor = selectors.actor_of(by, request.variant, scopes=scopes)
    policies.may_move(REVOKE, selectors.request_facts(request), actor, reason=reason).require()
    now = timezone.now()
    if found not in selectors.live_grants(request.variant, request.user, now):
        raise Refused.because(policies.review.GRANT_IS_OVER)
    request.move(REVOKE, at=now, by=by, reason=reason.strip())
    request.save(update_fields=["state", "decided_at", "decided_by", "reason"])
    end_grants(request, by=by, at=now, reason=reason.strip())
    record_event(request, "revoked", by, now, grant=found.pk, reason=reason.strip())
    return Grant.objects.select_related("revocation").get(pk=found.pk)
