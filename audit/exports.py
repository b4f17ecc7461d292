"""Events as files: one line each, with all that verifying them needs. Streams; holds no more than a chunk."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from audit import presenters
from audit.models import Event
from web.exports import csv_lines

COLUMNS = [
    "position", "at", "kind", "actor", "subject", "label", "organization", "sentence", "facts", "request_id",
    "chain_sha256", "body",
]  # fmt: skip


def as_record(event: Event) -> dict[str, Any]:
    """An event as the JSON lines and the API show it; `body` is the exact text that is hashed."""
    return {
        "position": event.position,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "actor": event.actor_name,
        "subject": event.subject,
        "label": event.subject_label,
        "organization": event.organization,
        "sentence": presenters.sentence(event),
        "facts": event.facts,
        "request_id": event.request_id,
        "chain_sha256": event.chain_sha256,
        "body": event.body,
    }


def as_json_lines(events: Iterable[Event]) -> Iterator[str]:
    """One JSON object on each line."""
    return (json.dumps(as_record(event), ensure_ascii=False) + "\n" for event in events)


def as_csv(events: Iterable[Event]) -> Iterator[str]:
    """A header and one row for each event."""
    records = (as_record(event) for event in events)
    return csv_lines(
        COLUMNS, (record | {"facts": json.dumps(record["facts"], ensure_ascii=False)} for record in records)
    )


FORMS = {"csv": ("text/csv; charset=utf-8", as_csv), "jsonl": ("application/jsonl", as_json_lines)}
