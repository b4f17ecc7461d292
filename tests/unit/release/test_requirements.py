"""What the policy asks of a release, point by point, and how each stands."""

from __future__ import annotations

import pytest

from accounts.roles import Role
from registry.states import Component, EvidenceKind, Level, Outcome
from release.facts import DisclosureFacts, EvidenceFacts, Standing
from release.requirements import (
    EVIDENCE_TITLES,
    approval_requirements,
    content_requirements,
    evidence_requirements,
    required_roles,
    requirements,
)
from release.states import Decision, ReleaseState
from tests.unit.release.makers import (
    LEGAL,
    OTHER,
    SAFETY,
    SIGNED,
    SUBMITTER,
    evidence,
    item,
    lines,
    release,
    vote,
)

REVIEW = ReleaseState.IN_REVIEW


def standings(found) -> dict[str, Standing]:
    """Each requirement's standing by its code."""
    return {one.code: one.standing for one in found}


def test_a_complete_release_has_everything_met() -> None:
    for level in Level:
        found = requirements(release(REVIEW, items=(item(level),), votes=SIGNED))
        unmet = {one.code for one in found if not one.standing.is_settled}
        assert unmet == ({"approval.security_reviewer"} if level == Level.GATED else set())


def test_an_empty_draft_names_what_it_lacks() -> None:
    assert standings(content_requirements(release(items=(), targets=()))) == {"has_items": Standing.UNMET}
    assert standings(content_requirements(release(targets=())))["has_target"] == Standing.UNMET


def test_what_is_held_back_needs_no_target_license_or_evidence() -> None:
    kept = release(items=(item(Level.HELD_BACK, license="", evidence=()),), targets=())
    assert standings(requirements(kept)) == {"has_items": Standing.MET, "held_back_explained": Standing.MET}


@pytest.mark.parametrize("missing", [{"reason_code": ""}, {"owner": ""}, {"review_on": None}])
@pytest.mark.parametrize("level", [Level.HELD_BACK, Level.PUBLIC])
def test_what_is_held_back_is_explained(level: Level, missing: dict) -> None:
    base = lines(Level.HELD_BACK)[0]
    given = {"reason_code": base.reason_code, "owner": base.owner, "review_on": base.review_on} | missing
    further = DisclosureFacts(Component.TRAINING_DATA.value, Level.HELD_BACK, **given)
    found = content_requirements(release(items=(item(level, disclosures=(*lines(level), further)),)))
    asked = next(one for one in found if one.code == "held_back_explained")
    assert asked.standing == Standing.UNMET
    assert "training_data" in asked.explanation


def test_a_held_back_item_without_a_held_back_component_explains_nothing() -> None:
    odd = item(Level.HELD_BACK, disclosures=lines(Level.PUBLIC))
    assert standings(content_requirements(release(items=(odd,))))["held_back_explained"] == Standing.UNMET


def test_a_license_must_be_chosen_and_agree() -> None:
    for change in ({"license": ""}, {"license_problem": "The card declares “mit”."}):
        assert standings(content_requirements(release(items=(item(**change),))))["has_license"] == Standing.UNMET


def test_a_gated_item_needs_its_gate_and_others_do_not() -> None:
    closed = item(Level.GATED, has_gate=False)
    assert standings(content_requirements(release(items=(closed,))))["has_gate"] == Standing.UNMET
    assert "has_gate" not in standings(content_requirements(release()))


def test_a_leak_stands_in_the_way_in_its_own_words() -> None:
    found = content_requirements(release(items=(item(leaks=("3 tensors belong to acme/max.",)),)))
    asked = next(one for one in found if one.code == "no_leak")
    assert (asked.standing, asked.explanation) == (Standing.UNMET, "3 tensors belong to acme/max.")


@pytest.mark.parametrize("level", [Level.PUBLIC, Level.GATED])
@pytest.mark.parametrize("line", Level)
@pytest.mark.parametrize("component", [Component.WEIGHTS, Component.MODEL_CARD, Component.DATA_CARD])
def test_what_files_show_is_recorded_at_their_level(level: Level, line: Level, component: Component) -> None:
    disclosures = (DisclosureFacts(component.value, line, "safety", "", "ada", lines(Level.GATED)[0].review_on),)
    found = standings(content_requirements(release(items=(item(level, disclosures=disclosures),))))
    is_free = component == Component.DATA_CARD
    is_open_card = (level, line, component) == (Level.GATED, Level.PUBLIC, Component.MODEL_CARD)
    expected = Standing.MET if line == level or is_free or is_open_card else Standing.UNMET
    assert found["files_follow_level"] == expected


