"""Taking weights out of the words that GPTQ and AWQ packed them into, one matrix at a time.

Owns: the arithmetic, a bounded number of outputs at a time. Refuses to own: which tensors belong together
(`smoke.packed`). Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from smoke.packed import AWQ, WORD, Packed

CHUNK = 1 << 22
"""Elements unpacked at once: some tens of megabytes with every intermediate result."""

PLACES = [0, 4, 1, 5, 2, 6, 3, 7]
"""Where in a word of AWQ each of its eight columns stands."""


class Unpacked:
    """A weight with its zeros and scales applied, computed when the loader asks for it."""

    def __init__(self, packed: Packed, parts: Mapping[str, Any], dtype: torch.dtype) -> None:
        self.packed, self.parts, self.dtype = packed, parts, dtype

    def __getitem__(self, _: Any) -> torch.Tensor:
        packed = self.packed
        outputs, inputs = packed.shape
        words, zeros, scales = (self.parts[name][...] for name in (packed.words, packed.zeros, packed.scales))
        group = self.parts[packed.order][...].long() if packed.order else torch.arange(inputs) // packed.group
        out, fill = torch.empty(outputs, inputs, dtype=self.dtype), WORD // packed.bits
        step = max(1, CHUNK // max(1, inputs) // fill) * fill
        for start in range(0, outputs, step):
            columns, narrow = slice(start, start + step), slice(start // fill, (start + step) // fill)
            zero = (across(zeros[:, narrow], packed) + packed.offset) & ((1 << packed.bits) - 1)
            if packed.method == AWQ:
                whole = across(words[:, narrow], packed)
            else:
                whole = split(words[:, columns], packed.bits).transpose(1, 2).reshape(inputs, -1)
            out[columns] = ((whole - zero[group]) * scales[:, columns].float()[group]).T.to(self.dtype)
        return out


def split(words: torch.Tensor, bits: int) -> torch.Tensor:
    """The numbers in each word, the lowest bits first, along a new last dimension."""
    return (words.unsqueeze(-1) >> torch.arange(0, WORD, bits, dtype=torch.int32)) & ((1 << bits) - 1)


def across(words: torch.Tensor, packed: Packed) -> torch.Tensor:
    """Rows of words as rows of numbers."""
    found = split(words, packed.bits)
    found = found[..., PLACES] if packed.method == AWQ else found
    return found.reshape(len(words), -1)
