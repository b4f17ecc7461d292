"""Reads of requests and grants: one's own, and those of the organizations whose gates one keeps."""

from __future__ import annotations

from datetime import datetime, timedelta
from statistics import median

from django.db.models import Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role, Scope
from audit.models import Event
from gating.facts import RequestFacts
from gating.models import AccessRequest, Grant
from gating.policies.review import REQUEST_NOT_FOUND
from gating.selectors.decision import access_facts
from gating.selectors.gates import gate_facts, gate_in_force
from gating.states import REVIEWERS, RequestState
from jobs.services import subject_of
from licensing.selectors import accepted_texts
from registry.models import Membership, Variant
from rules import Refused

# Who reads answers: they are personal, so that not every member of an organization does.
READERS = REVIEWERS | {Role.AUDITOR}
DECISIONS_MEASURED = 200
COUNTED = 100

Scopes = frozenset[Scope] | None


def requests_for(user: User, *, roles: frozenset[Role] = READERS) -> QuerySet[AccessRequest]:
    """The requests of the organizations in which `user` holds one of the roles."""
    organizations = Membership.objects.filter(user=user, role__in=[role.value for role in roles]).values("organization")
    return _loaded(AccessRequest.objects.filter(organization__in=organizations))


def requests_of(user: User) -> QuerySet[AccessRequest]:
    """A person's own requests."""
    return _loaded(AccessRequest.objects.filter(user=user))


def readable_requests(user: User, *, scopes: Scopes = None) -> QuerySet[AccessRequest]:
    """One's own requests, and those that one may read by role."""
    return _loaded(AccessRequest.objects.filter(_is_readable(user, scopes, "organization")))


def readable_grants(user: User, *, scopes: Scopes = None) -> QuerySet[Grant]:
    """One's own grants, and those that one may read by role."""
    rows = Grant.objects.filter(_is_readable(user, scopes, "variant__organization"))
    return rows.select_related("variant__organization", "user", "granted_by", "revocation")


def of_variant(rows: QuerySet, repo_id: str) -> QuerySet:
    """Those rows that are about the variant of this name; all of them where no name is given."""
    if not repo_id:
        return rows
    organization, _, name = repo_id.partition("/")
    return rows.filter(variant__organization__name__iexact=organization, variant__name__iexact=name)


def _is_readable(user: User, scopes: Scopes, organization: str) -> Q:
    if scopes is not None and Scope.READ not in scopes:
        return Q(pk__in=[])
    by_role = Membership.objects.filter(user=user, role__in=[role.value for role in READERS]).values("organization")
    return Q(user=user) | Q(**{f"{organization}__in": by_role})


def request_at(user: User | None, variant: Variant) -> AccessRequest | None:
    """One's own request at one gate, unless it was cancelled."""
    if user is None or not user.is_authenticated:
        return None
    return requests_of(user).filter(variant=variant).exclude(state=RequestState.CANCELLED).first()


def request_for(user: User | None, request_id: int, *, scopes: Scopes = None) -> AccessRequest:
    """A request that is one's own, or that one may read by role; Refused alike for missing and hidden."""
    found = None
    if user is not None and user.is_authenticated:
        found = readable_requests(user, scopes=scopes).filter(pk=request_id).first()
    if found is None:
        raise Refused.because(REQUEST_NOT_FOUND)
    return found


def is_reviewer(user: User) -> bool:
    """Whether `user` decides requests of any organization, or reads them as an auditor."""
    return (
        user.is_authenticated
        and Membership.objects.filter(user=user, role__in=[role.value for role in READERS]).exists()
    )


def request_facts(request: AccessRequest) -> RequestFacts:
    """A request as the rules see it now."""
    return person_facts(request.variant, request.user, RequestState(request.state), request_id=request.pk)


def person_facts(
    variant: Variant, user: User, state: RequestState = RequestState.PENDING, *, request_id: int = 0
) -> RequestFacts:
    """The same for somebody who need not have asked."""
    facts = access_facts(user, [variant])[variant.pk]
    gate = gate_facts(variant, gate_in_force(variant))
    return RequestFacts(
        id=request_id,
        user_id=user.pk,
        user_name=user.username,
        organization=variant.organization.name,
        state=state,
        is_gated=facts.is_gated,
        has_live_grant=facts.standing.live_grant(facts.at) is not None,
        accepted_sha256=accepted_texts(user, variant),
        demanded_sha256=gate.license_text_sha256 if gate else "",
    )


def live_grants(variant: Variant, user: User, at: datetime) -> list[Grant]:
    """The grants by which a person reads a variant at a moment."""
    return list(Grant.objects.filter(variant=variant, user=user, expires_at__gt=at, revocation=None).order_by("id"))


def grants_of(request: AccessRequest) -> list[Grant]:
    """All grants that a person ever had for the variant of their request, newest first, with their revocations."""
    rows = Grant.objects.filter(variant=request.variant_id, user=request.user_id)
    return list(rows.select_related("granted_by", "revocation__revoked_by", "user").order_by("-id"))


def running_grants(variant: Variant) -> QuerySet[Grant]:
    """All grants by which people read a variant now; for those who keep its gate."""
    rows = Grant.objects.filter(variant=variant, expires_at__gt=timezone.now(), revocation=None)
    return rows.select_related("user", "granted_by", "request")


def live_grants_of(request: AccessRequest) -> list[Grant]:
    """The grants by which the author of a request reads its variant now."""
    return live_grants(request.variant, request.user, timezone.now())


def history_of(request: AccessRequest) -> list[Event]:
    """What happened to a request, oldest first; at most the newest hundred events."""
    return list(reversed(Event.objects.filter(subject=subject_of(request)).order_by("-id")[:100]))


def pending_count(user: User, *, limit: int = COUNTED) -> int:
    """How many requests wait for this reviewer, counted up to a limit."""
    pending = requests_for(user, roles=REVIEWERS).filter(state=RequestState.PENDING).exclude(user=user)
    return pending.order_by().values("pk")[:limit].count()


def decision_time(user: User) -> timedelta | None:
    """The median time from asking to a decision, over the newest decisions of one's organizations; None before any."""
    rows = (
        AccessRequest.objects.filter(
            organization__in=Membership.objects.filter(user=user, role__in=[role.value for role in READERS]).values(
                "organization"
            ),
            decided_by__isnull=False,
            state__in=[RequestState.ACCEPTED, RequestState.REJECTED],
        )
        .order_by("-decided_at")
        .values_list("asked_at", "decided_at")[:DECISIONS_MEASURED]
    )
    waits = [decided_at - asked_at for asked_at, decided_at in rows]
    return median(waits) if waits else None


def age_of(request: AccessRequest) -> timedelta:
    """How long the requester waited, or has been waiting."""
    return (request.decided_at or timezone.now()) - request.asked_at


def _loaded(rows: QuerySet[AccessRequest]) -> QuerySet[AccessRequest]:
    return rows.select_related("variant__organization", "user", "decided_by", "gate_version")
