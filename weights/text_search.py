"""Asking one text for many words.

Owns the quick no: which characters follow which is seen once, and a word with a pair that the text does not have is
not looked for. A text is asked for some forty words, hardly ever with one in it, and three searches cost as much as
this look. Knows none of the words.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

import numpy as np

SHORT_CHARACTERS = 512  # searching less is as quick
STEP_CHARACTERS = 1 << 16  # what is looked at next still lies in the cache, and its numbers need little room


class SearchedText:
    """A `text` and the pairs of characters in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._pairs = _pairs_in(text) if len(text) > SHORT_CHARACTERS else None

    def has(self, word: str) -> bool:
        """Whether the word stands anywhere in the text."""
        if self._pairs is not None:
            for pair in _pairs_of(word):
                if not self._pairs[pair]:
                    return False
        return word in self.text

    def has_any(self, words: Iterable[str]) -> bool:
        """Whether one of the words stands anywhere in the text."""
        return any(self.has(word) for word in words)


def _pairs_in(text: str) -> bytearray:
    """For each two bytes whether they follow each other in the text."""
    seen = bytearray(1 << 16)
    pairs = np.frombuffer(seen, dtype=np.uint8)
    for place in range(0, len(text), STEP_CHARACTERS):
        # One character more, so that the last of a piece and the first of the next are seen together.
        piece = text[place : place + STEP_CHARACTERS + 1].encode("utf-8", "surrogatepass")
        pairs[np.frombuffer(piece, "<u2", len(piece) // 2)] = 1
        pairs[np.frombuffer(piece, "<u2", (len(piece) - 1) // 2, 1)] = 1
    return seen


@lru_cache(maxsize=1024)
def _pairs_of(word: str) -> list[int]:
    content = word.encode("utf-8")
    return [first | second << 8 for first, second in pairwise(content)]
