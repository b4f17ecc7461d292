"""Who may do what to a release, and when: the whole table of state, role and verb, then what else decides."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from accounts.roles import SYSTEM, Role, Scope
from registry.states import Level
from release import evidence_policies, policies
from release.states import TRANSITIONS, Decision, ReleaseState
from tests.unit.release.makers import (
    DIGEST,
    LEGAL,
    NOW,
    OTHER,
    SAFETY,
    SIGNED,
    SUBMITTER,
    actor,
    evidence,
    item,
    release,
    vote,
)

S = ReleaseState
HOUR = NOW + timedelta(hours=1)

# What each role may do in each state, when nothing but state and role stands in the way.
DRAFT_MANAGER = {"change", "submit"}
ALLOWED = {
    (S.DRAFT, Role.RELEASE_MANAGER): DRAFT_MANAGER,
    (S.DRAFT, Role.AUTOMATION): DRAFT_MANAGER,
    (S.IN_REVIEW, Role.RELEASE_MANAGER): {"recall"},
    (S.IN_REVIEW, Role.SAFETY_REVIEWER): {"approve", "refuse"},
    (S.IN_REVIEW, Role.LEGAL_REVIEWER): {"approve", "refuse"},
    (S.APPROVED, Role.RELEASE_MANAGER): {"schedule", "recall"},
    (S.SCHEDULED, Role.RELEASE_MANAGER): {"recall"},
    (S.PUBLISHING, Role.RELEASE_MANAGER): {"withdraw"},
    (S.LIVE, Role.RELEASE_MANAGER): {"withdraw"},
    (S.REFUSED, Role.RELEASE_MANAGER): {"recall"},
}
VERBS = ("change", "submit", "approve", "refuse", "publish", "schedule", "recall", "withdraw")


def facts_in(state: ReleaseState):
    """A release in a state, as complete as it can be there, with an hour ahead."""
    votes = SIGNED if state in (S.APPROVED, S.SCHEDULED, S.PUBLISHING, S.LIVE) else ()
    return release(state, votes=votes, scheduled_for=HOUR)


@pytest.mark.parametrize("state", S)
@pytest.mark.parametrize("role", [*Role, None])
def test_state_and_role_decide_each_verb(state: ReleaseState, role: Role | None) -> None:
    who = actor(*([role] if role else []))
    acts = policies.acts(facts_in(state), who, NOW)
    assert tuple(acts) == VERBS
    assert {verb for verb, verdict in acts.items() if verdict.allowed} == ALLOWED.get((state, role), set())


@pytest.mark.parametrize("state", S)
def test_the_state_is_named_where_it_is_what_stands_in_the_way(state: ReleaseState) -> None:
    who = actor(*Role)
    for verb, verdict in policies.acts(facts_in(state), who, NOW).items():
        starts = state == S.DRAFT if verb == "change" else TRANSITIONS[verb].starts_at(state)
        assert ("release.wrong_state" in verdict.codes) is not starts


def test_without_an_hour_or_after_it_an_approved_release_may_be_published() -> None:
    manager = actor(Role.RELEASE_MANAGER)
    for hour in (None, NOW):
        ready = release(S.APPROVED, votes=SIGNED, scheduled_for=hour)
        assert policies.may_publish(ready, manager, NOW).allowed
        assert policies.may_schedule(ready, manager, NOW).codes == {"release.no_hour"}
    early = release(S.APPROVED, votes=SIGNED, scheduled_for=HOUR)
    assert policies.may_publish(early, manager, NOW).codes == {"release.embargoed"}


def test_the_system_publishes_what_is_scheduled_but_signs_nothing() -> None:
    due = release(S.SCHEDULED, votes=SIGNED, scheduled_for=NOW)
    assert policies.may_publish(due, SYSTEM, NOW).allowed
    review = release(S.IN_REVIEW)
    assert "release.not_asked" in policies.may_approve(review, SYSTEM, None, DIGEST).codes


@pytest.mark.parametrize("state", [S.APPROVED, S.SCHEDULED])
@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"votes": SIGNED[:1]}, "release.requirement.approval.legal_reviewer"),
        ({"votes": ()}, "release.requirement.approval.safety_reviewer"),
        (
            {"votes": (SIGNED[0], vote(Role.LEGAL_REVIEWER, LEGAL, digest=OTHER))},
            "release.requirement.approval.legal_reviewer",
        ),
        ({"votes": (SIGNED[0], vote(Role.LEGAL_REVIEWER, SUBMITTER))}, "release.requirement.approval.legal_reviewer"),
        (
            {"votes": (SIGNED[0], vote(Role.LEGAL_REVIEWER, LEGAL, Decision.REFUSE))},
            "release.requirement.approval.legal_reviewer",
        ),
        ({"items": (item(evidence=evidence(None)),)}, "release.requirement.evidence.smoke"),
        ({"items": (item(evidence=evidence(is_running=True)),)}, "release.requirement.evidence.validation"),
        ({"items": (item(leaks=("It leaks.",)),)}, "release.requirement.no_leak"),
        ({"targets": ()}, "release.requirement.has_target"),
        ({"items": ()}, "release.requirement.has_items"),
    ],
)
def test_nothing_is_published_while_anything_is_missing(state, change, code) -> None:
    facts = dataclasses.replace(release(state, votes=SIGNED, scheduled_for=NOW), **change)
    for who in (actor(Role.RELEASE_MANAGER), SYSTEM):
        assert code in policies.may_publish(facts, who, NOW).codes


def test_a_reviewer_approves_what_they_saw() -> None:
    review = release(S.IN_REVIEW)
    safety = actor(Role.SAFETY_REVIEWER, id=SAFETY)
    assert policies.may_approve(review, safety, Role.SAFETY_REVIEWER, DIGEST).allowed
    assert policies.may_approve(review, safety, Role.SAFETY_REVIEWER, OTHER).codes == {"release.stale_digest"}
    assert policies.may_approve(review, safety, Role.SAFETY_REVIEWER, "").codes == {"release.stale_digest"}


def test_the_submitter_never_votes_whatever_their_roles() -> None:
    everybody = actor(*Role, id=SUBMITTER)
    review = release(S.IN_REVIEW)
    for may in (policies.may_approve, policies.may_refuse):
        assert may(review, everybody, Role.SAFETY_REVIEWER, DIGEST).codes == {"release.same_person"}


def test_one_person_has_one_vote_even_with_two_roles() -> None:
    review = release(S.IN_REVIEW, votes=SIGNED[:1])
    both = actor(Role.SAFETY_REVIEWER, Role.LEGAL_REVIEWER, id=SAFETY)
    assert policies.voting_role(review, both) == Role.LEGAL_REVIEWER
    assert policies.may_approve(review, both, Role.LEGAL_REVIEWER, DIGEST).codes == {"release.already_voted"}


def test_one_role_has_one_vote() -> None:
    review = release(S.IN_REVIEW, votes=SIGNED[:1])
    other = actor(Role.SAFETY_REVIEWER)
    assert policies.may_approve(review, other, policies.voting_role(review, other), DIGEST).codes == {
        "release.role_voted"
    }


def test_a_role_that_the_policy_does_not_ask_signs_nothing() -> None:
    review = release(S.IN_REVIEW)
    security = actor(Role.SECURITY_REVIEWER)
    role = policies.voting_role(review, security)
    assert role is None
    assert policies.may_approve(review, security, role, DIGEST).codes == {"release.not_asked"}
    gated = release(S.IN_REVIEW, items=(item(Level.GATED),))
    assert policies.voting_role(gated, security) == Role.SECURITY_REVIEWER


def test_service_accounts_never_sign() -> None:
    robot = actor(Role.SAFETY_REVIEWER, is_service=True)
    assert policies.may_approve(release(S.IN_REVIEW), robot, Role.SAFETY_REVIEWER, DIGEST).codes == {
        "release.service_account"
    }
    assert evidence_policies.may_waive(robot).codes == {"release.service_account"}


def test_missing_evidence_stops_an_approval_and_no_refusal() -> None:
    review = release(S.IN_REVIEW, items=(item(evidence=evidence(None)),))
    safety = actor(Role.SAFETY_REVIEWER)
    assert (
        "release.requirement.evidence.smoke" in policies.may_approve(review, safety, Role.SAFETY_REVIEWER, DIGEST).codes
    )
    assert policies.may_refuse(review, safety, Role.SAFETY_REVIEWER, DIGEST).allowed


@pytest.mark.parametrize(
    ("state", "verb", "role", "scope"),
    [
        (S.DRAFT, "change", Role.RELEASE_MANAGER, Scope.WRITE),
        (S.DRAFT, "submit", Role.AUTOMATION, Scope.WRITE),
        (S.IN_REVIEW, "approve", Role.SAFETY_REVIEWER, Scope.REVIEW),
        (S.IN_REVIEW, "refuse", Role.SAFETY_REVIEWER, Scope.REVIEW),
        (S.IN_REVIEW, "recall", Role.RELEASE_MANAGER, Scope.WRITE),
        (S.APPROVED, "schedule", Role.RELEASE_MANAGER, Scope.WRITE),
        (S.LIVE, "withdraw", Role.RELEASE_MANAGER, Scope.WRITE),
    ],
)
def test_a_token_does_no_more_than_its_scopes(state, verb, role, scope) -> None:
    facts = facts_in(state)
    for scopes in ({Scope.READ}, {Scope.READ, Scope.WRITE}, {Scope.READ, Scope.REVIEW}):
        verdict = policies.acts(facts, actor(role, scopes=frozenset(scopes)), NOW)[verb]
        assert verdict.allowed is (scope in scopes)
        assert verdict.allowed or verdict.codes == {"release.scope_missing"}


def test_releases_do_not_exist_for_whoever_has_no_role_there() -> None:
    stranger = actor()
    for verdict in policies.acts(release(), stranger, NOW).values():
        assert verdict.status == 404
    assert policies.may_see(stranger).codes == {"release.not_found"}
    assert policies.may_see(actor(Role.AUDITOR)).allowed


@pytest.mark.parametrize("role", Role)
def test_who_may_draft_create_waive_retry_and_run(role: Role) -> None:
    who = actor(role)
    drafters = {Role.RELEASE_MANAGER, Role.AUTOMATION}
    assert policies.may_draft(who).allowed is (role in drafters)
    assert policies.may_create_variant(who).allowed is (role in drafters | {Role.OWNER})
    assert policies.may_retry(release(S.PUBLISHING), who).allowed is (role == Role.RELEASE_MANAGER)
    assert evidence_policies.may_waive(who).allowed is (
        role in {Role.SAFETY_REVIEWER, Role.LEGAL_REVIEWER, Role.SECURITY_REVIEWER}
    )
    assert evidence_policies.may_run_evidence(who).allowed is (role not in {Role.AUDITOR, Role.ACCESS_REVIEWER})


def test_every_reason_has_a_sentence_and_somebody_who_can_lift_it() -> None:
    for state in S:
        for verdict in policies.acts(facts_in(state), actor(), NOW).values():
            for reason in verdict.reasons:
                assert reason.message.endswith((".", "?"))
                assert reason.lifted_by
                assert "{" not in reason.message + reason.lifted_by