@pytest.mark.parametrize(
    ("outcome", "running", "is_waived", "standing"),
    [
        (Outcome.PASS, False, False, Standing.MET),
        (Outcome.WARN, False, False, Standing.UNMET),
        (Outcome.FAIL, False, False, Standing.UNMET),
        (Outcome.NOT_RUN, False, False, Standing.NOT_RUN),
        (None, False, False, Standing.NOT_RUN),
        (Outcome.PASS, True, False, Standing.RUNNING),
        (Outcome.FAIL, True, True, Standing.RUNNING),
        (Outcome.FAIL, False, True, Standing.WAIVED),
        (Outcome.NOT_RUN, False, True, Standing.WAIVED),
        (None, False, True, Standing.WAIVED),
        (Outcome.PASS, False, True, Standing.MET),
    ],
)
def test_evidence_stands_as_it_says(outcome, running, is_waived, standing) -> None:
    waived = frozenset({"evidence.smoke"}) if is_waived else frozenset()
    given = item(evidence=evidence(outcome, is_running=running), waived=waived)
    found = {one.code: one for one in evidence_requirements(release(items=(given,)))}["evidence.smoke"]
    assert found.standing == standing
    assert found.standing.is_settled is (standing in (Standing.MET, Standing.WAIVED))
    if standing == Standing.WAIVED:
        assert found.explanation.startswith("Waived.")


def test_an_outcome_counts_only_where_the_policy_lists_it() -> None:
    found = standings(evidence_requirements(release(items=(item(evidence=evidence(Outcome.WARN)),))))
    assert found == {
        "evidence.validation": Standing.MET,
        "evidence.license": Standing.UNMET,
        "evidence.smoke": Standing.UNMET,
    }


def test_evidence_that_is_nowhere_in_the_facts_was_not_run() -> None:
    given = item(evidence=(EvidenceFacts(EvidenceKind.SMOKE, Outcome.PASS),))
    found = standings(evidence_requirements(release(items=(given,))))
    assert found["evidence.validation"] == Standing.NOT_RUN


def test_each_level_asks_for_its_own_roles_and_each_role_once() -> None:
    both = release(items=(item(), item(Level.GATED, repo_id="acme/b"), item(repo_id="acme/c")))
    assert required_roles(both) == [Role.SAFETY_REVIEWER, Role.LEGAL_REVIEWER, Role.SECURITY_REVIEWER]
    assert required_roles(release(items=(item(Level.HELD_BACK),))) == []


@pytest.mark.parametrize(
    ("given", "standing", "said"),
    [
        (vote(Role.SAFETY_REVIEWER, SAFETY), Standing.MET, "Signed by user-2."),
        (vote(Role.SAFETY_REVIEWER, SAFETY, Decision.REFUSE), Standing.UNMET, "Refused by user-2."),
        (vote(Role.SAFETY_REVIEWER, SAFETY, digest=OTHER), Standing.UNMET, "An earlier signature is void"),
        (vote(Role.SAFETY_REVIEWER, SUBMITTER), Standing.UNMET, "An earlier signature is void"),
        (vote(Role.LEGAL_REVIEWER, LEGAL), Standing.UNMET, "Has not signed yet."),
    ],
)
def test_a_signature_counts_for_its_digest_alone(given, standing, said) -> None:
    found = approval_requirements(release(REVIEW, votes=(given,)))
    asked = next(one for one in found if one.code == "approval.safety_reviewer")
    assert asked.standing == standing
    assert asked.explanation.startswith(said)


def test_a_requirement_is_a_reason_with_its_subject() -> None:
    asked = next(one for one in evidence_requirements(release(items=(item(evidence=()),))))
    reason = asked.as_reason()
    assert reason.code == "release.requirement.evidence.validation"
    assert reason.message == "Weights validated (acme/nano): There is none yet."
    assert reason.kind.status == 409


def test_every_kind_of_evidence_has_a_title() -> None:
    assert set(EVIDENCE_TITLES) == set(EvidenceKind)
