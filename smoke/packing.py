"""Matrices as small integers with scales, and back.

Owns: int8 by row and int4 by group of 32, each a bounded block of rows at a time, on any device torch has.
Refuses to own: modules that compute with them (`smoke.quantize`, `smoke.experts`). Imports torch.
"""

from __future__ import annotations

import torch
from torch import nn

from smoke.demand import BLOCK_ROWS as ROWS
from smoke.demand import GROUP

FUSED_INPUTS = 32
"""Rows of input up to which the fused product was the faster one; above, unpacking pays for itself."""


def product(x: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor, bits: int, *, is_fused: bool) -> torch.Tensor:
    """`x` times the transposed matrix: fused for few rows of input, else unpacked a block of rows at a time."""
    if is_fused and bits == 8 and len(x) <= FUSED_INPUTS:
        return torch._weight_int8pack_mm(x, weight, scale[:, 0].to(x.dtype))
    parts = [_block(x, weight[i : i + ROWS], scale[i : i + ROWS], bits) for i in range(0, len(weight), ROWS)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _block(x: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor, bits: int) -> torch.Tensor:
    if bits == 8 and x.dtype != torch.float16:  # eight bits are exact in these types; float16 would overflow
        return nn.functional.linear(x, weight.to(x.dtype)) * scale[:, 0].to(x.dtype)
    return nn.functional.linear(x, unpack(weight, scale, bits, x.shape[1], x.dtype))


def pack(weight: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Integers and float32 scales of one matrix: symmetric, by row for 8 bits, by row and group of 32 for 4 bits."""
    limit = 127 if bits == 8 else 7
    rows, columns = weight.shape
    groups, width = (1, columns) if bits == 8 else (-(-columns // GROUP), -(-columns // 2))
    packed = torch.empty(rows, width, dtype=torch.int8 if bits == 8 else torch.uint8, device=weight.device)
    scales = torch.empty(rows, groups, dtype=torch.float32, device=weight.device)
    for start in range(0, rows, ROWS):
        block = weight[start : start + ROWS].float()
        count = block.shape[0]
        block = nn.functional.pad(block, (0, -columns % GROUP)) if bits == 4 else block
        block = block.reshape(count, groups, -1)
        scale = block.abs().amax(dim=-1, keepdim=True) / limit
        # a matrix with NaN must not come out clean: NaN has no integer, so its scale stays NaN and spoils its row
        whole = (block / scale.where(scale > 0, torch.ones_like(scale))).round().clamp(-limit, limit).nan_to_num(0.0)
        whole = whole.to(torch.int8).reshape(count, -1)
        scales[start : start + count] = scale.reshape(count, -1)
        if bits == 4:
            whole = (whole + 8).to(torch.uint8)[:, : columns + columns % 2]
            whole = whole[:, 0::2] | (whole[:, 1::2] << 4)
        packed[start : start + count] = whole
    return packed, scales


def unpack(
    weight: torch.Tensor, scale: torch.Tensor, bits: int, columns: int, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """The matrix that `pack` made these integers and scales from, up to rounding."""
    if bits == 8:
        return weight.to(dtype) * scale.to(dtype)
    whole = torch.empty(weight.shape[0], 2 * weight.shape[1], dtype=dtype, device=weight.device)
    whole[:, 0::2] = weight & 15
    whole[:, 1::2] = weight >> 4
    whole -= 8
    if whole.shape[1] % GROUP:
        whole = nn.functional.pad(whole, (0, -whole.shape[1] % GROUP))
    whole = whole.reshape(weight.shape[0], -1, GROUP) * scale.to(dtype).unsqueeze(-1)
    return whole.reshape(weight.shape[0], -1)[:, :columns]
