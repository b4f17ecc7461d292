"""Who may do what with a pull request, in every state: role by role, with the reason."""

from __future__ import annotations

import itertools

import pytest

from accounts.roles import NOBODY, Actor, Role, Scope
from hub import policies
from hub.states import BY_AUTHOR, MERGE, TRANSITIONS, PullState

AUTHOR, OTHER = 1, 2
MERGERS = {Role.OWNER, Role.RELEASE_MANAGER}
WRITERS = MERGERS | {Role.AUTOMATION}


def actor(role: Role | None, *, person: int = OTHER, scopes=None, is_service: bool = False) -> Actor:
    return Actor(person, "ada", frozenset({role} if role else ()), scopes, is_service)


@pytest.mark.parametrize(
    ("transition", "state", "role", "person"),
    list(itertools.product(sorted(BY_AUTHOR, key=lambda t: t.name), PullState, [None, *Role], [AUTHOR, OTHER])),
)
def test_its_author_and_mergers_move_it_from_where_it_starts(transition, state, role, person) -> None:
    verdict = policies.may_move(transition, state, 7, AUTHOR, actor(role, person=person))
    may = role in MERGERS or (person == AUTHOR and role in WRITERS)
    assert verdict.allowed == (may and state in transition.sources)
    assert ("hub.not_its_author" in verdict.codes) == (not may)


@pytest.mark.parametrize(("state", "role"), list(itertools.product(PullState, [None, *Role])))
def test_a_person_who_is_owner_or_release_manager_merges_what_is_open(state, role) -> None:
    said = {"is_empty": False, "conflicts": []}
    verdict = policies.may_merge(state, 7, actor(role), **said)
    assert verdict.allowed == (role in MERGERS and state == PullState.OPEN)
    assert not policies.may_merge(state, 7, actor(role, is_service=True), **said).allowed
    assert not policies.may_merge(state, 7, actor(role, scopes=frozenset({Scope.READ})), **said).allowed


def test_nothing_and_what_main_has_otherwise_are_not_merged() -> None:
    owner, paths = actor(Role.OWNER), [f"{number}.txt" for number in range(7)]
    assert policies.may_merge("open", 7, owner, is_empty=True, conflicts=[]).codes == {"hub.nothing_proposed"}
    found = policies.may_merge("open", 7, owner, is_empty=False, conflicts=paths)
    assert found.codes == {"hub.merge_conflict"} and "4.txt and 2 more" in found.sentence
    assert policies.may_merge("merged", 7, owner, is_empty=True, conflicts=paths).codes == {
        "hub.pull_request_elsewhere"
    }


@pytest.mark.parametrize("role", [None, *Role])
def test_members_but_auditors_speak_and_mend_only_their_own_words(role) -> None:
    speaks = role not in {None, Role.AUDITOR}
    assert policies.may_comment(actor(role)).allowed == speaks
    assert policies.may_edit(actor(role), OTHER).allowed == speaks
    assert not policies.may_edit(actor(role), AUTHOR).allowed
    assert policies.may_hide(actor(role), AUTHOR).allowed == (role in MERGERS)
    assert policies.may_hide(actor(role), OTHER).allowed == speaks
    assert not policies.may_comment(NOBODY).allowed


def test_merging_is_asked_by_its_own_policy_and_every_state_but_the_last_is_left() -> None:
    with pytest.raises(ValueError, match="own policy"):
        policies.may_move(MERGE, "open", 7, AUTHOR, actor(Role.OWNER))
    assert {state for state in PullState if not TRANSITIONS.from_state(state)} == {PullState.MERGED}
    assert {state: policies.may_commit_to(state, 7).allowed for state in PullState} == {
        PullState.DRAFT: True,
        PullState.OPEN: True,
        PullState.CLOSED: False,
        PullState.MERGED: False,
    }
