"""What owners state of a model that no file tells: its data, its training, its price, components that lie elsewhere.

Owns the form of a statement as data, and reading it back. Whether something is true is the owner's word, recorded with
their name and the time; what follows from it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from licensing.openness.facts import Availability, Extent
from licensing.openness.framework import Part

# What files and decisions tell already, so that nobody can state otherwise.
NEVER_STATED = frozenset({Part.PARAMETERS, Part.MODEL_CARD})
STATABLE = tuple(part for part in Part if part not in NEVER_STATED)
MONETIZATION = {
    "none": "Nothing is charged in any way",
    "optional_paid_services": "Optional paid services; the model is fully usable without them",
    "microenterprises": "Charged only between microenterprises",
    "dual_license": "Sold under a second license for some uses",
    "paid_support_required": "It takes paid support to use it",
    "paid_host_only": "Only through a host that is paid or shows advertisements",
    "personal_data": "Personal data is asked for, beyond what security needs",
}
GATING = {
    "safety_verification": "A check for safety or security that turns away nobody for who they are",
    "discriminates_by_country": "People are turned away for their country of origin",
    "other": "Something else",
}
KEYS = (
    "components", "description", "public_list", "third_party_list", "training_flop", "usage_public", "monetization",
    "gating",
)  # fmt: skip
PLACE_CHARACTERS = 500


class BadStatement(ValueError):
    """A statement that cannot be read; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class StatedPart:
    """What was stated of one component: whether people can have it, where, under which license."""

    availability: Availability
    license: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Stated:
    """One statement; None and empty are unknown. `by` says whose it is and of when, as half a sentence."""

    components: Mapping[Part, StatedPart] = field(default_factory=dict)
    description: Extent | None = None
    has_public_list: bool | None = None
    has_third_party_list: bool | None = None
    training_flop: float | None = None
    is_usage_public: bool | None = None
    monetization: str | None = None
    gating: str | None = None
    by: str = ""


def stated_of(given: Mapping[str, object], by: str = "") -> Stated:
    """A statement as it is stored; BadStatement names the field that cannot be read."""
    for key in given:
        if key not in KEYS:
            raise BadStatement(str(key)[:80], f"“{str(key)[:80]}” is unknown; known are {', '.join(KEYS)}.")
    description = _choice(given, "description", {extent.value: "" for extent in Extent})
    return Stated(
        components=_components(given.get("components")),
        description=Extent(description) if description else None,
        has_public_list=_flag(given, "public_list"),
        has_third_party_list=_flag(given, "third_party_list"),
        training_flop=_flop(given.get("training_flop")),
        is_usage_public=_flag(given, "usage_public"),
        monetization=_choice(given, "monetization", MONETIZATION),
        gating=_choice(given, "gating", GATING),
        by=by,
    )


def _components(given: object) -> dict[Part, StatedPart]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise BadStatement("components", "Components must be a mapping of names to what is stated of each.")
    parts = {part.value: part for part in STATABLE}
    found = {}
    for name, told in given.items():
        place = f"components.{str(name)[:80]}"
        if name not in parts:
            raise BadStatement(place, "No component of this name can be stated: files tell of it, or there is none.")
        if not isinstance(told, Mapping) or set(told) - {"is", "license", "place"}:
            raise BadStatement(place, "A component is stated by “is”, “license” and “place”.")
        said = told.get("is")
        if said not in {Availability.RELEASED, Availability.GATED, Availability.ABSENT}:
            raise BadStatement(place, "“is” must be released, gated or absent.")
        found[parts[name]] = StatedPart(
            Availability(str(said)), _line(told.get("license"), place, 300), _line(told.get("place"), place)
        )
    return found


def _line(given: object, field: str, limit: int = PLACE_CHARACTERS) -> str:
    if given is None:
        return ""
    if not isinstance(given, str) or len(given) > limit or any(ord(sign) < 32 for sign in given):
        raise BadStatement(field, f"License and place are single lines of at most {limit} characters.")
    return given.strip()


def _choice(given: Mapping[str, object], key: str, known: Mapping[str, str]) -> str | None:
    value = given.get(key)
    if value is None or value == "":
        return None
    if not isinstance(value, str) or value not in known:
        raise BadStatement(key, f"It must be one of {', '.join(known)}, or left open.")
    return value


def _flag(given: Mapping[str, object], key: str) -> bool | None:
    value = given.get(key)
    if value is not None and not isinstance(value, bool):
        raise BadStatement(key, "It must be true, false or left open.")
    return value


def _flop(given: object) -> float | None:
    if given is None or given == "":
        return None
    try:
        flop = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else math.nan
    except (ValueError, OverflowError):
        flop = math.nan
    if not (math.isfinite(flop) and 0 <= flop < 1e40):
        raise BadStatement("training_flop", "Write a number of floating-point operations, such as 3.8e25.")
    return flop
