"""Rules that compare: with the loss declared at export, with an earlier report, with the same weights unrounded.

Owns: these rules and their numbers. Refuses to own: rules without a reference (`smoke.verdict`). Pure; needs no torch.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, TypeGuard

from smoke.by_token import LEAST_CAST, MOST_CAST, by_token
from smoke.checkpoint import ENCODER
from smoke.descent import descends, strangers
from smoke.readings import Measured, listed, part, unmeasured, value
from smoke.report import Metric, Severity

DIVERGENCE_NATS = {"int8": 0.01, "int4": 0.1}
FIRST_CHOICE = {"int8": 0.9, "int4": 0.75}
SKETCH_COSINE = {"int8": 0.998, "int4": 0.85, "bf16": 0.9995}
"""At int4 MiniLM itself is 0.92 from what it is unrounded; at int8 0.999."""
NOTICED_PERCENT = {"int8": 0.2, "int4": 1.2, "bf16": 0.1}
REFERENCE_PERCENT = {"int8": 0.5, "int4": 2.0, "bf16": 0.25}
FULL_NOTICED_PERCENT, FULL_PERCENT = 0.04, 0.08
"""Unrounded weights gave the loss of their export within 0.02 percent, in whichever of two precisions is nearer."""
NOTICED_CASTS, ALLOWED_CASTS = 8.0, 10.0
"""The same in units of what a cast does to the mean loss of this model on this text, were it chance alone: healthy
models came to 6.9 where a cast lay between and the other side computed in half precision."""
LEAST_PERCENT = 0.02
"""However little a cast does: numbers are declared with four or five digits."""
USUAL_TOKENS = 1500
"""Of a probe. From there on `FULL_PERCENT` is the most: what seems a delicate model may as well be a damaged one."""
PARENT_PERCENT = 1.5
"""A model trained on from its parent may have a loss of its own; far above the parent's it has forgotten."""
CHILD_LIMITS = (PARENT_PERCENT / 3, PARENT_PERCENT)
LIKELY_CHILD_LIMITS = (FULL_PERCENT, PARENT_PERCENT)
"""Where nobody said that it is a child: noise on every tensor would look like one, so what got worse is doubtful."""
ALIKE, ALIKE_SIZE = 0.03, 0.01
"""Sums under signs, and sizes, of a tensor that was only stored in another type: eight bits move them by less."""
KNOWN_SHARE = 0.5
"""With so many tensors alike it is the checkpoint of the reference, and the others are not its own."""


def likeness(measured: Measured, quantization: str) -> list[Metric]:
    """The quantized model beside the same weights in full precision. A gap is the quantizer's doing."""
    nats, same = value(measured, "agreement", "divergence_nats"), value(measured, "agreement", "same_first_choice")
    if nats is None or same is None or quantization not in DIVERGENCE_NATS:
        return []
    most, least = DIVERGENCE_NATS[quantization], FIRST_CHOICE[quantization]
    ok = nats <= most and same >= least
    reason = (
        f"{same:.0%} of its first choices are those of full precision; the distributions are {nats:.4f} nats apart."
    )
    threshold = f"at most {most}, with {least:.0%} of first choices"
    return [Metric("agreement", "Agrees with full precision", nats, threshold, ok, reason, Severity.WARN, "nats")]


def drift(measured: Measured, quantization: str, reference: Measured | None) -> list[Metric]:
    """An encoder's representations against those in an earlier report."""
    ours, theirs = part(measured, "encoder").get("sketch"), part(reference or {}, "encoder").get("sketch")
    if not theirs:
        return []
    if not _are_rows(ours) or not _are_rows(theirs) or len(ours) != len(theirs):
        return [unmeasured("reference", "Against the reference")]
    limit = SKETCH_COSINE.get(quantization, max(SKETCH_COSINE.values()))
    least = min(_cosine(a, b) for a, b in zip(ours, theirs, strict=True))
    reason = f"The representations have a cosine of at least {least:.4f} with those in the reference report."
    return [Metric("reference", "Against the reference", least, f"at least {limit}",
                   least >= limit, reason, unit="cosine")]  # fmt: skip


def _are_rows(found: Any) -> TypeGuard[Sequence[Sequence[float]]]:
    return (
        isinstance(found, (list, tuple))
        and bool(found)
        and all(isinstance(row, (list, tuple)) and row and all(isinstance(n, float) for n in row) for row in found)
    )


