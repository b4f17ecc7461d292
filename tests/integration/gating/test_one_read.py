"""The one query of a decision about one variant finds what the queries for many find."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.roles import Role
from gating.models import AccessRequest, GateActivation, GateVersion, Grant, Revocation, TextDemand
from gating.selectors import access, accesses
from registry.models import Membership, Serving
from registry.services.variants import add_member
from registry.states import Level
from tests.factories import make_commit, make_user, make_variant

pytestmark = pytest.mark.django_db
YEAR = timedelta(days=365)


def same(user, variant) -> bool:
    one, many = access(user, variant), accesses(user, [variant])[variant.pk]
    return one == many


def test_both_ways_agree_at_every_step():
    variant, user, now = make_variant(), make_user(), timezone.now()
    assert same(None, variant) and same(user, variant)
    commit = make_commit(variant)
    Serving.objects.create(
        variant=variant,
        checkpoint=commit.checkpoint,
        commit=commit,
        level=Level.GATED,
        release_digest="sha256:" + "0" * 64,
    )
    assert same(None, variant) and same(user, variant)
    AccessRequest.objects.create(organization=variant.organization, variant=variant, user=user)
    assert same(user, variant)
    gate = GateVersion.objects.create(variant=variant, number=1, made_by=user)
    for version in (gate, GateVersion.objects.create(variant=variant, number=2, made_by=user, is_automatic=True)):
        GateActivation.objects.create(variant=variant, gate_version=version)
        assert same(user, variant) and access(user, variant).is_gate_automatic == version.is_automatic
    TextDemand.objects.create(variant=variant, gate_version=gate, text_sha256="a" * 64, since=now - YEAR, due_at=now)
    first = Grant.objects.create(variant=variant, user=user, expires_at=now + YEAR)
    assert same(user, variant) and not access(user, variant).reads.allowed
    TextDemand.objects.create(variant=variant, gate_version=gate, text_sha256="", since=now, due_at=now)
    assert same(user, variant) and access(user, variant).reads.allowed
    Grant.objects.create(variant=variant, user=user, granted_at=now, expires_at=now + timedelta(seconds=1))
    Revocation.objects.create(grant=first, revoked_by=None, reason="over")
    assert same(user, variant)
    add_member(organization=variant.organization, user=user, role=Role.RELEASE_MANAGER, by=None)
    assert same(user, variant) and Membership.objects.filter(user=user).exists()
    user.is_active = False
    assert same(user, variant) and not access(user, variant).is_member
