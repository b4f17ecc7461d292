"""A few columns of a matrix, kept as `row_sketch` keeps rows: by what is in them and not by where they are.

Owns gathering the first rows of a matrix until its columns can be seen. The columns of a matrix are the rows of its
transposed copy, and those of each part that was cut off beside another; so both are known again.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from weights.row_sketch import COLUMNS, MINIMUM_COLUMNS, MINIMUM_ROWS, choose
from weights.tensor_values import FLOATS

LIMIT_BYTES = 16 << 20  # of the first rows; of a wider matrix the rows must do, which are its copy's columns

Array = np.ndarray[Any, Any]


class ColumnSketcher:
    """Takes a matrix's bytes in order and looks at the first rows; `shape` has its rows and their elements."""

    def __init__(self, dtype: str, shape: tuple[int, int]) -> None:
        self._tag = dtype.encode("ascii")
        self._kind = np.dtype(f"<i{FLOATS[dtype].width if dtype in FLOATS else 1}")
        self._height, self._row = min(shape[0], COLUMNS), shape[1]
        self._missing = self._height * self._row * self._kind.itemsize
        self._content = bytearray()
        self._found: tuple[Array, Array] | None = None

    def update(self, block: memoryview) -> None:
        """Take the next block of bytes."""
        if self._missing:
            piece = block[: self._missing]
            self._missing -= len(piece)
            if self._content or self._missing:
                self._content += piece
            if not self._missing:
                self._found = self._look(self._content or piece)
                self._content = bytearray()

    def finish(self) -> tuple[Array, Array]:
        """Signs of the kept columns, nearest to the pattern first, and a checksum of each one's first bytes."""
        if self._found is None:
            return np.zeros((0, 2), dtype="<u8"), np.zeros(0, dtype="<u4")
        return self._found

    def _look(self, content: bytearray | memoryview) -> tuple[Array, Array]:
        codes = np.frombuffer(content, self._kind).reshape(self._height, self._row)
        # The sign is the first bit of an element's last byte; put together so, it takes half of the time of packing.
        last = codes.view(np.uint8)[:, self._kind.itemsize - 1 :: self._kind.itemsize] & 128
        signs = np.zeros((self._row, COLUMNS // 8), dtype=np.uint8)
        for place in range(-(-self._height // 8)):
            byte = last[8 * place].copy()
            for number, row in enumerate(last[8 * place + 1 : 8 * place + 8], 1):
                byte |= row >> number
            signs[:, place] = byte
        words = signs.view("<u8")
        chosen = choose(words)
        heads = np.ascontiguousarray(codes[:, chosen].T)
        checks = [zlib.crc32(head.tobytes(), zlib.crc32(self._tag)) for head in heads]
        return words[chosen], np.array(checks, dtype="<u4")


def can_see_columns(dtype: str, shape: tuple[int, ...]) -> bool:
    """Whether columns of this type can be told apart by their first signs."""
    if len(shape) != 2 or shape[0] < MINIMUM_COLUMNS or shape[1] < MINIMUM_ROWS:
        return False
    is_plain = (FLOATS[dtype].sign and dtype != "C64") if dtype in FLOATS else dtype == "I8"
    if not is_plain:
        return False
    width = FLOATS[dtype].width if dtype in FLOATS else 1
    return min(shape[0], COLUMNS) * shape[1] * width <= LIMIT_BYTES
