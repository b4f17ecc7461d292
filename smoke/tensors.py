"""The static pass: what the tensors themselves give away before anything is computed.

Owns: statistics of one tensor at a time, in blocks of bounded memory, and the rules on them. Refuses to own: the
loader's keys (`smoke.loading`), language (`smoke.scoring`), and bit rot, which belongs to file hashes.
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import hashlib
import math
import re
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open

BLOCK = 1 << 22
"""Elements held in float32 at once: 16 MiB."""

ZERO_ROWS_SHARE = 0.001
PEAK_TO_RMS, PEAK = 1000.0, 1e6
SIBLING_OCTAVES = 2.5
SIBLINGS = 3
"""A tensor is compared with the same tensor of other layers only where there are at least so many."""

LAYER = re.compile(r"\.\d+\.")


@dataclass(frozen=True)
class Statistics:
    """What one pass over one tensor yields."""

    name: str
    shape: tuple[int, ...]
    finite: bool
    rms: float
    peak: float
    zero_rows: int
    digest: str

    @property
    def is_matrix(self) -> bool:
        """Whether it is a matrix, or a stack of them."""
        return len(self.shape) >= 2

    @property
    def role(self) -> str:
        """The same in every layer; expert numbers fall together as well."""
        return LAYER.sub(".*.", LAYER.sub(".*.", f".{self.name}."))[1:-1]


@dataclass(frozen=True)
class Finding:
    """One rule broken by one tensor."""

    code: str
    tensor: str
    detail: str

    def to_json(self) -> dict[str, str]:
        """As plain data."""
        return {"code": self.code, "tensor": self.tensor, "detail": self.detail}


def inspect(paths: Iterable[Path], progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Findings over all tensors of these files; each tensor is read once."""
    paths = list(paths)
    total = sum(path.stat().st_size for path in paths)
    done, tensors = 0, []
    for path in paths:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - not a mapping
                tensor = file.get_tensor(name)
                tensors.append(measure(name, tensor))
                done += tensor.numel() * tensor.element_size()
                progress(done, total)
    found = [*single(tensors), *together(tensors)]
    return {"findings": [f.to_json() for f in found], "tensors": len(tensors), "bytes": done}


def measure(name: str, tensor: torch.Tensor) -> Statistics:
    """Statistics of one tensor, block by block."""
    shape = tuple(tensor.shape)
    if not tensor.is_floating_point():
        return Statistics(name, shape, True, 1.0, 1.0, 0, "")
    rows = tensor.reshape(shape[0], -1) if len(shape) >= 2 and tensor.numel() else tensor.reshape(1, -1)
    step = max(1, BLOCK // max(1, rows.shape[1]))
    squares, peak, zero_rows = 0.0, 0.0, 0
    digest = hashlib.blake2b(digest_size=16)
    for start in range(0, rows.shape[0], step):
        block = rows[start : start + step]
        if not block.numel():
            continue
        digest.update(block.contiguous().view(torch.uint8).numpy().data)
        wide = block.float()
        row_peaks = wide.abs().amax(dim=1)  # NaN wins every comparison here, so it survives into the peak
        zero_rows += int((row_peaks == 0).sum())
        peak = float(torch.maximum(row_peaks.amax(), torch.tensor(peak)))
        squares += float(torch.linalg.vector_norm(wide)) ** 2
    is_finite = math.isfinite(peak)
    count = max(1, tensor.numel())
    rms = math.sqrt(squares / count) if math.isfinite(squares) else math.nan
    return Statistics(name, shape, is_finite, rms, peak, zero_rows if len(shape) >= 2 else 0, digest.hexdigest())


def single(tensors: Iterable[Statistics]) -> Iterable[Finding]:
    """Rules on one tensor alone. A bias of zeros is normal, a matrix or a norm of zeros is not."""
    for t in tensors:
        if not t.finite:
            yield Finding("not_finite", t.name, "holds infinities or NaN")
            continue
        if t.rms == 0 and (t.is_matrix or (t.name.endswith("weight") and "norm" in t.name.lower())):
            yield Finding("all_zero", t.name, "is zero throughout")
            continue
        if not t.is_matrix:
            continue
        if t.zero_rows > ZERO_ROWS_SHARE * t.shape[0]:
            yield Finding("zero_rows", t.name, f"has {t.zero_rows} of {t.shape[0]} rows at zero")
        if t.peak > PEAK or t.peak > PEAK_TO_RMS * t.rms:
            yield Finding("outlier", t.name, f"has a value of {t.peak:.3g} where {t.rms:.3g} is typical")


def together(tensors: Iterable[Statistics]) -> Iterable[Finding]:
    """Rules on a matrix among the same matrix of other layers: far larger or smaller, or a copy."""
    roles: dict[str, list[Statistics]] = defaultdict(list)
    for t in tensors:
        if t.is_matrix and t.finite and t.rms > 0 and t.role != t.name:
            roles[t.role].append(t)
    for siblings in roles.values():
        seen: dict[str, str] = {}
        for t in siblings:
            if t.digest in seen:
                yield Finding("copied", t.name, f"is identical to {seen[t.digest]}")
            seen.setdefault(t.digest, t.name)
        if len(siblings) < SIBLINGS:
            continue
        median = statistics.median(t.rms for t in siblings)
        for t in siblings:
            octaves = abs(math.log2(t.rms / median))
            if octaves > SIBLING_OCTAVES:
                yield Finding("odd_size", t.name, f"is {2**octaves:.1f} times off the size of its siblings")
