"""Putting an adapter on its base while the base is being read.

Owns: the sum of a matrix and a low-rank product, a block of rows at a time. Refuses to own: which tensors are meant and
whether they fit (`smoke.adapters`). Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from smoke.adapters import Adapter, Change
from smoke.demand import BLOCK_ROWS


class Merged:
    """A tensor of the base with its change, computed when the loader asks for it, in the base's own type."""

    def __init__(self, base: Any, change: Change, own: Mapping[str, Any]) -> None:
        self.base, self.change, self.own = base, change, own

    def __getitem__(self, _: Any) -> torch.Tensor:
        weight = self.base[...]
        left, right = self.own[self.change.b][...].float(), self.own[self.change.a][...].float()
        if self.change.is_transposed:
            left, right = right.T, left.T
        magnitude = self.own[self.change.magnitude][...].float().reshape(-1, 1) if self.change.magnitude else None
        merged = torch.empty(weight.shape, dtype=weight.dtype)
        for start in range(0, len(weight), BLOCK_ROWS):
            rows = slice(start, start + BLOCK_ROWS)
            block = weight[rows].float() + self.change.scale * (left[rows] @ right)
            if magnitude is not None:
                block *= magnitude[rows] / torch.linalg.vector_norm(block, dim=1, keepdim=True)
            merged[rows] = block
        return merged


def merge(base: dict[str, Any], adapter: Adapter, own: Mapping[str, Any]) -> dict[str, Any]:
    """The base's tensors, with those that the adapter changes or replaces put in their place; none is read yet."""
    whole = {**base, **{name: own[source] for name, source in adapter.replaced.items()}}
    return {**whole, **{name: Merged(whole[name], change, own) for name, change in adapter.changes.items()}}
