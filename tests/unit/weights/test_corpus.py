"""Every hostile case of the corpus is seen, by the check that should see it and with its severity."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus import hostile
from tests.corpus.cases import Case, write_base
from weights import CHECKS, Verdict, inspect_folder

CASES = hostile()


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", [case for case in CASES if not case.is_heavy], ids=lambda case: case.name)
def test_the_case_is_seen(case: Case, tmp_path: Path) -> None:
    case.make(tmp_path / "checkpoint")
    report = inspect_folder(tmp_path / "checkpoint")
    found = [(finding.check, finding.severity.value) for finding in report.findings]
    assert any(check in case.checks and severity == case.severity for check, severity in found), found
    assert report.verdict in (Verdict.BLOCK, Verdict(case.severity))


def test_what_the_cases_are_made_from_is_healthy(tmp_path: Path) -> None:
    write_base(tmp_path / "checkpoint")
    assert inspect_folder(tmp_path / "checkpoint").findings == []


def test_names_are_unique_and_checks_exist() -> None:
    assert len({case.name for case in CASES}) == len(CASES)
    assert {check for case in CASES for check in case.checks} <= CHECKS.keys()
