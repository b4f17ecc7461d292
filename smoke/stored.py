"""The tensors of a checkpoint as the loader and the static pass read them: by name, none in memory until asked for.

Owns: one way into safetensors files, GGUF files, and an adapter put on either. Refuses to own: what is declared
(`smoke.checkpoint`), the model (`smoke.loading`), statistics (`smoke.tensors`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from smoke.checkpoint import ADAPTER, GGUF, Checkpoint, Tensor
from smoke.gguf_file import Stored
from smoke.gguf_layouts import ROPE
from smoke.gguf_values import Lazy, Mapped
from smoke.merging import merge
from smoke.unpacking import Unpacked


def tensors(checkpoint: Checkpoint, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
    """Every tensor by its name in the model, an adapter already put on; `tensor[...]` reads one."""
    if checkpoint.format == GGUF:
        files = _mapped(checkpoint, folder)
        found: dict[str, Any] = {p.name: Lazy(p, files, checkpoint.config, dtype) for p in checkpoint.placed}
    else:
        found = _slices((t for t in checkpoint.tensors if t.name not in checkpoint.packed), folder)
        words = _slices(checkpoint.words.values(), folder)
        found |= {name: Unpacked(one, words, dtype) for name, one in checkpoint.packed.items()}
        scales = _slices(checkpoint.scales.values(), folder)
        for name, scale in checkpoint.scales.items():
            found[name] = Scaled(found[name], scales[scale.name], checkpoint.scale_block, dtype)
    if checkpoint.adapter is None:
        return found
    own = {name.removeprefix(ADAPTER): value for name, value in _slices(checkpoint.own, folder).items()}
    return merge(found, checkpoint.adapter, own)


def _slices(declared: Iterable[Tensor], folder: Path) -> dict[str, Any]:
    opened: dict[str, Any] = {}
    found = {}
    for tensor in declared:
        if tensor.file not in opened:
            opened[tensor.file] = safe_open(folder / tensor.file, framework="pt")
        found[tensor.name] = opened[tensor.file].get_slice(tensor.name)
    return found


def _mapped(checkpoint: Checkpoint, folder: Path) -> Mapping[str, Mapped]:
    return {name: Mapped(folder / name) for name in {part.file for p in checkpoint.placed for part in p.parts}}


class Scaled:
    """A weight stored in eight-bit floats with a scale for each block, multiplied out when the loader asks for it."""

    def __init__(self, narrow: Any, scale: Any, block: tuple[int, int], dtype: torch.dtype) -> None:
        self.narrow, self.scale, self.block, self.dtype = narrow, scale, block, dtype

    def __getitem__(self, _: Any) -> torch.Tensor:
        narrow, scale = self.narrow[...], self.scale[...].float()
        if scale.numel() == 1:
            return (narrow.float() * scale.reshape(())).to(self.dtype)
        rows, columns = narrow.shape
        tall, wide = (given or -(-size // count) for given, size, count in zip(
            self.block, narrow.shape, scale.shape, strict=True))  # fmt: skip
        out = torch.empty(rows, columns, dtype=self.dtype)
        for at, line in enumerate(scale):
            part = narrow[at * tall : (at + 1) * tall].float()
            out[at * tall : (at + 1) * tall] = part * line.repeat_interleave(wide)[:columns]
        return out


def each(checkpoint: Checkpoint, folder: Path) -> Iterator[tuple[str, torch.Tensor, int]]:
    """Name, values and stored bytes of every tensor as the model has it; an adapter's own follow, not put on."""
    if checkpoint.format == GGUF:
        mapped = _mapped(checkpoint, folder)
        for one in checkpoint.placed:
            whole = Lazy(one, mapped, checkpoint.config, torch.bfloat16)[...]
            yield one.name, whole, sum(part.size_bytes for part in one.parts)
    opened: dict[str, Any] = {}

    def read(tensor: Tensor) -> torch.Tensor:
        if tensor.file not in opened:
            opened[tensor.file] = safe_open(folder / tensor.file, framework="pt")
        return opened[tensor.file].get_tensor(tensor.name)

    for declared in (*(() if checkpoint.format == GGUF else checkpoint.tensors), *checkpoint.own):
        if declared.name in checkpoint.packed:
            packed = checkpoint.packed[declared.name]
            words = {name: read(checkpoint.words[name]) for name in packed.names}
            size = sum(word.numel() * word.element_size() for word in words.values())
            yield declared.name, Unpacked(packed, words, torch.bfloat16)[...], size
            continue
        value, scale = read(declared), checkpoint.scales.get(declared.name)
        size = value.numel() * value.element_size()
        if scale is not None:
            value = Scaled(value, read(scale), checkpoint.scale_block, torch.bfloat16)[...]
        yield declared.name, value, size


def rope_factors(checkpoint: Checkpoint, folder: Path) -> torch.Tensor | None:
    """What a GGUF file divides the rotary frequencies by; of two sets the one for short texts, which a run has."""
    if checkpoint.gguf is None:
        return None
    found: dict[str, Stored] = {}
    for name, stored in checkpoint.gguf.tensors.items():
        match = ROPE.fullmatch(name)
        if match:
            found[match[1]] = stored
    chosen = found.get("freqs") or found.get("factors_short")
    return None if chosen is None else Mapped(folder / chosen.file).values(chosen, torch.float32).float().reshape(-1)
