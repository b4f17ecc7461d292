"""The pace of a job, from which the time left is told."""

import pytest

from jobs.pace import WINDOW_SECONDS, Pace


def test_there_is_no_pace_before_a_second_has_passed():
    pace = Pace()
    assert pace.per_second is None
    pace.note(0, at=10.0)
    pace.note(500, at=10.9)
    assert pace.per_second is None
    pace.note(600, at=11.0)
    assert pace.per_second == pytest.approx(600)


def test_standing_still_is_no_pace():
    pace = Pace()
    pace.note(5, at=0)
    pace.note(5, at=60)
    assert pace.per_second is None


def test_what_lay_finished_counts_only_for_half_a_minute():
    pace = Pace()
    pace.note(0, at=0.0)
    pace.note(1_000_000, at=0.05)
    for second in range(1, 80):
        pace.note(1_000_000 + 10 * second, at=float(second))
    assert pace.per_second == pytest.approx(10, rel=0.05)


def test_beginning_anew_forgets_what_was():
    pace = Pace()
    pace.note(0, at=0)
    pace.note(100, at=5)
    pace.note(0, at=6)
    assert pace.per_second is None
    pace.note(4, at=8)
    assert pace.per_second == pytest.approx(2)


def test_many_reports_cost_no_memory():
    pace = Pace()
    for number in range(100_000):
        pace.note(number, at=number / 1000)
    assert len(pace._marks) <= WINDOW_SECONDS / 0.1 * 1.1
    assert pace.per_second == pytest.approx(1000, rel=0.05)
