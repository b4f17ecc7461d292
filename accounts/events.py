"""Where acts on accounts are recorded; the record itself belongs to an app that this one does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Recorder = Callable[..., Any]
_recorder: Recorder | None = None

SESSION_OPENED = "accounts:session:opened"
SIGN_IN_PAUSED = "accounts:sign_in:paused"
TOKEN_CREATED = "accounts:token:created"
TOKEN_REVOKED = "accounts:token:revoked"
USER_CREATED = "accounts:user:created"
USER_ERASED = "accounts:user:erased"


def use_recorder(recorder: Recorder) -> None:
    """Name the function that records; composition does this once."""
    global _recorder
    _recorder = recorder


def record(kind: str, **facts: Any) -> None:
    """Record an act in the caller's transaction; refused where nobody would keep it."""
    if _recorder is None:
        raise RuntimeError("No recorder of acts on accounts was named.")
    _recorder(kind, **facts)
