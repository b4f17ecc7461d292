"""The access decision over real rows, as object check and as query filter.

The two stand side by side here and a property test holds that they agree. Each costs a constant number of queries.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from accounts.lookups import Lookup
from accounts.models import User
from accounts.roles import NOBODY, Actor, Role, Scope
from gating.facts import GrantFacts, ServingFacts, Standing, VariantAccessFacts
from gating.models import AccessRequest, GateActivation, Grant, TextDemand
from gating.policies import Access, decide
from gating.policies.access import NOT_FOUND
from gating.selectors.one_read import facts_of
from gating.states import RequestState
from licensing.selectors import have_accepted
from registry.models import Membership, Organization, Serving, Variant
from registry.selectors import is_named, variants
from registry.states import Level
from rules import Refused

Scopes = frozenset[Scope] | None


# --- the decision about one variant, or about many ---------------------------------------------


def access(user: User | None, variant: Variant, *, scopes: Scopes = None) -> Access:
    """What `user` may do with the variant now; `scopes` are those of their token, None for a signed-in session.

    One query.
    """
    is_known = _is_somebody(user)
    roles, serving, standing = facts_of(user if is_known else None, variant)
    actor = NOBODY
    if user is not None and is_known:
        actor = Actor(id=user.pk, name=user.username, roles=roles, scopes=scopes, is_service=user.is_service)
    return decide(_facts(variant, serving, standing, timezone.now()), actor)


def accesses(user: User | None, rows: Iterable[Variant], *, scopes: Scopes = None) -> dict[int, Access]:
    """The same for many variants, by id, with the same number of queries."""
    rows = list(rows)
    actors = _actors(user, rows, scopes)
    facts = access_facts(user, rows)
    return {row.pk: decide(facts[row.pk], actors[row.organization_id]) for row in rows}


def access_facts(
    user: User | None, rows: Iterable[Variant], *, at: datetime | None = None
) -> dict[int, VariantAccessFacts]:
    """What the decision is made from, by the variant's id. Rows come with their organizations."""
    rows = list(rows)
    newest = GateActivation.objects.filter(variant=OuterRef("variant")).order_by("-id")
    served = Serving.objects.filter(variant__in=rows, until=None)
    served = served.annotate(is_gate_automatic=Subquery(newest.values("gate_version__is_automatic")[:1]))
    servings = {serving.variant_id: serving for serving in served}
    standings = standings_of(user, rows)
    at = at or timezone.now()
    return {
        row.pk: _facts(row, _serving_facts(servings.get(row.pk)), standings.get(row.pk, Standing()), at) for row in rows
    }


def actor_of(user: User | None, variant: Variant, *, scopes: Scopes = None) -> Actor:
    """Somebody as the policies see them in the variant's organization."""
    return _actors(user, [variant], scopes)[variant.organization_id]


def standings_of(user: User | None, rows: Iterable[Variant]) -> dict[int, Standing]:
    """How a person stands at the gates of these variants; those at which they never stood are left out."""
    if not _is_somebody(user):
        return {}
    rows = list(rows)
    grants: dict[int, list[GrantFacts]] = {}
    for grant in Grant.objects.filter(user=user, variant__in=rows).select_related("revocation").order_by("id"):
        revocation = getattr(grant, "revocation", None)
        fact = GrantFacts(grant.pk, grant.expires_at, revocation.revoked_at if revocation else None)
        grants.setdefault(grant.variant_id, []).append(fact)
    requests = {
        request.variant_id: request
        for request in AccessRequest.objects.filter(user=user, variant__in=rows)
        .exclude(state=RequestState.CANCELLED)
        .only("id", "variant_id", "state", "gate_version_id")
    }
    due = _due(user, rows) if grants else {}
    return {
        variant_id: Standing(
            accept_by=due.get(variant_id),
            request_id=requests[variant_id].pk if variant_id in requests else None,
            request_state=RequestState(requests[variant_id].state) if variant_id in requests else None,
            request_gate_id=requests[variant_id].gate_version_id if variant_id in requests else None,
            grants=tuple(grants.get(variant_id, ())),
        )
        for variant_id in {*grants, *requests}
    }


def ask_url(variant: Variant) -> str:
    """Where access to a variant is asked for."""
    return f"{settings.PUBLIC_URL}/{variant.repo_id}/access/"


# --- the same decision as query filters --------------------------------------------------------


def visible_variants(user: User | None, *, scopes: Scopes = None) -> QuerySet[Variant]:
    """The variants of which `user` may know, organization and family loaded."""
    return variants().filter(membership(user, scopes) | _is_disclosed())


def readable_variants(user: User | None, *, scopes: Scopes = None) -> QuerySet[Variant]:
    """The variants whose files `user` may read."""
    if scopes is not None and Scope.READ not in scopes:
        return variants().none()
    served = Serving.objects.filter(variant=OuterRef("pk"), until=None)
    ungated = Q(organization__is_direct_control=True, gate_mode="") | (
        Q(organization__is_direct_control=False) & Exists(served.filter(level=Level.PUBLIC))
    )
    return variants().filter(
        membership(user, scopes)
        | (_is_disclosed() & (ungated | (_holds_grant(user, timezone.now()) & ~_must_accept(user, timezone.now()))))
    )


