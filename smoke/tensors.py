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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy
import torch

from smoke import stored
from smoke.checkpoint import Checkpoint

BLOCK = 1 << 22
"""Elements held in float32 at once: 16 MiB."""

ZERO_ROWS_SHARE, ZERO_COLUMNS_SHARE = 0.001, 0.01
WHOLE_RMS = 1.5
COARSE_BITS, COARSE_SIZE = 3, 4096
"""So few bits of a mantissa are left where eight-bit floats were kept, or low bits lost; healthy matrices use all."""
COUNTED, FEW_VALUES = 1 << 16, 16
"""So few different numbers are left where four bits were kept for each, with one scale for all."""
UNEVEN, EVEN = 2.5, 1.25
"""Rows and columns of trained matrices differ in size, those of noise do not."""
SKETCHED = 900
PEAK_TO_RMS, PEAK = 1000.0, 1e6
SIBLING_OCTAVES = 2.5
SIBLINGS = 3
"""A tensor is compared with the same tensor of other layers only where there are at least so many."""


def _pattern(period: int) -> torch.Tensor:
    return torch.randint(0, 2, (period,), generator=torch.Generator().manual_seed(period)).float() * 2 - 1


PATTERNS = tuple(_pattern(period) for period in (8191, 8179, 8171))
"""Signs, with periods that no shape of a tensor is a multiple of."""

LAYER = re.compile(r"\.\d+\.")
TABLE = re.compile(r"(embed_tokens|wte|embed_in|word_embeddings|shared)\.weight$")
HEAD = re.compile(r"(^|\.)(lm_head|embed_out|predictions\.decoder)\.weight$")


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
    zero_columns: int = 0
    mantissa_bits: int = 23
    """How many bits after the leading one are in use in any of its numbers."""
    is_whole: bool = False
    """Whether all its numbers are integers."""
    values: int = 1 << 16
    """How many different numbers are among its first ones, `COUNTED` of them at most."""
    unevenness: tuple[float, float] = (1.0, 1.0)
    """Spread of the sizes of its rows and of its columns, in units of the spread that independent noise has."""
    sketch: tuple[float, ...] = ()
    """Sums of its numbers under fixed patterns of signs: alike for alike tensors, and only for them."""

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
    is_grave: bool = True
    """Whether no healthy checkpoint looks like this; else it deserves a warning."""

    def to_json(self) -> dict[str, str]:
        """As plain data."""
        severity = "fail" if self.is_grave else "warn"
        return {"code": self.code, "tensor": self.tensor, "detail": self.detail, "severity": severity}


