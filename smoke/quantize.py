"""Weight-only quantization that works on any device torch has, one matrix at a time.

Owns: the linear module that computes with integers, and the hook by which transformers builds and fills such modules
while it loads, so that the full-precision model never exists in memory.
Refuses to own: the integers (`smoke.packing`), fused experts (`smoke.experts`), which precision is chosen
(`smoke.plan`) and checking the loaded keys (`smoke.loading`).

Imports torch and transformers at the top: only the confined process imports this module.
"""

from __future__ import annotations

import contextlib
from typing import Any

import torch
from torch import nn
from transformers.core_model_loading import ConversionOps
from transformers.pytorch_utils import Conv1D
from transformers.quantizers.auto import register_quantization_config, register_quantizer
from transformers.quantizers.base import HfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin

from smoke import experts
from smoke.demand import GROUP, INT4, INT8
from smoke.packing import can_fuse_four, fuse_four, fused_four, pack, product, working_kernels

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
        """The product: fused for few rows of input, else with the matrix unpacked a block of rows at a time."""
        flat = x.reshape(-1, self.in_features)
        if self.kernel == "int4pack":
            out = fused_four(flat, self.weight, self.scale)
        else:
            out = product(flat, self.weight, self.scale, self.bits, is_fused=self.kernel == "int8pack")
        out = out.reshape(*x.shape[:-1], self.out_features)
        return out if self.bias is None else out + self.bias.to(out.dtype)


def fuse(module: QuantizedLinear) -> None:
    """Switches a module to the fused product; for four bits its matrix is laid out anew, as that product wants it."""
    if module.bits == 8:
        module.kernel = "int8pack"
        return
    if can_fuse_four(module.out_features, module.in_features):
        module.weight, module.scale = fuse_four(module.weight, module.scale)
        module.kernel = "int4pack"


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
        for module in model.modules():
            if callable(getattr(module, "_init_weights", None)):
                module._init_weights = _tolerant(module._init_weights)

    def param_needs_quantization(self, model: Any, param_name: str, **kwargs: Any) -> bool:
        """Whether this parameter is the matrix of a replaced module, or a stack of matrices of replaced experts."""
        path, _, name = param_name.rpartition(".")
        module = model.get_submodule(path)
        return (name == "weight" and isinstance(module, QuantizedLinear)) or experts.holds(module, name)

    def get_quantize_ops(self) -> ConversionOps:
        """The step by which one loaded matrix becomes integers and scales."""
        return _Pack(self.mismatched)


def _tolerant(initialize: Any) -> Any:
    """The same, but for modules whose numbers cannot be drawn at random: absent ones are told, and end the run."""

    def attempt(module: Any) -> None:
        with contextlib.suppress(NotImplementedError, RuntimeError, TypeError):
            initialize(module)

    return attempt


class _Pack(ConversionOps):  # type: ignore[misc]
    def __init__(self, mismatched: list[str]) -> None:
        self.mismatched = mismatched

    def convert(self, input_dict: dict[str, Any], *, model: Any = None, full_layer_name: str = "", **_: Any) -> Any:
        found: dict[str, Any] = {}
        for key, value in input_dict.items():
            # one stored tensor can become several parameters; each then comes under its own name
            name = key if len(input_dict) > 1 else full_layer_name
            found |= self._packed(name, value[0] if isinstance(value, list) else value, model)
        return found

    def _packed(self, name: str, value: torch.Tensor, model: Any) -> dict[str, torch.Tensor]:
        path, _, leaf = name.rpartition(".")
        module = model.get_submodule(path)
        if experts.holds(module, leaf):
            expected = module.quantized_shapes[leaf]
        elif isinstance(module, QuantizedLinear) and leaf == "weight":
            value = value.T if module.is_transposed else value
            expected = (module.out_features, module.in_features)
        else:
            return {name: value}
        if tuple(value.shape) != expected:
            self.mismatched.append(f"{name} {tuple(value.shape)} for {expected}")
            return {}
        module._is_hf_initialized = True
        if len(expected) == 3:
            weight, scale = experts.pack_each(value, module.quantized_bits)
            return {name: weight, f"{name}{experts.SCALE}": scale}
        weight, scale = pack(value, module.bits)
        return {name: weight, f"{path}.scale": scale}


def replace(model: Any, bits: int, kept: list[str]) -> int:
    """Puts an empty quantized module in place of every linear one that is not kept; returns how many.

    Fused experts stay the modules that they are, with integers for their stacks of matrices.
    """
    count = 0
    for name, module in list(model.named_modules()):
        if any(name == k or name.startswith(k + ".") or name.endswith("." + k) for k in kept):
            continue
        if experts.replace(module, bits):
            count += 1
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


def is_quantized(module: Any) -> bool:
    """Whether this module holds integers."""
    return isinstance(module, QuantizedLinear) or hasattr(module, "quantized_shapes")


def use_kernel(model: Any, device: str, dtype: torch.dtype, bits: int) -> str:
    """Switches to the fused product where a trial shows that it works; returns the name of what will compute."""
    name = f"int{bits}pack"
    if name not in working_kernels(device, dtype):
        return "portable"
    modules = [module for module in model.modules() if isinstance(module, QuantizedLinear)]
    for module in modules:
        fuse(module)
    if bits == 8:
        experts.fuse(model)
    portable = sum(module.kernel == "portable" for module in modules)
    return f"{name}, {portable} portable" if portable else name


BITS = {INT8: 8, INT4: 4}
