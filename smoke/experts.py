"""Fused experts with small integers: stacks of matrices of which each token uses a few.

Owns: the stacks of every mixture of experts that transformers lays out in its common way, and the product with the
experts that were chosen, one expert at a time. Refuses to own: the integers (`smoke.packing`), routers (they stay in
full precision) and layouts of their own, which stay in two bytes an element.
Imports torch and transformers: only the confined process imports this module.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from transformers.integrations.moe import ALL_EXPERTS_FUNCTIONS

from smoke.demand import GROUP, STACKS
from smoke.packing import pack, product, unpack

METHOD = "imprimatur"
SCALE = "_scale"


def replace(module: Any, bits: int) -> bool:
    """Makes room for integers where this module is a common layout of experts; False where it is anything else."""
    if not all(hasattr(module, name) for name in ("has_gate", "has_bias", "is_transposed", "_apply_gate", "config")):
        return False
    names = [name for name in STACKS if isinstance(getattr(module, name, None), nn.Parameter)]
    if len(names) != 2 or any(getattr(module, name).ndim != 3 for name in names):
        return False
    module.quantized_bits, module.quantized_is_fused = bits, False
    module.quantized_shapes = {name: tuple(getattr(module, name).shape) for name in names}
    for name, (count, rows, columns) in module.quantized_shapes.items():
        width = columns if bits == 8 else -(-columns // 2)
        groups = 1 if bits == 8 else -(-columns // GROUP)
        delattr(module, name)
        kind = torch.int8 if bits == 8 else torch.uint8
        module.register_buffer(name, torch.empty(count, rows, width, dtype=kind, device="meta"))
        scale = torch.empty(count, rows, groups, dtype=torch.float32, device="meta")
        module.register_buffer(name + SCALE, scale)
    module.config._experts_implementation_internal = METHOD
    return True


def holds(module: Any, name: str) -> bool:
    """Whether this is a stack of matrices that `replace` made room for."""
    return name in getattr(module, "quantized_shapes", ())


def pack_each(stack: torch.Tensor, bits: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Integers and scales of each matrix of the stack, over its last dimension."""
    first, scale = pack(stack[0], bits)
    weights, scales = first.new_empty(len(stack), *first.shape), scale.new_empty(len(stack), *scale.shape)
    for i, matrix in enumerate(stack):
        weights[i], scales[i] = pack(matrix, bits)
    return weights, scales


def fuse(model: Any) -> None:
    """Switches all experts to the fused product, which a trial has shown to work here."""
    for module in model.modules():
        if hasattr(module, "quantized_shapes"):
            module.quantized_is_fused = True


def forward(
    self: Any, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
) -> torch.Tensor:
    """What every expert that was chosen makes of its tokens, weighted and summed."""
    out = torch.zeros(hidden_states.shape, dtype=torch.float32, device=hidden_states.device)
    first = "gate_up_proj" if self.has_gate else "up_proj"
    for expert in top_k_index.unique().tolist():
        if expert >= self.num_experts:
            continue
        tokens, places = torch.where(top_k_index == expert)
        wide = _times(self, first, expert, hidden_states[tokens])
        wide = self._apply_gate(wide) if self.has_gate else self.act_fn(wide)
        narrow = _times(self, "down_proj", expert, wide)
        if getattr(self, "has_post_expert_norm", False):
            narrow = self.post_expert_norm(narrow)
        out.index_add_(0, tokens, narrow.float() * top_k_weights[tokens, places, None].float())
    return out.to(hidden_states.dtype)


def _times(module: Any, name: str, expert: int, x: torch.Tensor) -> torch.Tensor:
    weight, scale = getattr(module, name)[expert], getattr(module, name + SCALE)[expert]
    bits, columns = module.quantized_bits, module.quantized_shapes[name][2]
    if module.is_transposed:
        out = x @ unpack(weight, scale, bits, columns, x.dtype)
    else:
        out = product(x.contiguous(), weight, scale, bits, is_fused=module.quantized_is_fused)
    return out + getattr(module, name + "_bias")[expert] if module.has_bias else out


ALL_EXPERTS_FUNCTIONS.register(METHOD, forward)
