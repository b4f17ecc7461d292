"""The worked cases: each row of the tables in `cases/`, judged; and that the tables leave no rule out."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import pytest

from licensing.cases import read_document
from licensing.catalog import shipped
from licensing.engine import Assessment, Relation, evaluate, read_case, shipped_book

FOLDER = Path(__file__).parent / "cases"
KEYS = {"what", "source", "case", "verdict", "owes", "against", "met", "asks"}


def _rows() -> list[tuple[str, Mapping[str, object]]]:
    found = []
    for path in sorted(FOLDER.glob("*.yaml")):
        rows = read_document(path.read_bytes())
        assert isinstance(rows, list)
        found += [(f"{path.stem}: {row['what']}", row) for row in rows]
    return found


ROWS = _rows()


@cache
def _answers() -> dict[str, Assessment]:
    return {name: evaluate(read_case(row["case"])) for name, row in ROWS}


@pytest.mark.parametrize(("name", "row"), ROWS, ids=[name for name, _ in ROWS])
def test_worked_case(name: str, row: Mapping[str, object]) -> None:
    answer = _answers()[name]
    assert set(row) <= KEYS and row["source"]
    assert {violation.id for violation in answer.violations} == set(row.get("against", ()))
    assert answer.verdict == row["verdict"]
    if "owes" in row:
        assert {duty.id for duty in answer.obligations} == set(row["owes"])
    for duty_id, met in dict(row.get("met", {})).items():
        assert {duty.satisfied for duty in answer.obligations if duty.id == duty_id} == {met}, duty_id
    assert set(row.get("asks", ())) <= {question.topic for question in answer.questions}


def test_every_answer_says_why() -> None:
    for name, answer in _answers().items():
        assert answer.reasons, name
        assert all("Source: " in reason for reason in answer.reasons if answer.obligations), name
        assert (answer.verdict == "deny") == bool(answer.violations), name
        assert answer.verdict != "allow" or not (answer.obligations or answer.questions), name
        assert all(violation.message and violation.fix for violation in answer.violations), name


def test_there_are_more_than_a_hundred() -> None:
    assert len(ROWS) >= 100
    assert len({name for name, _ in ROWS}) == len(ROWS)


def _licenses(row: Mapping[str, object]) -> set[str]:
    """The licenses of a row's parents, by their keys."""
    words = {word for parent in row["case"].get("parents", ()) for word in str(parent.get("license")).split()}
    return {found.key for word in words if (found := shipped_book().find(word))}


def test_every_license_and_relation_occurs() -> None:
    used = {key for _, row in ROWS for key in _licenses(row)}
    assert used >= {entry.key for entry in shipped().entries}
    relations = {parent.get("relation") for _, row in ROWS for parent in row["case"].get("parents", ())}
    assert relations >= {relation.value for relation in Relation}


@pytest.mark.parametrize("violation_id", sorted(shipped().violations))
def test_every_violation_is_met_and_avoided_under_one_license(violation_id: str) -> None:
    met = {v.origin.license_key for answer in _answers().values() for v in answer.violations if v.id == violation_id}
    avoided = {
        key
        for name, row in ROWS
        for key in _licenses(row)
        if not {v for v in _answers()[name].violations if v.id == violation_id}
    }
    assert met & avoided


@pytest.mark.parametrize("duty_id", sorted(shipped().obligations))
def test_every_duty_is_owed_and_not_owed_under_one_license(duty_id: str) -> None:
    owed = {d.origin.license_key for answer in _answers().values() for d in answer.obligations if d.id == duty_id}
    spared = {
        key
        for name, row in ROWS
        for key in _licenses(row)
        if not {d for d in _answers()[name].obligations if d.id == duty_id and d.origin.license_key == key}
    }
    assert owed & spared
