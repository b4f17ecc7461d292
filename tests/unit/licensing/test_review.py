"""The license review as a table: what the card claims, what the file is, what follows."""

from __future__ import annotations

import pytest

from licensing.facts import Candidate, CardClaim, LicenseFile
from licensing.review import review
from registry.states import Outcome

APACHE = Candidate("apache-2.0", "Apache License 2.0", has_text=True)
CUSTOM = Candidate("kimi-k2", "Kimi K2 License", has_text=False)
DOUBTFUL = Candidate("kimi-k3", "Kimi K3 License", has_text=False, is_solid=False)
NOBODY_KNOWS = Candidate("unknown", "Unknown", has_text=False, is_unknown=True)
CLAIM = CardClaim(licenses=("apache-2.0",))


def file(**given: object) -> LicenseFile:
    return LicenseFile(**{"path": "LICENSE", "sha256": "0" * 64, **given})


@pytest.mark.parametrize(
    ("claim", "candidates", "found", "outcome", "checks"),
    [
        (CLAIM, [[APACHE]], file(identified_key="apache-2.0"), Outcome.PASS, ["agrees"]),
        (CLAIM, [[APACHE]], None, Outcome.WARN, ["file_absent"]),
        (CLAIM, [[CUSTOM]], file(), Outcome.WARN, ["text_not_held"]),
        (CLAIM, [[APACHE, CUSTOM]], file(), Outcome.WARN, ["text_not_held"]),
        (CLAIM, [[APACHE]], file(contains_keys=frozenset({"apache-2.0"})), Outcome.WARN, ["file_has_more"]),
        (CLAIM, [[APACHE]], file(is_readable=False), Outcome.WARN, ["file_unreadable"]),
        (CLAIM, [[APACHE]], file(identified_key="mit"), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[APACHE]], file(), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[CUSTOM]], file(identified_key="mit"), Outcome.FAIL, ["contradiction"]),
        (CLAIM, [[DOUBTFUL]], file(), Outcome.WARN, ["terms_uncertain", "text_not_held"]),
        (CLAIM, [[]], file(), Outcome.FAIL, ["unknown"]),
        (CLAIM, [[NOBODY_KNOWS]], None, Outcome.FAIL, ["unknown"]),
        (CardClaim(), [], file(identified_key="mit"), Outcome.FAIL, ["not_stated"]),
        (CardClaim(is_present=False), [], None, Outcome.FAIL, ["no_card"]),
        (CardClaim(problem="it is no YAML"), [], None, Outcome.FAIL, ["bad_card"]),
        (
            CardClaim(licenses=("apache-2.0", "mit")),
            [[APACHE], [Candidate("mit", "MIT", has_text=True)]],
            file(identified_key="mit"),
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
    result = review(CLAIM, [[APACHE]], file(identified_key="mit"))
    assert "Apache License 2.0" in result.summary and "mit" in result.summary


def test_an_unknown_license_is_named_as_the_card_names_it() -> None:
    claim = CardClaim(licenses=("other",), license_name="my-terms")
    assert "other: my-terms" in review(claim, [[]], None).summary
