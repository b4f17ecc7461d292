"""The numbers that blocks of quantized tensors stand for, and how far apart neighboring codes are.

Owns the arithmetic of GGUF's block types and of a few other packed layouts, for the few values that fingerprints need:
nothing here is fast enough for whole tensors. Types without a reading here have a digest and no fingerprint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from weights.quant_blocks import QUANTS

Array = np.ndarray[Any, Any]
Blocks = Callable[[Array], tuple[Array, Array]]

# Source: bitsandbytes, functional.py (create_normal_map); llama.cpp, ggml-common.h (kvalues_iq4nl); OCP MX 1.0, E2M1.
_NF4_BELOW = (-1, -0.6961928, -0.52507305, -0.39491749, -0.28444138, -0.18477343, -0.09105004, 0)
_NF4_ABOVE = (0.0795803, 0.1609302, 0.24611230, 0.33791524, 0.44070983, 0.56261700, 0.72295684, 1)
NF4 = np.array(_NF4_BELOW + _NF4_ABOVE, dtype=np.float32)
E2M1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, 0, -0.5, -1, -1.5, -2, -3, -4, -6], dtype=np.float32)
_IQ4 = np.array([-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113], dtype=np.float32)


def is_readable(kind: str) -> bool:
    """Whether blocks of this type can be turned into numbers."""
    return kind in _READERS


def read_blocks(kind: str, content: bytes | Array) -> tuple[Array, Array]:
    """The values of whole blocks in order, and beside each the distance between two codes there."""
    raw = np.frombuffer(content, dtype=np.uint8) if isinstance(content, bytes) else content
    blocks = np.ascontiguousarray(raw).reshape(-1, QUANTS[kind].size_bytes)
    with np.errstate(invalid="ignore", over="ignore"):
        values, steps = _READERS[kind](blocks)
        values, steps = np.broadcast_arrays(values, np.abs(steps))
    return values.reshape(-1).astype(np.float32), steps.reshape(-1).astype(np.float32)


def nibbles(codes: Array) -> Array:
    """The low halves of all bytes of a row, then the high halves."""
    return np.concatenate([codes & 15, codes >> 4], axis=-1)


def _half(blocks: Array, place: int) -> Array:
    numbers: Array = np.ascontiguousarray(blocks[:, place : place + 2]).view("<f2").astype(np.float32)
    return numbers


def _fifth_bits(blocks: Array, place: int) -> Array:
    return np.unpackbits(blocks[:, place : place + 4], axis=1, bitorder="little") << 4


def _q4_0(blocks: Array) -> tuple[Array, Array]:
    scale = _half(blocks, 0)
    return scale * (nibbles(blocks[:, 2:]).astype(np.float32) - 8), scale


def _q4_1(blocks: Array) -> tuple[Array, Array]:
    scale = _half(blocks, 0)
    return scale * nibbles(blocks[:, 4:]) + _half(blocks, 2), scale


def _q5_0(blocks: Array) -> tuple[Array, Array]:
    scale = _half(blocks, 0)
    codes = nibbles(blocks[:, 6:]) | _fifth_bits(blocks, 2)
    return scale * (codes.astype(np.float32) - 16), scale


def _q5_1(blocks: Array) -> tuple[Array, Array]:
    scale = _half(blocks, 0)
    return scale * (nibbles(blocks[:, 8:]) | _fifth_bits(blocks, 4)) + _half(blocks, 2), scale


def _q8_0(blocks: Array) -> tuple[Array, Array]:
    scale = _half(blocks, 0)
    return scale * blocks[:, 2:].view(np.int8), scale


def _q2_k(blocks: Array) -> tuple[Array, Array]:
    scale = _half(blocks, 80) * (blocks[:, :16] & 15)
    floor = _half(blocks, 82) * (blocks[:, :16] >> 4)
    codes = _two_bits(blocks[:, 16:80])
    return scale[:, :, None] * codes - floor[:, :, None], scale[:, :, None]


def _q3_k(blocks: Array) -> tuple[Array, Array]:
    packed = blocks[:, 96:108]
    low = nibbles(packed[:, :8])
    high = np.concatenate([packed[:, 8:] >> shift & 3 for shift in (0, 2, 4, 6)], axis=1)
    scale = _half(blocks, 108) * ((low | high << 4).astype(np.float32) - 32)
    # A set bit of the mask means that nothing is taken away.
    masks = np.stack([blocks[:, :32] >> bit & 1 for bit in range(8)], axis=1).reshape(-1, 16, 16)
    codes = _two_bits(blocks[:, 32:96]) - 4.0 * (1 - masks)
    return scale[:, :, None] * codes, scale[:, :, None]


def _two_bits(packed: Array) -> Array:
    parts = np.stack([packed.reshape(-1, 2, 32) >> shift & 3 for shift in (0, 2, 4, 6)], axis=2)
    return parts.reshape(-1, 16, 16).astype(np.float32)


def _k_scales(blocks: Array) -> tuple[Array, Array]:
    """Scales and floors of the eight parts of a Q4_K or Q5_K block, six bits each."""
    first, second, third = blocks[:, 4:8], blocks[:, 8:12], blocks[:, 12:16]
    scales = np.concatenate([first & 63, third & 15 | first >> 2 & 48], axis=1)
    floors = np.concatenate([second & 63, third >> 4 | second >> 2 & 48], axis=1)
    return _half(blocks, 0) * scales, _half(blocks, 2) * floors


def _q4_k(blocks: Array) -> tuple[Array, Array]:
    scale, floor = _k_scales(blocks)
    codes = nibbles(blocks[:, 16:].reshape(-1, 4, 32)).reshape(-1, 8, 32)
    return scale[:, :, None] * codes - floor[:, :, None], scale[:, :, None]


def _q5_k(blocks: Array) -> tuple[Array, Array]:
    scale, floor = _k_scales(blocks)
    fifth = np.stack([blocks[:, 16:48] >> bit & 1 for bit in range(8)], axis=1) << 4
    codes = nibbles(blocks[:, 48:].reshape(-1, 4, 32)).reshape(-1, 8, 32) | fifth
    return scale[:, :, None] * codes - floor[:, :, None], scale[:, :, None]


def _q6_k(blocks: Array) -> tuple[Array, Array]:
    low = nibbles(blocks[:, :128].reshape(-1, 2, 64)).reshape(-1, 2, 4, 32)
    high = np.stack([blocks[:, 128:192].reshape(-1, 2, 32) >> shift & 3 for shift in (0, 2, 4, 6)], axis=2)
    codes = (low | high << 4).astype(np.float32).reshape(-1, 16, 16) - 32
    scale = _half(blocks, 208) * blocks[:, 192:208].view(np.int8)
    return scale[:, :, None] * codes, scale[:, :, None]


def _iq4_nl(blocks: Array) -> tuple[Array, Array]:
    scale = _half(blocks, 0)
    return scale * _IQ4[nibbles(blocks[:, 2:])], scale * 16


def _iq4_xs(blocks: Array) -> tuple[Array, Array]:
    high = np.ascontiguousarray(blocks[:, 2:4]).view("<u2")
    low = np.stack([blocks[:, 4:8] & 15, blocks[:, 4:8] >> 4], axis=2).reshape(-1, 8)
    codes = low | (high >> np.arange(0, 16, 2, dtype=np.uint16) & 3).astype(np.uint8) << 4
    scale = (_half(blocks, 0) * (codes.astype(np.float32) - 32))[:, :, None]
    return scale * _IQ4[nibbles(blocks[:, 8:].reshape(-1, 8, 16))], scale * 16


def _tq2_0(blocks: Array) -> tuple[Array, Array]:
    codes = np.stack([blocks[:, :64].reshape(-1, 2, 32) >> shift & 3 for shift in (0, 2, 4, 6)], axis=2)
    scale = _half(blocks, 64)
    return scale * (codes.reshape(-1, 256).astype(np.float32) - 1), scale


def _tq1_0(blocks: Array) -> tuple[Array, Array]:
    # Five digits of base three in a byte, the first of them in the remainder of no multiplication.
    powers = np.array([1, 3, 9, 27, 81], dtype=np.uint8)[:, None]
    parts = [(blocks[:, :32], 5), (blocks[:, 32:48], 5), (blocks[:, 48:52], 4)]
    digits = [(part[:, None, :] * powers[:count]).reshape(len(blocks), -1) for part, count in parts]
    codes = (np.concatenate(digits, axis=1).astype(np.uint16) * 3 >> 8).astype(np.float32) - 1
    scale = _half(blocks, 52)
    return scale * codes, scale


def _nvfp4(blocks: Array) -> tuple[Array, Array]:
    exponents, fractions = (blocks[:, :4] >> 3 & 15).astype(np.int32), (blocks[:, :4] & 7).astype(np.float32)
    plain = np.where(exponents == 0, fractions * 2.0**-9, (1 + fractions / 8) * np.exp2(exponents - 7.0))
    scale = np.where(blocks[:, :4] == 0x7F, 0, plain)[:, :, None]
    return scale * E2M1[nibbles(blocks[:, 4:].reshape(-1, 4, 8))], scale


def _mxfp4(blocks: Array) -> tuple[Array, Array]:
    scale = np.exp2(blocks[:, :1].astype(np.float32) - 127)
    return scale * E2M1[nibbles(blocks[:, 1:])], scale


_READERS: Mapping[str, Blocks] = {
    "Q4_0": _q4_0,
    "Q4_1": _q4_1,
    "Q5_0": _q5_0,
    "Q5_1": _q5_1,
    "Q8_0": _q8_0,
    "Q2_K": _q2_k,
    "Q3_K": _q3_k,
    "Q4_K": _q4_k,
    "Q5_K": _q5_k,
    "Q6_K": _q6_k,
    "IQ4_NL": _iq4_nl,
    "IQ4_XS": _iq4_xs,
    "TQ1_0": _tq1_0,
    "TQ2_0": _tq2_0,
    "NVFP4": _nvfp4,
    "MXFP4": _mxfp4,
}
