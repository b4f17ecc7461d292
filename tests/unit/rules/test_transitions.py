"""Transition tables."""

from enum import StrEnum

import pytest

from rules import Table, Transition


class Light(StrEnum):
    RED = "red"
    GREEN = "green"
    DARK = "dark"


GO = Transition("go", frozenset({Light.RED}), Light.GREEN, frozenset({Light.RED}))
STOP = Transition("stop", frozenset({Light.GREEN}), Light.RED)
FAIL = Transition("fail", frozenset({Light.GREEN, Light.RED}), Light.DARK)
TABLE = Table(GO, STOP, FAIL)


def test_the_moves_of_a_state_come_in_the_order_of_the_table():
    assert TABLE.from_state(Light.RED) == [GO, FAIL]
    assert TABLE.from_state(Light.GREEN) == [STOP, FAIL]
    assert TABLE.from_state(Light.DARK) == []


def test_a_move_is_found_by_name():
    assert TABLE["stop"] is STOP
    assert list(TABLE) == [GO, STOP, FAIL]


def test_two_moves_never_share_a_name():
    with pytest.raises(ValueError, match="twice"):
        Table(GO, Transition("go", frozenset({Light.DARK}), Light.RED))


def test_the_diagram_draws_each_source():
    assert TABLE.mermaid().splitlines() == [
        "stateDiagram-v2",
        "    red --> green: go",
        "    green --> red: stop",
        "    green --> dark: fail",
        "    red --> dark: fail",
    ]
