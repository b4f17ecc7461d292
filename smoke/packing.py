"""Matrices as small integers with scales, and back.

Owns: int8 by row and int4 by group of 32, each a bounded block of rows at a time, on any device torch has; the layout
that torch's fused product with four bits wants; and trying out which products work on a device.
Refuses to own: modules that compute with them (`smoke.quantize`, `smoke.experts`). Imports torch, and nothing larger:
discovering devices waits for it.
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


def can_fuse_four(rows: int, columns: int) -> bool:
    """Whether torch's fused product with four bits takes matrices of this shape."""
    return columns % GROUP == 0 and rows % 16 == 0


def fuse_four(weight: torch.Tensor, scale: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same four bits laid out anew for the fused product, with scales in bfloat16."""
    whole = torch.empty(weight.shape[0], 2 * weight.shape[1], dtype=torch.int32)
    whole[:, 0::2] = weight & 15
    whole[:, 1::2] = weight >> 4
    scale = scale.T
    pairs = torch.stack([scale, torch.zeros_like(scale)], dim=-1).to(torch.bfloat16).contiguous()
    return torch.ops.aten._convert_weight_to_int4pack_for_cpu(whole, 1), pairs


def fused_four(x: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """`x` times the transposed matrix that `fuse_four` laid out."""
    return torch.ops.aten._weight_int4pack_mm_for_cpu(x, weight, GROUP, scale)


def working_kernels(device: str, dtype: torch.dtype) -> list[str]:
    """Names of the products that work here, found by comparing them with the plain product of the same numbers."""
    generator = torch.Generator().manual_seed(0)
    matrix, x = torch.randn(64, 256, generator=generator), torch.randn(3, 256, generator=generator)
    found = []
    for bits in (8, 4):
        weight, scale = pack(matrix, bits)
        plain = x @ unpack(weight, scale, bits, 256).T
        names = [f"int{bits}"] + ([f"int{bits}pack"] if device == "cpu" and dtype == torch.bfloat16 else [])
        for name in names:
            try:
                ours = _try(name, x.to(device, dtype), weight.to(device), scale.to(device)).float().cpu()
            except Exception:  # noqa: S112 - "does not work" is the answer we are after
                continue
            if bool((ours - plain).abs().max() <= 0.03 * plain.abs().max()):
                found.append(name)
    return found


def _try(name: str, x: torch.Tensor, weight: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    if name == "int4pack":
        return fused_four(x, *fuse_four(weight, scale))
    return product(x, weight, scale, 4 if "4" in name else 8, is_fused=name == "int8pack")
