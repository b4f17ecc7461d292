"""Events in words: each app registers the sentences of its own kinds, since this one knows none of them."""

from __future__ import annotations

from collections.abc import Callable

from audit.models import Event

Sentence = Callable[[Event], str]
_sentences: dict[str, Sentence] = {}


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


def sources() -> list[str]:
    """The parts of the system that record events, as kinds begin: `release:`, `gating:`."""
    return sorted({f"{name.partition(':')[0]}:" for name in _sentences})


def _find(kind: str) -> Sentence | None:
    if kind in _sentences:
        return _sentences[kind]
    fitting = [name for name in _sentences if name.endswith(":") and kind.startswith(name)]
    return _sentences[max(fitting, key=len)] if fitting else None
