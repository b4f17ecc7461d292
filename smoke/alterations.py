"""Changes to a loaded model that last as long as a context is open.

Owns: making them, and leaving the model as it was to the bit. Refuses to own: which are worth trying (`smoke.edits`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import nn

from smoke.anatomy import Slot, kept, stacks, vectors
from smoke.quantize import is_quantized


@contextmanager
def transposed(slot: Slot) -> Iterator[None]:
    """A square matrix, transposed."""
    with slot.holding(slot.read().T):
        yield


@contextmanager
def times(slot: Slot, factor: float) -> Iterator[None]:
    """A matrix, multiplied."""
    with slot.holding(slot.read() * factor):
        yield


@contextmanager
def without_outliers(slots: Sequence[Slot], limit: float) -> Iterator[None]:
    """Nothing in place of the numbers of these matrices that are so many times larger than is typical of their own."""
    with kept(*(slot.module for slot in slots)):
        for slot in slots:
            matrix = slot.read()
            size = matrix.abs()
            far = size > limit * size.float().square().mean().sqrt()
            if bool(far.any()):
                slot.write(matrix.masked_fill(far, 0.0))
        yield


@contextmanager
def weight(module: Any, weight: torch.Tensor) -> Iterator[None]:
    """Another weight in this module."""
    with kept(module):
        module.weight.data.copy_(weight)
        yield


@contextmanager
def in_place_of(module: Any, other: Any) -> Iterator[None]:
    """The weight of another module in this one, without a copy."""
    held = module.weight.data
    module.weight.data = other.weight.data
    try:
        yield
    finally:
        module.weight.data = held


@contextmanager
def rows_moved(module: Any, step: int) -> Iterator[None]:
    """The rows of a table some places on, around the end; one copy, since tables can be the largest tensors of all."""
    held = module.weight.data
    module.weight.data = held.roll(step, 0)
    try:
        yield
    finally:
        module.weight.data = held


@contextmanager
def weights(a: Any, b: Any) -> Iterator[None]:
    """The weights of two modules in each other's place."""
    with kept(a, b):
        held = a.weight.data.clone()
        a.weight.data.copy_(b.weight.data)
        b.weight.data.copy_(held)
        yield


@contextmanager
def exchanged(one: Slot, other: Slot) -> Iterator[None]:
    """Two matrices in each other's place."""
    with kept(one.module, other.module):
        a, b = one.read(), other.read()
        one.write(b)
        other.write(a)
        yield


@contextmanager
def by_head(chosen: Sequence[Slot], width: int, layout: torch.Tensor) -> Iterator[None]:
    """The rows of each head in another order."""
    with kept(*(slot.module for slot in chosen)):
        for slot in chosen:
            matrix = slot.read()
            slot.write(matrix.reshape(-1, width, matrix.shape[1])[:, layout].reshape(matrix.shape))
        yield


@contextmanager
def shifted(chosen: Sequence[Slot], rows: int) -> Iterator[None]:
    """Rows some places on, around the end."""
    with kept(*(slot.module for slot in chosen)):
        for slot in chosen:
            slot.write(slot.read().roll(rows, 0))
        yield


@contextmanager
def outputs(module: Any, factor: float) -> Iterator[None]:
    """What this module gives, multiplied."""
    handle = module.register_forward_hook(lambda m, a, output: output * factor)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def theta(model: Any, factor: float) -> Iterator[None]:
    """Rotary angles with another base."""
    held = []
    for module in model.modules():
        for name, buffer in list(getattr(module, "_buffers", {}).items()):
            if name.endswith("inv_freq") and buffer is not None:
                held.append((module, name, buffer))
                share = torch.arange(len(buffer), device=buffer.device) / len(buffer)
                module._buffers[name] = buffer * factor**-share
    try:
        yield
    finally:
        for module, name, buffer in held:
            module._buffers[name] = buffer


def activations(model: Any) -> list[tuple[Any, str, Any]]:
    """Every activation function without weights: its module, its name there, and itself."""
    found = []
    for parent in model.modules():
        for name, child in parent.named_children():
            home = type(child).__module__
            if home == "transformers.activations" or home == "torch.nn.modules.activation":
                found.append((parent, name, child))
    return [f for f in found if not list(f[2].parameters()) and not isinstance(f[2], (nn.Tanh, nn.Softmax))]


@contextmanager
def activation(found: list[tuple[Any, str, Any]], name: str) -> Iterator[None]:
    """Another function in place of these activations."""
    from transformers.activations import ACT2FN

    try:
        for parent, field, _ in found:
            setattr(parent, field, ACT2FN[name])
        yield
    finally:
        for parent, field, before in found:
            setattr(parent, field, before)


def epsilons(model: Any) -> list[tuple[Any, str, float]]:
    """The small number of every norm: its module, its name there, and itself."""
    return [
        (module, name, getattr(module, name))
        for module in model.modules()
        for name in ("variance_epsilon", "eps")
        if isinstance(getattr(module, name, None), float) and getattr(module, name) > 0
    ]


@contextmanager
def epsilon(model: Any, epsilon: float) -> Iterator[None]:
    """Another small number in every norm."""
    found = epsilons(model)
    try:
        for module, name, _ in found:
            setattr(module, name, epsilon)
        yield
    finally:
        for module, name, before in found:
            setattr(module, name, before)


@contextmanager
def offset(model: Any, step: float) -> Iterator[None]:
    """A number added to the weights of every norm of the blocks."""
    modules = [m for block in itertools.chain(*stacks(model)) for m in vectors(block).values()]
    with kept(*modules):
        for module in modules:
            module.weight.data.add_(step)
        yield


@contextmanager
def swapped(one: Any, other: Any) -> Iterator[None]:
    """Two blocks in each other's place."""
    with ExitStack() as undo:
        undo.callback(_trade, one, other)
        _trade(one, other)
        yield


@contextmanager
def rotated(blocks: Sequence[Any], step: int) -> Iterator[None]:
    """All blocks one place on."""
    pairs = [(i, i + 1) for i in range(len(blocks) - 1)]
    pairs = pairs if step < 0 else pairs[::-1]
    for one, other in pairs:
        _trade(blocks[one], blocks[other])
    try:
        yield
    finally:
        for one, other in reversed(pairs):
            _trade(blocks[one], blocks[other])


def _trade(one: Any, other: Any) -> None:
    """Exchanges all that two blocks hold; their places in the model, and what depends on the place, remain."""
    theirs = dict(other.named_modules())
    for path, module in one.named_modules():
        twin = theirs.get(path)
        for name, tensor in [*module._parameters.items()]:
            if tensor is not None and twin is not None and twin._parameters.get(name) is not None:
                module._parameters[name], twin._parameters[name] = twin._parameters[name], tensor
        if twin is not None and is_quantized(module) and is_quantized(twin):
            for name in module._buffers.keys() & twin._buffers.keys():  # integers and scales, of experts as well
                module._buffers[name], twin._buffers[name] = twin._buffers[name], module._buffers[name]
