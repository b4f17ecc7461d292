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
