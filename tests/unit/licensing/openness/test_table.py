"""Every worked case of openness gives what its source says."""

from __future__ import annotations

import json

import pytest

from licensing.openness.cases import check

from .table import LETTERS, TABLE, Case


@pytest.mark.parametrize("case", TABLE, ids=[f"{case.source}: {case.name}" for case in TABLE])
def test_case(case: Case) -> None:
    found = check(case.given)
    json.dumps(found)
    if case.mof is not None:
        assert found["mof_class"] == case.mof, found["reasons"]
    if case.blockers is not None:
        assert set(found["mof_blockers"]) == {LETTERS[letter].value for letter in case.blockers}
    if case.progress is not None:
        assert tuple(found["mof_progress"]["3"]) == case.progress
    if case.osaid is not None:
        assert found["osaid"] == case.osaid, found["osaid_checklist"]
        assert tuple(found["osaid_missing"]) == case.missing
    if case.eu is not None:
        assert found["eu_exemption"] == case.eu, found["eu_conditions"]
    if case.label is not None:
        assert found["label"] == case.label
        assert bool(found["label_why_not_more"]) == (case.label != "open source AI")


def test_the_table_is_large_and_every_row_has_a_source() -> None:
    assert len(TABLE) >= 100
    assert len({(case.source, case.name) for case in TABLE}) == len(TABLE)
    assert all(case.source for case in TABLE)
