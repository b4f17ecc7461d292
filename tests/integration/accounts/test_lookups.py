"""Lookups whose statement is written once find what the ORM finds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.lookups import Lookup
from accounts.models import Token
from accounts.selectors import token_of
from registry.models import Variant
from registry.selectors import is_named, variants
from tests.factories import make_organization, make_token, make_user, make_variant

pytestmark = pytest.mark.django_db


def test_a_row_is_found_with_its_relatives_by_one_statement() -> None:
    lookup = Lookup(
        lambda organization, name: variants().filter(is_named(organization, name)), organization=str, name=str
    )
    here = make_variant(make_organization("Acme"), "Nano")
    make_variant(make_organization("other"), "nano")
    for organization, name in (("acme", "nano"), ("ACME", "NANO")):
        with CaptureQueriesContext(
            connection,
        ) as asked:
            found = lookup.first(organization=organization, name=name)
            assert (found.repo_id, found.family) == ("Acme/Nano", None)
        assert len(asked) == 1
        same = Variant.objects.get(pk=here.pk)
        assert found == same and not found._state.adding
        assert all(
            getattr(found, field.attname) == getattr(same, field.attname) for field in Variant._meta.concrete_fields
        )
    assert lookup.first(organization="acme", name="mini") is None
    assert lookup.first(organization="acme' OR 1=1 --", name="nano") is None


def test_values_are_converted_as_the_orm_converts_them() -> None:
    secret = make_token(make_user("ada"), "read", "write")
    token = token_of(secret)
    assert (token.user.username, token.scopes) == ("ada", ["read", "write"])
    assert token.expires_at > timezone.now()


@pytest.mark.parametrize("change", [{"revoked_at": timezone.now()}, {"expires_at": timezone.now() - timedelta(days=1)}])
def test_what_ends_between_two_lookups_is_not_found_again(change: dict[str, datetime]) -> None:
    secret = make_token(make_user())
    assert token_of(secret) is not None
    Token.objects.update(**change)
    assert token_of(secret) is None


def test_a_stand_in_that_does_not_reach_the_statement_is_refused() -> None:
    lookup = Lookup(lambda name: Variant.objects.filter(name=name.upper()[:1]), name=str)
    with pytest.raises(TypeError, match="name"):
        lookup.first(name="x")
