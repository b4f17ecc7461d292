"""Openness cases: one release as plain data in, the answers as plain data out.

Owns the form of cases. Unknown keys are refused by name, since a misspelled one would silently read as unknown; keys
that are absent are unknown. Components have the names of the Model Openness Framework and no others.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

from licensing.cases import CaseRefused
from licensing.openness.assessment import assess
from licensing.openness.facts import (
    DISTRIBUTION,
    Availability,
    Component,
    DataInformation,
    Disclosed,
    EuFacts,
    Extent,
    resolve,
)
from licensing.openness.framework import Content, Part
from licensing.openness.words import earning_of, gate_of, said_as_text

TOP = ("components", "global_licenses", "data_information", "eu", "facts")
GLOBALS = (*(content.value for content in Content), DISTRIBUTION)
DATA = ("description", "public_data_list", "third_party_data_list")
EU = ("training_flop", "weights_architecture_usage_public", "monetisation", "gating", "license_family")
FACTS = (
    "claimed_class", "data_card_is_stub", "data_card_included_in", "evaluation_results_included_in",
    "declared_weights_license", "unshareable_data",
)  # fmt: skip
# What the tool's forms write for a component that is not there.
NOT_INCLUDED = "component not included"
LICENSE_CHARACTERS = 300
YES, NO = frozenset({"yes", "true", "full", "complete"}), frozenset({"no", "false", "partial", "none"})


def check(data: dict[str, object]) -> dict[str, object]:
    """The answers about the release that a case describes; CaseRefused names the key that cannot be read."""
    return assess(read(data)).as_dict()


def read(data: object) -> Disclosed:
    """A case as facts; CaseRefused names the key that cannot be read."""
    case = _mapping(data, "", TOP)
    facts = _mapping(case.get("facts"), "facts", FACTS)
    globals_ = _globals(case.get("global_licenses"))
    components = _components(case.get("components"), globals_)
    if _flag(facts.get("data_card_is_stub"), "facts.data_card_is_stub"):
        note = "the data card is a stub, which tells nothing of the data."
        components[Part.DATA_CARD] = Component(Part.DATA_CARD, Availability.ABSENT, note=note)
    else:
        _include(components, Part.DATA_CARD, facts.get("data_card_included_in"), "facts.data_card_included_in")
    results = facts.get("evaluation_results_included_in")
    _include(components, Part.EVALUATION_RESULTS, results, "facts.evaluation_results_included_in")
    if declared := _license(facts.get("declared_weights_license"), "facts.declared_weights_license"):
        _declare(components, declared)
    return Disclosed(
        components=components,
        data=_data(case.get("data_information")),
        eu=_eu(case.get("eu")),
        claimed_class=_word(facts.get("claimed_class"), "facts.claimed_class"),
        unshareable_data=_presence(facts.get("unshareable_data")),
        are_components_known=case.get("components") is not None,
    )


def _components(given: object, globals_: Mapping[str, str]) -> dict[Part, Component]:
    parts = {part.value: part for part in Part}
    found = {}
    for name, own in _mapping(given, "components", tuple(parts)).items():
        place = f"components.{name}"
        if isinstance(own, str) and own.strip().lower() == NOT_INCLUDED:
            continue
        license, origin = resolve(parts[name], _license(own, place, may_be_empty=True), globals_)
        found[parts[name]] = Component(parts[name], Availability.RELEASED, license, origin)
    return found


def _include(components: dict[Part, Component], part: Part, host: object, key: str) -> None:
    """Count a part that lies inside another document, under its own terms where it has any, else under the host's."""
    if host is None or host is False:
        return
    hosts = [Part.MODEL_CARD.value] if host is True else host if isinstance(host, list) else [host]
    released = []
    for name in hosts:
        if not isinstance(name, str):
            raise CaseRefused(key, f"must name a component, not {str(name)[:80]!r}")
        other = _named(name)
        if other is None:
            raise CaseRefused(key, f"names no component of the framework: {name[:80]!r}")
        if other in components and other is not part:
            released.append(components[other])
    own = components.get(part)
    if not released or (own is not None and own.is_open):
        return
    best = max(released, key=lambda component: component.is_open)
    if own is None or own.is_unlicensed:
        origin = f"as part of the {best.part.value.lower()}, {best.origin}"
        components[part] = Component(part, best.availability, best.license, origin)


