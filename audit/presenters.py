"""How an event reads: apps register a sentence for each kind of event that they record; this app knows none of them."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Event

Sentence = Callable[[Event], str]
_sentences: dict[str, Sentence] = {}


def register(kind: str, sentence_of: Sentence) -> None:
    """Name the function that makes the sentence of a kind, or of all kinds that begin so where it ends in “:”."""
    _sentences[kind] = sentence_of


def is_known(kind: str) -> bool:
    """Whether some app has a sentence for this kind."""
    return _sentence_of(kind) is not None


def sentence(event: Event) -> str:
    """The event in one plain sentence; a kind that nobody registered shows itself."""
    made = _sentence_of(event.kind)
    return made(event) if made else f"{event.kind}: {event.subject_label}"


def _sentence_of(kind: str) -> Sentence | None:
    if kind in _sentences:
        return _sentences[kind]
    parts = kind.split(":")
    prefixes = (":".join(parts[:count]) + ":" for count in range(len(parts) - 1, 0, -1))
    return next((_sentences[prefix] for prefix in prefixes if prefix in _sentences), None)
