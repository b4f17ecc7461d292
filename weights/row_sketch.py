"""A few rows of a matrix, chosen by what is in them and not by where they are.

Owns which rows are kept and what of them: of all rows the ones whose first signs lie nearest to one fixed pattern. The
same rows are chosen wherever they stand, so a matrix is known again after its rows were permuted, cut in pieces, fused
or stacked with others, and after noise that turns few signs. A sketch has at most a kilobyte.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

from weights.block_values import is_readable, read_blocks
from weights.packings import Packing
from weights.quant_blocks import QUANTS
from weights.tensor_values import FLOATS

ROWS = 48
COLUMNS = 128
MINIMUM_COLUMNS = 24  # fewer signs do not tell rows apart
MINIMUM_ROWS = 2

Array = np.ndarray[Any, Any]
Block = memoryview | bytes
_Signs = Callable[[Block, int, int], Array]  # of so many rows from a byte on

# Any fixed pattern will do; these are the first digits of pi after the point, in base 16.
PATTERN = np.frombuffer(bytes.fromhex("243f6a8885a308d313198a2e03707344"), dtype=np.uint8)


class RowSketcher:
    """Takes a matrix's bytes in order and keeps the nearest rows; `row` is the number of elements in a row."""

    def __init__(self, dtype: str, row: int, packing: Packing | None = None) -> None:
        self.row = row
        self.columns = min(row, COLUMNS)
        self._tag = dtype.encode("ascii")
        self._signs, self._row_bytes, self._head_bytes = _layout(dtype, row, self.columns, packing)
        self._pattern = pattern_of(self.columns)
        self._words: list[Array] = []
        self._heads: list[Array] = []
        self._waiting = 0
        self._bound = COLUMNS
        self._carry = b""
        self._position = 0
        self._next = 0  # where the next row begins

    def update(self, block: memoryview) -> None:
        """Take the next block of bytes."""
        end = self._position + len(block)
        if self._carry:
            missing = self._head_bytes - len(self._carry)
            self._carry += block[:missing]
            if len(self._carry) < self._head_bytes:
                self._position = end
                return
            self._take(self._carry, 0, 1)
            self._carry = b""
        start = self._next - self._position
        count = max(0, (len(block) - start - self._head_bytes) // self._row_bytes + 1)
        if count > 0:
            self._take(block, start, count)
            self._next += count * self._row_bytes
        if self._next < end:
            self._carry = bytes(block[self._next - self._position :])
            self._next += self._row_bytes
        self._position = end

    def finish(self) -> tuple[Array, Array]:
        """Signs of the kept rows (16 bytes each, as two numbers), nearest first, and a checksum of each one's bytes."""
        if not self._words:
            return np.zeros((0, 2), dtype="<u8"), np.zeros(0, dtype="<u4")
        self._settle()
        heads, start, width = memoryview(self._heads[0].tobytes()), zlib.crc32(self._tag), self._head_bytes
        checks = [zlib.crc32(heads[place : place + width], start) for place in range(0, len(heads), width)]
        return self._words[0], np.array(checks, dtype="<u4")

    def _take(self, block: Block, start: int, count: int) -> None:
        bits = np.packbits(self._signs(block, start, count), axis=1)
        if bits.shape[1] < COLUMNS // 8:
            bits = np.pad(bits, ((0, 0), (0, COLUMNS // 8 - bits.shape[1])))
        words = bits.view("<u8")
        counts = np.bitwise_count(words ^ self._pattern)
        near = counts[:, 0] + counts[:, 1]
        chosen = np.flatnonzero(near <= self._bound)
        if chosen.size > ROWS:
            chosen = chosen[near[chosen] <= np.partition(near[chosen], ROWS - 1)[ROWS - 1]]
        if chosen.size:
            self._words.append(words[chosen])
            heads = np.ndarray((count, self._head_bytes), np.uint8, block, start, (self._row_bytes, 1))
            self._heads.append(heads[chosen])
            self._waiting += chosen.size
            if self._waiting > 4 * ROWS:
                self._settle()

    def _settle(self) -> None:
        """Keep the nearest of all rows so far, each once.

        By content throughout, also between equally near rows: their order in the matrix must not matter.
        """
        words, heads = np.concatenate(self._words), np.concatenate(self._heads)
        near = distances(words, self._pattern)
        order = _nearest_once(words, near)
        self._words, self._heads, self._waiting = [words[order]], [heads[order]], len(order)
        if len(order) == ROWS:
            self._bound = int(near[order[-1]])


def choose(words: Array) -> Array:
    """Which of the rows in `words` are kept, nearest to the pattern first."""
    near = distances(words, pattern_of(COLUMNS))
    if len(near) > 4 * ROWS:
        # Several of the nearest may be equal; four times as many as are kept leave enough.
        chosen = np.flatnonzero(near <= np.partition(near, 4 * ROWS - 1)[4 * ROWS - 1])
        found: Array = chosen[_nearest_once(words[chosen], near[chosen])]
        return found
    return _nearest_once(words, near)


def _nearest_once(words: Array, near: Array) -> Array:
    order = np.lexsort((words[:, 1], words[:, 0], near))
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(words[order], axis=0) != 0).any(axis=1)
    found: Array = order[is_new][:ROWS]
    return found


def distances(words: Array, pattern: Array) -> Array:
    """In how many signs rows differ from a pattern, or from each other."""
    counts: Array = np.bitwise_count(words ^ pattern)
    return (counts[..., 0] + counts[..., 1]).astype(np.int16)


@cache
def pattern_of(columns: int) -> Array:
    """The pattern as rows of `columns` signs see it."""
    return (PATTERN & np.packbits(np.arange(COLUMNS) < columns)).view("<u8")


def can_sketch(dtype: str, row: int, rows: int, packing: Packing | None = None) -> bool:
    """Whether rows of this type can be told apart by their first signs."""
    if row < MINIMUM_COLUMNS or rows < MINIMUM_ROWS:
        return False
    if packing is not None:
        return packing.is_row_major and packing.columns == row and row % 8 == 0
    if dtype in FLOATS:
        return FLOATS[dtype].sign and dtype != "C64"
    return dtype == "I8" or (is_readable(dtype) and row % QUANTS[dtype].elements == 0)


def _layout(dtype: str, row: int, columns: int, packing: Packing | None) -> tuple[_Signs, int, int]:
    """How to see the signs in the first bytes of rows, bytes of a row, and how many of them are looked at."""
    if packing is not None:
        return _packed(packing, row, columns)
    if dtype in QUANTS:
        return _quantized(dtype, row, columns)
    width = FLOATS[dtype].width if dtype in FLOATS else 1
    row_bytes, kind = row * width, np.dtype(f"<i{width}")

    def plain(block: Block, start: int, count: int) -> Array:
        # Of the integer with the same bits, the sign is that of the float.
        signs: Array = np.ndarray((count, columns), kind, block, start, (row_bytes, width)) < 0
        return signs

    return plain, row_bytes, columns * width


def _quantized(dtype: str, row: int, columns: int) -> tuple[_Signs, int, int]:
    kind = QUANTS[dtype]
    row_bytes = row // kind.elements * kind.size_bytes
    head_bytes = -(-columns // kind.elements) * kind.size_bytes

    def signs(block: Block, start: int, count: int) -> Array:
        heads = np.ndarray((count, head_bytes), np.uint8, block, start, (row_bytes, 1))
        values, _ = read_blocks(dtype, heads)
        found: Array = values.reshape(count, -1)[:, :columns] < 0
        return found

    return signs, row_bytes, head_bytes


def _packed(packing: Packing, row: int, columns: int) -> tuple[_Signs, int, int]:
    per_byte, half = 8 // packing.bits, 1 << (packing.bits - 1)
    row_bytes, head_bytes = row // per_byte, -(-columns // per_byte)

    def signs(block: Block, start: int, count: int) -> Array:
        heads = np.ndarray((count, head_bytes), np.uint8, block, start, (row_bytes, 1))
        parts = [heads >> packing.bits * place & (2 * half - 1) for place in range(per_byte)]
        codes = np.stack(parts, axis=2).reshape(count, -1)[:, :columns]
        # Floats of four bits have their sign in front; plain codes count from the middle.
        found: Array = codes >= half if packing.style == "e2m1" else codes < half
        return found

    return signs, row_bytes, head_bytes
