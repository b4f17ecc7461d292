"""The rules of tokens as full tables; no database."""

import pytest

from accounts import policies
from accounts.roles import NOBODY, SYSTEM, Actor, Scope

SESSION = Actor(id=1, name="ada")
READER = Actor(id=1, name="ada", scopes=Scope.READ.implied)
WRITER = Actor(id=1, name="ada", scopes=Scope.WRITE.implied)
REVIEWER = Actor(id=1, name="ada", scopes=Scope.REVIEW.implied)


@pytest.mark.parametrize(
    ("name", "scopes", "days", "codes"),
    [
        ("cluster", ["read"], 1, set()),
        ("cluster", ["read", "write", "review"], 365, set()),
        ("x" * 100, ["read"], 30, set()),
        ("x" * 101, ["read"], 30, {"accounts.token_name_length"}),
        ("   ", ["read"], 30, {"accounts.token_name_length"}),
        ("cluster", [], 30, {"accounts.no_scope"}),
        ("cluster", ["admin"], 30, {"accounts.unknown_scope"}),
        ("cluster", ["read"], 0, {"accounts.expiry_out_of_range"}),
        ("cluster", ["read"], 366, {"accounts.expiry_out_of_range"}),
        ("", ["admin"], -1, {"accounts.token_name_length", "accounts.unknown_scope", "accounts.expiry_out_of_range"}),
    ],
)
def test_a_token_is_refused_with_all_reasons(name, scopes, days, codes):
    assert policies.may_create_token(name=name, scopes=scopes, expires_days=days).codes == codes


def test_the_reason_names_the_scopes_that_exist():
    verdict = policies.may_create_token(name="x", scopes=["admin"], expires_days=1)
    assert verdict.sentence == "“admin” is no scope; there are: read, write, review."
    assert [reason.field for reason in verdict.reasons] == ["scopes"]


@pytest.mark.parametrize(
    ("actor", "codes"),
    [
        (SESSION, set()),
        (NOBODY, {"accounts.sign_in_needed"}),
        (READER, {"accounts.token_cannot_make_tokens"}),
        (WRITER, {"accounts.token_cannot_make_tokens"}),
        (REVIEWER, {"accounts.token_cannot_make_tokens"}),
    ],
)
def test_only_a_password_makes_tokens(actor, codes):
    assert policies.may_manage_tokens(actor).codes == codes


@pytest.mark.parametrize(
    ("actor", "is_itself", "codes"),
    [
        (SESSION, False, set()),
        (READER, False, {"accounts.scope_missing"}),
        (REVIEWER, False, {"accounts.scope_missing"}),
        (WRITER, False, set()),
        (READER, True, set()),
        (REVIEWER, True, set()),
        (NOBODY, False, {"accounts.sign_in_needed"}),
    ],
)
def test_a_token_may_always_end_itself(actor, is_itself, codes):
    assert policies.may_revoke_token(actor, is_itself=is_itself).codes == codes


@pytest.mark.parametrize("scope", list(Scope))
def test_every_scope_implies_reading(scope):
    assert scope.implied == {Scope.READ, scope}


def test_a_session_is_not_limited_by_scopes_and_the_system_is_not_anonymous():
    assert all(SESSION.may_use(scope) for scope in Scope)
    assert not READER.may_use(Scope.WRITE)
    assert NOBODY.is_anonymous
    assert not SYSTEM.is_anonymous
    assert not SYSTEM.is_member