def _named(words: str) -> Part | None:
    """The component that some words name, such as “the model card” or “README.md”; None where they name none."""
    plain = " ".join(words.lower().replace("_", " ").split())
    if "readme" in plain:
        return Part.MODEL_CARD
    return next((part for part in Part if part.value.lower() in plain), None)


def _declare(components: dict[Part, Component], declared: str) -> None:
    weights = components.get(Part.PARAMETERS)
    if weights is not None:
        components[Part.PARAMETERS] = Component(
            weights.part, weights.availability, weights.license, weights.origin, declared
        )


def _globals(given: object) -> dict[str, str]:
    found = {}
    for name, value in _mapping(given, "global_licenses", GLOBALS).items():
        if license := _license(value, f"global_licenses.{name}"):
            found[name] = license
    return found


def _data(given: object) -> DataInformation:
    told = _mapping(given, "data_information", DATA)
    word = told.get("description")
    if word is not None and word not in set(Extent):
        raise CaseRefused(
            "data_information.description", f"must be full, partial, none or null, not {str(word)[:80]!r}"
        )
    return DataInformation(
        Extent(str(word)) if word is not None else None,
        _listed(told.get("public_data_list"), "data_information.public_data_list"),
        _listed(told.get("third_party_data_list"), "data_information.third_party_data_list"),
    )


def _eu(given: object) -> EuFacts:
    told = _mapping(given, "eu", EU)
    published = told.get("weights_architecture_usage_public")
    if isinstance(published, Mapping):
        answers = [_flag(value, f"eu.weights_architecture_usage_public.{name}") for name, value in published.items()]
        published = False if False in answers else None if None in answers or not answers else True
    return EuFacts(
        training_flop=_flop(told.get("training_flop")),
        are_weights_architecture_usage_public=_flag(published, "eu.weights_architecture_usage_public"),
        earning=earning_of(told.get("monetisation")),
        earning_said=said_as_text(told.get("monetisation")),
        gate=gate_of(told.get("gating")),
        gate_said=said_as_text(told.get("gating")),
        license_family=_license(told.get("license_family"), "eu.license_family") or "",
    )


def _mapping(given: object, place: str, known: tuple[str, ...]) -> dict[str, object]:
    if given is None and place:
        return {}
    if not isinstance(given, Mapping):
        raise CaseRefused(place, f"{'' if place else 'the case '}must be a mapping")
    for key in given:
        if key not in known:
            named = f"{place}.{key}" if place else str(key)
            raise CaseRefused(named[:200], f"is unknown here; known are: {', '.join(known)}")
    return dict(given)


def _license(given: object, key: str, *, may_be_empty: bool = False) -> str | None:
    if given is None:
        return None
    if not isinstance(given, str) or len(given) > LICENSE_CHARACTERS:
        raise CaseRefused(key, "must be the id of a license, or null")
    word = given.strip()
    return word or ("unlicensed" if may_be_empty else None)


def _word(given: object, key: str) -> str:
    if given is None:
        return ""
    if isinstance(given, bool) or not isinstance(given, str | int):
        raise CaseRefused(key, "must be a word or a number")
    return str(given)[:80]


def _flag(given: object, key: str) -> bool | None:
    if given is None or isinstance(given, bool):
        return given
    word = given.strip().lower() if isinstance(given, str) else ""
    if word == "unknown":
        return None
    if word in YES or word in NO:
        return word in YES
    raise CaseRefused(key, f"must be true, false or null, not {str(given)[:80]!r}")


def _listed(given: object, key: str) -> bool | None:
    """Whether there is a list: said, or shown by the list itself; one that does not apply lacks nothing."""
    if isinstance(given, list | dict):
        return True if given else None
    if isinstance(given, str) and given.strip().lower().replace("_", " ") in {"not applicable", "n/a"}:
        return True
    return _flag(given, key)


def _presence(given: object) -> bool | None:
    return None if given is None else bool(given)


def _flop(given: object) -> float | None:
    key = "eu.training_flop"
    if given is None or (isinstance(given, str) and given.strip().lower() == "unknown"):
        return None
    try:
        # YAML reads 1e25 without a point as a text.
        flop = float(given) if isinstance(given, str | int | float) and not isinstance(given, bool) else math.nan
    except (ValueError, OverflowError):
        flop = math.nan
    if not (math.isfinite(flop) and flop >= 0):
        raise CaseRefused(key, f"must be a number of floating-point operations, not {str(given)[:80]!r}")
    return flop
