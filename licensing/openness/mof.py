"""The class of the Model Openness Framework, and what the next class lacks.

Source: Model Openness Framework 1.0; where its text leaves room, the Model Openness Tool decides (ModelEvaluator and
LicenseHandler): a component counts when it is released and its license is approved by the OSI, libre for the FSF, on
the tool's list of open data licenses, or OpenMDW-1.0. A license made for another type of content is worth a warning
and counts. A class needs all that it and the classes below it require; an openly licensed research paper stands in
for the technical report.
"""

from __future__ import annotations

from dataclasses import dataclass

from licensing.openness.facts import Availability, Component, Disclosed
from licensing.openness.framework import ASKED, OpennessClass, Part, required_for

SOURCE = "Model Openness Framework 1.0 (arXiv:2403.13784), as the Model Openness Tool computes it"


@dataclass(frozen=True, slots=True)
class MofResult:
    """The class, the components that the next class lacks, and why each does not count."""

    level: OpennessClass
    blockers: tuple[Part, ...]
    reasons: tuple[str, ...]
    open_of: dict[int, tuple[int, int]]
    """For each class, how many of its required components count, and how many it requires."""


def classify(disclosed: Disclosed) -> MofResult:
    """The highest class all of whose components count."""
    level = OpennessClass.UNCLASSIFIED
    for candidate in (OpennessClass.OPEN_MODEL, OpennessClass.OPEN_TOOLING, OpennessClass.OPEN_SCIENCE):
        if lacking(disclosed, candidate):
            break
        level = candidate
    following = level.next
    blockers = lacking(disclosed, following) if following else ()
    reasons = [f"{part.value}: {why_not(disclosed.component(part))}" for part in blockers]
    if Part.TECHNICAL_REPORT not in blockers and not disclosed.component(Part.TECHNICAL_REPORT).is_open:
        reasons.append("Technical report: the openly licensed research paper stands in for it.")
    reasons += [warning for component in disclosed.all if (warning := _warning(component))]
    return MofResult(level, blockers, tuple(reasons), _progress(disclosed))


def asked_of(disclosed: Disclosed, level: OpennessClass) -> tuple[Part, ...]:
    """What a class requires of this release: the research paper in the technical report's place where it stands in."""
    required = required_for(level)
    report, paper = disclosed.component(Part.TECHNICAL_REPORT), disclosed.component(Part.RESEARCH_PAPER)
    if report.is_open or not paper.is_open:
        return required
    return tuple(dict.fromkeys(Part.RESEARCH_PAPER if part is Part.TECHNICAL_REPORT else part for part in required))


def lacking(disclosed: Disclosed, level: OpennessClass) -> tuple[Part, ...]:
    """The components that keep a release out of a class, in the framework's order."""
    return tuple(part for part in asked_of(disclosed, level) if not disclosed.component(part).is_open)


def why_not(component: Component) -> str:
    """Why a component does not count, as a sentence."""
    if component.availability is Availability.UNKNOWN:
        return component.note or "nobody has said whether it is released, and no file shows it."
    if component.availability is Availability.ABSENT:
        return component.note or "it is not released."
    if component.availability is Availability.GATED:
        return "it is only given to people who were let in."
    if component.is_unlicensed:
        return f"it is released without a license ({component.origin})."
    fitness = component.fitness
    name = fitness.name if fitness else component.license
    return f"{name} is not counted as open ({component.origin}). {fitness.source if fitness else ''}".rstrip()


def _warning(component: Component) -> str:
    """That a license was made for another type of content; only where it is known what it was made for."""
    fitness = component.fitness
    if not component.is_open or fitness is None or not fitness.made_for:
        return ""
    content = ASKED[component.part].content.value
    if content in fitness.made_for:
        return ""
    return f"{component.part.value}: {fitness.name} is open, but was made for other content than {content}."


def _progress(disclosed: Disclosed) -> dict[int, tuple[int, int]]:
    return {
        level.value: (len(asked_of(disclosed, level)) - len(lacking(disclosed, level)), len(asked_of(disclosed, level)))
        for level in (OpennessClass.OPEN_MODEL, OpennessClass.OPEN_TOOLING, OpennessClass.OPEN_SCIENCE)
    }
