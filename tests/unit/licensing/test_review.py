"""The license review as a table: what the card claims, what the file is, what follows."""

from __future__ import annotations

import pytest

from licensing.facts import Candidate, CardClaim, LicenseFile
from licensing.identification import Match
from licensing.review import review
from registry.states import Outcome

APACHE = Candidate("apache-2.0", "Apache License 2.0", has_text=True)
CUSTOM = Candidate("kimi-k2", "Kimi K2 License", has_text=False)
DOUBTFUL = Candidate("kimi-k3", "Kimi K3 License", has_text=False, is_solid=False)
NOBODY_KNOWS = Candidate("unknown", "Unknown", has_text=False, is_unknown=True)
CLAIM = CardClaim(licenses=("apache-2.0",))


HUNK = {"before": "free of", "gone": "charge", "new": "any duty", "after": "to any person"}


def file(**given: object) -> LicenseFile:
    return LicenseFile(**{"path": "LICENSE", "sha256": "0" * 64, **given})


def text_of(*keys: str) -> LicenseFile:
    return file(match=Match.FORM, identified_keys=frozenset(keys), names=keys)


def holding(key: str) -> LicenseFile:
    return file(match=Match.CONTAINED, contains_keys=frozenset({key}), names=(key,), hunks=(HUNK,), changes=1)


def near(key: str) -> LicenseFile:
    return file(
        match=Match.CHANGED, near_keys=frozenset({key}), names=(key,), hunks=(HUNK,), changes=9, similarity=0.97
    )


LISTED = file(match=Match.EXACT, names=("ISC License",))


@pytest.mark.parametrize(
    ("claim", "candidates", "found", "outcome", "checks"),
    [
        (CLAIM, [[APACHE]], text_of("apache-2.0"), Outcome.PASS, ["agrees"]),
        (CLAIM, [[APACHE]], None, Outcome.WARN, ["file_absent"]),
        (CLAIM, [[CUSTOM]], file(), Outcome.WARN, ["text_not_held"]),
        (CLAIM, [[APACHE, CUSTOM]], file(), Outcome.WARN, ["text_not_held"]),
        (CLAIM, [[APACHE]], holding("apache-2.0"), Outcome.WARN, ["file_has_more"]),
        (CLAIM, [[APACHE]], file(is_readable=False), Outcome.WARN, ["file_unreadable"]),
        (CLAIM, [[APACHE]], text_of("mit"), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[APACHE]], file(), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[CUSTOM]], text_of("mit"), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[APACHE]], text_of("apache-2.0", "twin"), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[APACHE]], near("apache-2.0"), Outcome.FAIL, ["text_changed"]),
        (CLAIM, [[APACHE]], near("mit"), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[APACHE]], holding("mit"), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[APACHE]], LISTED, Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[CUSTOM]], LISTED, Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[CUSTOM]], near("mit"), Outcome.WARN, ["text_not_held"]),
        (CLAIM, [[DOUBTFUL]], file(), Outcome.WARN, ["terms_uncertain", "text_not_held"]),
        (CLAIM, [[]], file(), Outcome.FAIL, ["unknown"]),
        (CLAIM, [[NOBODY_KNOWS]], None, Outcome.FAIL, ["unknown"]),
        (CardClaim(), [], text_of("mit"), Outcome.FAIL, ["not_stated"]),
        (CardClaim(is_present=False), [], None, Outcome.FAIL, ["no_card"]),
        (CardClaim(problem="it is no YAML"), [], None, Outcome.FAIL, ["bad_card"]),
        (
            CardClaim(licenses=("apache-2.0", "mit")),
            [[APACHE], [Candidate("mit", "MIT", has_text=True)]],
            text_of("mit"),
            Outcome.WARN,
            ["several", "agrees"],
        ),
        (CardClaim(licenses=("apache-2.0", "nope")), [[APACHE], []], None, Outcome.FAIL, ["unknown"]),
    ],
)
def test_outcome_and_findings(
    claim: CardClaim,
    candidates: list[list[Candidate]],
    found: LicenseFile | None,
    outcome: Outcome,
    checks: list[str],
) -> None:
    result = review(claim, candidates, found)
    assert result.outcome == outcome
    assert [finding.check for finding in result.findings] == [f"license.{check}" for check in checks]
    assert result.summary and len(result.summary) <= 500


def test_a_contradiction_names_both_sides() -> None:
    result = review(CLAIM, [[APACHE]], text_of("mit"))
    assert "Apache License 2.0" in result.summary and "mit" in result.summary


def test_an_unknown_license_is_named_as_the_card_names_it() -> None:
    claim = CardClaim(licenses=("other",), license_name="my-terms")
    assert "other: my-terms" in review(claim, [[]], None).summary


def test_a_changed_text_is_shown_with_its_changes() -> None:
    (finding,) = review(CLAIM, [[APACHE]], near("apache-2.0")).findings
    assert "97.0% of the words agree, 9 places differ" in finding.message and finding.fix
    assert finding.evidence == "- charge\n+ any duty\nand 8 more"
    assert finding.as_dict()["evidence"] == finding.evidence


def test_a_text_of_the_list_is_named() -> None:
    assert "is the text of ISC License" in review(CLAIM, [[APACHE]], LISTED).summary
