"""Values and fingerprints of many small tensors at once, where they have one type and one number of elements.

Owns the arithmetic on tables with one tensor in each row. It says what `tensor_values` and a light sampler say of each
alone; a tensor that is in any way out of the ordinary is left to them. A mixture of experts has tens of thousands, and
asking for each takes longer than reading it; so what needs but a few values waits until there are some hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import compress
from typing import Any, NamedTuple

import numpy as np

from weights.fingerprints import light_fingerprints, row_length
from weights.tensor_values import FLOATS, SAMPLED_VALUES, SMALL_RUN, decode_codes
from weights.value_checks import ABSURD_HIGH, ABSURD_LOW
from weights.value_sample import MINIMUM_ELEMENTS, places

PLAIN = frozenset({"BF16", "F16", "F32", "F8_E4M3", "F8_E5M2"})

Array = np.ndarray[Any, Any]


class Summaries(NamedTuple):
    """What walks over tensors without long runs of zeros, and without NaN or infinity, would find: a column for each.

    `is_ordinary` says of each that its values give no reason to look closer.
    """

    lows: list[float]
    highs: list[float]
    zeros: list[int]
    means: list[float]
    rms: list[float]
    samples: list[str | None]
    is_ordinary: list[bool]


class EqualTensors:
    """Takes tensors of `dtype` with `elements` each, some at a time, and keeps a few values of each."""

    def __init__(self, dtype: str, elements: int, *, keeps_fingerprints: bool = True) -> None:
        layout = FLOATS[dtype]
        self._dtype, self._layout = dtype, layout
        self.elements = elements
        self.size_bytes = elements * layout.width
        self._unsigned, self._signed = np.dtype(f"<u{layout.width}"), np.dtype(f"<i{layout.width}")
        self._sign, self._infinity = 1 << (8 * layout.width - 1), layout.infinity or 0
        self._stride = -(-elements // SAMPLED_VALUES)
        self._runs = _runs(elements) if keeps_fingerprints and elements >= MINIMUM_ELEMENTS else None
        self._extremes: list[tuple[Array, Array, Array]] = []
        self._zeros: list[int] = []
        self._rows: list[int] = []
        self._sampled: list[Array] = []
        self._chosen: list[Array] = []

    def take(self, contents: Array, shapes: Sequence[tuple[int, ...]]) -> list[bool] | None:
        """Take tensors of these shapes, whose bytes are the rows of `contents`.

        Returns which of them were taken, if not all: the rest has to be walked.
        """
        codes = contents.view(self._unsigned)
        # The greatest of the positive, of the negative, and the least, where there are any: the least may be of either.
        positive = np.maximum.reduce(codes.view(self._signed), axis=1)
        negative = np.maximum.reduce(codes, axis=1)
        least = np.minimum.reduce(codes, axis=1)
        taken: list[bool] | None = None
        zeros = [0] * len(codes)
        if not least.all() or positive.max() >= self._infinity or negative.max() >= self._sign + self._infinity:
            taken, zeros = self._look_closely(codes, positive, negative, least)
            if all(taken):
                taken = None
            else:
                codes, positive, negative, least = (part[taken] for part in (codes, positive, negative, least))
                zeros = list(compress(zeros, taken))
                shapes = list(compress(shapes, taken))
        self._extremes.append((positive, negative, least))
        self._sampled.append(codes[:, :: self._stride].copy())
        if self._runs is not None:
            self._chosen.append(np.concatenate([codes[:, run] for run in self._runs], axis=1))
            self._rows += [row_length(shape, self.elements) for shape in shapes]
        self._zeros += zeros
        return taken

    def summaries(self) -> Summaries:
        """What is to be said of all that were taken, in their order."""
        layout = self._layout
        positive, negative, least = (np.concatenate(part) for part in zip(*self._extremes, strict=True))
        # The codes of the greatest and the least value are the first two where both signs occur, else one is the least.
        highs = decode_codes(layout, np.where(positive >= 0, positive.view(self._unsigned), least)) + 0.0
        lows = decode_codes(layout, np.where(negative >= self._sign, negative, least)) + 0.0
        sample = decode_codes(layout, np.concatenate(self._sampled))
        rms = np.sqrt(np.einsum("ij,ij->i", sample, sample) / sample.shape[1])
        texts: list[str | None] = [None] * len(self._zeros)
        if self._runs is not None:
            texts = light_fingerprints(self._dtype, self.elements, self._rows, np.concatenate(self._chosen))
        return Summaries(
            lows.tolist(),
            highs.tolist(),
            self._zeros,
            sample.mean(axis=1).tolist(),
            rms.tolist(),
            texts,
            ((lows != highs) & (rms > ABSURD_LOW) & (rms < ABSURD_HIGH)).tolist(),
        )

    def _look_closely(
        self, codes: Array, positive: Array, negative: Array, least: Array
    ) -> tuple[list[bool], list[int]]:
        """Of each tensor, whether it is plain, and its zeros."""
        zeros = [0] * len(codes)
        for place in np.flatnonzero(least == 0).tolist():
            zeros[place] = self.elements - int(np.count_nonzero(codes[place]))
        high = np.where(positive >= 0, positive.view(self._unsigned), least)
        low = np.where(negative >= self._sign, negative, least)
        is_plain = (high & (self._sign - 1) < self._infinity) & (low & (self._sign - 1) < self._infinity)
        taken = [
            plain and count * SMALL_RUN < self.elements for plain, count in zip(is_plain.tolist(), zeros, strict=True)
        ]
        return taken, zeros


@lru_cache(maxsize=1024)
def _runs(elements: int) -> list[slice]:
    """Where the light sample's values are: the runs that follow each other, which are copied faster than each value."""
    index = places(elements, True)
    cuts = np.flatnonzero(np.diff(index) != 1) + 1
    return [slice(int(run[0]), int(run[-1]) + 1) for run in np.split(index, cuts)]
