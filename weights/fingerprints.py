"""Fingerprints of tensors: what is kept of each, so that a copy is known again.

Owns what is taken of a tensor in the one pass over its bytes, and its form as text. A fingerprint has up to 1,024
values at fixed fractions (`value_sample`) and the first signs of up to 48 rows (`row_sketch`): enough to confirm a
guess, far too little to rebuild weights. Keep it as secret as the names of the tensors it belongs to. Comparing is
`comparison`'s.
"""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from weights.column_sketch import ColumnSketcher, can_see_columns
from weights.packings import Packing
from weights.row_sketch import ROWS, RowSketcher, can_sketch
from weights.tensor_values import FLOATS, decode_codes
from weights.value_sample import MINIMUM_ELEMENTS, SEGMENT, ValueSampler, can_sample

VERSION = 2
NARROW = 32  # elements of a row, below which its signs do not tell it from others
SKETCHED_MINIMUM = 128  # elements; below, the sample has most of the tensor anyway

Array = np.ndarray[Any, Any]

_HEAD = struct.Struct("<BBHHHQQ")  # version, flags, values, rows, columns, elements, elements of a row
_HAS_LOW, _HAS_STEPS, _HAS_TURNED = 1, 2, 4


@dataclass(frozen=True, slots=True, eq=False)
class Fingerprint:
    """What is known of one tensor's content.

    `elements` and `row` (elements of a row, 0 if unknown) are the weight's, which for packed types are not the
    tensor's. `steps` is the distance between codes in each segment of `SEGMENT` values, None for plain floats. `signs`
    has the first `columns` signs of each kept row, `checks` a checksum of the bytes they come from; `turned` has both
    of the kept columns, which are the rows of a transposed copy.
    """

    elements: int
    values: Array
    steps: Array | None = None
    row: int = 0
    columns: int = 0
    signs: Array | None = None
    checks: Array | None = None
    turned: tuple[Array, Array] | None = None

    def to_text(self) -> str:
        """As base64: the upper 24 bits of each value, 16 of each step, 20 bytes for each row."""
        codes = np.ascontiguousarray(self.values, dtype="<f4").view("<u4")
        low = (codes >> 8 & 255).astype(np.uint8)
        has_low = bool(low.any())
        rows = 0 if self.signs is None else len(self.signs)
        flags = _HAS_LOW * has_low | _HAS_STEPS * (self.steps is not None) | _HAS_TURNED * (self.turned is not None)
        parts = [
            _HEAD.pack(VERSION, flags, len(codes), rows, self.columns, self.elements, self.row),
            (codes >> 16).astype("<u2").tobytes(),
        ]
        if has_low:
            parts.append(low.tobytes())
        if self.steps is not None:
            parts.append((np.ascontiguousarray(self.steps, dtype="<f4").view("<u4") >> 16).astype("<u2").tobytes())
        if self.signs is not None and self.checks is not None:
            parts += [self.signs.tobytes(), self.checks.tobytes()]
        if self.turned is not None:
            parts += [bytes([len(self.turned[0])]), self.turned[0].tobytes(), self.turned[1].tobytes()]
        return base64.b64encode(b"".join(parts)).decode("ascii")

    @classmethod
    def from_text(cls, text: str) -> Fingerprint:
        """The fingerprint that `to_text` wrote; ValueError if it is none of this version."""
        try:
            content = binascii.a2b_base64(text, strict_mode=True)
            version, flags, values, rows, columns, elements, row = _HEAD.unpack_from(content)
        except (binascii.Error, struct.error, ValueError) as error:
            raise ValueError("not a fingerprint") from error
        segments = values // SEGMENT
        size = values * (3 if flags & _HAS_LOW else 2) + (2 * segments if flags & _HAS_STEPS else 0) + rows * 20
        turned, content = _split_turned(content, _HEAD.size + size) if flags & _HAS_TURNED else (None, content)
        if version != VERSION or not values or values % SEGMENT or rows > ROWS or len(content) != _HEAD.size + size:
            raise ValueError("not a fingerprint")
        place = _HEAD.size
        codes = np.zeros(values, dtype="<u4")
        codes.view("<u2")[1::2] = np.frombuffer(content, "<u2", values, place)  # the upper halves
        place += 2 * values
        if flags & _HAS_LOW:
            codes |= np.frombuffer(content, np.uint8, values, place).astype("<u4") << 8
            place += values
        steps = None
        if flags & _HAS_STEPS:
            steps = (np.frombuffer(content, "<u2", segments, place).astype("<u4") << 16).view("<f4")
            place += 2 * segments
        if not rows:
            return cls(elements, codes.view("<f4"), steps, row, turned=turned)
        signs = np.frombuffer(content, "<u8", 2 * rows, place).reshape(rows, 2)
        checks = np.frombuffer(content, "<u4", rows, place + 16 * rows)
        return cls(elements, codes.view("<f4"), steps, row, columns, signs, checks, turned)


