"""Every hostile case of the corpus is seen, by the check that should see it and with its severity."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import hostile
from tests.corpus.cases import Case, write_base
from weights import CHECKS, Verdict, inspect_folder

CASES = hostile()
LIGHT = [case for case in CASES if not case.is_heavy]
PORTIONS = 8


def trouble(case: Case, root: Path) -> str:
    """What is wrong with the report on the case; empty if it is seen as it should be."""
    case.make(root)
    report = inspect_folder(root)
    found = [(finding.check, finding.severity.value) for finding in report.findings]
    is_seen = any(check in case.checks and severity == case.severity for check, severity in found)
    return "" if is_seen and report.verdict in (Verdict.BLOCK, case.severity) else f"{case.name}: {found}"


# A test for each case would spend more time on tests than on cases.
@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("portion", range(PORTIONS))
def test_every_case_is_seen(portion: int, tmp_path: Path) -> None:
    troubles = [trouble(case, tmp_path / str(number)) for number, case in enumerate(LIGHT[portion::PORTIONS])]
    assert [text for text in troubles if text] == []


def test_what_the_cases_are_made_from_is_healthy(tmp_path: Path) -> None:
    write_base(tmp_path / "checkpoint")
    assert inspect_folder(tmp_path / "checkpoint").findings == []


def test_names_are_unique_and_checks_exist() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert {check for case in CASES for check in case.checks} <= CHECKS.keys()
