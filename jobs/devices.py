"""What a worker can compute with, as it reports itself; who knows devices is named by composition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LOOK_AGAIN_SECONDS = 600

Description = dict[str, object]
Finder = Callable[[], list[Description]]
Refresher = Callable[[], dict[str, int]]


@dataclass(frozen=True, slots=True)
class Source:
    """Who knows the devices of some queues: all of them, at some cost, and cheaply what is free on a few."""

    find: Finder
    refresh: Refresher


_sources: dict[str, Source] = {}


def register_finder(queue_prefix: str, find: Finder, refresh: Refresher = dict) -> None:
    """Name the function that finds the devices of workers whose queues begin like this.

    Each description has at least `id`, `kind`, `name`, `queue`, `total_bytes` and `free_bytes`. `refresh` may be called
    every few seconds, and returns free bytes by id.
    """
    _sources[queue_prefix] = Source(find, refresh)


def are_wanted(queues: list[str]) -> bool:
    """Whether a worker of these queues computes on devices at all."""
    return bool(_of(queues))


def found(queues: list[str]) -> list[Description]:
    """The devices attached to a worker of these queues that do the work of one of them."""
    return [device for source in _of(queues) for device in source.find() if device["queue"] in queues]


def refreshed(queues: list[str]) -> dict[str, int]:
    """What is free now, in bytes by id, where that costs nothing to know."""
    return {name: free for source in _of(queues) for name, free in source.refresh().items()}


def _of(queues: list[str]) -> list[Source]:
    return [source for prefix, source in _sources.items() if any(queue.startswith(prefix) for queue in queues)]
