"""Events as files: one line each, with all that verifying them needs. Streams; holds no more than a chunk."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from typing import Any

from audit import presenters
from audit.models import Event

COLUMNS = [
    "position", "at", "kind", "actor", "subject", "label", "organization", "sentence", "facts", "request_id",
    "chain_sha256", "body",
]  # fmt: skip
# A spreadsheet takes a cell that begins like this for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


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
    """A header and one row for each event; cells that a spreadsheet would run are quoted with an apostrophe."""
    writer = csv.DictWriter(_Echo(), COLUMNS)
    yield writer.writerow(dict(zip(COLUMNS, COLUMNS, strict=True)))
    for event in events:
        record = as_record(event)
        record["facts"] = json.dumps(record["facts"], ensure_ascii=False)
        yield writer.writerow({name: _harmless(value) for name, value in record.items()})


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value


class _Echo:
    """Takes what the writer writes and gives it back, so that a row can be sent as soon as it is made."""

    def write(self, text: str) -> str:
        return text


FORMS = {"csv": ("text/csv; charset=utf-8", as_csv), "jsonl": ("application/jsonl", as_json_lines)}
