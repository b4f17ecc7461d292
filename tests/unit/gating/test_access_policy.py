"""The one access decision as a table: who, at which variant, in which standing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from accounts.roles import NOBODY, SYSTEM, WRITER_ROLES, Actor, Role, Scope
from gating.facts import GrantFacts, ServingFacts, Standing, VariantAccessFacts
from gating.policies import decide
from gating.states import RequestState
from registry.states import Level
from rules.verdict import registered_rules

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
SOMEBODY = Actor(id=7, name="rae")
SERVED = ServingFacts(Level.PUBLIC, commit_id=41, checkpoint_id=5)
GATED = ServingFacts(Level.GATED, commit_id=41, checkpoint_id=5)
LIVE = GrantFacts(1, NOW + timedelta(days=1))
OVER = GrantFacts(2, NOW - timedelta(days=3))
REVOKED = GrantFacts(3, NOW + timedelta(days=1), revoked_at=NOW - timedelta(hours=1))


def facts(**given: object) -> VariantAccessFacts:
    return VariantAccessFacts(
        **{
            "variant_id": 1,
            "repo_id": "acme/nimbus",
            "organization": "acme",
            "ask_url": "https://imprimatur.test/acme/nimbus/access/",
            "at": NOW,
            **given,
        }
    )


def member(role: Role, *scopes: Scope) -> Actor:
    return Actor(id=8, name="mel", roles=frozenset({role}), scopes=frozenset(scopes) if scopes else None)


def through(*scopes: Scope) -> Actor:
    return Actor(id=7, name="rae", scopes=frozenset(scopes))


@pytest.mark.parametrize("actor", [NOBODY, SOMEBODY, through(Scope.READ)])
@pytest.mark.parametrize(
    "hidden",
    [
        facts(),
        facts(standing=Standing(grants=(LIVE,))),
        facts(is_private=False),
        facts(is_direct_control=True, is_private=True),
        facts(is_direct_control=True, is_private=True, is_gate_set=True, standing=Standing(grants=(LIVE,))),
        facts(is_direct_control=True, is_private=True, serving=SERVED),
    ],
)
def test_what_is_not_disclosed_does_not_exist_for_outsiders(hidden: VariantAccessFacts, actor: Actor) -> None:
    found = decide(hidden, actor)
    for verdict in (found.sees, found.reads, found.writes, found.reads_path("README.md")):
        assert verdict.codes == {"gating.not_found"}
        assert verdict.status == 404


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("served", [None, SERVED, GATED])
def test_members_of_any_role_see_and_read_everything(role: Role, served: ServingFacts | None) -> None:
    found = decide(facts(serving=served), member(role))
    assert found.sees.allowed and found.reads.allowed and found.is_member
    assert found.only_commit_id is None
    assert found.writes.allowed is (role in WRITER_ROLES)


@pytest.mark.parametrize("role", sorted(set(Role) - WRITER_ROLES))
def test_a_member_without_a_writing_role_may_not_write(role: Role) -> None:
    found = decide(facts(), member(role))
    assert found.writes.codes == {"gating.not_writer"}
    assert found.writes.status == 403


def test_an_outsider_knows_only_the_commit_that_is_served() -> None:
    assert decide(facts(serving=SERVED), SOMEBODY).only_commit_id == 41
    assert decide(facts(serving=GATED), NOBODY).only_commit_id == 41
    assert decide(facts(is_direct_control=True, is_private=False), NOBODY).only_commit_id is None


@pytest.mark.parametrize("actor", [NOBODY, SOMEBODY])
@pytest.mark.parametrize("public", [facts(serving=SERVED), facts(is_direct_control=True, is_private=False)])
def test_what_is_public_is_read_by_everybody_and_written_by_no_outsider(
    public: VariantAccessFacts, actor: Actor
) -> None:
    found = decide(public, actor)
    assert found.sees.allowed and found.reads.allowed
    assert found.writes.status == (401 if actor is NOBODY else 403)


GATES = [{"serving": GATED}, {"is_direct_control": True, "is_private": False, "is_gate_set": True}]


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize(
    ("standing", "code"),
    [
        (Standing(), "gating.not_asked"),
        (Standing(request_state=RequestState.PENDING), "gating.pending"),
        (Standing(request_state=RequestState.PENDING, grants=(OVER,)), "gating.pending"),
        (Standing(request_state=RequestState.REJECTED), "gating.rejected"),
        (Standing(request_state=RequestState.REJECTED, grants=(OVER,)), "gating.rejected"),
        (Standing(request_state=RequestState.REVOKED, grants=(REVOKED,)), "gating.revoked"),
        (Standing(request_state=RequestState.ACCEPTED, grants=(OVER,)), "gating.expired"),
        (Standing(grants=(OVER,)), "gating.expired"),
        (Standing(grants=(OVER, REVOKED)), "gating.revoked"),
        (Standing(request_state=RequestState.ACCEPTED), "gating.not_asked"),
    ],
)
def test_an_outsider_without_a_live_grant_is_told_why(gate: dict, standing: Standing, code: str) -> None:
    found = decide(facts(**gate, standing=standing), SOMEBODY)
    assert found.sees.allowed and found.is_gated
    assert found.reads.codes == {code}
    assert found.reads.status == 403
    assert "acme/nimbus" in found.reads.sentence


@pytest.mark.parametrize("gate", GATES)
@pytest.mark.parametrize("state", [*RequestState, None])
def test_a_live_grant_opens_whatever_the_request_says(gate: dict, state: RequestState | None) -> None:
    standing = Standing(request_state=state, grants=(OVER, LIVE, REVOKED))
    assert decide(facts(**gate, standing=standing), SOMEBODY).reads.allowed


@pytest.mark.parametrize("gate", GATES)
def test_nobody_is_asked_to_sign_in_at_a_gate(gate: dict) -> None:
    found = decide(facts(**gate, standing=Standing(grants=(LIVE,))), NOBODY)
    assert found.reads.codes == {"gating.sign_in_needed"}
    assert found.reads.status == 401


def test_a_grant_ends_at_its_very_moment() -> None:
    ends = Standing(grants=(GrantFacts(1, NOW),))
    lasts = Standing(grants=(GrantFacts(1, NOW + timedelta(microseconds=1)),))
    assert decide(facts(serving=GATED, standing=ends), SOMEBODY).reads.codes == {"gating.expired"}
    assert decide(facts(serving=GATED, standing=lasts), SOMEBODY).reads.allowed


@pytest.mark.parametrize("path", ["README.md", "LICENSE", "LICENSE.md", "LICENSE.txt"])
def test_card_and_license_at_the_root_are_not_behind_the_gate(path: str) -> None:
    found = decide(facts(serving=GATED), NOBODY)
    assert found.reads_path(path).allowed
    assert not found.reads_path(f"docs/{path}").allowed
    assert not found.reads_path("model.safetensors").allowed


def test_a_token_without_the_scope_brings_no_right_of_its_owner() -> None:
    none = Actor(id=8, name="mel", roles=frozenset({Role.OWNER}), scopes=frozenset())
    assert decide(facts(), none).sees.codes == {"gating.not_found"}
    assert decide(facts(serving=SERVED), none).reads.codes == {"gating.read_scope_missing"}
    assert decide(facts(), member(Role.OWNER, Scope.READ)).writes.codes == {"gating.write_scope_missing"}
    assert decide(facts(), member(Role.OWNER, Scope.READ, Scope.WRITE)).writes.allowed
    assert decide(facts(), member(Role.AUDITOR, Scope.READ, Scope.WRITE)).writes.codes == {"gating.not_writer"}


def test_the_system_reads_and_writes_everything() -> None:
    found = decide(facts(), SYSTEM)
    assert found.sees.allowed and found.reads.allowed and found.writes.allowed


def test_every_sentence_of_access_fits_an_http_header() -> None:
    ours = [rule for rule in registered_rules() if rule.code.startswith("gating.")]
    assert len(ours) > 20
    for rule in ours:
        assert rule.sentence.isascii() and rule.lifted_by.isascii(), rule.code
        assert "\n" not in rule.sentence
