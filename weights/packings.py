"""Layouts in which several codes share a byte or a word of a plain integer tensor, and how they are recognized.

Owns the ways of packing that releases use: GPTQ, AWQ, bitsandbytes' four bits, compressed-tensors, MXFP4 in blocks and
MLX. A layout is recognized by the names and shapes of the tensors beside it; scales are left out, since a sample is
compared without them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weights.block_values import E2M1, NF4
from weights.safetensors_header import TensorEntry

Array = np.ndarray[Any, Any]
Shapes = Mapping[str, tuple[str, tuple[int, ...]]]

_PACKABLE = frozenset({"I8", "U8", "I32", "U32", "F4"})
_AWQ_ORDER = np.array([0, 4, 1, 5, 2, 6, 3, 7])  # which nibble of a word holds the column that comes at this place
# Tensors that say how others are to be read: they have no counterpart in an unquantized copy.
_COMPANION = re.compile(
    r"(^|[._])(scales?|scale_inv|weight_scale(_inv|_2)?|input_scale|qzeros?|zeros?|zero_points?|g_idx|absmax|quant_map"
    r"|nested_\w+|quant_state\w*|bitsandbytes__\w+|scb|weight_format|weight_shape|biases|qscales?|offsets?)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Packing:
    """How the codes of one tensor are packed: `columns` of the weight lie as `style` says in units of `width` bytes.

    `rows` and `columns` are those of the weight as it was before; 0 where it is not known.
    """

    style: str
    elements: int
    width: int
    rows: int = 0
    columns: int = 0
    bits: int = 4

    @property
    def step(self) -> float:
        """How far two codes are apart; the mean distance where that varies."""
        return {"nf4": 2 / 15, "e2m1": 0.8}.get(self.style, 1.0)

    @property
    def is_row_major(self) -> bool:
        """Whether the codes of a row follow each other."""
        return self.style not in ("gptq", "awq")

    def units(self, index: Array) -> Array:
        """The units that hold the weight's elements at `index`."""
        per_unit = self.width * 8 // self.bits
        found: Array
        if self.is_row_major:
            found = index // per_unit
        elif self.style == "gptq":
            found = index % self.columns // per_unit * self.rows + index // self.columns
        else:
            found = index % self.columns * (self.rows // per_unit) + index // self.columns // per_unit
        return found

    def read(self, units: Array, index: Array) -> Array:
        """The values of the elements at `index`, each from its unit (an array of bytes)."""
        words = np.zeros(len(units), dtype=np.uint32)
        for place in range(self.width):
            words |= units[:, place].astype(np.uint32) << np.uint32(8 * place)
        per_unit = self.width * 8 // self.bits
        if self.style == "gptq":
            place_in = index % self.columns % per_unit
        elif self.style == "awq":
            place_in = _AWQ_ORDER[index // self.columns % per_unit]
        else:
            place_in = index % per_unit
            if self.style == "nf4":  # the first of two is in the high half
                place_in = per_unit - 1 - place_in
        codes = words >> (place_in * self.bits).astype(np.uint32) & np.uint32((1 << self.bits) - 1)
        book = {"nf4": NF4, "e2m1": E2M1}.get(self.style)
        values: Array = codes.astype(np.float32) if book is None else book[codes]
        return values


def packing_of(name: str, tensors: Shapes) -> Packing | None:
    """The layout of the tensor `name`, judged by the others of its file; None for plain numbers.

    `tensors` maps names to data type and shape.
    """
    dtype, shape = tensors[name]
    elements = math.prod(shape)
    if dtype == "F4":
        return Packing("e2m1", elements, 1)
    stem, _, last = name.rpartition(".")
    if dtype in ("I32", "U32") and len(shape) == 2:
        return _packed_words(stem, last, shape, tensors)
    if dtype in ("U8", "I8"):
        if f"{name}.absmax" in tensors and f"{name}.quant_map" in tensors:
            return Packing("nf4", 2 * elements, 1)
        if name.endswith("_blocks") and f"{name[:-7]}_scales" in tensors and shape[-1:] == (16,):
            return Packing("e2m1", 2 * elements, 1)
    return None


def packings_of(tensors: Sequence[TensorEntry]) -> dict[str, Packing]:
    """The layouts of the tensors of one file that have one, by name."""
    if _PACKABLE.isdisjoint({tensor.dtype for tensor in tensors}):
        return {}
    shapes = {tensor.name: (tensor.dtype, tensor.shape) for tensor in tensors}
    found = {}
    for name, (dtype, _) in shapes.items():
        if dtype in _PACKABLE:
            packing = packing_of(name, shapes)
            if packing is not None:
                found[name] = packing
    return found


def _packed_words(stem: str, last: str, shape: tuple[int, ...], tensors: Shapes) -> Packing | None:
    rows, columns = shape
    if not rows or not columns:
        return None
    scales = tensors.get(f"{stem}.scales", ("", ()))[1]
    if last == "qweight" and len(scales) == 2:
        if scales[1] == columns:
            inputs = tensors.get(f"{stem}.g_idx", ("", (8 * rows,)))[1]
            bits = 32 * rows // inputs[0] if inputs and inputs[0] else 4
            if bits in (2, 4, 8):
                return Packing("gptq", rows * columns * 32 // bits, 4, columns, rows * 32 // bits, bits)
        elif scales[1] == 8 * columns:
            return Packing("awq", rows * columns * 8, 4, columns * 8, rows)
    if last == "weight_packed" and (f"{stem}.weight_scale" in tensors or f"{stem}.weight_shape" in tensors):
        return Packing("words", rows * columns * 8, 4, rows, columns * 8)
    if last == "weight" and len(scales) == 2 and f"{stem}.biases" in tensors:
        return Packing("words", rows * columns * 8, 4, rows, columns * 8)
    return None


def is_companion(name: str) -> bool:
    """Whether the name is that of scales, zero points or the like, which belong to a quantized tensor."""
    return _COMPANION.search(name) is not None
