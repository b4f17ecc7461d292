"""Whether a model was trained on from that of an earlier report, told by how its tensors moved.

Owns: telling a child from a damaged copy by the sums that reports keep of each tensor. Refuses to own: what a child is
held to (`smoke.comparison`), and taking these sums (`smoke.tensors`). Pure; needs no torch.

Training moves nearly every tensor, norms and biases with it, and each of them a little. Damage moves some tensors and
leaves the others, or leaves the norms, or puts a tensor in another's place, which takes it far away. Training that
keeps most tensors as they were, and a merged adapter, cannot be told from damage in this way: there a caller has to say
whose the report is.
"""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Collection
from typing import Any

from smoke.readings import Measured, listed, part
from smoke.report import Metric, Severity

MOVED = 0.006
"""Of a sum under signs, in units of the tensor's size: a cast to bfloat16 moves it by 0.001, one standard deviation."""
FAR = 1.0
"""Two tensors that have nothing to do with each other are 1.4 apart, one standard deviation."""
VECTORS_MOVED, MATRICES_MOVED, NEAR = 0.5, 0.8, 0.95
"""Shares. A child of the demonstration has 1 each; every damage of the bench stays below two of the three."""
USUALLY_NEAR = 0.5
LEAST = 4
"""Of vectors, and of matrices."""
VECTOR = re.compile(r"norm|bias|ln_|\.ln\b", re.IGNORECASE)


def descends(measured: Measured, reference: Measured) -> bool:
    """Whether the tensors look like those of the reference after more training."""
    apart = distances(measured, reference)
    vectors = [gap for name, gap in apart.items() if VECTOR.search(name)]
    matrices = [gap for name, gap in apart.items() if not VECTOR.search(name)]
    if min(len(vectors), len(matrices)) < LEAST:
        return False
    return (
        _share(vectors, MOVED) >= VECTORS_MOVED
        and _share(matrices, MOVED) >= MATRICES_MOVED
        and _share(apart.values(), FAR) <= 1 - NEAR
        and statistics.median(apart.values()) < USUALLY_NEAR
    )


def strangers(measured: Measured, reference: Measured) -> list[Metric]:
    """Tensors of a child that are nowhere near its parent's: begun anew, or another model's."""
    apart = distances(measured, reference)
    far = sorted(name for name, gap in apart.items() if gap > FAR)
    reason = (
        "Nearly every tensor has moved a little from the reference's, norms as well: it is taken for a model that was "
        f"trained on from that one. {f'Not near its own: {listed(far)}' if far else ''}"
    )
    return [Metric("reference_tensors", "Tensors of the reference", float(len(far)), "0 far from the parent's",
                   not far, reason.strip(), Severity.WARN, "tensors")]  # fmt: skip


def distances(measured: Measured, reference: Measured) -> dict[str, float]:
    """How far each tensor's sums are from those in the reference, for tensors that both have; infinite for nonsense."""
    ours, theirs = (part(part(m, "static"), "sketch") for m in (measured, reference))
    return {str(name): _apart(ours[name], theirs[name]) for name in ours.keys() & theirs.keys()}


def _apart(ours: Any, theirs: Any) -> float:
    rows = (ours, theirs)
    if not all(isinstance(row, (list, tuple)) and len(row) > 1 for row in rows) or len(ours) != len(theirs):
        return math.inf
    if not all(isinstance(n, (int, float)) and math.isfinite(n) for row in rows for n in row):
        return math.inf
    return float(max(abs(a - b) for a, b in zip(ours[1:], theirs[1:], strict=True)))


def _share(gaps: Collection[float], above: float) -> float:
    return sum(gap > above for gap in gaps) / len(gaps)
