"""Reading the chain back: whether events were changed, taken out or put in between.

What it cannot see by itself: a tail that was cut off, or a chain that somebody with power over the database made anew
from some event on. For these, hold a hash that was noted elsewhere against it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from audit.models import Event
from audit.services import canonical_body

GENESIS = "0" * 64
CHUNK = 2000


@dataclass(frozen=True)
class Break:
    """The first place at which the chain does not hold, and how."""

    position: int
    event_id: int | None
    message: str


@dataclass(frozen=True)
class ChainReport:
    """What reading the chain found; `head` is the last good hash, worth keeping outside the database."""

    events: int
    head: str
    broken: Break | None


def verify_chain(*, noted: str = "", progress: Callable[[int], None] = lambda count: None) -> ChainReport:
    """Recompute every hash in order of position; stops at the first break. Time and reads grow with the events.

    `noted` is a hash from an earlier run, which the chain must still contain.
    """
    head, position, seen = GENESIS, 0, not noted or noted == GENESIS
    for event in _in_order():
        fault = _fault(event, position + 1, head)
        if fault:
            return ChainReport(position, head, fault)
        head, position = str(event.chain_sha256), position + 1
        seen = seen or head == noted
        progress(position)
    unsealed = Event.objects.filter(position=None).order_by("id").first()
    if unsealed:
        fault = Break(position + 1, unsealed.pk, f"Event with id {unsealed.pk} was never sealed.")
        return ChainReport(position, head, fault)
    if not seen:
        message = f"No event has the hash {noted} that was noted earlier; the chain was cut or made anew."
        return ChainReport(position, head, Break(position + 1, None, message))
    return ChainReport(position, head, None)


def _in_order() -> Iterator[Event]:
    """All sealed events, in chunks by position, so that no snapshot is held open over millions of rows."""
    last = None
    while True:
        rows = Event.objects.exclude(position=None).order_by("position")
        if last is not None:
            rows = rows.filter(position__gt=last)
        chunk = list(rows[:CHUNK])
        yield from chunk
        if len(chunk) < CHUNK:
            return
        last = chunk[-1].position


def _fault(event: Event, expected: int, head: str) -> Break | None:
    if event.position != expected:
        message = f"Event {expected} is missing; the next one has position {event.position}."
        return Break(expected, None, message)
    if hashlib.sha256((head + event.body).encode()).hexdigest() != event.chain_sha256:
        message = f"The hash of event {expected} does not follow from its text and its predecessor."
        return Break(expected, event.pk, message)
    if not _is_body_of(event):
        return Break(expected, event.pk, f"The columns of event {expected} differ from the text that was hashed.")
    return None


def _is_body_of(event: Event) -> bool:
    """Whether the row says what its text says; compared as values, since the database writes some numbers anew."""
    try:
        return _is_same(json.loads(event.body), json.loads(canonical_body(event)))
    except (ValueError, OverflowError):
        return False


def _is_same(one: object, other: object) -> bool:
    """Equal as JSON; Python alone takes true for 1, and the database writes 1e300 as a whole number."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_is_same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_is_same, one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, int | float) and isinstance(other, int | float) and type(one) is not type(other):
        return float(one) == float(other)
    return one == other
