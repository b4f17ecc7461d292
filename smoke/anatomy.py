"""Where the matrices of a loaded model are and what they are for, whatever the architecture calls them.

Owns: the stacks of equal blocks, the matrices inside a block (also those that share one tensor, as fused projections
do), reading and writing them in whichever form they are kept, and the counts of heads. Refuses to own: what is done to
them (`smoke.repairs`, `smoke.blocks`). Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from smoke.blocks import is_large
from smoke.packing import pack, unpack
from smoke.quantize import QuantizedLinear

ROLES = (
    ("qkv", re.compile(r"(c_attn|qkv|wqkv|query_key_value|in_proj)$", re.IGNORECASE)),
    ("q", re.compile(r"(^|\.)(q_proj|query|q|wq|q_lin)$")),
    ("k", re.compile(r"(^|\.)(k_proj|key|k|wk|k_lin)$")),
    ("v", re.compile(r"(^|\.)(v_proj|value|v|wv|v_lin)$")),
    ("out", re.compile(r"(^|\.)(o_proj|out_proj|c_proj|down_proj|dense_4h_to_h|dense|wo|w2|o)$")),
    ("gate", re.compile(r"(^|\.)(gate_proj|w1|wi_0)$")),
)


@dataclass(frozen=True)
class Heads:
    """Numbers of heads, and the width of one."""

    query: int
    shared: int
    """Heads of keys and values; fewer than those of queries where several queries share one."""
    width: int


@dataclass
class Slot:
    """One matrix, outputs by inputs: a whole parameter of a module, or some rows of it."""

    path: str
    role: str
    module: Any
    rows: torch.Tensor | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Outputs and inputs."""
        module = self.module
        if isinstance(module, (QuantizedLinear, nn.Linear)):
            outputs, inputs = module.out_features, module.in_features
        else:
            outputs, inputs = module.nf, module.nx
        return (outputs if self.rows is None else len(self.rows)), inputs

    def read(self) -> torch.Tensor:
        """A copy of the matrix."""
        whole = _whole(self.module)
        return whole.clone() if self.rows is None else whole[self.rows]

    def write(self, matrix: torch.Tensor) -> None:
        """Puts a matrix of the same shape in its place."""
        if self.rows is not None:
            whole = _whole(self.module).clone()
            whole[self.rows] = matrix.to(whole.dtype)
            matrix = whole
        module = self.module
        if isinstance(module, QuantizedLinear):
            module.weight, module.scale = pack(matrix, module.bits)
        else:
            module.weight.data.copy_(matrix.T if isinstance(module, Conv1D) else matrix)

    @contextmanager
    def holding(self, matrix: torch.Tensor) -> Iterator[None]:
        """Another matrix in its place, inside."""
        with kept(self.module):
            self.write(matrix)
            yield


def _whole(module: Any) -> torch.Tensor:
    if isinstance(module, QuantizedLinear):
        return unpack(module.weight, module.scale, module.bits, module.in_features)
    weight: torch.Tensor = module.weight.data
    return weight.T if isinstance(module, Conv1D) else weight


@contextmanager
def kept(*modules: Any) -> Iterator[None]:
    """What these modules hold is the same afterwards, to the bit, whatever is done to it inside."""
    before: list[tuple[torch.Tensor, ...]] = []
    for module in modules:
        if isinstance(module, QuantizedLinear):
            before.append((module.weight, module.scale))
        else:
            before.append((module.weight.data.clone(),))
    try:
        yield
    finally:
        for module, held in zip(modules, before, strict=True):
            if isinstance(module, QuantizedLinear):
                module.weight, module.scale = held
            else:
                module.weight.data.copy_(held[0])


def stacks(model: Any) -> list[list[Any]]:
    """Each list of at least two blocks of one class; an encoder with a decoder has two."""
    found: list[list[Any]] = []
    for module in model.modules():
        if not isinstance(module, nn.ModuleList) or len(module) < 2:
            continue
        blocks = list(module)
        if len({type(block) for block in blocks}) == 1 and is_large(blocks[0]):
            found.append(blocks)
    inner = {id(m) for blocks in found for block in blocks for m in block.modules() if m is not block}
    return [blocks for blocks in found if id(blocks[0]) not in inner]


def heads_of(config: Any) -> Heads | None:
    """From the configuration, by the names that architectures use; None where it does not say."""
    query = _first(config, "num_attention_heads", "n_head", "num_heads")
    hidden = _first(config, "hidden_size", "n_embd", "d_model")
    if not query or not hidden:
        return None
    shared = _first(config, "num_key_value_heads") or query
    width = _first(config, "head_dim", "d_kv") or hidden // query
    return Heads(query, shared, width)


def _first(config: Any, *names: str) -> int:
    for name in names:
        found = getattr(config, name, None)
        if isinstance(found, int) and not isinstance(found, bool) and found > 0:
            return found
    return 0


def slots(block: Any, heads: Heads | None) -> list[Slot]:
    """The matrices of a block that can be read back, fused ones taken apart."""
    found: list[Slot] = []
    for path, module in block.named_modules():
        if isinstance(module, QuantizedLinear):
            if module.kernel == "int4pack":
                continue  # laid out for its product, and not to be read back
        elif not isinstance(module, (nn.Linear, Conv1D)):
            continue
        whole = Slot(path, role_of(path), module)
        parts = apart(whole, heads) if whole.role == "qkv" and heads else []
        found += parts or [whole]
    return found


def role_of(path: str) -> str:
    """What a matrix is for, by its name; empty where the name does not say."""
    return next((role for role, pattern in ROLES if pattern.search(path)), "")


def apart(whole: Slot, heads: Heads) -> list[Slot]:
    """Queries, keys and values of a fused projection: in three pieces, or head by head."""
    outputs, _ = whole.shape
    width = heads.width
    if outputs != (heads.query + 2 * heads.shared) * width:
        return []
    rows = torch.arange(outputs)
    if "query_key_value" in whole.path and heads.query == heads.shared:
        by_head = rows.reshape(heads.query, 3, width)
        pieces = [by_head[:, i].reshape(-1) for i in range(3)]
    else:
        pieces = list(rows.split([heads.query * width, heads.shared * width, heads.shared * width]))
    return [Slot(f"{whole.path}[{role}]", role, whole.module, piece) for role, piece in zip("qkv", pieces, strict=True)]


def vectors(block: Any) -> dict[str, Any]:
    """Weights of the norms of a block, by path."""
    return {
        path: module
        for path, module in block.named_modules()
        if isinstance(getattr(module, "weight", None), torch.Tensor) and module.weight.ndim == 1
    }
