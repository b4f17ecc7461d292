"""The simple changes by which a damaged model may be mended, those first that accidents call for most often.

Owns: what is tried on which architecture, its family and its rank. Refuses to own: making a change
(`smoke.alterations`) and what it gained (`smoke.repairs`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from smoke import alterations
from smoke.anatomy import Heads, Slot, heads_of, slots, stacks, vectors
from smoke.blocks import parts_of, scaled, skipped
from smoke.quantize import QuantizedLinear

OUTLIER = 6.0
"""Times what is typical of a matrix, from which a number counts as an outlier."""

Change = Callable[[], AbstractContextManager[None]]
"""Opens a context inside which the model is changed."""


@dataclass(frozen=True)
class Edit:
    """One change. Those of a family are judged alike; a smaller rank is tried sooner."""

    family: str
    where: str
    change: Change
    rank: int


def listed(model: Any) -> Iterator[Edit]:
    """Every change that this model can be put through."""
    heads = heads_of(model.config)
    yield from whole_model(model)
    for number, blocks in enumerate(stacks(model)):
        name = "block" if number == 0 else "second stack, block"
        inside, weighing = [slots(block, heads) for block in blocks], [vectors(block) for block in blocks]
        usual = sums(weighing) if len(blocks) >= 3 else {}
        yield from order(blocks, name)
        if heads and any(hasattr(m, "inv_freq") for m in model.modules()):
            yield from rotary(inside, heads)
        for place, (block, own) in enumerate(zip(blocks, inside, strict=True)):
            yield from single(own, f"{name} {place}")
            if heads:
                yield from turned(own, heads, f"{name} {place}")
            yield from norms(weighing[place], usual, f"{name} {place}")
            yield from strength(own, f"{name} {place}")
            yield from parts(block, f"{name} {place}")
            yield from bounded(own, f"{name} {place}")


def whole_model(model: Any) -> Iterator[Edit]:
    """Changes to what the whole model shares: embeddings, rotary angles, activations, epsilons."""
    table, head = model.get_input_embeddings(), model.get_output_embeddings()
    ends = [("input embedding", table)]
    if head is not None and hasattr(head, "weight") and not isinstance(head, QuantizedLinear):
        is_tied = head.weight.data_ptr() == table.weight.data_ptr()
        ends = [("embedding", table)] if is_tied else [*ends, ("output head", head)]
        if not is_tied and head.weight.shape == table.weight.shape:
            yield Edit("tie", "output head", partial(alterations.in_place_of, head, table), 0)
    for name, module in ends:
        for step in (1, -1):
            yield Edit("rows", f"{name} by {step}", partial(alterations.rows_moved, module, step), 0)
    for factor in (0.25, 0.5, 2.0, 4.0):
        yield Edit("embedding", f"input x{factor:g}", partial(alterations.outputs, table, factor), 1)
    if any(hasattr(m, "inv_freq") for m in model.modules()):
        for factor in (0.01, 0.1, 10.0, 100.0):
            yield Edit("theta", f"rotary base x{factor:g}", partial(alterations.theta, model, factor), 0)
    for name in ("silu", "gelu", "relu", "gelu_pytorch_tanh", "relu2"):
        if len(found := alterations.activations(model)) and name != getattr(model.config, "hidden_act", ""):
            yield Edit("activation", name, partial(alterations.activation, found, name), 1)
    for epsilon in (1e-6, 1e-2):
        if any(abs(math.log10(e / epsilon)) > 1.5 for _, _, e in alterations.epsilons(model)):
            yield Edit("epsilon", f"{epsilon:g}", partial(alterations.epsilon, model, epsilon), 1)
    for added in (1.0, -1.0):
        yield Edit("norm_offset", f"{added:+g} on every norm", partial(alterations.offset, model, added), 2)


def order(blocks: Sequence[Any], name: str) -> Iterator[Edit]:
    """Two blocks in each other's place, or all of them one place on."""
    count = len(blocks)
    for one, other in sorted(itertools.combinations(range(count), 2), key=lambda pair: pair[1] - pair[0]):
        rank = 2 if other - one == 1 else 3 if (one, other) == (0, count - 1) else 6
        yield Edit(
            "order", f"{name}s {one} and {other}", partial(alterations.swapped, blocks[one], blocks[other]), rank
        )
    for step in (1, -1):
        yield Edit("order", f"{name}s by {step}", partial(alterations.rotated, blocks, step), 2)


def rotary(inside: Sequence[Sequence[Slot]], heads: Heads) -> Iterator[Edit]:
    """Queries and keys laid out for the other of the two conventions of rotary angles, everywhere or in one block."""
    chosen = [[s for s in own if s.role in ("q", "k") and not s.shape[0] % heads.width] for own in inside]
    if not all(chosen) or heads.width % 2:
        return
    half = heads.width // 2
    layouts = {
        "halves": torch.arange(heads.width).reshape(half, 2).T.reshape(-1),
        "pairs": torch.arange(heads.width).reshape(2, half).T.reshape(-1),
    }
    for name, layout in layouts.items():
        every = [slot for own in chosen for slot in own]
        yield Edit("rotary", f"{name}, all blocks", partial(alterations.by_head, every, heads.width, layout), 0)
        for place, own in enumerate(chosen):
            yield Edit("rotary", f"{name}, block {place}", partial(alterations.by_head, own, heads.width, layout), 5)


