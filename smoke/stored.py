"""The tensors of a checkpoint as the loader and the static pass read them: by name, none in memory until asked for.

Owns: one way into safetensors files, GGUF files, and an adapter put on either. Refuses to own: what is declared
(`smoke.checkpoint`), the model (`smoke.loading`), statistics (`smoke.tensors`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

from smoke.checkpoint import ADAPTER, GGUF, Checkpoint, Tensor
from smoke.gguf_file import Stored, read_gguf
from smoke.gguf_layouts import ROPE, Placed, config_of, layout_of, place
from smoke.gguf_values import Lazy, Mapped
from smoke.merging import merge


def tensors(checkpoint: Checkpoint, folder: Path, dtype: torch.dtype) -> dict[str, Any]:
    """Every tensor by its name in the model, an adapter already put on; `tensor[...]` reads one."""
    if checkpoint.format == GGUF:
        files = {name: Mapped(folder / name) for name in {part.file for p in checkpoint.placed for part in p.parts}}
        found: dict[str, Any] = {p.name: Lazy(p, files, checkpoint.config, dtype) for p in checkpoint.placed}
    else:
        found = _slices(checkpoint.tensors, folder)
        for name, scale in _scales(checkpoint, folder).items():
            found[name] = Scaled(found[name], scale, checkpoint.scale_block, dtype)
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


def _scales(checkpoint: Checkpoint, folder: Path) -> dict[str, Any]:
    """The tensor of scales of each weight that has one; it lies in the same file, as its writers keep it."""
    file_of = {t.name: t.file for t in checkpoint.tensors}
    beside = [Tensor(scale, "", (), file_of[name]) for name, scale in checkpoint.scales.items()]
    return dict(zip(checkpoint.scales, _slices(beside, folder).values(), strict=True))


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


def each(path: Path) -> Iterator[tuple[str, torch.Tensor, int]]:
    """Name, values and stored bytes of every tensor in one weight file; those of GGUF as the model has them."""
    if path.suffix == ".gguf":
        gguf = read_gguf(path)
        name, layout = layout_of(gguf)
        mapped = {path.name: Mapped(path)}
        placed = place(gguf, layout) if layout else (Placed(n, t.shape, "", (t,)) for n, t in gguf.tensors.items())
        config = config_of(gguf, name, layout) if layout else {}
        for one in placed:
            yield one.name, Lazy(one, mapped, config, torch.bfloat16)[...], sum(p.size_bytes for p in one.parts)
        return
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - not a mapping
            tensor = file.get_tensor(name)
            yield name, tensor, tensor.numel() * tensor.element_size()


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
