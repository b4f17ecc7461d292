"""The workflow of jobs as a full table: state x move."""

import pytest

from jobs.handlers import handler, kinds
from jobs.models import Job
from jobs.states import CANCEL, CLAIM, DIVIDE, FAIL, GATHER, OPEN, PUT_BACK, SUCCEED, TRANSITIONS, JobState

ALLOWED = {
    "queued": {"claim", "fail", "cancel"},
    "running": {"claim", "divide", "succeed", "put back", "fail", "cancel"},
    "divided": {"gather", "fail", "cancel"},
    "succeeded": set(),
    "failed": set(),
    "cancelled": set(),
}


@pytest.mark.parametrize("state", list(JobState))
def test_each_state_has_its_moves(state):
    assert {move.name for move in TRANSITIONS.from_state(state)} == ALLOWED[state]
    assert (state in OPEN) == bool(ALLOWED[state])


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("transition", [CLAIM, DIVIDE, GATHER, SUCCEED, PUT_BACK, FAIL, CANCEL])
def test_a_row_moves_only_along_the_table(state, transition):
    from datetime import UTC, datetime

    now = datetime(2026, 1, 1, tzinfo=UTC)
    job = Job(kind="x", subject="a.b:1", state=state.value, rate=3.0)
    if transition.name not in ALLOWED[state]:
        with pytest.raises(AssertionError, match="cannot"):
            job.move(transition, at=now)
        return
    job.move(transition, at=now)
    assert job.state == transition.target
    assert (job.finished_at is None) == job.is_open
    assert job.rate is None


def test_the_table_has_no_other_move():
    assert {move.name for move in TRANSITIONS} == set().union(*ALLOWED.values())


def test_a_kind_has_one_handler():
    taken = kinds()[0]
    with pytest.raises(ValueError, match=taken):
        handler(taken)(lambda lease: None)


@pytest.mark.parametrize(
    ("state", "done", "total", "percent"),
    [("queued", 0, 0, None), ("running", 1, 3, 33), ("running", 5, 3, 100), ("succeeded", 0, 0, 100)],
)
def test_percent(state, done, total, percent):
    assert Job(state=state, done=done, total=total).percent == percent


@pytest.mark.parametrize(
    ("state", "rate", "total", "left"),
    [("running", 2.0, 10, 3.0), ("divided", 2.0, 10, 3.0), ("running", None, 10, None), ("queued", 2.0, 10, None)],
)
def test_time_left(state, rate, total, left):
    assert Job(state=state, done=4, total=total, rate=rate).seconds_left == left
