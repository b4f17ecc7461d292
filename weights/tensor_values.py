"""What can be told of a tensor's values while its bytes go by: range, zeros, NaN, infinities, one value throughout.

Owns the arithmetic on raw bytes, block by block, without ever making a floating-point copy: seen as integers, the
floats of one sign are ordered like their bit patterns, so two integer maxima give both extremes and show every non-
finite value. Knows no file format beyond the names of data types.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from weights.quant_blocks import QUANTS, BlockType

SAMPLED_VALUES = 256  # of each block: of a mebibyte of 16-bit values every 2048th
SMALL_RUN = 16  # a block with fewer zeros than one in this many cannot hold a long run


@dataclass(frozen=True, slots=True)
class FloatLayout:
    """How a float type is laid out in bits.

    `infinity` is the magnitude of the first non-finite code; `has_infinity` is false where that code is NaN already.
    A type without `infinity` has NaN only as `nan_code`; one without a `sign` bit has positive values only.
    """

    width: int
    mantissa: int
    bias: int
    infinity: int | None
    has_infinity: bool = True
    sign: bool = True
    nan_code: int | None = None


FLOATS = {
    "F64": FloatLayout(8, 52, 1023, 0x7FF << 52),
    "F32": FloatLayout(4, 23, 127, 0x7F800000),
    "C64": FloatLayout(4, 23, 127, 0x7F800000),
    "F16": FloatLayout(2, 10, 15, 0x7C00),
    "BF16": FloatLayout(2, 7, 127, 0x7F80),
    "F8_E5M2": FloatLayout(1, 2, 15, 0x7C),
    "F8_E4M3": FloatLayout(1, 3, 7, 0x7F, has_infinity=False),
    "F8_E5M2FNUZ": FloatLayout(1, 2, 16, None, nan_code=0x80),
    "F8_E4M3FNUZ": FloatLayout(1, 3, 8, None, nan_code=0x80),
    "F8_E8M0": FloatLayout(1, 0, 127, 0xFF, has_infinity=False, sign=False),
}
INTEGERS = {
    "I8": "<i1",
    "U8": "<u1",
    "BOOL": "<u1",
    "I16": "<i2",
    "U16": "<u2",
    "I32": "<i4",
    "U32": "<u4",
    "I64": "<i8",
    "U64": "<u8",
}
PACKED = frozenset({"F4", "F6_E2M3", "F6_E3M2"})  # several values in a byte, none of them non-finite


class ValueSummary(NamedTuple):
    """What a walk over one tensor found.

    `low` and `high` are the extremes of the finite values, None if there are none or the type is packed. `zeros`
    counts positive zeros (packed types: zero bytes; quantized types: blocks without scale), `zero_run` is the longest
    run of them, short by at most an eighth of a block at either end. `first_bad` is the index of the first NaN or
    infinity. `mean` and `rms` are of the finite values among a sample, every n-th value of each block.
    """

    low: float | int | None
    high: float | int | None
    zeros: int
    zero_run: int
    nans: int
    infinities: int
    first_bad: int | None
    mean: float | None = None
    rms: float | None = None

    @property
    def is_constant(self) -> bool:
        """Whether every value is the same finite one."""
        return self.low is not None and self.low == self.high and not self.nans and not self.infinities


def unit_bytes(dtype: str) -> int:
    """Bytes of what cannot be cut: an element, or a block of a quantized type."""
    if dtype in QUANTS:
        return QUANTS[dtype].size_bytes
    return FLOATS[dtype].width if dtype in FLOATS else np.dtype(INTEGERS.get(dtype, "<u1")).itemsize


def values_of(dtype: str) -> TensorValues:
    """A fresh walk for a tensor of `dtype`."""
    quant = QUANTS.get(dtype)
    if quant is not None:
        return _BlockValues(quant)
    layout = FLOATS.get(dtype)
    if layout is not None:
        return _FloatValues(layout)
    return _IntegerValues(INTEGERS.get(dtype, "<u1"), has_range=dtype in INTEGERS)


def decode_floats(dtype: str, content: bytes) -> np.ndarray[Any, Any]:
    """The values of a few elements as 64-bit floats; for samples, far too slow and wide for whole tensors."""
    return decode_codes(FLOATS[dtype], np.frombuffer(content, dtype=f"<u{FLOATS[dtype].width}"))


def decode_codes(
    layout: FloatLayout, codes: np.ndarray[Any, Any], kind: type[np.floating[Any]] = np.float64
) -> np.ndarray[Any, Any]:
    """The values of codes of a float type, as 64-bit floats unless `kind` is another, in the same shape."""
    with np.errstate(over="ignore", invalid="ignore"):  # what a signaling NaN sets off
        decoded: np.ndarray[Any, Any]
        if layout.width == 1:
            decoded = _table(layout)[codes]
        elif layout.mantissa == 7:  # the upper half of a 32-bit float
            decoded = (codes.astype("<u4") << 16).view("<f4")
        else:
            decoded = np.ascontiguousarray(codes).view(f"<f{layout.width}")
        return decoded.astype(kind, copy=False)


@cache
def _table(layout: FloatLayout) -> np.ndarray[Any, Any]:
    """The values of all codes of an eight-bit type."""
    reader = _FloatValues(layout)
    return np.array([reader.value_of_code(code) for code in range(256)])


class TensorValues(ABC):
    """Takes a tensor's bytes in order, in blocks of whole elements; `summary` may be asked when all have come."""

    def __init__(self, dtype: str) -> None:
        self._dtype = np.dtype(dtype)
        self._is_unsigned = self._dtype.kind == "u"
        self._seen = 0
        self._zeros = 0
        self._run = 0
        self._longest = 0
        self._sampled = 0
        self._sum = 0.0
        self._squares = 0.0

    @abstractmethod
    def update(self, block: memoryview) -> None:
        """Take the next block; its length is a multiple of the element's width."""

    @abstractmethod
    def summary(self) -> ValueSummary:
        """What was found in all blocks so far."""

    def _sample(self, values: np.ndarray[Any, Any]) -> None:
        """Take some values, as 64-bit floats, into the mean and the root mean square."""
        with np.errstate(over="ignore", invalid="ignore"):
            total, squares = float(values.sum()), float(values @ values)
            if not math.isfinite(squares):
                values = values[np.isfinite(values)]
                total, squares = float(values.sum()), float(values @ values)
        self._sampled += values.size
        self._sum += total
        self._squares += squares

    def _moments(self) -> tuple[float | None, float | None]:
        if not self._sampled or not math.isfinite(self._squares):
            return None, None
        return self._sum / self._sampled, math.sqrt(self._squares / self._sampled)

    def _count_zeros(self, codes: np.ndarray[Any, Any]) -> None:
        size = codes.size
        # The smallest is found in a third of the time that counting takes; most blocks have no zero at all.
        zeros = 0 if self._is_unsigned and codes.min() > 0 else size - int(np.count_nonzero(codes))
        self._zeros += zeros
        self._seen += size
        if zeros == size:
            self._run += size
            self._longest = max(self._longest, self._run)
        elif zeros * SMALL_RUN < size:
            self._run = 0
        else:
            filled = np.flatnonzero(codes)
            inner = int(np.diff(filled).max()) - 1 if filled.size > 1 else 0
            self._longest = max(self._longest, self._run + int(filled[0]), inner)
            self._run = size - 1 - int(filled[-1])
            self._longest = max(self._longest, self._run)