def single(own: Sequence[Slot], name: str) -> Iterator[Edit]:
    """One matrix transposed or negated, or two of one shape in each other's place."""
    for slot in own:
        outputs, inputs = slot.shape
        if outputs == inputs:
            yield Edit("transposed", f"{name} {slot.path}", partial(alterations.transposed, slot), 2)
    for slot in distinct(own):
        yield Edit("sign", f"{name} {slot.path}", partial(alterations.times, slot, -1.0), 3)
    for one, other in itertools.combinations(own, 2):
        if one.shape == other.shape:
            rank = 2 if "gate" in (one.role, other.role) or {one.role, other.role} == {"k", "v"} else 5
            yield Edit(
                "swapped", f"{name} {one.path} and {other.path}", partial(alterations.exchanged, one, other), rank
            )


def turned(own: Sequence[Slot], heads: Heads, name: str) -> Iterator[Edit]:
    """Heads one place on: of keys and values together, of each alone, and of queries."""
    by_role = {slot.role: slot for slot in own}
    groups = [["k", "v"], ["k"], ["v"]] if heads.shared > 1 else []
    groups += [["q"]] if heads.query > 1 else []
    for roles in groups:
        chosen = [by_role[role] for role in roles if role in by_role]
        if len(chosen) != len(roles) or any(s.shape[0] % heads.width for s in chosen):
            continue
        count = chosen[0].shape[0] // heads.width
        for step in {1, -1 % count} if count > 1 else set():
            shift = heads.width * step
            yield Edit("heads", f"{name} {'+'.join(roles)} by {step}", partial(alterations.shifted, chosen, shift), 4)


def sums(weighing: Sequence[dict[str, Any]]) -> dict[str, tuple[torch.Tensor, int]]:
    """Of each norm that all of some blocks have in one shape: the sum of its weights, and over how many blocks."""
    found: dict[str, tuple[torch.Tensor, int]] = {}
    for path in weighing[0]:
        weights = [own[path].weight.data for own in weighing if path in own]
        if len(weights) > 1 and len({weight.shape for weight in weights}) == 1:
            # in double precision, so that taking one of them away again leaves the sum of the others
            found[path] = torch.stack(weights).double().sum(dim=0), len(weights)
    return found


def norms(own: dict[str, Any], usual: dict[str, tuple[torch.Tensor, int]], name: str) -> Iterator[Edit]:
    """Two norms in each other's place, or one as in the other blocks."""
    for one, other in itertools.combinations(own, 2):
        a, b = own[one], own[other]
        if a.weight.shape == b.weight.shape:
            yield Edit("norms", f"{name} {one} and {other}", partial(alterations.weights, a, b), 4)
    for path, module in own.items():
        if path in usual:
            total, count = usual[path]
            mean = ((total - module.weight.data.double()) / (count - 1)).to(module.weight.dtype)
            yield Edit("norm_like_others", f"{name} {path}", partial(alterations.weight, module, mean), 4)


def distinct(own: Sequence[Slot]) -> list[Slot]:
    """Those whose strength is not that of another: keys act with queries, values and `up` with what follows."""
    has_gate = any(slot.role == "gate" for slot in own)
    inner = ("k", "v", "out")
    return [s for s in own if s.role not in inner and (s.role or not has_gate)]


def strength(own: Sequence[Slot], name: str) -> Iterator[Edit]:
    """A single matrix stronger or weaker."""
    for slot in distinct(own):
        for factor in (0.0, 0.5, 2.0):
            yield Edit("absence" if not factor else "strength", f"{name} {slot.path} x{factor:g}",
                       partial(alterations.times, slot, factor), 4)  # fmt: skip


def bounded(own: Sequence[Slot], name: str) -> Iterator[Edit]:
    """A block without the few numbers that a flipped bit made large; where they were trained so, they are needed."""
    yield Edit("outliers", f"{name} without outliers", partial(alterations.without_outliers, own, OUTLIER), 2)


def parts(block: Any, name: str) -> Iterator[Edit]:
    """A block left out, or what its attention or its feed-forward part adds turned off, down, up or round."""
    yield Edit("absence", f"{name} skipped", partial(skipped, block), 1)
    for path, module in parts_of(block).items():
        for factor in (0.0, 0.5, 2.0, -1.0):
            family = "sign" if factor < 0 else "strength" if factor else "absence"
            yield Edit(family, f"{name} {path} x{factor:g}", partial(scaled, module, factor), 1)
