"""Losses token by token: how an owner declares them, and how far a run may be from them.

Owns: the form of such a list, which lists may be compared, and the rule on the difference with its numbers. Refuses to
own: the mean loss (`smoke.comparison`) and measuring (`smoke.closer`, `smoke.casting`). Pure; needs no torch.

A trained model sits in a minimum of its loss, so a small change of the weights moves the mean only by its square. The
loss of a single token it moves in proportion, up for some and down for others: the mean hides what the list shows.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from smoke.readings import Measured, part, unmeasured, value
from smoke.report import Metric, Severity

CODE, NAME = "reference_token_losses", "Loss of every token"
TOKEN_DIGITS = 4
"""Digits that a list keeps: a twentieth of what the least of the limits below comes to in any model of the bench."""

MOST_TOKENS = 2048
"""As many tokens of a probe as are read."""
MOST_NATS = 1000.0
WIDEST_BITS = 23
BITS = {"float32": 23, "float16": 10, "bfloat16": 7}
"""Of the mantissa of each type, the leading one left out."""
PRECISIONS = tuple(BITS)

SAME_CASTS, CAST_CASTS, HALF_CASTS = (0.4, 1.0), (1.6, 2.5), (8.0, 12.0)
"""What warns and what fails, in units of what a cast to bfloat16 does to this model: for the same numbers computed in
float32; for numbers that were cast since; and where one side computed in half precision."""
LEAST_CAST, MOST_CAST = 0.0005, 0.02
"""Between these, in nats, a cast is taken to lie: what a damaged model bears says little of what it should bear."""
HALF_NATS = (0.04, 0.08)
"""Where no cast was measured, because the model is too large for float32."""
ROUNDED_NATS = {"int8": 0.06, "int4": 0.6}
"""Rounded by us, because nothing else fitted: this only warns."""


@dataclass(frozen=True)
class TokenLosses:
    """The loss of each token of a probe that is scored, in order, and how it was measured."""

    nats: tuple[float, ...]
    measured_in: str = ""
    """Type that was computed in; empty where it is not known, and then it may have been half precision."""
    mantissa_bits: int | None = None
    """Bits that the weights used as they were computed with: 23 as float32, 10 as float16, 7 as bfloat16. With others
    now, a cast lies between."""
    cast_nats: float | None = None
    """What a cast does to these losses: root mean square."""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "nats": list(self.nats)}

    @classmethod
    def from_json(cls, data: Any) -> TokenLosses:
        """From an object with `nats` and optionally the rest; ValueError naming the field where it is none."""
        name = "'token_losses' of a probe"
        if not isinstance(data, Mapping) or not isinstance(data.get("nats"), (list, tuple)):
            raise ValueError(f"{name} is an object with a list 'nats'")
        if unknown := sorted(set(map(str, data)) - {"nats", "measured_in", "mantissa_bits", "cast_nats"}):
            raise ValueError(f"{name} has no field {unknown[0][:40]!r}")
        nats, bits, cast = data["nats"], data.get("mantissa_bits"), data.get("cast_nats")
        measured_in = data.get("measured_in") or ""
        if not 1 <= len(nats) <= MOST_TOKENS:
            raise ValueError(f"'nats' in {name} has {len(nats)} numbers, not 1 to {MOST_TOKENS}")
        for place, number in enumerate(nats):
            if not _is_number(number, 0.0, MOST_NATS):
                raise ValueError(f"'nats' in {name}: number {place + 1} is not between 0 and {MOST_NATS:.0f}")
        if measured_in not in ("", *PRECISIONS):
            raise ValueError(f"'measured_in' in {name} is one of {', '.join(PRECISIONS)}")
        if bits is not None and (isinstance(bits, bool) or not isinstance(bits, int) or not 0 <= bits <= WIDEST_BITS):
            raise ValueError(f"'mantissa_bits' in {name} is a number from 0 to {WIDEST_BITS}")
        if cast is not None and not (_is_number(cast, 0.0, MOST_NATS) and cast > 0):
            raise ValueError(f"'cast_nats' in {name} is a positive number")
        return cls(tuple(map(float, nats)), measured_in, bits, None if cast is None else float(cast))

    @classmethod
    def of(cls, measured: Measured) -> TokenLosses | None:
        """The best of those that a run measured on unrounded weights; None where these did not fit."""
        full, bits = part(measured, "full"), value(measured, "static", "mantissa_bits")
        loaded = BITS.get(str(part(measured, "engine").get("dtype")), WIDEST_BITS)
        bits = min(bits, loaded) if bits is not None else None
        for name, precision in (("float32_token_nats", "float32"), ("token_nats", "")):
            if (nats := _numbers(full.get(name))) is not None:
                is_wide = precision == "float32"
                return cls(nats, precision, int(bits) if bits is not None else None,
                           value(full, "cast_nats") if is_wide else None)  # fmt: skip
        return None


def by_token(measured: Measured, quantization: str, reference: Measured | None) -> list[Metric]:
    """Each token's loss against the declared one, or else against that in an earlier report on the same probe."""
    given = part(measured, "probe").get("declared_token_losses")
    theirs, source = None, "declared with the probe"
    if given is not None:
        try:
            theirs = TokenLosses.from_json(given)
        except ValueError:
            return [unmeasured(CODE, NAME)]
    elif reference is not None and part(reference, "probe").get("digest") == part(measured, "probe").get("digest"):
        theirs, source = TokenLosses.of(reference), "in the reference report"
    return _judged(measured, quantization, theirs, source) if theirs is not None else []