def inspect(checkpoint: Checkpoint, folder: Path, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Findings over all tensors of a checkpoint in this folder; each tensor is read once."""
    total, done, tensors = checkpoint.stored_bytes, 0, []
    for name, tensor, size in stored.each(checkpoint, folder):
        tensors.append(measure(name, tensor))
        done += size
        progress(done, total)
    own = {t.name for t in checkpoint.own}
    model, added = [t for t in tensors if t.name not in own], [t for t in tensors if t.name in own]
    found = [*single(model), *together(model), *of_adapter(added)]
    return {
        "findings": [f.to_json() for f in found],
        "tensors": len(tensors),
        "bytes": done,
        "untied": untied(tensors),
        "mantissa_bits": mantissa_bits(tensors),
        "sketch": sketches(tensors),
    }


def sketches(tensors: Sequence[Statistics]) -> dict[str, list[float]]:
    """Of each matrix its size and its sums, by which a later report tells which tensors are the same; evenly chosen."""
    matrices = [t for t in tensors if len(t.shape) >= 1 and t.finite and t.sketch]
    step = -(-len(matrices) // SKETCHED) or 1
    return {t.name: [float(f"{t.rms:.5g}"), *t.sketch] for t in matrices[::step]}


def mantissa_bits(tensors: Iterable[Statistics]) -> int | None:
    """Bits of a mantissa that the coarsest large matrix uses, whatever type it is stored in; None without large ones.

    23 are those of float32, 10 of float16, 7 of bfloat16.
    """
    large = [t.mantissa_bits for t in tensors if t.is_matrix and math.prod(t.shape) >= COARSE_SIZE]
    return min(large, default=None)


def untied(tensors: Iterable[Statistics]) -> str:
    """The name of an output head that differs from the embedding of the same shape; empty where there is none."""
    tensors = list(tensors)
    tables = [t for t in tensors if TABLE.search(t.name)]
    heads = [t for t in tensors if HEAD.search(t.name)]
    return next((h.name for h in heads if any(h.shape == t.shape and h.digest != t.digest for t in tables)), "")


def measure(name: str, tensor: torch.Tensor) -> Statistics:
    """Statistics of one tensor, block by block."""
    shape = tuple(tensor.shape)
    if not tensor.is_floating_point():
        return Statistics(name, shape, True, 1.0, 1.0, 0, "")
    rows = tensor.reshape(shape[0], -1) if len(shape) >= 2 and tensor.numel() else tensor.reshape(1, -1)
    step = max(1, BLOCK // max(1, rows.shape[1]))
    squares, peak, zero_rows = 0.0, 0.0, 0
    columns, bits, is_whole, sizes = torch.zeros(rows.shape[1], dtype=torch.float64), 0, True, [0.0, 0.0]
    sums = [0.0] * len(PATTERNS)
    values = len(torch.unique(tensor.reshape(-1)[:COUNTED].float())) if tensor.numel() else 0
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
        of_rows = torch.linalg.vector_norm(wide, dim=1).double()
        squares += float((of_rows**2).sum())
        sizes = [sizes[0] + float(of_rows.sum()), sizes[1] + float((of_rows**2).sum())]
        columns += torch.linalg.vector_norm(wide, dim=0).double() ** 2
        bits |= int(numpy.bitwise_or.reduce(wide.numpy().view(numpy.uint32), axis=None))
        is_whole = is_whole and bool((wide == wide.round()).all())
        sums = [
            total + signed(wide, pattern, start * rows.shape[1]) for total, pattern in zip(sums, PATTERNS, strict=True)
        ]
    bits = bits if tensor.element_size() > 1 else 1  # eight-bit floats have no more bits that could be in use
    is_finite = math.isfinite(peak)
    count = max(1, tensor.numel())
    rms = math.sqrt(squares / count) if math.isfinite(squares) else math.nan
    scale = rms * math.sqrt(count) if rms and math.isfinite(rms) else 1.0
    return Statistics(
        name, shape, is_finite, rms, peak,
        zero_rows=zero_rows if len(shape) >= 2 else 0,
        digest=digest.hexdigest(),
        zero_columns=int((columns == 0).sum()) if len(shape) >= 2 else 0,
        mantissa_bits=23 - (((bits & 0x7FFFFF) | 1 << 23) & -((bits & 0x7FFFFF) | 1 << 23)).bit_length() + 1,
        is_whole=is_whole,
        values=values,
        unevenness=(spread(sizes, len(rows), rows.shape[1]), spread([float(columns.sqrt().sum()), float(columns.sum())],
                                                                  rows.shape[1], len(rows))),
        sketch=tuple(round(total / scale, 4) if math.isfinite(total) else 0.0 for total in sums),
    )  # fmt: skip


def signed(block: torch.Tensor, pattern: torch.Tensor, start: int) -> float:
    """Sum of a block's numbers, each with the sign that the pattern has at its place in the tensor."""
    flat, period = block.reshape(-1), len(pattern)
    start %= period
    head = flat[: period - start]
    total = float(head @ pattern[start : start + len(head)])
    rest = flat[len(head) :]
    whole = len(rest) // period * period
    total += float((rest[:whole].reshape(-1, period) @ pattern).sum())
    return total + float(rest[whole:] @ pattern[: len(rest) - whole])


def spread(sums: list[float], count: int, length: int) -> float:
    """Standard deviation of sizes over their mean, over what independent noise of this length would show."""
    if count < 2 or not sums[0] or not math.isfinite(sums[1]):
        return 1.0
    mean = sums[0] / count
    return math.sqrt(max(0.0, sums[1] / count - mean * mean)) / mean * math.sqrt(2 * length)


def single(tensors: Iterable[Statistics]) -> Iterable[Finding]:
    """Rules on one tensor alone. A bias of zeros is normal, a matrix or a norm of zeros is not."""
    for t in tensors:
        if not t.finite:
            yield Finding("not_finite", t.name, "holds infinities or NaN")
            continue
        if (
            t.rms == 0
            and not t.name.endswith("bias")
            and (t.is_matrix or (t.name.endswith("weight") and "norm" in t.name.lower()))
        ):
            yield Finding("all_zero", t.name, "is zero throughout")
            continue
        if not t.is_matrix or not t.sketch:
            continue
        is_table = t.role == t.name  # a table of tokens may be padded with rows that no token has
        if t.zero_rows > ZERO_ROWS_SHARE * t.shape[0]:
            yield Finding("zero_rows", t.name, f"has {t.zero_rows} of {t.shape[0]} rows at zero", not is_table)
        width = math.prod(t.shape[1:])
        if t.zero_columns > ZERO_COLUMNS_SHARE * width:
            yield Finding("zero_columns", t.name, f"has {t.zero_columns} of {width} columns at zero", not is_table)
        if t.peak > PEAK or t.peak > PEAK_TO_RMS * t.rms:
            yield Finding("outlier", t.name, f"has a value of {t.peak:.3g} where {t.rms:.3g} is typical")
        if t.is_whole and t.rms > WHOLE_RMS:
            yield Finding("whole_numbers", t.name, "holds whole numbers alone, as if its scales had been left out")
        elif t.mantissa_bits <= COARSE_BITS and math.prod(t.shape) >= COARSE_SIZE:
            yield Finding("coarse", t.name, f"uses {t.mantissa_bits} bits of its mantissa", False)
        elif t.values <= FEW_VALUES and not t.is_whole and math.prod(t.shape) >= COARSE_SIZE:
            yield Finding("few_values", t.name, f"holds {t.values} different numbers alone", False)


def never_trained(siblings: Sequence[Statistics]) -> Iterable[Finding]:
    """A vector of one number, as norms begin, where training gave the others many."""
    fresh = [t for t in siblings if t.values == 1 and t.shape and t.shape[0] > 1]
    if len(siblings) >= SIBLINGS and 2 * len(fresh) < len(siblings):
        for t in fresh:
            yield Finding("untouched", t.name, "is one number throughout where its siblings hold many", False)


def of_adapter(tensors: Iterable[Statistics]) -> Iterable[Finding]:
    """Rules on what an adapter adds: layers learn as much as they need, and where one learned nothing is no damage."""
    for finding in single(tensors):
        is_zero = finding.code in ("all_zero", "zero_rows", "zero_columns") and "lora_" in finding.tensor
        yield replace(finding, is_grave=False) if is_zero else finding


def together(tensors: Iterable[Statistics]) -> Iterable[Finding]:
    """Rules on a tensor among the same one of other layers: far larger or smaller, a copy, or as it was at first."""
    roles: dict[str, list[Statistics]] = defaultdict(list)
    for t in tensors:
        if t.finite and t.rms > 0 and t.role != t.name:
            roles[t.role].append(t)
    for siblings in roles.values():
        if not siblings[0].is_matrix:
            yield from never_trained(siblings)
            continue
        seen: dict[str, str] = {}
        for t in siblings:
            if t.digest and t.digest in seen:
                yield Finding("copied", t.name, f"is identical to {seen[t.digest]}")
            seen.setdefault(t.digest, t.name)
        if len(siblings) < SIBLINGS:
            continue
        usual = statistics.median(max(t.unevenness) for t in siblings)
        for t in siblings:
            if usual > UNEVEN and max(t.unevenness) < EVEN:
                yield Finding("untouched", t.name, "looks like noise where its siblings look trained", False)
        median = statistics.median(t.rms for t in siblings)
        for t in siblings:
            octaves = abs(math.log2(t.rms / median))
            if octaves > SIBLING_OCTAVES:
                yield Finding("odd_size", t.name, f"is {2**octaves:.1f} times off the size of its siblings")
