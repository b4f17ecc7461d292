"""Reads of events, always for a viewer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from audit import access, policies
from audit.models import Event
from rules import Refused

CHUNK = 1000


@dataclass(frozen=True, slots=True)
class Filters:
    """What somebody looks for; empty members do not narrow.

    `kind` that ends in a colon stands for all kinds that begin so. `subject` is `app.model:key` or a label as shown.
    """

    kind: str = ""
    actor: str = ""
    subject: str = ""
    day: date | None = None

    def as_facts(self) -> dict[str, str]:
        """The filters that narrow, for the record of an export."""
        return {name: str(value) for name, value in asdict(self).items() if value}

    def query(self) -> Q:
        """The filters as one condition."""
        narrowed = Q()
        if self.kind:
            narrowed &= Q(kind__startswith=self.kind) if self.kind.endswith(":") else Q(kind=self.kind)
        if self.actor:
            narrowed &= Q(actor_name=self.actor)
        if self.subject:
            narrowed &= Q(subject=self.subject) | Q(subject_label=self.subject)
        if self.day:
            begin = datetime.combine(self.day, time.min, UTC)
            narrowed &= Q(at__gte=begin, at__lt=begin + timedelta(days=1))
        return narrowed


def events_for(user: Any, filters: Filters | None = None) -> QuerySet[Event]:
    """The events that somebody may read."""
    rows = Event.objects.filter(access.readable_by(user))
    return rows.filter(filters.query()) if filters else rows


def event_for(user: Any, position: int) -> Event:
    """One event by its place in the chain; Refused alike where there is none and where this viewer may not read it."""
    found = events_for(user).filter(position=position).first()
    if found is None:
        raise Refused.because(policies.UNKNOWN_EVENT)
    return found


def predecessor_of(event: Event) -> Event | None:
    """The event before this one in the chain; to show its hash, not what it says."""
    return Event.objects.filter(position=(event.position or 0) - 1).first()


def newest_first(user: Any, filters: Filters) -> Iterator[Event]:
    """All events that somebody may read and looks for, in chunks; for exports of any length."""
    rows, last = events_for(user, filters).order_by("-id"), None
    while True:
        chunk = list((rows if last is None else rows.filter(id__lt=last))[:CHUNK])
        yield from chunk
        if len(chunk) < CHUNK:
            return
        last = chunk[-1].pk
