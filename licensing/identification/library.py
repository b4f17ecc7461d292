"""All texts that are held, arranged so that the nearest to a given one is found without comparing each.

Every run of five words is a number; a text is the set of its runs. Texts that share the most runs with a given one
are the candidates for an exact comparison. One arrangement of 750 texts takes about 10 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeVar
from zlib import crc32

import numpy as np
import numpy.typing as npt

from licensing.texts import sha256_of, words_and_places, words_sha256

RUN = 5
FACTOR = np.uint64(0x9E3779B97F4A7C15)
Key = TypeVar("Key")
NOWHERE = np.empty(0, dtype=np.uint64)


@dataclass(frozen=True, slots=True)
class Held:
    """One text that is held: under `key` in the catalog, or on the list of SPDX, where `key` is the identifier."""

    key: str
    name: str
    text: str
    is_listed: bool = False
    version_id: int | None = None

    @property
    def sha256(self) -> str:
        """The digest of the exact text."""
        return sha256_of(self.text)


class Library:
    """The texts, catalog first, and what is computed from them once."""

    def __init__(self, held: Sequence[Held]) -> None:
        self.held = tuple(held)
        self.read = tuple(_read(one.text) for one in self.held)

    @cached_property
    def by_sha256(self) -> dict[str, list[int]]:
        """Which texts have a digest."""
        return _grouped(one.sha256 for one in self.read)

    @cached_property
    def by_terms(self) -> dict[str, list[int]]:
        """Which texts have the same words of terms, by the digest of these words."""
        return _grouped(one.terms_sha256 for one in self.read)

    @cached_property
    def by_words(self) -> dict[tuple[str, ...], list[int]]:
        """Which texts have the same words throughout, title and notices too."""
        return _grouped(one.words for one in self.read)

    @cached_property
    def _runs(self) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.int32], npt.NDArray[np.int64]]:
        """All runs in order, the text that each belongs to, and how many each text has."""
        sizes = np.array([len(one.runs) for one in self.read], dtype=np.int64)
        runs = np.concatenate([NOWHERE, *(one.runs for one in self.read)])
        owners = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        order = np.argsort(runs)
        return runs[order], owners[order], sizes

    def nearest(self, words: Sequence[str], count: int = 5) -> list[tuple[int, float, float]]:
        """The texts that share most runs: (which, share of both together, share of the held text); best first."""
        runs, owners, sizes = self._runs
        wanted = runs_of(words)
        if not len(wanted) or not len(runs):
            return []
        low, high = np.searchsorted(runs, wanted, "left"), np.searchsorted(runs, wanted, "right")
        hits = np.concatenate([owners[a:b] for a, b in zip(low, high, strict=True) if b > a] or [owners[:0]])
        shared = np.bincount(hits, minlength=len(sizes))
        both = 2 * shared / np.maximum(sizes + len(wanted), 1)
        inside = shared / np.maximum(sizes, 1)
        order = np.argsort(-(both + inside * 1e-3), kind="stable")
        best = list(order[:count]) + list(np.argsort(-inside * np.sqrt(sizes), kind="stable")[:count])
        return [(int(at), float(both[at]), float(inside[at])) for at in dict.fromkeys(best) if shared[at]]


def runs_of(words: Sequence[str]) -> npt.NDArray[np.uint64]:
    """The distinct runs of five words as numbers; a shorter text is one run."""
    if not words:
        return NOWHERE
    numbers = np.array([crc32(word.encode()) for word in words], dtype=np.uint64)
    length = min(RUN, len(numbers))
    total = np.zeros(len(numbers) - length + 1, dtype=np.uint64)
    for offset in range(length):
        total = total * FACTOR + numbers[offset : offset + len(total)]
    return np.unique(total)


def all_words(text: str) -> tuple[str, ...]:
    """All words of a text, title and notices too."""
    return tuple(word for word, _, _ in words_and_places(text)[1])


@dataclass(frozen=True, slots=True, eq=False)
class _Read:
    """What is computed from one text."""

    sha256: str
    terms_sha256: str
    words: tuple[str, ...]
    runs: npt.NDArray[np.uint64]


@lru_cache(maxsize=4096)
def _read(text: str) -> _Read:
    """A text is read once in the life of a process, in however many arrangements it stands."""
    words = all_words(text)
    return _Read(sha256_of(text), words_sha256(text), words, runs_of(words))


def _grouped(keys: Iterable[Key]) -> dict[Key, list[int]]:
    found: dict[Key, list[int]] = {}
    for at, key in enumerate(keys):
        if key:
            found.setdefault(key, []).append(at)
    return found
