"""What the rules of openness are given: each component with its terms, and what is known beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from licensing.openness.fitness import Fit, Fitness, fitness_of, worst_of
from licensing.openness.framework import ASKED, FRAMEWORK, Part

DISTRIBUTION = "distribution"


class Availability(StrEnum):
    """Whether people outside can have a component."""

    RELEASED = "released"
    GATED = "gated"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Extent(StrEnum):
    """How completely the training data is described."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


class Gate(StrEnum):
    """What stands between people outside and the weights."""

    NONE = "none"
    FAIR = "fair"
    """Everybody who meets a safety or security check gets in; nobody is turned away for where they come from."""
    UNFAIR = "unfair"
    """People are turned away for their country or another ground that is not security."""
    UNSETTLED = "unsettled"
    """There is a gate, and how it decides is not known."""


class Earning(StrEnum):
    """Whether money, or personal data in its place, is asked for the model."""

    NONE = "none"
    ALLOWED = "allowed"
    """Optional paid services, or dealings between microenterprises."""
    DISQUALIFYING = "disqualifying"
    UNSETTLED = "unsettled"


@dataclass(frozen=True, slots=True)
class FileEvidence:
    """A file that shows a component: its path in the checkpoint and its digest."""

    path: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Component:
    """One component as it is disclosed. `license` is what its terms resolve to; None where there are none."""

    part: Part
    availability: Availability = Availability.ABSENT
    license: str | None = None
    origin: str = ""
    """Where the license comes from, as half a sentence."""
    declared: str = ""
    """What the card's metadata declares, where that is known beside the license itself: a claim to compare."""
    note: str = ""
    files: tuple[FileEvidence, ...] = ()
    stated_by: str = ""
    """Who stated it, and when, where no file shows it."""

    @property
    def fitness(self) -> Fitness | None:
        """What its terms are for each framework; a claim that says otherwise can only make them worse."""
        if self.license is None or fitness_of(self.license).is_none:
            return _only_declared(self.declared) if self.declared else None
        return worst_of(self.license, self.declared) if self.is_contradicted else fitness_of(self.license)

    @property
    def is_contradicted(self) -> bool:
        """Whether the card declares another license than the one it has."""
        return bool(self.declared) and fitness_of(self.declared).license != fitness_of(self.license or "").license

    @property
    def is_unlicensed(self) -> bool:
        """Whether it has no terms, and nothing declares any."""
        return self.fitness is None

    @property
    def is_open(self) -> bool:
        """Whether it counts for the framework: released to everybody, under terms that the tool counts as open."""
        return self.availability is Availability.RELEASED and self.fitness is not None and self.fitness.mof


@dataclass(frozen=True, slots=True)
class DataInformation:
    """What is told of the training data; None is unknown."""

    description: Extent | None = None
    has_public_list: bool | None = None
    has_third_party_list: bool | None = None


@dataclass(frozen=True, slots=True)
class EuFacts:
    """What the EU's exemption turns on beside the license; None is unknown."""

    training_flop: float | None = None
    are_weights_architecture_usage_public: bool | None = None
    earning: Earning | None = None
    earning_said: str = ""
    gate: Gate | None = None
    gate_said: str = ""
    license_family: str = ""


@dataclass(frozen=True, slots=True)
class Disclosed:
    """All that is known of a release when its openness is asked for."""

    components: Mapping[Part, Component] = field(default_factory=dict)
    data: DataInformation = DataInformation()
    eu: EuFacts = EuFacts()
    claimed_class: str = ""
    unshareable_data: bool | None = None
    are_components_known: bool = True
    """False where no list of components was given at all."""

    def component(self, part: Part) -> Component:
        """The component of this name; where none was named it is not released, or unknown without any list."""
        named = self.components.get(part)
        if named is not None:
            return named
        return Component(part, Availability.ABSENT if self.are_components_known else Availability.UNKNOWN)

    @property
    def all(self) -> tuple[Component, ...]:
        """Every component of the framework, in its order."""
        return tuple(self.component(asked.part) for asked in FRAMEWORK)

    @property
    def weights(self) -> Component:
        """The final parameters."""
        return self.component(Part.PARAMETERS)


def _only_declared(declared: str) -> Fitness:
    claim = fitness_of(declared)
    source = f"The card declares {claim.name}, but nothing puts the weights under it."
    return Fitness(declared, claim.name, False, Fit.UNKNOWN, Fit.UNKNOWN, source)


def resolve(part: Part, own: str | None, globals_: Mapping[str, str]) -> tuple[str | None, str]:
    """The license of a component and where it comes from: its own, its content type's, the whole distribution's.

    Source: Model Openness Tool, ModelEvaluator, resolution of licenses. A component that says it is unlicensed does
    not inherit.
    """
    if own is not None:
        return own, "its own license"
    content = ASKED[part].content.value
    if content in globals_:
        return globals_[content], f"the release's license for {content}"
    if DISTRIBUTION in globals_:
        return globals_[DISTRIBUTION], "the license of the whole distribution"
    return None, "no license is given at any level"
