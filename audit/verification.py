"""Reading the chain back: whether events were changed, taken out or put in between."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from audit.models import Event
from audit.services import canonical_body

GENESIS = "0" * 64


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


def verify_chain(progress: Callable[[int], None] = lambda count: None) -> ChainReport:
    """Recompute every hash in order of position; stops at the first break. Time and reads grow with the events."""
    head, expected, count = GENESIS, 1, 0
    for event in Event.objects.exclude(position=None).order_by("position").iterator(chunk_size=2000):
        if event.position != expected:
            return ChainReport(
                count,
                head,
                Break(
                    expected,
                    None,
                    f"Event {expected} is missing; the next one has position {event.position}.",
                ),
            )
        if hashlib.sha256((head + event.body).encode()).hexdigest() != event.chain_sha256:
            return ChainReport(
                count,
                head,
                Break(
                    expected,
                    event.pk,
                    f"The hash of event {expected} does not follow from its text and its predecessor.",
                ),
            )
        if json.loads(event.body) != json.loads(canonical_body(event)):
            return ChainReport(
                count,
                head,
                Break(
                    expected,
                    event.pk,
                    f"The columns of event {expected} differ from the text that was hashed.",
                ),
            )
        head = event.chain_sha256 or GENESIS
        expected += 1
        count += 1
        progress(count)
    unsealed = Event.objects.filter(position=None).order_by("id").first()
    if unsealed:
        return ChainReport(count, head, Break(expected, unsealed.pk, f"Event with id {unsealed.pk} was never sealed."))
    return ChainReport(count, head, None)
