"""The states of a piece of background work."""

from enum import StrEnum

from rules import Table, Transition


class JobState(StrEnum):
    """Where a job stands, and what ends that."""

    QUEUED = "queued"
    """Waits for a worker, or for its hour; a claim ends it."""
    RUNNING = "running"
    """A worker holds the lease; it finishes, fails, divides the job, hands it over, or its lease runs out."""
    DIVIDED = "divided"
    """Its parts are jobs of their own; the end of the last one queues it again, the failure of any ends it."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Out of attempts, or refused for good; whoever wants it done after all enqueues it anew."""
    CANCELLED = "cancelled"


S = JobState
OPEN = frozenset({S.QUEUED, S.RUNNING, S.DIVIDED})

CLAIM = Transition("claim", frozenset({S.QUEUED, S.RUNNING}), S.RUNNING)
DIVIDE = Transition("divide", frozenset({S.RUNNING}), S.DIVIDED)
GATHER = Transition("gather", frozenset({S.DIVIDED}), S.QUEUED)
SUCCEED = Transition("succeed", frozenset({S.RUNNING}), S.SUCCEEDED)
PUT_BACK = Transition("put back", frozenset({S.RUNNING}), S.QUEUED)
FAIL = Transition("fail", OPEN, S.FAILED)
CANCEL = Transition("cancel", OPEN, S.CANCELLED)

TRANSITIONS = Table(CLAIM, DIVIDE, GATHER, SUCCEED, PUT_BACK, FAIL, CANCEL)
