"""Does every block earn its place? Measured by turning each one down, without any reference.

Owns: finding the blocks of a decoder, scaling what their parts add to the residual stream, and skipping them.
Refuses to own: what a good value is (`smoke.verdict`). Imports torch: only the confined process imports this module.

In a trained model each block lowers the loss, and each part of it is of about the right strength: a part whose loss
falls when it is turned down, or off, is damaged. Costs seven passes for each block looked at, so a time budget picks
blocks evenly and the report says how many of them were looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from smoke import scoring
from smoke.budget import Budget

FACTORS = (0.0, 0.5, 2.0)
TOKENS = 384


def measure(
    model: Any, windows: Sequence[Sequence[int]], *, budget_seconds: float, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Change of loss for each part turned down or up and each block skipped, in nats, beside the undisturbed loss."""
    blocks = find(model)
    if not blocks or not windows:
        return {"skipped": "No list of equal blocks was found in this architecture."}
    ids = excerpt(windows)
    parts = {number: parts_of(block) for number, block in enumerate(blocks)}
    if not all(parts.values()) or not is_a_sum(model, blocks[0], parts[0], ids[0]):
        return {"skipped": "The blocks of this architecture are not sums of separate parts."}
    pass_alone = Budget(budget_seconds, model)
    base = scoring.score_ids(model, ids).nats_per_token
    each = max(1e-3, pass_alone.spent()) * (1 + len(FACTORS) * max(len(p) for p in parts.values()))
    chosen = spread(len(blocks), max(1, int(budget_seconds / each)))
    updates = update_norms(model, blocks, ids[0])
    found: list[dict[str, Any]] = []
    for done, number in enumerate(chosen, 1):
        with skipped(blocks[number]):
            skip = scoring.score_ids(model, ids).nats_per_token - base
        damped = {}
        for name, module in parts[number].items():
            for factor in FACTORS:
                with scaled(module, factor):
                    damped[f"{name} x{factor:g}"] = scoring.score_ids(model, ids).nats_per_token - base
        found.append({"block": number, "skip_nats": skip, "damped_nats": damped})
        progress(done, len(chosen))
    return {
        "nats_per_token": base,
        "total": len(blocks),
        "looked_at": len(chosen),
        "tokens": sum(len(w) - 1 for w in ids),
        "blocks": found,
        "updates": updates,
    }


def excerpt(windows: Sequence[Sequence[int]]) -> list[list[int]]:
    """The first windows, `TOKENS` tokens in all."""
    taken: list[list[int]] = []
    left = TOKENS
    for window in windows:
        if left < 2:
            break
        taken.append(list(window[:left]))
        left -= len(taken[-1])
    return taken


def find(model: Any) -> list[Any]:
    """The longest list of at least two modules of one class: the blocks."""
    lists = [list(m) for m in model.modules() if isinstance(m, nn.ModuleList) and len(m) >= 2]
    alike = [blocks for blocks in lists if len({type(block) for block in blocks}) == 1 and is_large(blocks[0])]
    return max(alike, key=len, default=[])


def is_large(module: Any) -> bool:
    """Whether it holds more than one matrix, as a block does and a list of experts' projections does not."""
    return len([t for t in (*module.parameters(), *module.buffers()) if t.ndim == 2]) > 1


def parts_of(block: Any) -> dict[str, Any]:
    """Attention, feed-forward and the like: the direct children that hold matrices."""
    return {
        name: child
        for name, child in block.named_children()
        if any(t.ndim >= 2 for t in (*child.parameters(), *child.buffers()))
    }


def is_a_sum(model: Any, block: Any, parts: dict[str, Any], window: list[int]) -> bool:
    """Whether the block passes its input through unchanged once all its parts are turned off."""
    seen: list[bool] = []

    def look(module: Any, args: Any, kwargs: Any, output: Any) -> None:
        before = args[0] if args else kwargs.get("hidden_states")
        seen.append(before is not None and torch.equal(first(output), before))

    handle = block.register_forward_hook(look, with_kwargs=True)
    undo = [part.register_forward_hook(_scaling(0.0)) for part in parts.values()]
    try:
        scoring.score_ids(model, [window[:8]])
    finally:
        handle.remove()
        for one in undo:
            one.remove()
    return bool(seen) and all(seen)


def update_norms(model: Any, blocks: Sequence[Any], window: list[int]) -> list[float]:
    """How much each block changes what passes through it, relative to its size."""
    found: list[float] = []

    def look(module: Any, args: Any, kwargs: Any, output: Any) -> None:
        before = (args[0] if args else kwargs["hidden_states"]).float()
        change = (first(output).float() - before).norm(dim=-1) / before.norm(dim=-1).clamp_min(1e-9)
        # by token: the first one can be so large in deep models that it would hide all others
        found.append(float(change.median()))

    handles = [block.register_forward_hook(look, with_kwargs=True) for block in blocks]
    try:
        scoring.score_ids(model, [window])
    finally:
        for handle in handles:
            handle.remove()
    return found


def first(output: Any) -> Any:
    """The hidden states in what a module returns."""
    return output[0] if isinstance(output, tuple) else output


@contextmanager
def scaled(module: Any, factor: float) -> Iterator[None]:
    """What this part adds is multiplied by `factor` inside."""
    handle = module.register_forward_hook(_scaling(factor))
    try:
        yield
    finally:
        handle.remove()


def _scaling(factor: float) -> Callable[[Any, Any, Any], Any]:
    def hook(module: Any, args: Any, output: Any) -> Any:
        return (output[0] * factor, *output[1:]) if isinstance(output, tuple) else output * factor

    return hook


@contextmanager
def skipped(block: Any) -> Iterator[None]:
    """The block passes its input on unchanged inside."""

    def hook(module: Any, args: Any, kwargs: Any, output: Any) -> Any:
        before = args[0] if args else kwargs["hidden_states"]
        return (before, *output[1:]) if isinstance(output, tuple) else before

    handle = block.register_forward_hook(hook, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()


def spread(total: int, most: int) -> list[int]:
    """At most so many block numbers, evenly spaced, first and last among them."""
    if most >= total:
        return list(range(total))
    if most == 1:
        return [total - 1]
    return sorted({round(i * (total - 1) / (most - 1)) for i in range(most)})