def _split_turned(content: bytes, place: int) -> tuple[tuple[Array, Array], bytes]:
    """The kept columns, which begin at `place`, and what stands before them."""
    count = content[place] if place < len(content) else 0
    if not 0 < count <= ROWS or len(content) != place + 1 + 20 * count:
        raise ValueError("not a fingerprint")
    signs = np.frombuffer(content, "<u8", 2 * count, place + 1).reshape(count, 2)
    return (signs, np.frombuffer(content, "<u4", count, place + 1 + 16 * count)), content[:place]


class Sampler:
    """Takes a tensor's bytes in order, in blocks of whole units of its type."""

    def __init__(
        self, values: ValueSampler, rows: RowSketcher | None, columns: ColumnSketcher | None, elements: int, row: int
    ) -> None:
        self._values = values
        self._rows = rows
        self._columns = columns
        self._elements = elements
        self._row = row

    def update(self, block: memoryview) -> None:
        """Take the next block."""
        self._values.update(block)
        if self._rows is not None:
            self._rows.update(block)
        if self._columns is not None:
            self._columns.update(block)

    def finish(self) -> str | None:
        """The fingerprint as text; None if all values are the same zero."""
        values, steps = self._values.finish()
        if not values.any():
            return None
        turned = None if self._columns is None else self._columns.finish()
        if turned is not None and not len(turned[0]):
            turned = None
        if self._rows is None:
            return Fingerprint(self._elements, values, steps, self._row, turned=turned).to_text()
        signs, checks = self._rows.finish()
        columns = self._rows.columns
        return Fingerprint(self._elements, values, steps, self._row, columns, signs, checks, turned).to_text()


def sampler_for(
    dtype: str, shape: tuple[int, ...], elements: int, packing: Packing | None = None, *, is_light: bool = False
) -> Sampler | None:
    """A sampler, or None for what says nothing: tiny tensors, types without readable numbers.

    `is_light` takes a quarter of the values and no rows, for files with tens of thousands of tensors.
    """
    row = row_length(shape, elements)
    if packing is not None:
        elements, row = packing.elements, packing.columns
    if elements < MINIMUM_ELEMENTS or not can_sample(dtype, packing):
        return None
    rows = None
    if not is_light and row and elements >= SKETCHED_MINIMUM and can_sketch(dtype, row, elements // row, packing):
        rows = RowSketcher(dtype, row, packing)
    columns = None
    if not is_light and packing is None and elements >= SKETCHED_MINIMUM and can_see_columns(dtype, shape):
        columns = ColumnSketcher(dtype, (shape[0], shape[1]))
    return Sampler(ValueSampler(dtype, elements, packing, is_light=is_light), rows, columns, elements, row)


@lru_cache(maxsize=4096)
def row_length(shape: tuple[int, ...], elements: int) -> int:
    """How many elements are looked at as a row; 0 if there are no rows."""
    row = shape[-1] if len(shape) > 1 else 0
    if 0 < row < NARROW:
        # Short rows are told apart in groups; they stay together where a matrix is cut at an even place.
        row *= 1 << max(0, math.ceil(math.log2(2 * NARROW / row)))
        row = row if elements % row == 0 else 0
    return row


def light_fingerprints(dtype: str, elements: int, rows: Sequence[int], chosen: Array) -> list[str | None]:
    """The light fingerprints of many tensors of one float type and number of elements, at a fraction of the cost.

    `chosen` has the codes at the light sample's places, a tensor in each row; `rows` the elements of a row of each.
    """
    layout = FLOATS[dtype]
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.ascontiguousarray(decode_codes(layout, chosen, np.float32), dtype="<f4")
    is_finite = np.isfinite(values)
    if not is_finite.all():
        values[~is_finite] = 0
    codes = values.view("<u4")
    upper = (codes >> 16).astype("<u2").view(np.uint8)
    low = (codes >> 8 & 255).astype(np.uint8) if layout.mantissa > 7 else np.zeros((len(codes), 0), dtype=np.uint8)
    has_low, is_said = low.any(axis=1), values.any(axis=1)
    texts: list[str | None] = [None] * len(rows)
    for flag in (0, _HAS_LOW):
        members = np.flatnonzero(is_said & (has_low == flag))
        if members.size:
            heads = {row: _HEAD.pack(VERSION, flag, values.shape[1], 0, 0, elements, row) for row in set(rows)}
            head = np.frombuffer(b"".join([heads[rows[place]] for place in members.tolist()]), dtype=np.uint8)
            parts = [head.reshape(-1, _HEAD.size), upper[members], low[members]]
            for place, text in zip(members.tolist(), _as_texts(parts if flag else parts[:2]), strict=True):
                texts[place] = text
    return texts


def _as_texts(parts: Sequence[Array]) -> list[str]:
    """Each line of bytes as base64, all encoded at once; the lines stand side by side in `parts`."""
    missing = -sum(part.shape[1] for part in parts) % 3
    # Zeros at the end of a line and no bytes there differ in the last characters alone.
    lines = np.concatenate([*parts, np.zeros((len(parts[0]), missing), dtype=np.uint8)], axis=1)
    content = bytearray(base64.b64encode(lines.data))
    width = len(content) // len(lines)
    if missing:
        np.frombuffer(content, dtype=np.uint8).reshape(-1, width)[:, width - missing :] = ord("=")
    text = content.decode("ascii")
    return [text[start : start + width] for start in range(0, len(text), width)]