def at_level(level: Level) -> Q:
    """The condition that a variant is disclosed at a level now; held back stands for not at all."""
    if level == Level.HELD_BACK:
        return ~_is_disclosed()
    served = Exists(Serving.objects.filter(variant=OuterRef("pk"), until=None, level=level.value))
    direct = Q(organization__is_direct_control=True, is_private=False)
    gate = ~Q(gate_mode="") if level == Level.GATED else Q(gate_mode="")
    return (direct & gate) | (Q(organization__is_direct_control=False) & served)


def membership(user: User | None, scopes: Scopes) -> Q | Exists:
    """The condition that `user` belongs to the organization of a variant, through a door that lets them read."""
    if not _is_somebody(user) or (scopes is not None and Scope.READ not in scopes):
        return Q(pk__in=[])
    return Exists(Membership.objects.filter(organization=OuterRef("organization"), user=user))


def _is_disclosed() -> Q:
    return Q(organization__is_direct_control=True, is_private=False) | (
        Q(organization__is_direct_control=False) & Exists(Serving.objects.filter(variant=OuterRef("pk"), until=None))
    )


def _holds_grant(user: User | None, at: datetime) -> Q | Exists:
    if not _is_somebody(user):
        return Q(pk__in=[])
    return Exists(Grant.objects.filter(variant=OuterRef("pk"), user=user, expires_at__gt=at, revocation=None))


def _must_accept(user: User | None, at: datetime) -> Q | Exists:
    """The condition that the text which is demanded now is due, and that the person has not accepted it."""
    if not _is_somebody(user):
        return Q(pk__in=[])
    newest = TextDemand.objects.filter(variant=OuterRef("variant")).order_by("-id").values("pk")[:1]
    due = TextDemand.objects.filter(variant=OuterRef("pk"), pk=Subquery(newest), due_at__lte=at).exclude(text_sha256="")
    return Exists(due.exclude(have_accepted(user)))


def _due(user: User, rows: list[Variant]) -> dict[int, datetime]:
    """By when a person must accept the text that each variant's gate demands; those whose text they accepted, or that
    demand none, are left out."""
    newest = TextDemand.objects.filter(variant__in=rows).order_by("variant_id", "-id").distinct("variant_id")
    demands = newest.annotate(is_accepted=have_accepted(user))
    return {row.variant_id: row.due_at for row in demands if row.text_sha256 and not row.is_accepted}


# --- one variant -------------------------------------------------------------------------------


_NAMED = Lookup(lambda organization, name: variants().filter(is_named(organization, name)), organization=str, name=str)


def visible_variant(user: User | None, repo_id: str, *, scopes: Scopes = None) -> tuple[Variant, Access]:
    """The variant `organization/name`, whatever its case, with what `user` may do; Refused alike for missing and
    hidden."""
    organization, _, name = repo_id.partition("/")
    found = None
    if "\x00" not in repo_id:
        found = _NAMED.first(organization=organization, name=name)
    if found is None:
        # Missing takes as long as hidden: the same is asked about a variant that nobody has.
        access(user, _nobodys(organization, name), scopes=scopes)
        raise Refused.because(NOT_FOUND)
    decided = access(user, found, scopes=scopes)
    decided.sees.require()
    return found, decided


def _nobodys(organization: str, name: str) -> Variant:
    """A variant that is not kept, of an organization that is not either."""
    return Variant(pk=0, name=name, organization=Organization(pk=0, name=organization))


def _is_somebody(user: User | None) -> bool:
    return user is not None and user.is_authenticated and user.is_active


def _actors(user: User | None, rows: list[Variant], scopes: Scopes) -> dict[int, Actor]:
    """The person as an actor in each organization, by its id; one query for all of them."""
    organizations = {row.organization_id for row in rows}
    if not _is_somebody(user):
        return dict.fromkeys(organizations, NOBODY)
    roles: dict[int, set[Role]] = {}
    for held in Membership.objects.filter(user=user, organization__in=organizations):
        roles.setdefault(held.organization_id, set()).add(Role(held.role))
    return {
        organization: Actor(
            id=user.pk,
            name=user.username,
            roles=frozenset(roles.get(organization, ())),
            scopes=scopes,
            is_service=user.is_service,
        )
        for organization in organizations
    }


def _facts(row: Variant, serving: ServingFacts | None, standing: Standing, at: datetime) -> VariantAccessFacts:
    return VariantAccessFacts(
        variant_id=row.pk,
        repo_id=row.repo_id,
        organization=row.organization.name,
        ask_url=ask_url(row),
        at=at,
        is_direct_control=row.organization.is_direct_control,
        is_private=row.is_private,
        is_gate_set=bool(row.gate_mode),
        serving=serving,
        standing=standing,
    )


def _serving_facts(serving: Serving | None) -> ServingFacts | None:
    if serving is None:
        return None
    is_automatic = bool(serving.is_gate_automatic)
    return ServingFacts(Level(serving.level), serving.commit_id, serving.checkpoint_id, is_automatic)