class _IntegerValues(TensorValues):
    def __init__(self, dtype: str, *, has_range: bool) -> None:
        super().__init__(dtype)
        self._has_range = has_range
        self._low: int | None = None
        self._high: int | None = None

    def update(self, block: memoryview) -> None:
        codes = np.frombuffer(block, dtype=self._dtype)
        if not codes.size:
            return
        self._count_zeros(codes)
        if self._has_range:
            low, high = int(codes.min()), int(codes.max())
            self._low = low if self._low is None else min(self._low, low)
            self._high = high if self._high is None else max(self._high, high)
            self._sample(codes[:: -(-codes.size // SAMPLED_VALUES)].astype(np.float64))

    def summary(self) -> ValueSummary:
        return ValueSummary(self._low, self._high, self._zeros, self._longest, 0, 0, None, *self._moments())


class _BlockValues(TensorValues):
    """Blocks of a quantized tensor.

    Only their scales are numbers here, and a block counts as zero if all of them are.
    """

    def __init__(self, kind: BlockType) -> None:
        super().__init__("<u2")
        self._kind = kind
        self._nans = 0
        self._infinities = 0
        self._first_bad: int | None = None

    def update(self, block: memoryview) -> None:
        rows = np.frombuffer(block, dtype="<u1").reshape(-1, self._kind.size_bytes)
        start = self._seen
        if not rows.shape[0] or not (self._kind.scales or self._kind.exponents):
            return
        bad = np.zeros(rows.shape[0], dtype=bool)
        filled = np.zeros(rows.shape[0], dtype="<u2")
        for place in self._kind.scales:
            codes = np.ascontiguousarray(rows[:, place : place + 2]).view("<u2")[:, 0]
            magnitudes = codes & 0x7FFF
            filled |= magnitudes
            infinite = magnitudes == 0x7C00
            bad |= magnitudes >= 0x7C00
            self._infinities += int(np.count_nonzero(infinite))
            self._nans += int(np.count_nonzero(magnitudes > 0x7C00))
        for place in self._kind.exponents:
            codes = rows[:, place]
            filled |= 1
            bad |= codes == 0xFF
            self._nans += int(np.count_nonzero(codes == 0xFF))
        self._count_zeros(filled)
        if self._first_bad is None and bool(bad.any()):
            self._first_bad = start + int(np.argmax(bad))

    def summary(self) -> ValueSummary:
        return ValueSummary(None, None, self._zeros, self._longest, self._nans, self._infinities, self._first_bad)


class _FloatValues(TensorValues):
    def __init__(self, layout: FloatLayout) -> None:
        super().__init__(f"<u{layout.width}")
        self._layout = layout
        self._signed = np.dtype(f"<i{layout.width}")
        self._sign = 1 << (8 * layout.width - 1) if layout.sign else 1 << (8 * layout.width)
        self._low: int | None = None  # as `_key`
        self._high: int | None = None
        self._nans = 0
        self._infinities = 0
        self._first_bad: int | None = None

    def update(self, block: memoryview) -> None:
        codes = np.frombuffer(block, dtype=self._dtype)
        if not codes.size:
            return
        start = self._seen
        self._count_zeros(codes)
        if self._layout.sign:
            low, high = self._extremes(codes)
        else:
            low, high = int(codes.min()), int(codes.max())
        if self._is_finite(codes, low, high):
            self._widen(low, high)
        else:
            self._look_closely(codes, start)
        self._sample(decode_codes(self._layout, codes[:: -(-codes.size // SAMPLED_VALUES)]))

    def summary(self) -> ValueSummary:
        low = None if self._low is None else self._value(self._low)
        high = None if self._high is None else self._value(self._high)
        found = (low, high, self._zeros, self._longest, self._nans, self._infinities, self._first_bad)
        return ValueSummary(*found, *self._moments())

    def _extremes(self, codes: np.ndarray[Any, Any]) -> tuple[int, int]:
        """Codes of the least and the greatest value.

        Two reductions, where both signs occur as in any matrix of weights.
        """
        signed = codes.view(self._signed)
        top, top_unsigned = int(signed.max()), int(codes.max())
        if top < 0:
            return top_unsigned, int(codes.min())
        if top_unsigned < self._sign:
            return int(signed.min()), top
        return top_unsigned, top

    def _is_finite(self, codes: np.ndarray[Any, Any], low: int, high: int) -> bool:
        if self._layout.infinity is None:
            # The one NaN has the code of negative zero, the least of the negatives: ask only if there are any.
            return low < self._sign or not bool((codes == self._layout.nan_code).any())
        return max(low & (self._sign - 1), high & (self._sign - 1)) < self._layout.infinity

    def _look_closely(self, codes: np.ndarray[Any, Any], start: int) -> None:
        """Count what is not finite and take the range of the rest; runs only on blocks that hold such values."""
        magnitudes = codes & codes.dtype.type(self._sign - 1)
        if self._layout.infinity is None:
            bad = codes == self._layout.nan_code
            infinities = 0
        else:
            bad = magnitudes >= self._layout.infinity
            infinities = int(np.count_nonzero(magnitudes == self._layout.infinity)) if self._layout.has_infinity else 0
        self._infinities += infinities
        self._nans += int(np.count_nonzero(bad)) - infinities
        if self._first_bad is None:
            self._first_bad = start + int(np.argmax(bad))
        rest = codes[~bad]
        if rest.size:
            if self._layout.sign:
                self._widen(*self._extremes(rest))
            else:
                self._widen(int(rest.min()), int(rest.max()))

    def _widen(self, low: int, high: int) -> None:
        low, high = self._key(low), self._key(high)
        self._low = low if self._low is None else min(self._low, low)
        self._high = high if self._high is None else max(self._high, high)

    def _key(self, code: int) -> int:
        """An integer ordered like the values: the magnitude's code, with the value's sign."""
        return code if code < self._sign else self._sign - code

    def value_of_code(self, code: int) -> float:
        """The number that a code of an eight-bit type stands for."""
        is_bad = code == self._layout.nan_code
        if self._layout.infinity is not None:
            is_bad = code & (self._sign - 1) >= self._layout.infinity
        return math.nan if is_bad else self._value(self._key(code))

    def _value(self, key: int) -> float:
        """The number whose `_key` is `key`, from its bits."""
        layout = self._layout
        magnitude = abs(key)
        exponent, fraction = magnitude >> layout.mantissa, magnitude & ((1 << layout.mantissa) - 1)
        if not layout.sign:
            return math.ldexp(1.0, exponent - layout.bias)
        if exponent == 0:
            value = math.ldexp(fraction, 1 - layout.bias - layout.mantissa)
        else:
            value = math.ldexp(fraction + (1 << layout.mantissa), exponent - layout.bias - layout.mantissa)
        return -value if key < 0 else value
