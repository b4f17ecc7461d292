"""What a comparison of two checkpoints answers.

Owns the words and the form of the answer; how it is found is `comparison`'s.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Relation(StrEnum):
    """What a comparison says, of one tensor or of the whole; `PARTIAL` of the whole only."""

    SAME = "same"
    CAST = "cast"
    QUANTIZED = "quantized"
    FINE_TUNED = "fine-tuned"
    PARTIAL = "partial"
    UNRELATED = "unrelated"


@dataclass(slots=True)
class TensorMatch:
    """One tensor and what the other checkpoint has of it.

    `similarity` is 1 for equal content and near 0 for independent one; `share` is the part of the tensor's rows that
    was found. `proves` is false for what any model might have: it takes its relation from its company. `others` has
    every tensor that holds a part, if there are several.
    """

    name: str
    other: str | None = None
    relation: Relation = Relation.UNRELATED
    similarity: float | None = None
    share: float = 0.0
    proves: bool = False
    others: list[str] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Every field by name."""
        similarity = None if self.similarity is None else round(self.similarity, 5)
        return {
            "name": self.name,
            "other": self.other,
            "relation": self.relation.value,
            "similarity": similarity,
            "share": round(self.share, 4),
            "proves": self.proves,
            "others": self.others,
        }


@dataclass(slots=True)
class Comparison:
    """How a candidate relates to another checkpoint.

    `tensors` has every tensor of the candidate, `missing` the names of the other's tensors that it does not have.
    `shared` counts the candidate's tensors with a counterpart, `shared_share` is their part of the candidate's
    elements and `other_share` the part of the other's elements that is in the candidate; scales of quantized tensors
    and what proves nothing are left out of both parts.
    """

    relation: Relation
    shared: int
    shared_share: float
    other_share: float
    tensors: list[TensorMatch]
    missing: list[str]

    def to_json(self) -> dict[str, Any]:
        """The form that docs/reference describes."""
        return {
            "relation": self.relation.value,
            "shared": self.shared,
            "shared_share": round(self.shared_share, 6),
            "other_share": round(self.other_share, 6),
            "tensors": [tensor.to_json() for tensor in self.tensors],
            "missing": self.missing,
        }
