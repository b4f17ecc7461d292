"""How two texts differ, word by word: the changes, and how much of the words agree. Bounded for any input.

Runs that occur once in both texts are found first and hold the rest in place; between two of them the longest common
sequence is computed, sixty words a step, on the bits of large numbers.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

RUN = 6
GAP_CELLS = 20_000_000  # a gap with more pairs of words than this is told as one change
SHORTEST_BLOCK = 3  # fewer agreeing words between two larger changes are chance, such as "of the"

Block = tuple[int, int, int]  # where in the one text, where in the other, how many words


@dataclass(frozen=True, slots=True)
class Change:
    """Words `before[a1:a2]` that became `after[b1:b2]`; either may be empty."""

    a1: int
    a2: int
    b1: int
    b2: int


@dataclass(frozen=True, slots=True)
class Difference:
    """All changes in order, and how many words agree."""

    changes: tuple[Change, ...]
    agreeing: int
    before_words: int
    after_words: int

    @property
    def similarity(self) -> float:
        """Twice the agreeing words by all words of both, from 0 to 1; 1 for texts without any."""
        total = self.before_words + self.after_words
        return 2 * self.agreeing / total if total else 1.0


def difference(before: Sequence[str], after: Sequence[str]) -> Difference:
    """The changes that lead from one list of words to the other."""
    blocks: list[Block] = []
    fixed = _anchors(before, after)
    for (a1, b1, length), (a2, b2, _) in pairwise([(0, 0, 0), *fixed, (len(before), len(after), 0)]):
        if length:
            blocks.append((a1, b1, length))
        blocks += _between(before, after, a1 + length, a2, b1 + length, b2)
    end = (len(before), len(after), 0)
    blocks = _without_chance(_joined(blocks), end)
    changes, a, b = [], 0, 0
    for start_a, start_b, length in [*blocks, end]:
        if start_a > a or start_b > b:
            changes.append(Change(a, start_a, b, start_b))
        a, b = start_a + length, start_b + length
    return Difference(tuple(changes), sum(block[2] for block in blocks), len(before), len(after))


def _anchors(before: Sequence[str], after: Sequence[str]) -> list[Block]:
    """Runs that are in both texts once, in an order that both share, grown as far as they go."""
    left, right = _single_runs(before), _single_runs(after)
    pairs = sorted((start, right[run]) for run, start in left.items() if run in right)
    found: list[Block] = []
    end_a = end_b = 0
    for a, b in _rising(pairs):
        if a < end_a or b < end_b:
            continue
        low = 0
        while a - low > end_a and b - low > end_b and before[a - low - 1] == after[b - low - 1]:
            low += 1
        high = RUN
        while a + high < len(before) and b + high < len(after) and before[a + high] == after[b + high]:
            high += 1
        found.append((a - low, b - low, low + high))
        end_a, end_b = a + high, b + high
    return found


def _single_runs(words: Sequence[str]) -> dict[tuple[str, ...], int]:
    runs = [tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1)]
    counts = Counter(runs)
    return {run: at for at, run in enumerate(runs) if counts[run] == 1}


def _rising(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest selection of pairs that rises in both numbers; `pairs` rise in the first."""
    tails: list[int] = []
    last: list[int] = []
    previous = [-1] * len(pairs)
    for index, (_, b) in enumerate(pairs):
        place = bisect_left(tails, b)
        previous[index] = last[place - 1] if place else -1
        tails[place : place + 1] = [b]
        last[place : place + 1] = [index]
    chosen, index = [], last[-1] if last else -1
    while index >= 0:
        chosen.append(pairs[index])
        index = previous[index]
    return chosen[::-1]


def _between(before: Sequence[str], after: Sequence[str], a1: int, a2: int, b1: int, b2: int) -> list[Block]:
    """The agreeing words of a gap between two anchors, one block each."""
    rows, columns = a2 - a1, b2 - b1
    if not rows or not columns or rows * columns > GAP_CELLS:
        return []
    # Hyyro's bit-parallel recurrence: bit j of a row is 0 where the longest common sequence grows with word j.
    places: dict[str, int] = {}
    for column in range(columns):
        places[after[b1 + column]] = places.get(after[b1 + column], 0) | (1 << column)
    full = (1 << columns) - 1
    row, kept = full, []
    for word in before[a1:a2]:
        hit = row & places.get(word, 0)
        row = ((row + hit) | (row - hit)) & full
        kept.append(row)
    found: list[Block] = []
    a, b = rows, columns
    while a and b:
        if before[a1 + a - 1] == after[b1 + b - 1]:
            a, b = a - 1, b - 1
            found.append((a1 + a, b1 + b, 1))
        elif kept[a - 1] >> (b - 1) & 1:
            b -= 1
        else:
            a -= 1
    return found[::-1]


def _joined(blocks: list[Block]) -> list[Block]:
    """Blocks that follow each other without a change between them, as one."""
    found: list[Block] = []
    for a, b, length in blocks:
        if found and (found[-1][0] + found[-1][2], found[-1][1] + found[-1][2]) == (a, b):
            found[-1] = (found[-1][0], found[-1][1], found[-1][2] + length)
        else:
            found.append((a, b, length))
    return found


def _without_chance(blocks: list[Block], end: Block) -> list[Block]:
    """The blocks without those few words that agree by chance amid changes."""
    kept: list[Block] = []
    for index, (a, b, length) in enumerate(blocks):
        before_a, before_b = (kept[-1][0] + kept[-1][2], kept[-1][1] + kept[-1][2]) if kept else (0, 0)
        next_a, next_b, _ = blocks[index + 1] if index + 1 < len(blocks) else end
        changed_before = max(a - before_a, b - before_b)
        changed_after = max(next_a - a - length, next_b - b - length)
        if length >= SHORTEST_BLOCK or min(changed_before, changed_after) <= length:
            kept.append((a, b, length))
    return kept
