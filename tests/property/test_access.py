"""The access decision as object check and as query filter: the two cannot disagree."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import User
from accounts.roles import Role, Scope
from gating.models import GateVersion, Grant, Revocation, TextDemand
from gating.selectors import access, accesses, readable_variants, visible_variants
from licensing.models import Acceptance
from registry.models import Variant
from registry.services.variants import add_member, set_direct_control
from registry.states import Level
from tests.factories import make_license, make_organization, make_user, make_variant, serve, stop_serving

pytestmark = pytest.mark.django_db

GRANTS = st.sampled_from(["live", "expired", "revoked", "of somebody else"])
VARIANTS = st.fixed_dictionaries(
    {
        "is_direct_control": st.booleans(),
        "is_private": st.booleans(),
        "gate_mode": st.sampled_from(["", "auto", "manual"]),
        "serving": st.sampled_from([None, Level.PUBLIC, Level.GATED]),
        "was_served": st.booleans(),
        "grants": st.lists(GRANTS, max_size=3),
        "demands": st.lists(st.sampled_from(["due", "in grace", "none"]), max_size=2),
        "accepted": st.sets(st.sampled_from([0, 1])),
        "roles": st.sets(st.sampled_from(Role), max_size=2),
    }
)
SCOPES = st.none() | st.frozensets(st.sampled_from(Scope))


def make(drawn: dict, user: User, other: User) -> Variant:
    """One variant as drawn, in an organization of its own."""
    organization = make_organization(is_direct_control=drawn["is_direct_control"])
    variant = make_variant(organization, by=make_user())
    for role in drawn["roles"]:
        add_member(organization=organization, user=user, role=role, by=None)
    if drawn["was_served"]:
        serve(variant, Level.PUBLIC)
        stop_serving(variant)
    if drawn["serving"]:
        serve(variant, drawn["serving"])
    if drawn["is_direct_control"]:
        set_direct_control(variant=variant, by=other, is_private=drawn["is_private"], gate_mode=drawn["gate_mode"])
    for kind in drawn["grants"]:
        make_grant(variant, other if kind == "of somebody else" else user, kind)
    if drawn["demands"]:
        demand(variant, user, other, drawn["demands"], drawn["accepted"])
    return Variant.objects.select_related("organization").get(pk=variant.pk)


def demand(variant: Variant, user: User, keeper: User, kinds: list[str], accepted: set[int]) -> None:
    """Texts that the gate came to demand one after the other, and which of them the person accepted."""
    version, now = make_license("mit"), timezone.now()
    gate = GateVersion.objects.create(variant=variant, number=1, made_by=keeper)
    for number, kind in enumerate(kinds):
        text = "" if kind == "none" else str(number) * 64
        due = now + timedelta(days=-1 if kind == "due" else 1)
        since = now - timedelta(days=2)
        TextDemand.objects.create(variant=variant, gate_version=gate, text_sha256=text, since=since, due_at=due)
        if number in accepted:
            Acceptance.objects.create(
                user=user, license_version=version, text_sha256=str(number) * 64, variant=variant, form_version=1
            )


def make_grant(variant: Variant, user: User, kind: str) -> None:
    """A grant in any condition: services make only live ones, time and decisions do the rest."""
    now = timezone.now()
    ends = now - timedelta(days=1) if kind == "expired" else now + timedelta(days=1)
    grant = Grant.objects.create(variant=variant, user=user, granted_at=now - timedelta(days=2), expires_at=ends)
    if kind == "revoked":
        Revocation.objects.create(grant=grant, revoked_at=now, reason="breach")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=st.lists(VARIANTS, min_size=1, max_size=4), scopes=SCOPES, is_anonymous=st.booleans())
def test_the_query_filters_and_the_decision_agree(
    drawn: list[dict], scopes: frozenset[Scope] | None, is_anonymous: bool
) -> None:
    user, other = make_user(), make_user()
    rows = [make(one, user, other) for one in drawn]
    viewer, through = (None, None) if is_anonymous else (user, scopes)
    ids = {row.pk for row in rows}
    decided = accesses(viewer, rows, scopes=through)

    seen = set(visible_variants(viewer, scopes=through).filter(pk__in=ids).values_list("pk", flat=True))
    read = set(readable_variants(viewer, scopes=through).filter(pk__in=ids).values_list("pk", flat=True))

    assert seen == {pk for pk, one in decided.items() if one.sees.allowed}
    assert read == {pk for pk, one in decided.items() if one.reads.allowed}
    assert read <= seen
    for row in rows:
        assert access(viewer, row, scopes=through) == decided[row.pk]
