"""The states of a piece of background work."""

from enum import StrEnum

from rules import Table, Transition


class JobState(StrEnum):
    """Where a job stands, and what ends that."""

    QUEUED = "queued"
    """Waits for a worker, or for its hour; a claim ends it."""
    RUNNING = "running"
    """A worker holds the lease; it finishes, fails, hands the job over, or its lease runs out."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Out of attempts, or refused for good; whoever wants it done after all enqueues it anew."""
    CANCELLED = "cancelled"


S = JobState
OPEN = frozenset({S.QUEUED, S.RUNNING})

CLAIM = Transition("claim", OPEN, S.RUNNING)
SUCCEED = Transition("succeed", frozenset({S.RUNNING}), S.SUCCEEDED)
PUT_BACK = Transition("put back", frozenset({S.RUNNING}), S.QUEUED)
FAIL = Transition("fail", OPEN, S.FAILED)
CANCEL = Transition("cancel", OPEN, S.CANCELLED)

TRANSITIONS = Table(CLAIM, SUCCEED, PUT_BACK, FAIL, CANCEL)
