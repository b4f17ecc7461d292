"""How the tensors of two checkpoints relate, in words: the relation of the whole first, then tensor by tensor."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import weights
from registry.models import Evidence
from registry.validation.storing import sort_key
from release.selectors.comparison import records
from web.tones import Status, Tone
from weights import Relation

SHOWN = 300
RELATIONS = {
    Relation.SAME: (Status("Same", Tone.SUCCESS), "Its weights are the other's, bit by bit."),
    Relation.CAST: (
        Status("Cast", Tone.INFO, "replace"),
        "Its weights are the other's, stored in another floating-point type.",
    ),
    Relation.QUANTIZED: (Status("Quantized", Tone.INFO, "stack-2"), "Its weights are the other's, quantized."),
    Relation.FINE_TUNED: (
        Status("Fine-tuned", Tone.WARNING, "adjustments"),
        "One was tuned from the other, or both from one ancestor.",
    ),
    Relation.PARTIAL: (
        Status("Partial", Tone.WARNING, "columns"),
        "Some tensors of the other are in it, in one form or another; the rest is its own.",
    ),
    Relation.UNRELATED: (Status("Unrelated", Tone.NEUTRAL), "Nothing in it comes from the other."),
}


@dataclass(frozen=True, slots=True)
class Pair:
    """A tensor and its counterpart in the other checkpoint; empty where it has none."""

    name: str
    other: str
    more: int
    status: Status
    likeness: float | None
    share: float


def context(evidence: Evidence, other: Evidence) -> dict[str, Any]:
    """The comparison of two validated checkpoints as the page shows it."""
    compared = weights.compare(records(evidence), records(other))
    status, sentence = RELATIONS[compared.relation]
    order = list(RELATIONS)
    found = sorted(
        compared.tensors, key=lambda one: (one.other is None, -order.index(one.relation), sort_key(one.name))
    )
    counts = Counter(one.relation for one in found)
    return {
        "relation": status,
        "sentence": sentence,
        "shared": compared.shared,
        "shared_share": compared.shared_share,
        "other_share": compared.other_share,
        "missing": len(compared.missing),
        "counts": [(RELATIONS[one][0], counts[one]) for one in RELATIONS if counts[one]],
        "pairs": [_pair(one) for one in found[:SHOWN]],
        "hidden_pairs": max(0, len(found) - SHOWN),
    }


def _pair(one: weights.TensorMatch) -> Pair:
    status = RELATIONS[one.relation][0] if one.other else Status("Its own", Tone.NEUTRAL)
    return Pair(one.name, one.other or "", max(0, len(one.others) - 1), status, one.similarity, one.share)
