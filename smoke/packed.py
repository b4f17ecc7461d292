"""Weights that GPTQ and AWQ packed into words of 32 bits: which tensors belong together, and what they stand for.

Owns: recognizing these layouts from settings and shapes. Refuses to own: the numbers (`smoke.unpacking`) and layouts of
other methods, which run by their own libraries only. Nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

GPTQ, AWQ = "gptq", "awq"
BITS = {GPTQ: (2, 4, 8), AWQ: (4,)}
"""Widths of which whole numbers of weights fill a word."""

WORD = 32
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Packed:
    """One weight, outputs by inputs: the tensors that it is kept in, and how."""

    shape: tuple[int, int]
    method: str
    bits: int
    group: int
    """Inputs that share a scale."""
    words: str
    zeros: str
    scales: str
    order: str = ""
    """The tensor that names the group of each input, where there is one."""
    offset: int = 0
    """What is added to a stored zero."""

    @property
    def names(self) -> tuple[str, ...]:
        """All tensors that it is kept in."""
        return tuple(filter(None, (self.words, self.zeros, self.scales, self.order)))


def find(settings: Mapping[str, Any], shapes: Mapping[str, Shape]) -> dict[str, Packed]:
    """Each packed weight by the name that it has unpacked; nothing where one of them is of no known layout."""
    method, bits, group = settings.get("quant_method"), settings.get("bits"), settings.get("group_size")
    if not isinstance(method, str) or bits not in BITS.get(method, ()) or type(group) is not int:
        return {}
    if method == AWQ and str(settings.get("version", "gemm")).lower() != "gemm":
        return {}
    # the first format of GPTQ keeps zeros less one, the second as they are; AWQ as they are
    offset = 1 if method == GPTQ and settings.get("checkpoint_format", "gptq") != "gptq_v2" else 0
    found = {}
    for name in shapes:
        if name.endswith(".qweight"):
            one = _packed(name.removesuffix("qweight"), shapes, method, bits, group, offset)
            if one is None:
                return {}
            found[name.removesuffix("qweight") + "weight"] = one
    return found


def _packed(at: str, shapes: Mapping[str, Shape], method: str, bits: int, group: int, offset: int) -> Packed | None:
    words, zeros, scales = (shapes.get(f"{at}{name}", ()) for name in ("qweight", "qzeros", "scales"))
    order = f"{at}g_idx" if f"{at}g_idx" in shapes else ""
    if not len(words) == len(zeros) == len(scales) == 2:
        return None
    fill = WORD // bits
    outputs, inputs = (words[1], words[0] * fill) if method == GPTQ else (words[1] * fill, words[0])
    group = group if group > 0 else max(1, inputs)
    groups = -(-inputs // group)
    if scales != (groups, outputs) or zeros != (groups, outputs // fill) or outputs % fill:
        return None
    if order and shapes[order] != (inputs,):
        return None
    return Packed((outputs, inputs), method, bits, group, f"{at}qweight", f"{at}qzeros", f"{at}scales", order, offset)
