"""The open-source exemption for general-purpose models in the EU's AI Act, its conditions, and what stays due.

Source: Regulation (EU) 2024/1689, Articles 51, 53(2) and 54(6), recitals 102 to 104; Guidelines of the Commission on
the scope of the obligations for providers of general-purpose AI models, 18 July 2025, sections 2, 3 and 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from licensing.openness.facts import Availability, Disclosed, Earning, Gate
from licensing.openness.fitness import Fit, Fitness, fitness_of

SOURCE = (
    "Regulation (EU) 2024/1689, Articles 51, 53(2), 54(6); the Commission's guidelines on general-purpose AI models of "
    "18 July 2025, section 4.2"
)
SYSTEMIC_RISK_FLOP = 1e25
GENERAL_PURPOSE_FLOP = 1e23
ALWAYS_DUE = (
    "A policy to respect copyright law (Article 53(1)(c)).",
    "A public summary of the content used for training (Article 53(1)(d)).",
)
LIFTED = (
    "Technical documentation for the AI Office (Article 53(1)(a)).",
    "Information for those who build on the model (Article 53(1)(b)).",
    "An authorized representative for providers outside the EU (Article 54).",
)
WITH_SYSTEMIC_RISK = (
    "Notice to the Commission within two weeks of passing 10²⁵ FLOP (Article 52(1)).",
    "Evaluation, risk mitigation, incident reports and cybersecurity (Article 55).",
)


class EuAnswer(StrEnum):
    """Whether the exemption holds; from worst to best."""

    NO = "no"
    REVIEW = "review"
    ARGUABLE = "arguable"
    YES = "yes"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the exemption."""

    name: str
    answer: EuAnswer
    reason: str


@dataclass(frozen=True, slots=True)
class EuResult:
    """The answer, each condition, and the duties that remain with this answer."""

    answer: EuAnswer
    conditions: tuple[Condition, ...]
    due: tuple[str, ...]


def exemption(disclosed: Disclosed) -> EuResult:
    """All conditions must hold; one that fails decides, then one that is not known, then one that can be argued."""
    conditions = (
        _systemic_risk(disclosed),
        _license(disclosed),
        _published(disclosed),
        _earning(disclosed),
        _gate(disclosed),
    )
    answers = {condition.answer for condition in conditions}
    answer = next(answer for answer in EuAnswer if answer in answers)
    return EuResult(answer, conditions, _due(answer, conditions[0].answer))


def _systemic_risk(disclosed: Disclosed) -> Condition:
    name = "No systemic risk"
    flop = disclosed.eu.training_flop
    if flop is None:
        return Condition(name, EuAnswer.REVIEW, "Training compute is not known: is it above 10²⁵ FLOP in total?")
    if flop > SYSTEMIC_RISK_FLOP:
        why = f"{_flop(flop)} FLOP is above 10²⁵: systemic risk is presumed, and such models are never exempt."
        return Condition(name, EuAnswer.NO, why)
    if flop > GENERAL_PURPOSE_FLOP:
        return Condition(name, EuAnswer.YES, f"{_flop(flop)} FLOP is not above 10²⁵.")
    why = f"{_flop(flop)} FLOP is not above 10²³: it is likely no general-purpose model, and owes none of these duties."
    return Condition(name, EuAnswer.YES, why)