def _cosine(a: Any, b: Any) -> float:
    size = math.hypot(*a) * math.hypot(*b)
    return sum(x * y for x, y in zip(a, b, strict=False)) / size if size and len(a) == len(b) else 0.0


def against(
    measured: Measured, quantization: str, reference: Measured | None, *, is_parent: bool = False
) -> list[Metric]:
    """The loss against the one declared with the probe or in an earlier report, and the tensors against that report's.

    `is_parent` says that the report is of the model that this one was made from: then both may differ. Where nobody
    says so, the tensors may: a model that was plainly trained on from that one is held to no more than a child is. What
    was declared with the probe is the model's own, whoever its parent is.
    """
    quantization = coarser(quantization, measured, reference)
    is_likely = not is_parent and reference is not None and descends(measured, reference)
    child = CHILD_LIMITS if is_parent else LIKELY_CHILD_LIMITS if is_likely else None
    same = None if child else reference
    metrics = []
    if measured.get("architecture") == ENCODER:
        metrics += drift(measured, quantization, same)
        metrics += hidden(measured, reference, child)
        is_asked = part(measured, "full")  # without a head for hidden words there is no loss
        metrics += by_token(measured, quantization, same) if is_asked else []
    else:
        metrics += loss(measured, quantization, reference, child)
        metrics += by_token(measured, quantization, same)
    if is_likely and reference is not None:
        return [*metrics, *strangers(measured, reference)]
    return [*metrics, *tensors(measured, same)]


def coarser(quantization: str, measured: Measured, reference: Measured | None) -> str:
    """The precision whose limits hold: weights that were stored in fewer bits than they are run in lost more before.

    Against a report on weights that were stored alike, only what they are run in makes a difference.
    """
    stored = str(measured.get("stored_as") or "")
    bits = re.fullmatch(r"(?:I?Q|gptq-|awq-)(\d)(?:_.*)?", stored)
    if not bits or int(bits[1]) >= 8 or str((reference or {}).get("stored_as") or "") == stored:
        return quantization
    return "int4"


Limits = tuple[float, float]
"""Percent that warn, and that fail."""


def loss(measured: Measured, quantization: str, reference: Measured | None, child: Limits | None) -> list[Metric]:
    """Of the unrounded weights where they were looked at, else of the quantized ones.

    `child` has the limits where the reference is the parent's; what was declared is the model's own.
    """
    declared, source = value(measured, "probe", "declared_bits_per_byte"), "declared with the probe"
    changes: list[float | None] = []
    if declared is not None and declared > 0:
        changes = [change(full_bits(measured, name), declared) for name in PRECISIONS]
        child, rounded = None, change(value(measured, "bits_per_byte"), declared)
    elif reference is None:
        return []
    elif part(reference, "probe").get("digest") != part(measured, "probe").get("digest"):
        reason = "The reference was measured on another probe, so the two losses cannot be compared."
        return [Metric("reference", "Against the reference", None, "same probe", False, reason, Severity.WARN)]
    else:
        source = "in the parent's report" if child else "in the reference report"
        declared = value(reference, "bits_per_byte")
        changes = [change(value(measured, "full", name), value(reference, "full", name)) for name in PRECISIONS]
        rounded = change(value(measured, "bits_per_byte"), declared)
        if declared is None and not any(c is not None for c in changes) and not value(reference, "full", PRECISIONS[0]):
            return []
    nearest = min((c for c in changes if c is not None), key=abs, default=None)
    if nearest is not None:
        noticed, allowed = child or of_a_cast(measured)
        return [_moved(nearest, noticed, allowed, f"Unrounded, its loss is {nearest:+.3f} percent from that {source}.",
                       child is not None)]  # fmt: skip
    if rounded is None:
        return [unmeasured("reference", "Against the reference")]
    noticed = NOTICED_PERCENT.get(quantization, min(NOTICED_PERCENT.values()))
    allowed = REFERENCE_PERCENT.get(quantization, min(REFERENCE_PERCENT.values()))
    noticed, allowed = child or (noticed, allowed)
    reason = f"{value(measured, 'bits_per_byte'):.4f} bits per byte, {declared or 0:.4f} {source}."
    return [_moved(rounded, noticed, allowed, reason, child is not None)]


