"""The register of what can be done in the background: a handler for each kind of job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jobs.running import Lease

Work = Callable[["Lease"], None]


class Retry(Exception):
    """Raised by a handler whose work should be tried again later; says why, in words for people.

    `after_seconds` None leaves the pause to the handler's backoff. `counts` False is for waiting on something outside,
    which must not use up attempts.
    """

    def __init__(self, code: str, message: str, *, after_seconds: float | None = None, counts: bool = True) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.after_seconds = after_seconds
        self.counts = counts


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a job's work, to be done as a job of its own: which kind, with which small facts, how large."""

    kind: str
    payload: Mapping[str, object]
    total: int
    stage: str = ""


class Divide(Exception):
    """Raised by a handler whose work is to be done in parts, by any workers; it is called again when all are done.

    `done` of `total` units were done before, so that progress does not begin at nothing. A part that fails ends the
    whole with its reason.
    """

    def __init__(self, parts: Sequence[Part], *, done: int, total: int) -> None:
        super().__init__(f"{len(parts)} parts")
        self.parts = parts
        self.done = done
        self.total = total


class Route(Exception):
    """Raised by a handler whose work is to be done by the workers of another queue, with more facts in the payload.

    The same job goes on there, and this was no attempt of its own.
    """

    def __init__(self, queue: str, payload: Mapping[str, object]) -> None:
        super().__init__(queue)
        self.queue = queue
        self.payload = payload


@dataclass(frozen=True)
class Handler:
    """How one kind of job is done.

    `backoff` holds the seconds to wait before each further attempt; the last one repeats. `on_failure` is called in
    the transaction that gives the job up or cancels it, so that the fact the job was for can record that it will not
    come. `limit_seconds` ends an attempt that hangs; it counts as one. `title` is what pages call such a job.
    """

    kind: str
    queue: str
    work: Work
    max_attempts: int
    backoff: tuple[float, ...]
    unit: str
    on_failure: Callable[[str, str, str], None] | None
    limit_seconds: int
    title: str


_handlers: dict[str, Handler] = {}


def handler(
    kind: str,
    *,
    queue: str = "default",
    max_attempts: int = 5,
    backoff: tuple[float, ...] = (2, 10, 30, 120),
    unit: str = "bytes",
    on_failure: Callable[[str, str, str], None] | None = None,
    limit_seconds: int = 12 * 3600,
    title: str = "",
) -> Callable[[Work], Work]:
    """Register the function that does jobs of this kind; `on_failure` is given subject, code and message."""

    def register(work: Work) -> Work:
        if kind in _handlers:
            raise ValueError(f"The job kind {kind!r} has a handler already.")
        _handlers[kind] = Handler(
            kind, queue, work, max_attempts, backoff, unit, on_failure, limit_seconds, title or kind
        )
        return work

    return register


def handler_of(kind: str) -> Handler:
    """The handler of a kind; KeyError where there is none."""
    return _handlers[kind]


def find(kind: str) -> Handler | None:
    """The handler of a kind, or None: a row may name a kind that only a newer or older process knows."""
    return _handlers.get(kind)


def kinds() -> list[str]:
    """All kinds that have a handler."""
    return sorted(_handlers)