def _judged(measured: Measured, quantization: str, theirs: TokenLosses, source: str) -> list[Metric]:
    ours = TokenLosses.of(measured)
    lists = [_numbers(part(measured, "full").get(name)) for name in ("float32_token_nats", "token_nats")]
    is_rounded = not any(lists)
    if is_rounded:
        lists = [_numbers(measured.get("token_nats"))]
    elif theirs.measured_in == "float32" and lists[0]:
        lists = lists[:1]
    found = [nats for nats in lists if nats is not None]
    if not found:
        return [unmeasured(CODE, NAME)]
    if len(found[0]) != len(theirs.nats):
        reason = (f"{len(theirs.nats)} losses are {source}, and of the probe {len(found[0])} tokens are scored here: "
                  "another tokenizer, another window, or losses of another text.")  # fmt: skip
        return [Metric(CODE, NAME, None, f"{len(theirs.nats)} tokens", False, reason, unit="nats")]
    apart, gaps = min((_apart(nats, theirs.nats) for nats in found), key=lambda pair: pair[0])
    if is_rounded:
        return [_rounded(apart, gaps, quantization, source)]
    return [_unrounded(apart, gaps, theirs, ours or TokenLosses(()), source)]


def _unrounded(apart: float, gaps: list[float], theirs: TokenLosses, ours: TokenLosses, source: str) -> Metric:
    casts = [n for n in (theirs.cast_nats, ours.cast_nats) if n is not None]
    is_exact = theirs.measured_in == ours.measured_in == "float32"
    is_same = is_exact and theirs.mantissa_bits is not None and ours.mantissa_bits == theirs.mantissa_bits
    cast = min(MOST_CAST, max(LEAST_CAST, min(casts))) if casts else None
    times = SAME_CASTS if is_same else CAST_CASTS if is_exact else HALF_CASTS
    noticed, allowed = (cast * times[0], cast * times[1]) if cast is not None else HALF_NATS
    after = f", {apart / cast:.2g} times what a cast to bfloat16 does" if cast is not None else ""
    reason = f"Token by token its loss is {apart:.4f} nats from that {source}{after}; {_tail(gaps)}."
    severity = Severity.FAIL if apart > allowed else Severity.WARN
    threshold = f"at most {noticed:.4f}, fails above {allowed:.4f}"
    return Metric(CODE, NAME, apart, threshold, apart <= noticed, reason, severity, "nats")


def _rounded(apart: float, gaps: list[float], quantization: str, source: str) -> Metric:
    limit = ROUNDED_NATS.get(quantization, HALF_NATS[1])
    reason = f"Rounded, its loss is {apart:.4f} nats from that {source}, token by token; {_tail(gaps)}."
    return Metric(CODE, NAME, apart, f"at most {limit}", apart <= limit, reason, Severity.WARN, "nats")


def _apart(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, list[float]]:
    """Root mean square of the differences, and their sizes in order."""
    gaps = sorted(abs(a - b) for a, b in zip(ours, theirs, strict=True))
    return math.sqrt(sum(gap * gap for gap in gaps) / len(gaps)), gaps


def _tail(gaps: Sequence[float]) -> str:
    middle, last = gaps[len(gaps) // 2], gaps[len(gaps) * 99 // 100]
    return f"half of the tokens by more than {middle:.4f}, one in a hundred by more than {last:.4f}"


def _numbers(found: Any) -> tuple[float, ...] | None:
    if not isinstance(found, (list, tuple)) or not 1 <= len(found) <= MOST_TOKENS:
        return None
    return tuple(map(float, found)) if all(_is_number(n, 0.0, math.inf) for n in found) else None


def _is_number(found: Any, least: float, most: float) -> bool:
    return isinstance(found, (int, float)) and not isinstance(found, bool) and least <= found <= most