def of_a_cast(measured: Measured) -> tuple[float, float]:
    """Percent of the mean loss that warns and that fails, by what a cast does to this model where that was measured.

    A cast moves each token's loss by its own amount, up or down, so the mean of n tokens moves by a share of it that
    shrinks with the root of n.
    """
    cast, nats = value(measured, "full", "cast_nats"), value(measured, "full", PRECISIONS[0])
    tokens = value(measured, "probe", "tokens")
    if not cast or not nats or not tokens or min(cast, nats, tokens) <= 0:
        return FULL_NOTICED_PERCENT, FULL_PERCENT
    share = 100 * min(MOST_CAST, max(LEAST_CAST, cast)) / (nats * math.sqrt(tokens))
    most = FULL_PERCENT * math.sqrt(max(1.0, USUAL_TOKENS / tokens))
    allowed = max(LEAST_PERCENT, min(ALLOWED_CASTS * share, most))
    return allowed * NOTICED_CASTS / ALLOWED_CASTS, allowed


def hidden(measured: Measured, reference: Measured | None, child: Limits | None) -> list[Metric]:
    """An encoder's loss on hidden words against that in an earlier report on the same probe."""
    if reference is None or part(reference, "probe").get("digest") != part(measured, "probe").get("digest"):
        return []
    changes = [change(value(measured, "full", name), value(reference, "full", name)) for name in PRECISIONS]
    nearest = min((c for c in changes if c is not None), key=abs, default=None)
    if nearest is None:
        return []
    noticed, allowed = child or (FULL_NOTICED_PERCENT, FULL_PERCENT)
    reason = f"Unrounded, its loss on hidden words is {nearest:+.3f} percent from that in the reference report."
    return [_moved(nearest, noticed, allowed, reason, child is not None, code="reference_loss")]


PRECISIONS = ("float32_nats_per_token", "nats_per_token")


def _moved(
    percent: float, noticed: float, allowed: float, reason: str, is_child: bool, code: str = "reference"
) -> Metric:
    """Better is another model than the one declared just as worse is, unless it is a child that learned."""
    change = percent if is_child else abs(percent)
    severity = Severity.FAIL if change > allowed else Severity.WARN
    least, most = (f"+{noticed:.2g}", f"+{allowed:.2g}") if is_child else (f"±{noticed:.2g}", f"±{allowed:.2g}")
    ok, threshold = change <= noticed, f"within {least}, fails beyond {most}"
    return Metric(code, "Loss against the reference", percent, threshold, ok, reason, severity, "percent")


def full_bits(measured: Measured, name: str) -> float | None:
    """Bits per byte of the unrounded weights: the same text, so their nats stand to those of the rounded ones alike."""
    bits, nats, full = (
        value(measured, "bits_per_byte"),
        value(measured, "nats_per_token"),
        value(measured, "full", name),
    )
    return bits * full / nats if bits is not None and nats and full is not None else None


def change(ours: float | None, theirs: float | None) -> float | None:
    """In percent, None where one of them is missing."""
    return 100 * (ours / theirs - 1) if ours is not None and theirs is not None and theirs > 0 else None


def tensors(measured: Measured, reference: Measured | None) -> list[Metric]:
    """Tensors that differ from those of the reference where the rest is the same: parts of another model, or damage."""
    ours, theirs = (part(part(m or {}, "static"), "sketch") for m in (measured, reference))
    both = {name: _alike(ours[name], theirs[name]) for name in ours.keys() & theirs.keys()}
    known = sum(both.values())
    if len(both) < 4 or not known:
        return []
    others = sorted(name for name, same in both.items() if not same)
    reason = (
        f"Not those of the reference: {listed(others)}" if others else f"All {len(both)} are those of the reference."
    )
    severity = Severity.FAIL if known >= KNOWN_SHARE * len(both) else Severity.WARN
    count, threshold = float(len(others)), "0 of another model"
    name = "Tensors of the reference"
    return [Metric("reference_tensors", name, count, threshold, not others, reason, severity, "tensors")]


def _alike(ours: Any, theirs: Any) -> bool:
    rows = (ours, theirs)
    if not all(isinstance(row, (list, tuple)) and len(row) > 1 for row in rows) or len(ours) != len(theirs):
        return False
    if not all(isinstance(n, (int, float)) and math.isfinite(n) for row in rows for n in row):
        return False
    if abs(ours[0] - theirs[0]) > ALIKE_SIZE * max(abs(ours[0]), abs(theirs[0])):
        return False
    return all(abs(a - b) <= ALIKE * max(1.0, abs(a)) for a, b in zip(ours[1:], theirs[1:], strict=True))
