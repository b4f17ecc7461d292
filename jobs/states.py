"""The states of a piece of background work."""

from enum import StrEnum

from rules import Table, Transition


class JobState(StrEnum):
    """Where a job stands, and what ends that."""

    QUEUED = "queued"
    """Waits for a worker, or for `run_after`; a claim ends it."""
    RUNNING = "running"
    """A worker holds the lease; it finishes, fails, or its lease runs out."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    """Out of attempts, or refused for good; a person may run it again."""
    CANCELLED = "cancelled"


OPEN = frozenset({JobState.QUEUED, JobState.RUNNING})

TRANSITIONS = Table(
    Transition("claim", OPEN, JobState.RUNNING),
    Transition("succeed", frozenset({JobState.RUNNING}), JobState.SUCCEEDED),
    Transition("retry", frozenset({JobState.RUNNING}), JobState.QUEUED),
    Transition("fail", OPEN, JobState.FAILED),
    Transition("cancel", OPEN, JobState.CANCELLED),
    Transition("rerun", frozenset({JobState.FAILED, JobState.CANCELLED}), JobState.QUEUED),
)
