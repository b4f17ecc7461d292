"""The strongest words that a card may use of a release, and why not more.

"Open source AI" needs a yes to the Open Source AI Definition; "open weights" needs weights that everybody can have;
weights behind a gate are "gated weights"; the rest is "held back".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from licensing.openness.facts import Availability, Disclosed, Gate
from licensing.openness.fitness import Fit
from licensing.openness.osaid import OsaidAnswer, OsaidResult


class Label(StrEnum):
    """What a card may call a release."""

    HELD_BACK = "held back"
    GATED_WEIGHTS = "gated weights"
    OPEN_WEIGHTS = "open weights"
    OPEN_SOURCE_AI = "open source AI"

    @property
    def rank(self) -> int:
        """How much it claims, least first."""
        return list(Label).index(self)


@dataclass(frozen=True, slots=True)
class LabelResult:
    """The label, and why a stronger one would not be true."""

    label: Label
    why_not_more: str


def label_of(disclosed: Disclosed, osaid: OsaidResult) -> LabelResult:
    """The strongest label that is true."""
    weights = disclosed.weights
    is_said_public = disclosed.eu.are_weights_architecture_usage_public is True
    if weights.availability is Availability.UNKNOWN and not is_said_public:
        return LabelResult(Label.HELD_BACK, "Nobody has said that the weights are released.")
    if weights.availability is Availability.ABSENT:
        why = f"The weights: {weights.note}" if weights.note else "The weights are not released."
        return LabelResult(Label.HELD_BACK, why)
    if weights.availability is Availability.GATED or disclosed.eu.gate not in {None, Gate.NONE}:
        return LabelResult(Label.GATED_WEIGHTS, "People must pass a gate before they get the weights.")
    if osaid.answer is OsaidAnswer.YES:
        return LabelResult(Label.OPEN_SOURCE_AI, "")
    return LabelResult(Label.OPEN_WEIGHTS, " ".join([*_lacks(osaid), *_terms(disclosed)]))


def _lacks(osaid: OsaidResult) -> list[str]:
    if osaid.missing:
        return [f"“Open source AI” would need: {', '.join(osaid.missing)}."]
    lacking = [item.name for item in osaid.unsettled if item.lacks_facts]
    questions = [item.reason for item in osaid.unsettled if not item.lacks_facts]
    if lacking:
        return [f"“Open source AI” is undetermined: not enough is known of {', '.join(lacking)}."]
    return [f"“Open source AI” is undetermined: {' '.join(questions[:1])}"]


def _terms(disclosed: Disclosed) -> list[str]:
    fitness = disclosed.weights.fitness
    if disclosed.weights.availability is Availability.UNKNOWN or (fitness and fitness.osaid is Fit.UNKNOWN):
        return ["It is not known under which terms the weights are."]
    if fitness is None:
        return ["Everybody can get the weights, but without a license nobody may use them: say so beside the label."]
    if fitness.mof:
        return []
    return [f"{fitness.name} restricts use: name it beside the label."]
