"""Reads for the board: what is out, what is in work, who may draft."""

from __future__ import annotations

from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from accounts.models import User
from accounts.roles import Role
from registry.models import Disclosure, Membership, Organization
from registry.selectors import actor_for
from registry.states import Component, Level
from release import policies
from release.models import Release
from release.selectors.releases import organizations_of, releases_for
from release.states import DRAFTERS, ReleaseState
from rules import Verdict


def with_parts(releases: QuerySet[Release]) -> QuerySet[Release]:
    """The releases with what a list shows of each; four queries more, however many there are."""
    return releases.prefetch_related(
        "items__variant__organization", "reviews__by", "publications__target", "policy", "targets"
    )


def count_by_state(user: User) -> dict[str, int]:
    """How many releases a person may know of in each state; a state without any is left out."""
    rows = releases_for(user).order_by().values_list("state").annotate(count=Count("pk"))
    return dict(rows)


def roles_of(user: User) -> dict[int, frozenset[Role]]:
    """The roles that somebody holds, by the organization's id."""
    found: dict[int, set[Role]] = {}
    if user.is_authenticated:
        for held in Membership.objects.filter(user=user):
            found.setdefault(held.organization_id, set()).add(Role(held.role))
    return {organization: frozenset(roles) for organization, roles in found.items()}


def may_draft_anywhere(user: User) -> Verdict:
    """Whether somebody may draft in one of their organizations; where not, the reasons of one of them."""
    verdicts = [policies.may_draft(actor_for(user, organization)) for organization in organizations_of(user)]
    allowed = next((verdict for verdict in verdicts if verdict.allowed), None)
    return allowed or (
        verdicts[0] if verdicts else Verdict.of(policies.NOT_IN_ROLE.refuse(verb="draft", roles="release manager"))
    )


def draftable_organizations(user: User) -> QuerySet[Organization]:
    """The organizations in which somebody may draft."""
    roles = [role.value for role in DRAFTERS]
    return Organization.objects.filter(
        pk__in=Membership.objects.filter(user=user, role__in=roles).values("organization")
    )


def weights_in_force(user: User) -> QuerySet[Disclosure]:
    """What is decided now for the weights of each variant of one's organizations; the newest decision comes first.

    What a withdrawn release disclosed is left out: it was taken back, and nothing was decided since.
    """
    withdrawn = Release.objects.filter(digest=OuterRef("release_digest"), state=ReleaseState.WITHDRAWN)
    return (
        Disclosure.objects.filter(
            component=Component.WEIGHTS,
            superseded_at=None,
            variant__organization__in=organizations_of(user),
        )
        .exclude(Exists(withdrawn))
        .select_related("variant__organization", "owner")
        .order_by("-decided_at", "-pk")
    )


def count_by_level(user: User) -> dict[str, int]:
    """How many variants stand at each level now."""
    counts = {level.value: Count("pk", filter=Q(level=level.value)) for level in Level}
    return weights_in_force(user).order_by().aggregate(**counts)


def releases_with_digests(user: User, digests: set[str]) -> dict[str, Release]:
    """The releases that have these digests, newest last where two are alike."""
    rows = releases_for(user).filter(digest__in=digests).order_by("pk")
    return {release.digest: release for release in rows}


def disclosures_in_force(variant_ids: list[int]) -> dict[int, dict[str, str]]:
    """The level decided for each component of some variants, by the variant's id and the component."""
    found: dict[int, dict[str, str]] = {}
    for row in Disclosure.objects.filter(variant__in=variant_ids, superseded_at=None):
        found.setdefault(row.variant_id, {})[row.component] = row.level
    return found
