"""What the engine is asked: what a release is made from, under which terms it is to go, by whom, to whom, what for.

Owns the facts of a case as types. None, an empty text and an absent key all mean that a fact is unknown; unknown is
never read as "no". It reads nothing and judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Relation(StrEnum):
    """How the release comes from the parent; the first five are the Hub's words."""

    FINETUNE = "finetune"
    ADAPTER = "adapter"
    QUANTIZED = "quantized"
    MERGE = "merge"
    DISTILLED = "distilled"
    OUTPUTS = "outputs"
    DATA = "data"
    NONE = "none"


class Uses(StrEnum):
    """What of the parent is used."""

    MATERIALS = "materials"
    OUTPUTS = "outputs"
    DATA = "data"


class OutputPurpose(StrEnum):
    """What a model that learns from outputs is to do."""

    PERFORM_SIMILARLY = "perform_similarly"
    DIFFERENT_TASK = "different_task"


class Disclosure(StrEnum):
    """Who comes to the release, and how."""

    PUBLIC = "public"
    GATED = "gated"
    HOSTED_API = "hosted_api"
    PRODUCT = "product"
    OUTPUTS_ONLY = "outputs_only"
    INTERNAL = "internal"


class Purpose(StrEnum):
    """What the release is for."""

    COMMERCIAL = "commercial"
    RESEARCH = "research"


# What a bundle can hold, word by word.
SHIPPABLE = (
    "license_copy", "notice", "notices", "display", "state_changes", "aup_flowdown", "attribution", "source",
    "registered",
)  # fmt: skip
PROPRIETARY = "proprietary"


@dataclass(frozen=True, slots=True)
class Parent:
    """One thing that the release is made from; `path` names what lies between it and the release, nearest first.

    `also` counts further parents that are the same in everything that rules look at.
    """

    license: str = ""
    model: str = ""
    modality: str = ""
    relation: Relation | None = None
    uses: Uses | None = None
    purpose: OutputPurpose | None = None
    declared_in_card: str = ""
    path: tuple[str, ...] = ()
    also: int = 0


@dataclass(frozen=True, slots=True)
class Proposal:
    """How the release is to go: `releases_nothing` where no license is given since nothing is handed over."""

    license: str = ""
    releases_nothing: bool = False
    name: str = ""
    model_class: str = ""
    ships: Mapping[str, bool | None] | None = None
    ships_text: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def does_ship(self, item: str) -> bool | None:
        """Whether the bundle holds an item; None where that is unknown."""
        return None if self.ships is None else self.ships.get(item)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who releases: numbers are those of the whole group; `mau_at` gives users by month, as 2024-06."""

    kind: str = ""
    seat: str = ""
    mau_now: int | None = None
    mau_at: Mapping[str, int] = field(default_factory=dict)
    annual_revenue_usd: float | None = None
    monthly_revenue_usd: float | None = None
    receives_as: str = ""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """To whom the release goes, where, and what for; `territory` and `use_tags` are None where nobody said."""

    disclosure: Disclosure | None = None
    territory: tuple[str, ...] | None = None
    purpose: Purpose | None = None
    use_tags: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """One question to the engine; `parents` is None where the lineage is unknown, and empty where there is none."""

    parents: tuple[Parent, ...] | None = None
    proposed: Proposal = field(default_factory=Proposal)
    actor: Actor = field(default_factory=Actor)
    release: Circumstances = field(default_factory=Circumstances)
