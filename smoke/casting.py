"""How much a mere cast moves a model: the yardstick that differences between losses of single tokens are measured by.

Owns: changing every weight by what rounding it to bfloat16 may do, and what that does to the losses. Refuses to own:
how many casts are too many (`smoke.by_token`). Imports torch: only the confined process imports this module.

How far a small change of the weights reaches differs from model to model, so no fixed number of nats is right for all.
A cast is a change that every model must bear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch

from smoke import scoring

BFLOAT16_BITS = 8
"""Of a mantissa, the leading one included."""


def moved(model: Any, windows: Iterable[Sequence[int]], ask: scoring.Ask, before: Sequence[float]) -> float | None:
    """Root mean square of what a cast changes in the losses `before`, in nats; the model is another one afterwards.

    None where it cannot be said, as for weights that are no longer in full precision.
    """
    disturb(model)
    after = scoring.score_ids(model, windows, ask=ask).each
    if not before or len(after) != len(before):
        return None
    found = math.sqrt(sum((a - b) ** 2 for a, b in zip(after, before, strict=True)) / len(before))
    return found if math.isfinite(found) else None


def disturb(model: Any, seed: int = 0) -> None:
    """Moves every weight to where a cast might have brought it from: anywhere that rounds to the same number."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.dtype == torch.float32:
                _, exponent = torch.frexp(weight)
                last = torch.ldexp(torch.ones_like(weight), exponent - BFLOAT16_BITS)
                place = torch.rand(weight.shape, generator=generator).to(weight.device) - 0.5
                weight.add_(torch.where(weight == 0, 0.0, place * last))
