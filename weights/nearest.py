"""For each of many directions the nearest among many others.

Owns the search: by name first, then all against all where that is cheap, else among those that share a few signs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from weights.likeness import RELATED

Array = np.ndarray[Any, Any]

_BRUTE = 4e9  # products of numbers for which all are compared with all
_TABLES = 48
_BITS = 16
_TURNED = 0.43  # share of signs; by chance it is a half, and a similarity of 0.35 turns 0.39
_CERTAIN = 0.8  # two tensors with one name and this similarity need no further look


def nearest(
    left: Array, right: Array, left_names: Sequence[str], right_names: Sequence[str], least: float = RELATED
) -> tuple[Array, Array]:
    """For each row of `left` the place of the nearest row of `right` and the product of the two.

    Between equally near ones the one of the same name is taken. For very many rows one that is farther than a
    similarity of about 0.8 may be missed; then 0 stands for both.
    """
    best = np.zeros(len(left), dtype=np.int64)
    products = np.zeros(len(left), dtype=np.float32)
    place_of = {name: place for place, name in enumerate(right_names)}
    named = np.array([place_of.get(name, -1) for name in left_names])
    rows = np.flatnonzero(named >= 0)
    own = np.full(len(left), -1, dtype=np.float32)
    if rows.size:
        own[rows] = np.einsum("nk,nk->n", left[rows], right[named[rows]])
    if float(len(left)) * len(right) * left.shape[1] <= _BRUTE:
        open_rows = np.arange(len(left))
    else:
        open_rows = np.flatnonzero(own < max(_CERTAIN, least))
    if float(len(open_rows)) * len(right) * left.shape[1] <= _BRUTE:
        step = max(1, 4_000_000 // max(len(right), 1))
        for start in range(0, len(open_rows), step):
            chosen = open_rows[start : start + step]
            table = left[chosen] @ right.T
            best[chosen] = table.argmax(axis=1)
            products[chosen] = table[np.arange(len(chosen)), best[chosen]]
    else:
        best[open_rows], products[open_rows] = _by_signs(left[open_rows], right)
    is_own = (named >= 0) & (own >= products - 1e-3)
    best[is_own], products[is_own] = named[is_own], own[is_own]
    return best, products


def _by_signs(left: Array, right: Array) -> tuple[Array, Array]:
    rng = np.random.default_rng(7)
    best = np.zeros(len(left), dtype=np.int64)
    products = np.zeros(len(left), dtype=np.float32)
    signs = [side > 0 for side in (left, right)]
    words = [_words(side) for side in signs]
    for _ in range(_TABLES):
        columns = rng.choice(left.shape[1], _BITS, replace=False)
        bits = [np.packbits(np.ascontiguousarray(side[:, columns]), axis=1) for side in signs]
        keys = [side[:, 0].astype(np.uint16) << 8 | side[:, 1] for side in bits]
        order = np.argsort(keys[1], kind="stable")
        sizes = np.bincount(keys[1], minlength=1 << _BITS)
        low = (np.cumsum(sizes) - sizes)[keys[0]]
        count = sizes[keys[0]]
        count = np.where((products > 0.95) | (count > 64), 0, count)
        first = np.repeat(np.arange(len(left)), count)
        inside = np.arange(len(first)) - np.repeat(np.cumsum(count) - count, count)
        second = order[np.repeat(low, count) + inside]
        for start in range(0, len(first), 65536):
            a, b = first[start : start + 65536], second[start : start + 65536]
            # Most share these signs by chance. The other signs tell, for a thirtieth of the bytes.
            turned = np.bitwise_count(words[0][a] ^ words[1][b]).sum(axis=1, dtype=np.int32)
            is_near = turned <= _TURNED * left.shape[1]
            a, b = a[is_near], b[is_near]
            found = np.einsum("nk,nk->n", left[a], right[b])
            ranked = np.argsort(found, kind="stable")
            a, b, found = a[ranked], b[ranked], found[ranked]
            better = found > products[a]
            best[a[better]], products[a[better]] = b[better], found[better]
    return best, products


def _words(signs: Array) -> Array:
    """Signs as 64-bit words, rows filled up with zeros."""
    packed = np.packbits(signs, axis=1)
    found: Array = np.pad(packed, ((0, 0), (0, -packed.shape[1] % 8))).view("<u8")
    return found
