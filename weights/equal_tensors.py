"""Values and fingerprints of many small tensors at once, where they have one type and one number of elements.

Owns the arithmetic on tables with one tensor in each row. It says what `tensor_values` and a light sampler say of each
alone; a tensor that is in any way out of the ordinary is left to them. A mixture of experts has tens of thousands, and
asking for each takes longer than reading it; so what needs but a few values waits until there are some hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from weights.fingerprints import light_fingerprints
from weights.tensor_values import FLOATS, SAMPLED_VALUES, SMALL_RUN, decode_codes
from weights.value_sample import MINIMUM_ELEMENTS, places

PLAIN = frozenset({"BF16", "F16", "F32", "F8_E4M3", "F8_E5M2"})

Array = np.ndarray[Any, Any]


class PlainSummary(NamedTuple):
    """What a walk over one tensor without long runs of zeros, and without NaN or infinity, would find."""

    low: float
    high: float
    zeros: int
    mean: float
    rms: float
    sample: str | None


class EqualTensors:
    """Takes tensors of `dtype` with `elements` each, some at a time, and keeps a few values of each."""

    def __init__(self, dtype: str, elements: int) -> None:
        layout = FLOATS[dtype]
        self._dtype, self._layout = dtype, layout
        self.elements = elements
        self.size_bytes = elements * layout.width
        self._unsigned, self._signed = np.dtype(f"<u{layout.width}"), np.dtype(f"<i{layout.width}")
        self._sign, self._infinity = 1 << (8 * layout.width - 1), layout.infinity or 0
        self._stride = -(-elements // SAMPLED_VALUES)
        self._places = places(elements, True) if elements >= MINIMUM_ELEMENTS else None
        self._extremes: list[tuple[Array, Array]] = []
        self._zeros: list[int] = []
        self._rows: list[int] = []
        self._sampled: list[Array] = []
        self._chosen: list[Array] = []

    def take(self, contents: Array, rows: Sequence[int]) -> list[bool]:
        """Take tensors whose bytes are the rows of `contents`; returns which were taken, the rest has to be walked.

        `rows` has the number of elements in a row of each, 0 where it is no matrix.
        """
        codes = contents.view(self._unsigned)
        positive, negative, least = codes.view(self._signed).max(axis=1), codes.max(axis=1), codes.min(axis=1)
        zeros = [0] * len(codes)
        for place in np.flatnonzero(least == 0).tolist():
            zeros[place] = self.elements - int(np.count_nonzero(codes[place]))
        # The codes of the greatest and the least value are these two where both signs occur, else one is the least.
        has_positive, has_negative = positive >= 0, negative >= self._sign
        high = np.where(has_positive, positive.view(self._unsigned), least)
        low = np.where(has_negative, negative, least)
        is_plain = (high & (self._sign - 1) < self._infinity) & (low & (self._sign - 1) < self._infinity)
        taken = [
            plain and count * SMALL_RUN < self.elements for plain, count in zip(is_plain.tolist(), zeros, strict=True)
        ]
        kept: slice | list[int] = (
            slice(None) if all(taken) else [place for place, is_taken in enumerate(taken) if is_taken]
        )
        self._extremes.append((low[kept], high[kept]))
        self._sampled.append(codes[kept, :: self._stride].copy())
        if self._places is not None:
            self._chosen.append(codes[:, self._places][kept])
        self._zeros += [count for count, is_taken in zip(zeros, taken, strict=True) if is_taken]
        self._rows += [row for row, is_taken in zip(rows, taken, strict=True) if is_taken]
        return taken

    def summaries(self) -> list[PlainSummary]:
        """What is to be said of all that were taken, in their order."""
        layout = self._layout
        lows, highs = (decode_codes(layout, np.concatenate(side)) for side in zip(*self._extremes, strict=True))
        sample = decode_codes(layout, np.concatenate(self._sampled))
        rms = np.sqrt(np.einsum("ij,ij->i", sample, sample) / sample.shape[1])
        texts: list[str | None] = [None] * len(self._rows)
        if self._places is not None:
            texts = light_fingerprints(self._dtype, self.elements, self._rows, np.concatenate(self._chosen))
        columns = (
            (lows + 0.0).tolist(),
            (highs + 0.0).tolist(),
            self._zeros,
            sample.mean(axis=1).tolist(),
            rms.tolist(),
        )
        return list(map(PlainSummary, *columns, texts))
