"""Events in words: each app registers the sentences of its own kinds, since this one knows none of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from audit.models import Event

Sentence = Callable[[Event], str]
EXPORTED = "audit:events:exported"
_sentences: dict[str, Sentence] = {
    EXPORTED: lambda event: f"Exported events as {event.facts.get('form', 'a file')}.",
}


def register(kind_or_prefix: str, sentence: Sentence) -> None:
    """Name the function that words one kind, or, where the name ends in a colon, every kind that begins like this."""
    _sentences[kind_or_prefix] = sentence


def sentence(event: Event) -> str:
    """What happened, in one sentence; events outlive code, so a kind that nobody words now is shown by its name."""
    worded = _find(event.kind)
    return worded(event) if worded else f"{event.kind}: {event.subject_label}."


def is_worded(kind: str) -> bool:
    """Whether somebody words this kind."""
    return _find(kind) is not None


def source_choices() -> list[tuple[str, str]]:
    """The parts of the system that record events, as kinds begin and as people call them."""
    sources = sorted({name.partition(":")[0] for name in _sentences})
    return [(f"{source}:", source.replace("_", " ").capitalize()) for source in sources]


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event as a list shows it; `actor` None is the system."""

    event: Event
    sentence: str
    actor: str | None


def rows(events: Iterable[Event]) -> list[EventRow]:
    """Events with their sentences."""
    return [EventRow(event, sentence(event), event.actor_name if event.actor_id else None) for event in events]


def _find(kind: str) -> Sentence | None:
    if kind in _sentences:
        return _sentences[kind]
    fitting = [name for name in _sentences if name.endswith(":") and kind.startswith(name)]
    return _sentences[max(fitting, key=len)] if fitting else None
