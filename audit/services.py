"""The one way an event is written."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import connection, transaction
from django.utils import timezone

from audit.models import LABEL_LENGTH, Event
from audit.request import current_request_id

if TYPE_CHECKING:
    from django.db.models import Model


def record(
    kind: str,
    *,
    subject: Model | str,
    actor: object | None,
    at: datetime,
    organization: str = "",
    label: str = "",
    **facts: object,
) -> Event:
    """Record an act in the caller's transaction; refused outside one, since fact and event stand or fall together.

    `subject` is a row, or `app.model:key` where there is none. `actor` is a user, or anything with `id` and `name`;
    None is the system. `facts` must be JSON, and hold no secret: events are never deleted.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("An event is recorded in the transaction of its fact.")
    event = Event(
        kind=kind,
        # In one zone, so that the text which is hashed is the one that is made again of the row.
        at=at.astimezone(UTC),
        actor_id=getattr(actor, "id", None),
        actor_name=str(getattr(actor, "username", None) or getattr(actor, "name", None) or "system"),
        subject=subject if isinstance(subject, str) else f"{subject._meta.label_lower}:{subject.pk}",
        subject_label=_shortened(label or str(subject)),
        organization=organization,
        facts=facts,
        request_id=current_request_id(),
    )
    event.body = canonical_body(event)
    event.save(force_insert=True)
    return event


def canonical_body(event: Event) -> str:
    """The text that is hashed: all fields but the chain's, as JSON with sorted keys and no spaces.

    Raises ValueError for numbers that JSON does not have, and TypeError for what is no JSON at all.
    """
    return json.dumps(
        {
            "kind": event.kind,
            "at": event.at.isoformat(),
            "actor_id": event.actor_id,
            "actor": event.actor_name,
            "subject": event.subject,
            "label": event.subject_label,
            "organization": event.organization,
            "facts": event.facts,
            "request_id": event.request_id,
        },
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
        allow_nan=False,
    )


def _shortened(label: str) -> str:
    """A label that is too long must not undo the act that it names."""
    return label if len(label) <= LABEL_LENGTH else f"{label[: LABEL_LENGTH - 1]}…"


@transaction.atomic
def record_export(*, by: Model, form: str, filters: dict[str, str]) -> None:
    """Record that somebody takes events away as a file."""
    record(
        "audit:events:exported",
        subject="audit.event:all",
        label="the record of events",
        actor=by,
        at=timezone.now(),
        form=form,
        filters=filters,
    )
