"""What lineage asks of a release: the unlawful blocks for good, questions wait for legal, things are made once."""

from __future__ import annotations

from licensing.engine import Duties, RequiredFile
from release.facts import LineageFacts, Standing
from release.license_terms import HEADING, made_for, with_lines
from release.requirements import (
    LIKENESS_DECIDED,
    LINEAGE_DECIDED,
    Requirement,
    content_requirements,
    evidence_requirements,
)
from tests.unit.release.makers import item, release


def asked(lineage: LineageFacts | None, waived: frozenset[str] = frozenset()) -> dict[str, Requirement]:
    facts = release(items=(item(lineage=lineage, waived=waived),))
    found = [*content_requirements(facts), *evidence_requirements(facts)]
    return {one.code: one for one in found if one.code.startswith("lineage.")}


def test_nothing_of_others_asks_nothing() -> None:
    assert asked(None) == {}


def test_duties_that_are_met_are_settled() -> None:
    found = asked(LineageFacts("conditions", owed=4))
    assert found["lineage.lawful"].standing == Standing.MET and "4 duties" in found["lineage.lawful"].explanation
    assert set(found) == {"lineage.lawful"}


def test_what_is_unlawful_cannot_be_waived() -> None:
    found = asked(LineageFacts("deny", against=("Broken. Mend it.",)), frozenset({"lineage.lawful", LINEAGE_DECIDED}))
    assert found["lineage.lawful"].standing == Standing.UNMET
    assert found["lineage.lawful"].explanation == "Broken. Mend it."


def test_questions_wait_for_legal() -> None:
    lineage = LineageFacts("review", questions=("Is it so?",))
    assert asked(lineage)[LINEAGE_DECIDED].standing == Standing.UNMET
    decided = asked(lineage, frozenset({LINEAGE_DECIDED}))[LINEAGE_DECIDED]
    assert decided.standing == Standing.WAIVED and "Is it so?" in decided.explanation


def test_a_likeness_waits_for_security() -> None:
    def standing(waived: frozenset[str]) -> Standing:
        facts = release(items=(item(doubts=("3 of its 9 matrices resemble those of acme/max.",), waived=waived),))
        return next(one for one in evidence_requirements(facts) if one.code == LIKENESS_DECIDED).standing

    assert standing(frozenset()) == Standing.UNMET
    assert standing(frozenset({LIKENESS_DECIDED})) == Standing.WAIVED


def test_texts_that_only_people_can_add() -> None:
    found = asked(LineageFacts("conditions", missing=("Add it.",)))
    assert found["lineage.texts"].standing == Standing.UNMET and found["lineage.texts"].explanation == "Add it."


DUTIES = Duties(
    files=(RequiredFile("LICENSE.mit.txt", "MIT text", "why"), RequiredFile("LICENSE.x.txt", "", "why")),
    notices=("Notice one.",),
    display=("Built with X",),
    sentences=("This model is a modified version of x/y.",),
)


def test_only_what_is_missing_is_made() -> None:
    made = made_for(DUTIES, card="# Hi", held={}, own_license="")
    assert made.files == {"LICENSE.mit.txt": "MIT text", "NOTICE": "Notice one.\n"}
    assert made.lines == ("Built with X", "This model is a modified version of x/y.")
    card = with_lines("# Hi", made.lines)
    assert card == f"# Hi\n\n{HEADING}\n\n- Built with X\n- This model is a modified version of x/y.\n"
    again = made_for(DUTIES, card=card, held=dict(made.files), own_license="")
    assert again.files == {} and again.lines == () and with_lines(card, again.lines) is card


def test_the_own_license_counts_as_the_copy() -> None:
    assert "LICENSE.mit.txt" not in made_for(DUTIES, card="", held={}, own_license="MIT\ntext").files
    assert "LICENSE.mit.txt" not in made_for(DUTIES, card="", held={"LICENSE": "MIT  text"}, own_license="").files


def test_a_further_line_finds_the_heading() -> None:
    card = with_lines("# Hi", ("One.",))
    assert with_lines(card, ("Two.",)).count(HEADING) == 1