def _flop(flop: float) -> str:
    """A number of operations as people write it: 3.2 × 10²⁴."""
    digits, _, power = f"{flop:.3g}".partition("e") if flop >= 1e5 else (f"{flop:g}", "", "")
    raised = str(int(power)).translate(str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")) if power else ""
    return f"{digits} × 10{raised}" if raised else digits


def _license(disclosed: Disclosed) -> Condition:
    """Guidelines, 4.2.1: access, use, modification and distribution, without fee and without restriction of use."""
    name = "A free and open-source license"
    terms = _terms(disclosed)
    if terms is None:
        weights = disclosed.weights
        if weights.availability is Availability.UNKNOWN:
            return Condition(name, EuAnswer.REVIEW, "Under which license are the weights?")
        if weights.availability is Availability.ABSENT:
            if disclosed.eu.are_weights_architecture_usage_public:
                return Condition(name, EuAnswer.REVIEW, "The weights are said to be public; under which license?")
            return Condition(name, EuAnswer.NO, "The weights are not released.")
        return Condition(name, EuAnswer.NO, f"The weights have no license: {weights.origin}.")
    if terms.eu is Fit.YES:
        return Condition(name, EuAnswer.YES, f"{terms.name} lets everybody use, change and pass on.")
    if terms.eu is Fit.DISPUTED:
        why = f"{terms.name} restricts uses. Are these restrictions proportionate and without discrimination (4.2.1)?"
        return Condition(name, EuAnswer.ARGUABLE, why)
    if terms.eu is Fit.UNKNOWN:
        why = f"{terms.name}: do its terms let everybody use, change and pass on? {terms.source}"
        return Condition(name, EuAnswer.REVIEW, why)
    return Condition(name, EuAnswer.NO, f"{terms.name} restricts who may use the model, for what, or passing it on.")


def _terms(disclosed: Disclosed) -> Fitness | None:
    """The weights' terms; what is said of the license's family can only make them worse."""
    weights, family = disclosed.weights, disclosed.eu.license_family
    own = weights.fitness if weights.availability is not Availability.ABSENT else None
    said = family_fitness(family) if family else None
    if own is None and weights.availability in {Availability.RELEASED, Availability.GATED}:
        return None
    if own is None or said is None:
        return own or said
    if said.eu is Fit.UNKNOWN:
        return own  # a family that its name does not settle says nothing against the license itself
    return min((own, said), key=lambda terms: terms.eu.rank)


# What a whole family of licenses is for the exemption; families that hold both kinds are not settled by their name.
_FAMILIES = {
    "permissive": Fit.YES, "public_domain": Fit.YES, "copyleft": Fit.YES, "share_alike": Fit.YES, "osi": Fit.YES,
    "open_source": Fit.YES, "foss": Fit.YES, "apache": Fit.YES, "gpl": Fit.YES, "lgpl": Fit.YES, "agpl": Fit.YES,
    "bsd": Fit.YES, "openmdw": Fit.YES, "cc_by": Fit.YES, "cc_by_sa": Fit.YES, "gemma": Fit.DISPUTED, "nc": Fit.NO,
    "data_internal_use": Fit.NO, "closed": Fit.NO, "none": Fit.NO, "community": Fit.UNKNOWN, "other": Fit.UNKNOWN,
    "permissive_custom": Fit.UNKNOWN, "custom": Fit.UNKNOWN, "creative_commons": Fit.UNKNOWN,
}  # fmt: skip
# Words in a family's name that decide; those that rule out come first.
_IN_NAMES = (
    ("non_commercial", Fit.NO), ("noncommercial", Fit.NO), ("research", Fit.NO), ("evaluation", Fit.NO),
    ("threshold", Fit.NO), ("no_redistribution", Fit.NO), ("non_production", Fit.NO), ("proprietary", Fit.NO),
    ("llama", Fit.NO), ("rail", Fit.DISPUTED), ("responsible", Fit.DISPUTED), ("use_restrict", Fit.DISPUTED),
    ("use_based", Fit.DISPUTED), ("behavioral", Fit.DISPUTED), ("behavioural", Fit.DISPUTED),
)  # fmt: skip


def family_fitness(family: str) -> Fitness:
    """What a license's family is for the exemption; a family may also be named by one of its licenses."""
    word = family.strip().lower().replace("-", "_").replace(" ", "_")
    fit = _FAMILIES.get(word)
    if fit is None:
        known = fitness_of(family)
        if known.eu is not Fit.UNKNOWN:
            return known
        fit = next((fit for part, fit in _IN_NAMES if part in word), Fit.UNKNOWN)
    source = "Guidelines of the Commission, 4.2.1, for licenses of this family."
    return Fitness(family, f"a license of the family “{family}”", False, fit, fit, source)


def _published(disclosed: Disclosed) -> Condition:
    """Article 53(2): parameters, information on the architecture, and on the usage of the model."""
    name = "Weights, architecture and usage information are public"
    said = disclosed.eu.are_weights_architecture_usage_public
    if said is False:
        return Condition(name, EuAnswer.NO, "They are not all public.")
    if said is None:
        why = "Not known: are modalities, abilities, limits and ways to integrate it told in public?"
        return Condition(name, EuAnswer.REVIEW, why)
    return Condition(name, EuAnswer.YES, "They are public.")


def _earning(disclosed: Disclosed) -> Condition:
    """Guidelines, 4.2.2; recital 103."""
    name, earning, said = "No money is asked for it", disclosed.eu.earning, disclosed.eu.earning_said
    if earning is None:
        return Condition(name, EuAnswer.REVIEW, "Not known: is the model sold, or its use paid for in any way?")
    if earning is Earning.UNSETTLED:
        return Condition(name, EuAnswer.REVIEW, f"“{said}”: is the model fully usable without paying?")
    if earning is Earning.DISQUALIFYING:
        return Condition(name, EuAnswer.NO, f"“{said}” is monetization in the sense of the guidelines.")
    why = "Nothing is charged." if earning is Earning.NONE else f"“{said}” is allowed: the model is usable without it."
    return Condition(name, EuAnswer.YES, why)


def _gate(disclosed: Disclosed) -> Condition:
    """Guidelines, 4.2.1: checks of users are allowed for safety and security, without discrimination."""
    name, gate, said = "Open to everybody alike", disclosed.eu.gate, disclosed.eu.gate_said
    if gate is None:
        return Condition(name, EuAnswer.REVIEW, "Not known: must people pass a gate, and what does it ask?")
    if gate is Gate.UNSETTLED:
        return Condition(name, EuAnswer.REVIEW, f"“{said}”: who is turned away, and on what ground?")
    if gate is Gate.UNFAIR:
        return Condition(name, EuAnswer.NO, f"“{said}” turns people away on grounds that are not safety.")
    why = (
        "There is no gate." if gate is Gate.NONE else f"“{said}” is a check for safety that turns away nobody unfairly."
    )
    return Condition(name, EuAnswer.YES, why)


def _due(answer: EuAnswer, risk: EuAnswer) -> tuple[str, ...]:
    """What a provider of such a general-purpose model still owes; all of it where the exemption is not sure."""
    if answer is EuAnswer.YES:
        return ALWAYS_DUE
    return ALWAYS_DUE + LIFTED + (WITH_SYSTEMIC_RISK if risk is EuAnswer.NO else ())
