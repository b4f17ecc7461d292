"""How quantized tensors are laid out in blocks, and where in a block its scales stand.

Owns the table of GGUF's tensor types. Types without a known place for their scales are walked for their digest alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BlockType:
    """One tensor type: `elements` share a block of `size_bytes`; `scales` are offsets of 16-bit floats in it.

    `exponents` are offsets of single bytes that hold a power of two, of which 255 is no number.
    """

    name: str
    elements: int
    size_bytes: int
    scales: tuple[int, ...] = ()
    exponents: tuple[int, ...] = ()


# Source: ggml, gguf-py constants (GGML_QUANT_SIZES) and ggml-common.h, the block structures.
GGML_TYPES: Mapping[int, BlockType] = {
    0: BlockType("F32", 1, 4),
    1: BlockType("F16", 1, 2),
    2: BlockType("Q4_0", 32, 18, (0,)),
    3: BlockType("Q4_1", 32, 20, (0, 2)),
    6: BlockType("Q5_0", 32, 22, (0,)),
    7: BlockType("Q5_1", 32, 24, (0, 2)),
    8: BlockType("Q8_0", 32, 34, (0,)),
    9: BlockType("Q8_1", 32, 40),
    10: BlockType("Q2_K", 256, 84, (80, 82)),
    11: BlockType("Q3_K", 256, 110, (108,)),
    12: BlockType("Q4_K", 256, 144, (0, 2)),
    13: BlockType("Q5_K", 256, 176, (0, 2)),
    14: BlockType("Q6_K", 256, 210, (208,)),
    15: BlockType("Q8_K", 256, 292),
    16: BlockType("IQ2_XXS", 256, 66, (0,)),
    17: BlockType("IQ2_XS", 256, 74, (0,)),
    18: BlockType("IQ3_XXS", 256, 98, (0,)),
    19: BlockType("IQ1_S", 256, 50, (0,)),
    20: BlockType("IQ4_NL", 32, 18, (0,)),
    21: BlockType("IQ3_S", 256, 110, (0,)),
    22: BlockType("IQ2_S", 256, 82, (0,)),
    23: BlockType("IQ4_XS", 256, 136, (0,)),
    24: BlockType("I8", 1, 1),
    25: BlockType("I16", 1, 2),
    26: BlockType("I32", 1, 4),
    27: BlockType("I64", 1, 8),
    28: BlockType("F64", 1, 8),
    29: BlockType("IQ1_M", 256, 56),
    30: BlockType("BF16", 1, 2),
    34: BlockType("TQ1_0", 256, 54, (52,)),
    35: BlockType("TQ2_0", 256, 66, (64,)),
    39: BlockType("MXFP4", 32, 17, (), (0,)),
    40: BlockType("NVFP4", 64, 36),
    41: BlockType("Q1_0", 128, 18),
}

QUANTS: Mapping[str, BlockType] = {kind.name: kind for kind in GGML_TYPES.values() if kind.elements > 1}
