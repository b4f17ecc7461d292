"""A few values of a tensor at fixed fractions of it, taken while its bytes go by.

Owns where the values are taken and how they are read from each type. The places depend on the number of elements alone,
so a copy under another name, in another file, of another type or shape has its sample at the same places.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from weights.block_values import is_readable, read_blocks
from weights.packings import Packing
from weights.quant_blocks import QUANTS
from weights.tensor_values import FLOATS, INTEGERS, decode_floats

RUNS = 16
RUN_LENGTH = 64
SEGMENT = 16  # values that share a scale in every known way of quantizing
LIGHT_RUNS = 4  # taken where a file has very many tensors: every fifth run
MINIMUM_ELEMENTS = RUN_LENGTH

Array = np.ndarray[Any, Any]


@lru_cache(maxsize=1024)
def places(elements: int, is_light: bool = False) -> Array:
    """Indexes of the sampled elements, in order; all of a small tensor but what does not fill a run."""
    if elements < RUNS * RUN_LENGTH:
        runs = elements // RUN_LENGTH
        starts = np.arange(runs, dtype=np.int64) * RUN_LENGTH
    else:
        # On whole blocks of 32, so that values which share a scale stay together.
        starts = np.arange(RUNS, dtype=np.int64) * (elements - RUN_LENGTH) // (RUNS - 1) // 32 * 32
        if is_light:
            starts = starts[:: (RUNS - 1) // (LIGHT_RUNS - 1)]
    found: Array = (starts[:, None] + np.arange(RUN_LENGTH)).reshape(-1)
    return found


def can_sample(dtype: str, packing: Packing | None = None) -> bool:
    """Whether numbers can be read from bytes of this type."""
    if packing is not None:
        return True
    if dtype in FLOATS:
        return FLOATS[dtype].sign and dtype != "C64"
    return is_readable(dtype) or dtype in INTEGERS


class ValueSampler:
    """Takes a tensor's bytes in order, in blocks of whole units, and keeps the units with the sampled values."""

    def __init__(self, dtype: str, elements: int, packing: Packing | None = None, *, is_light: bool = False) -> None:
        self._dtype = dtype
        self._packing = packing
        self._units, self._inverse, self._width = _units(dtype, elements, packing, is_light)
        self._index = (elements, is_light)
        self._kept: list[Array] = []
        self._done = 0
        self._position = 0

    def update(self, block: memoryview) -> None:
        """Take the next block."""
        end = self._position + len(block) // self._width
        if self._done < len(self._units) and self._units[self._done] < end:
            last = int(np.searchsorted(self._units, end))
            rows = np.frombuffer(block, dtype=np.uint8, count=(end - self._position) * self._width)
            wanted = self._units[self._done : last] - self._position
            self._kept.append(rows.reshape(-1, self._width)[wanted])
            self._done = last
        self._position = end

    def finish(self) -> tuple[Array, Array | None]:
        """The values as 32-bit floats, and the distance between codes of each segment where values are codes.

        What is not finite counts as zero: a copy with a NaN in it is a copy.
        """
        content = np.concatenate(self._kept) if len(self._kept) > 1 else self._kept[0]
        steps: Array | None = None
        if self._packing is not None:
            values = self._packing.read(content[self._inverse], places(*self._index))
            steps = np.full(len(values), self._packing.step, dtype=np.float32)
        elif self._dtype in QUANTS:
            values, steps = read_blocks(self._dtype, content)
            values, steps = values[self._inverse], steps[self._inverse]
        elif self._dtype in FLOATS:
            values = decode_floats(self._dtype, content.tobytes())
        else:
            values = content.reshape(-1).view(INTEGERS[self._dtype])
            steps = np.ones(len(values), dtype=np.float32)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.asarray(values, dtype=np.float32)
        values = np.where(np.isfinite(values), values, np.float32(0))
        return values, None if steps is None else steps.reshape(-1, SEGMENT).max(axis=1)


@lru_cache(maxsize=1024)
def _units(dtype: str, elements: int, packing: Packing | None, is_light: bool) -> tuple[Array, Array, int]:
    """Which units (elements, blocks, words) hold the sampled values, where in them each value is, and a unit's width.

    For quantized types the second array leads into the values of all kept blocks, else into the kept units.
    """
    index = places(elements, is_light)
    if packing is not None:
        units, inverse = np.unique(packing.units(index), return_inverse=True)
        return units, inverse, packing.width
    if dtype in QUANTS:
        kind = QUANTS[dtype]
        units, inverse = np.unique(index // kind.elements, return_inverse=True)
        return units, inverse * kind.elements + index % kind.elements, kind.size_bytes
    width = FLOATS[dtype].width if dtype in FLOATS else np.dtype(INTEGERS[dtype]).itemsize
    return index, np.arange(len(index)), width
