"""Which tensors share rows: permuted, cut, fused, stacked, extended ones.

Owns the search among row sketches. Rows are found by equal pieces of their signs and kept where few signs differ; a
relation between two tensors needs several such rows, since single ones meet by chance.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from weights.fingerprints import Fingerprint
from weights.row_sketch import COLUMNS, ROWS, distances, pattern_of

Array = np.ndarray[Any, Any]

PROVING_ROWS = 3
PROVING_EQUAL_ROWS = 2  # where bytes are equal, not only signs
_BRUTE = 1_000_000  # pairs of rows that are all looked at; beyond, only those that share a piece
_BUCKET = 64  # rows with the same piece on one side; more are ordinary and tell nothing
_EDGE = 3  # rows so near to the edge of a sketch may be missing from the other's


@dataclass(frozen=True, slots=True)
class RowFound:
    """What the other side has of one tensor's rows.

    `share` of its rows were found, in the tensors `partners` (best first), with `turned` of their signs different on
    average. `is_exact` says that the bytes of all found rows are equal. `elements` is the tensor's own size.
    """

    share: float
    partners: tuple[int, ...]
    turned: float
    is_exact: bool
    elements: float


@dataclass(slots=True)
class _Rows:
    signs: Array
    checks: Array
    owner: Array
    near: Array


@dataclass(slots=True)
class _Best:
    """For each row the least number of different signs, who has that row, and whether its bytes are equal."""

    turned: Array
    partner: Array
    is_equal: Array


def allowed(columns: int) -> int:
    """How many of `columns` signs may differ in a row that counts as found.

    Kept rows all lie near one pattern, so strangers among them differ in less than half of their signs.
    """
    return (columns - 16) // 5


def match_rows(
    left: Sequence[Fingerprint | None], right: Sequence[Fingerprint | None], wanted: tuple[Array, Array]
) -> tuple[dict[int, RowFound], dict[int, RowFound]]:
    """For tensors of either side what the other side has of their rows.

    `wanted` are the tensors of each side to be explained; all others are looked at only as what they may be found in.
    """
    found: tuple[dict[int, RowFound], dict[int, RowFound]] = ({}, {})
    ours, theirs = _by_row(left), _by_row(right)
    for row in sorted(ours.keys() & theirs.keys()):
        a, b = _rows(left, ours[row]), _rows(right, theirs[row])
        asked = [
            _mask(places, prints)[rows.owner]
            for rows, places, prints in zip((a, b), wanted, (left, right), strict=True)
        ]
        if not (asked[0].any() or asked[1].any()):
            continue
        columns = min(row, 128)
        best = _search(a, b, asked, allowed(columns))
        for side, rows, other, prints, others in ((0, a, b, left, right), (1, b, a, right, left)):
            for place in sorted(set(rows.owner[asked[side]].tolist())):
                result = _judge(place, rows, best[side], prints, others, columns, other)
                if result is not None:
                    found[side][place] = result
    return found


def match_turned(
    left: Sequence[Fingerprint | None], right: Sequence[Fingerprint | None], wanted: tuple[Array, Array]
) -> tuple[dict[int, RowFound], dict[int, RowFound]]:
    """The same for rows and columns alike: what was transposed, or cut so that its parts stood beside each other."""
    both = [list(prints) + [_transposed(found) for found in prints] for prints in (left, right)]
    counts = len(left), len(right)
    asked = [np.concatenate([places, places + count]) for places, count in zip(wanted, counts, strict=True)]
    results = match_rows(both[0], both[1], (asked[0], asked[1]))
    found: tuple[dict[int, RowFound], dict[int, RowFound]] = ({}, {})
    for side, mine, others in ((0, counts[0], counts[1]), (1, counts[1], counts[0])):
        for place, result in results[side].items():
            known = found[side].get(place % mine)
            if known is None or result.share > known.share:
                partners = tuple(dict.fromkeys(partner % others for partner in result.partners))
                found[side][place % mine] = replace(result, partners=partners)
    return found


def _transposed(found: Fingerprint | None) -> Fingerprint | None:
    if found is None or found.turned is None or not found.row:
        return None
    height = found.elements // found.row
    signs, checks = found.turned
    return replace(found, row=height, columns=min(height, COLUMNS), signs=signs, checks=checks, turned=None)


def _by_row(prints: Sequence[Fingerprint | None]) -> dict[int, list[int]]:
    groups: dict[int, list[int]] = {}
    for place, found in enumerate(prints):
        if found is not None and found.signs is not None:
            groups.setdefault(found.row, []).append(place)
    return groups


def _rows(prints: Sequence[Fingerprint | None], places: list[int]) -> _Rows:
    signs, checks, owner, columns = [], [], [], 0
    for place in places:
        found = prints[place]
        if found is not None and found.signs is not None and found.checks is not None:
            signs.append(found.signs)
            checks.append(found.checks)
            owner.append(np.full(len(found.signs), place))
            columns = found.columns
    every = np.concatenate(signs)
    return _Rows(every, np.concatenate(checks), np.concatenate(owner), distances(every, pattern_of(columns)))


def _search(a: _Rows, b: _Rows, asked: list[Array], limit: int) -> tuple[_Best, _Best]:
    best = _nothing(len(a.owner)), _nothing(len(b.owner))
    for first, second in _pairs(a.signs, b.signs):
        is_wanted = asked[0][first] | asked[1][second]
        first, second = first[is_wanted], second[is_wanted]
        turned = distances(a.signs[first], b.signs[second])
        near = turned <= limit
        first, second, turned = first[near], second[near], turned[near]
        equal = a.checks[first] == b.checks[second]
        for side, mine, yours, other in ((0, first, second, b), (1, second, first, a)):
            # The nearest comes last, and so is the one that stays.
            order = np.argsort(-(2 * turned.astype(np.int32) - equal), kind="stable")
            rows, distance = mine[order], turned[order]
            better = distance < best[side].turned[rows]
            rows, order = rows[better], order[better]
            best[side].turned[rows] = turned[order]
            best[side].partner[rows] = other.owner[yours[order]]
            best[side].is_equal[rows] = equal[order]
    return best[0], best[1]


def _mask(places: Array, prints: Sequence[Fingerprint | None]) -> Array:
    found = np.zeros(len(prints), dtype=bool)
    found[places] = True
    return found


def _nothing(count: int) -> _Best:
    return _Best(np.full(count, 129), np.full(count, -1), np.zeros(count, dtype=bool))


def _pairs(a: Array, b: Array) -> Iterator[tuple[Array, Array]]:
    """Pairs of rows that may be near, in portions."""
    if len(a) * len(b) <= _BRUTE:
        step = max(1, 2_000_000 // max(len(b), 1))
        for start in range(0, len(a), step):
            size = min(step, len(a) - start)
            yield np.repeat(np.arange(start, start + size), len(b)), np.tile(np.arange(len(b)), size)
        return
    pieces = [np.ascontiguousarray(rows).view(np.uint8).reshape(-1, 16) for rows in (a, b)]
    for place in range(15):
        keys = [piece[:, place].astype(np.uint16) << 8 | piece[:, place + 1] for piece in pieces]
        order = np.argsort(keys[1], kind="stable")
        sizes = np.bincount(keys[1], minlength=1 << 16)
        low = (np.cumsum(sizes) - sizes)[keys[0]]
        count = sizes[keys[0]]
        limit = max(_BUCKET, 4 * len(b) >> 16)
        count = np.where(count > limit, 0, count)
        first = np.repeat(np.arange(len(a)), count)
        inside = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
        yield first, order[np.repeat(low, count) + inside]


def _judge(
    place: int,
    rows: _Rows,
    best: _Best,
    prints: Sequence[Fingerprint | None],
    others: Sequence[Fingerprint | None],
    columns: int,
    other: _Rows,
) -> RowFound | None:
    mine = np.flatnonzero(rows.owner == place)
    is_found = best.partner[mine] >= 0
    is_equal = best.is_equal[mine]
    if is_found.any():
        # Where nearly all rows hardly changed, one that differs much is another: its own counterpart was not kept.
        turned = best.turned[mine]
        is_found &= turned <= 3 * np.sort(turned[is_found])[is_found.sum() // 2] + 4
        if is_equal.sum() * 2 > is_found.sum():
            is_found = is_equal
    # Equal rows prove once; a row of one sign is padding or a mask.
    signs = rows.signs[mine[is_found]]
    hits = len(set(map(tuple, signs[signs.any(axis=1)].tolist())))
    if hits < (PROVING_ROWS if not is_equal[is_found].all() else PROVING_EQUAL_ROWS):
        return None
    own = prints[place]
    assert own is not None
    partners = Counter(best.partner[mine[is_found]].tolist()).most_common()
    several = [partner for partner, count in partners if count >= 2] or [partner for partner, _ in partners]
    reach = max(_reach(other, partner, others) for partner in several)
    visible = (rows.near[mine] <= reach - _EDGE) | is_found
    share = float(is_found.sum() / max(visible.sum(), 1))
    if share < 0.1:
        return None
    return RowFound(
        share,
        tuple(partner for partner, _ in partners),
        float(best.turned[mine[is_found]].mean()) / columns,
        bool(is_equal[is_found].all()),
        float(own.elements),
    )


def _reach(rows: _Rows, place: int, prints: Sequence[Fingerprint | None]) -> int:
    """How far from the pattern a tensor's rows can lie and still be in its sketch."""
    found = prints[place]
    assert found is not None
    assert found.signs is not None
    if len(found.signs) < ROWS:
        return 1000
    return int(rows.near[rows.owner == place].max())


def without_numbers(name: str) -> str:
    """A name with its numbers left out: equal for the same part of different layers and experts."""
    return re.sub(r"\d+", "#", name)
