"""What a worker can compute with, as it reports itself; who knows devices is named by composition."""

from __future__ import annotations

from collections.abc import Callable

LOOK_AGAIN_SECONDS = 600

Finder = Callable[[], list[dict[str, object]]]
_finders: dict[str, Finder] = {}


def register_finder(queue_prefix: str, finder: Finder) -> None:
    """Name the function that finds the devices of workers whose queues begin like this."""
    _finders[queue_prefix] = finder


def are_wanted(queues: list[str]) -> bool:
    """Whether a worker of these queues computes on devices at all."""
    return any(queue.startswith(prefix) for prefix in _finders for queue in queues)


def found(queues: list[str]) -> list[dict[str, object]]:
    """The devices attached to a worker of these queues; each with at least `name` and `kind`."""
    finders = [finder for prefix, finder in _finders.items() if any(queue.startswith(prefix) for queue in queues)]
    return [device for finder in finders for device in finder()]
