"""Weight-only quantization that works on any device torch has, one matrix at a time.

Owns: int8 by row and int4 by group of 32, the modules that compute with them, and the hook by which transformers builds
and fills such modules while it loads, so that the full-precision model never exists in memory.
Refuses to own: which precision is chosen (`smoke.plan`) and checking the loaded keys (`smoke.loading`).

Imports torch and transformers at the top: only the confined process imports this module.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers.core_model_loading import ConversionOps
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.auto import register_quantization_config, register_quantizer
from transformers.quantizers.base import HfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from smoke.plan import BLOCK_ROWS as ROWS
from smoke.plan import GROUP, INT4, INT8

METHOD = "imprimatur"


class QuantizedLinear(nn.Module):  # type: ignore[misc]  # torch is not typed here
    """A linear layer whose matrix is kept as small integers with scales; the product is taken in the input's type."""

    weight: torch.Tensor
    scale: torch.Tensor
    bias: torch.Tensor | None

    def __init__(self, inputs: int, outputs: int, bits: int, has_bias: bool, is_transposed: bool) -> None:
        super().__init__()
        self.in_features, self.out_features, self.bits = inputs, outputs, bits
        self.is_transposed = is_transposed
        self.kernel = "portable"
        columns = inputs if bits == 8 else -(-inputs // 2)
        groups = 1 if bits == 8 else -(-inputs // GROUP)
        self.register_buffer("weight", torch.empty(outputs, columns, dtype=torch.int8 if bits == 8 else torch.uint8))
        self.register_buffer("scale", torch.empty(outputs, groups, dtype=torch.float32))
        if has_bias:
            self.bias = nn.Parameter(torch.empty(outputs), requires_grad=False)
        else:
            self.register_parameter("bias", None)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The product with the unpacked matrix, a block of rows at a time."""
        if self.kernel == "int8pack":
            flat = x.reshape(-1, self.in_features)
            out = torch._weight_int8pack_mm(flat, self.weight, self.scale[:, 0].to(x.dtype))
            out = out.reshape(*x.shape[:-1], self.out_features)
        else:
            parts = [nn.functional.linear(x, block) for block in self.blocks(x.dtype)]
            out = parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)
        return out if self.bias is None else out + self.bias.to(out.dtype)

    def blocks(self, dtype: torch.dtype) -> Iterator[torch.Tensor]:
        """The matrix in full precision, `ROWS` rows at a time."""
        for start in range(0, self.out_features, ROWS):
            weight, scale = self.weight[start : start + ROWS], self.scale[start : start + ROWS]
            yield unpack(weight, scale, self.bits, self.in_features).to(dtype)


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


def unpack(weight: torch.Tensor, scale: torch.Tensor, bits: int, columns: int) -> torch.Tensor:
    """The float32 matrix that `pack` made these integers and scales from, up to rounding."""
    if bits == 8:
        return weight.float() * scale
    low, high = (weight & 15).to(torch.int8) - 8, (weight >> 4).to(torch.int8) - 8
    whole = torch.stack((low, high), dim=-1).reshape(weight.shape[0], -1)
    whole = nn.functional.pad(whole, (0, -whole.shape[1] % GROUP)).reshape(weight.shape[0], -1, GROUP)
    return (whole.float() * scale.unsqueeze(-1)).reshape(weight.shape[0], -1)[:, :columns]


def fused_kernel_works(device: str, dtype: torch.dtype) -> bool:
    """Whether the fused int8 product of this device gives what the portable one gives, by trying it."""
    if not device.startswith("cpu"):
        return False
    try:
        generator = torch.Generator().manual_seed(0)
        weight, scale = pack(torch.randn(32, 256, generator=generator), 8)
        x = torch.randn(3, 256, generator=generator).to(dtype)
        fused = torch._weight_int8pack_mm(x, weight, scale[:, 0].to(dtype)).float()
        plain = nn.functional.linear(x.float(), unpack(weight, scale, 8, 256))
        return bool((fused - plain).abs().max() <= 0.02 * plain.abs().max())
    except (RuntimeError, AttributeError, NotImplementedError):
        return False


@register_quantization_config(METHOD)
class Config(QuantizationConfigMixin):  # type: ignore[misc]
    """Tells transformers to quantize while loading; never read from a checkpoint (the plan refuses such ones)."""

    def __init__(self, bits: int = 8, **kwargs: Any) -> None:
        self.quant_method = METHOD
        self.bits = bits


@register_quantizer(METHOD)
class Quantizer(HfQuantizer):  # type: ignore[misc]
    """Replaces linear modules before loading and packs each matrix as it arrives."""

    requires_calibration = False

    def __init__(self, quantization_config: Any, **kwargs: Any) -> None:
        super().__init__(quantization_config, **kwargs)
        self.mismatched: list[str] = []
        """Matrices of another shape than their module: transformers does not compare shapes of quantized ones."""

    @property
    def is_trainable(self) -> bool:
        """Never: the modules hold integers."""
        return False

    def is_serializable(self, *_: Any) -> bool:
        """Never saved: quantization here is a means of looking, not a product."""
        return False

    @property
    def quantized_element_size(self) -> float:
        """Bytes per element."""
        return float(self.quantization_config.bits / 8)

    def _process_model_before_weight_loading(self, model: Any, **kwargs: Any) -> None:
        kept = self.get_modules_to_not_convert(model, None, model._keep_in_fp32_modules)
        replace(model, self.quantization_config.bits, kept)

    def param_needs_quantization(self, model: Any, param_name: str, **kwargs: Any) -> bool:
        """Whether this parameter is the matrix of a replaced module."""
        path, _, name = param_name.rpartition(".")
        return name == "weight" and isinstance(model.get_submodule(path), QuantizedLinear)

    def get_quantize_ops(self) -> ConversionOps:
        """The step by which one loaded matrix becomes integers and scales."""
        return _Pack(self.mismatched)


class _Pack(ConversionOps):  # type: ignore[misc]
    def __init__(self, mismatched: list[str]) -> None:
        self.mismatched = mismatched

    def convert(self, input_dict: dict[str, Any], *, model: Any = None, full_layer_name: str = "", **_: Any) -> Any:
        (value,) = input_dict.values()
        value = value[0] if isinstance(value, list) else value
        path = full_layer_name.rpartition(".")[0]
        module = model.get_submodule(path)
        value = value.T if module.is_transposed else value
        if tuple(value.shape) != (module.out_features, module.in_features):
            self.mismatched.append(
                f"{full_layer_name} {tuple(value.shape)} for {module.out_features, module.in_features}"
            )
            return {}
        weight, scale = pack(value, module.bits)
        module._is_hf_initialized = True
        return {full_layer_name: weight, f"{path}.scale": scale}


def replace(model: Any, bits: int, kept: list[str]) -> int:
    """Puts an empty quantized module in place of every linear one that is not kept; returns how many."""
    count = 0
    for name, module in list(model.named_modules()):
        if any(name == k or name.startswith(k + ".") or name.endswith("." + k) for k in kept):
            continue
        if type(module) is nn.Linear:
            outputs, inputs, is_transposed = module.out_features, module.in_features, False
        elif type(module) is Conv1D:
            inputs, outputs, is_transposed = module.nx, module.nf, True
        else:
            continue
        parent, _, leaf = name.rpartition(".")
        with torch.device("meta"):
            new = QuantizedLinear(inputs, outputs, bits, module.bias is not None, is_transposed)
        model.get_submodule(parent).register_module(leaf, new)
        count += 1
    return count


def use_kernel(model: Any, device: str, dtype: torch.dtype, bits: int) -> str:
    """Switches to the fused product where a trial shows that it works; returns the name of what will compute."""
    if bits != 8 or not fused_kernel_works(device, dtype):
        return "portable"
    for module in model.modules():
        if isinstance(module, QuantizedLinear):
            module.kernel = "int8pack"
    return "int8pack"


BITS = {INT8: 8, INT4: 4}
