"""Who may move a request: the whole table of state, verb and role, and the rules beside it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from accounts.roles import NOBODY, SYSTEM, Actor, Role, Scope
from gating.facts import GateFacts, GrantFacts, RequestFacts, ServingFacts, Standing, VariantAccessFacts
from gating.policies import may_ask, may_grant, may_move, may_set_gate
from gating.states import BY_REQUESTER, GATE_KEEPERS, REVIEWERS, TRANSITIONS, RequestState
from registry.states import Level
from rules import Transition

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
REQUEST = RequestFacts(
    id=1,
    user_id=7,
    user_name="rae",
    organization="acme",
    state=RequestState.PENDING,
    is_gated=True,
    has_live_grant=True,
)
REQUESTER = Actor(id=7, name="rae")


def member(role: Role) -> Actor:
    return Actor(id=8, name="mel", roles=frozenset({role}))


@pytest.mark.parametrize("transition", list(TRANSITIONS), ids=lambda transition: transition.name)
@pytest.mark.parametrize("state", list(RequestState))
@pytest.mark.parametrize("role", list(Role))
def test_state_by_verb_by_role(transition: Transition, state: RequestState, role: Role) -> None:
    verdict = may_move(transition, replace(REQUEST, state=state), member(role), reason="because")
    expected = role in REVIEWERS and transition not in BY_REQUESTER and state in transition.sources
    assert verdict.allowed is expected
    if state not in transition.sources:
        assert "gating.wrong_state" in verdict.codes


@pytest.mark.parametrize("transition", list(TRANSITIONS), ids=lambda transition: transition.name)
@pytest.mark.parametrize("state", list(RequestState))
def test_the_requester_makes_only_their_own_moves(transition: Transition, state: RequestState) -> None:
    verdict = may_move(transition, replace(REQUEST, state=state), REQUESTER, reason="because")
    assert verdict.allowed is (transition in BY_REQUESTER and state in transition.sources)


@pytest.mark.parametrize("name", ["accept", "reject", "reopen", "revoke"])
def test_a_reviewer_never_decides_their_own_request(name: str) -> None:
    state = min(TRANSITIONS[name].sources)
    own = Actor(id=7, name="rae", roles=frozenset({Role.OWNER, Role.ACCESS_REVIEWER}))
    verdict = may_move(TRANSITIONS[name], replace(REQUEST, state=state), own, reason="because")
    assert verdict.codes == {"gating.own_request"} and verdict.status == 403


def test_every_reason_is_told_at_once() -> None:
    verdict = may_move(TRANSITIONS["reject"], replace(REQUEST, state=RequestState.CANCELLED), REQUESTER)
    assert verdict.codes == {
        "gating.not_a_reviewer",
        "gating.own_request",
        "gating.wrong_state",
        "gating.reason_missing",
    }
    assert verdict.status == 403


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_gated": False}, "gating.gate_is_off"),
        ({"demanded_sha256": "a"}, "gating.license_not_accepted"),
        ({"demanded_sha256": "a", "accepted_sha256": frozenset({"b"})}, "gating.license_not_accepted"),
    ],
)
def test_acceptance_needs_a_gate_and_the_agreement(changes: dict, code: str) -> None:
    facts = replace(REQUEST, has_live_grant=False, **changes)
    reviewer = member(Role.ACCESS_REVIEWER)
    assert may_move(TRANSITIONS["accept"], facts, reviewer).codes == {code}
    assert may_grant(facts, reviewer, days=None).codes == {code}
    assert may_move(TRANSITIONS["reject"], facts, reviewer, reason="because").allowed


def test_acceptance_under_the_demanded_text_is_allowed() -> None:
    facts = replace(REQUEST, has_live_grant=False, demanded_sha256="a", accepted_sha256=frozenset({"a", "b"}))
    assert may_move(TRANSITIONS["accept"], facts, member(Role.ACCESS_REVIEWER)).allowed
    assert may_grant(facts, member(Role.OWNER), days=3650).allowed
    assert may_grant(facts, SYSTEM, days=1).allowed


def test_revoking_needs_a_grant_that_runs() -> None:
    facts = replace(REQUEST, state=RequestState.ACCEPTED, has_live_grant=False)
    verdict = may_move(TRANSITIONS["revoke"], facts, member(Role.OWNER), reason="because")
    assert verdict.codes == {"gating.grant_is_over"}


@pytest.mark.parametrize("scopes", [{Scope.READ}, {Scope.READ, Scope.WRITE}])
def test_deciding_needs_the_review_scope(scopes: set[Scope]) -> None:
    through = Actor(id=8, name="mel", roles=frozenset({Role.OWNER}), scopes=frozenset(scopes))
    assert may_move(TRANSITIONS["accept"], REQUEST, through).codes == {"gating.review_scope_missing"}


@pytest.mark.parametrize("days", [0, -1, 3651])
def test_a_grant_has_bounds(days: int) -> None:
    facts = replace(REQUEST, has_live_grant=False)
    assert may_grant(facts, member(Role.OWNER), days=days).codes == {"gating.days_out_of_range"}


@pytest.mark.parametrize("role", list(Role))
def test_who_keeps_gates(role: Role) -> None:
    verdict = may_set_gate("acme", member(role), duration_days=90, prompt="", license_name="", has_text=False)
    assert verdict.allowed is (role in GATE_KEEPERS)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"duration_days": 0}, "gating.duration_out_of_range"),
        ({"duration_days": 3651}, "gating.duration_out_of_range"),
        ({"prompt": "x" * 10_001}, "gating.prompt_too_long"),
        ({"license_name": "Llama 3.1"}, "gating.license_without_text"),
    ],
)
def test_a_gate_that_cannot_be_set_says_why(changes: dict, code: str) -> None:
    given = {"duration_days": 90, "prompt": "", "license_name": "", "has_text": False, **changes}
    assert may_set_gate("acme", member(Role.OWNER), **given).codes == {code}


# --- asking ------------------------------------------------------------------------------------

GATE = GateFacts(id=3, number=2)
FACTS = VariantAccessFacts(
    variant_id=1,
    repo_id="acme/nimbus",
    organization="acme",
    ask_url="https://imprimatur.test/acme/nimbus/access/",
    at=NOW,
    serving=ServingFacts(Level.GATED, 41, 5),
)


def standing(state: RequestState | None = None, *, days_left: float | None = None, gate: int = 3) -> Standing:
    grants = () if days_left is None else (GrantFacts(1, NOW + timedelta(days=days_left)),)
    return Standing(request_id=1, request_state=state, request_gate_id=gate, grants=grants)


@pytest.mark.parametrize(
    ("stands", "codes"),
    [
        (Standing(), set()),
        (standing(RequestState.PENDING), {"gating.already_asked"}),
        (standing(RequestState.PENDING, gate=2), set()),
        (standing(RequestState.PENDING, gate=2, days_left=100), set()),
        (standing(RequestState.REJECTED), {"gating.ask_closed"}),
        (standing(RequestState.REVOKED), {"gating.ask_closed"}),
        (standing(RequestState.ACCEPTED, days_left=31), {"gating.already_granted"}),
        (standing(RequestState.ACCEPTED, days_left=30), set()),
        (standing(RequestState.ACCEPTED, days_left=-1), set()),
        (standing(None, days_left=31), {"gating.already_granted"}),
    ],
)
def test_when_one_may_ask(stands: Standing, codes: set[str]) -> None:
    assert may_ask(replace(FACTS, standing=stands), GATE, REQUESTER).codes == codes


def test_who_may_ask() -> None:
    assert may_ask(FACTS, GATE, NOBODY).codes == {"gating.ask_sign_in"}
    assert may_ask(FACTS, GATE, NOBODY).status == 401
    assert may_ask(FACTS, GATE, member(Role.AUDITOR)).codes == {"gating.needs_no_grant"}
    assert may_ask(FACTS, GATE, Actor(id=9, name="bot", is_service=True)).codes == {"gating.person_needed"}
    reading = Actor(id=7, name="rae", scopes=frozenset({Scope.READ}))
    assert may_ask(FACTS, GATE, reading).codes == {"gating.write_scope_missing"}


def test_where_one_may_ask() -> None:
    assert may_ask(replace(FACTS, serving=None), GATE, REQUESTER).codes == {"gating.not_found"}
    public = replace(FACTS, serving=ServingFacts(Level.PUBLIC, 41, 5))
    assert may_ask(public, GATE, REQUESTER).codes == {"gating.not_gated"}
    assert may_ask(FACTS, None, REQUESTER).codes == {"gating.no_gate"}
