"""The checklist of the Open Source AI Definition 1.0 of the Open Source Initiative.

The Definition asks for three elements: information on the data, under OSI-approved terms; all code for training and
running, under an OSI-approved license; the parameters, under OSI-approved terms. Which components these are is taken
from the OSI's own checklist, which follows the framework's names: data preprocessing, training, inference, supporting
libraries, architecture and parameters are required; evaluation code, data sets and checkpoints are not. The checklist
calls itself no manual, so whatever it leaves open is undetermined here, with the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from licensing.openness.facts import Availability, Component, Disclosed, Extent, Gate
from licensing.openness.fitness import Fit
from licensing.openness.framework import Part

SOURCE = "Open Source AI Definition 1.0 and its checklist (Open Source Initiative, 28 October 2024)"
DATA_INFORMATION = "Data information"

CODE = (Part.PREPROCESSING_CODE, Part.TRAINING_CODE, Part.INFERENCE_CODE, Part.LIBRARIES)
MODEL = (Part.ARCHITECTURE, Part.PARAMETERS)
# What can carry the information on the data; its terms are the best of theirs.
CARRIERS = (Part.DATA_CARD, Part.TECHNICAL_REPORT, Part.RESEARCH_PAPER, Part.DATASETS)


class OsaidAnswer(StrEnum):
    """Whether it is open source AI."""

    YES = "yes"
    NO = "no"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the checklist."""

    element: str
    name: str
    answer: OsaidAnswer
    reason: str
    lacks_facts: bool = False
    """Undetermined for want of facts, which the lab can state, and not because the law or the OSI left it open."""


@dataclass(frozen=True, slots=True)
class OsaidResult:
    """The answer, with every line of the checklist."""

    answer: OsaidAnswer
    items: tuple[Item, ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """What the Definition asks for and the release does not give."""
        return tuple(item.name for item in self.items if item.answer is OsaidAnswer.NO)

    @property
    def unsettled(self) -> tuple[Item, ...]:
        """The lines that somebody must settle."""
        return tuple(item for item in self.items if item.answer is OsaidAnswer.UNDETERMINED)


def judge(disclosed: Disclosed) -> OsaidResult:
    """Go through the checklist: one line that fails fails it, one that is unsettled leaves it undetermined."""
    items = [
        _data(disclosed),
        *(_component("Code", disclosed.component(part)) for part in CODE),
        *(_component("Model", disclosed.component(part)) for part in MODEL),
    ]
    if gate := _gate(disclosed):
        items.append(gate)
    answers = {item.answer for item in items}
    if OsaidAnswer.NO in answers:
        return OsaidResult(OsaidAnswer.NO, tuple(items))
    undetermined = OsaidAnswer.UNDETERMINED in answers
    return OsaidResult(OsaidAnswer.UNDETERMINED if undetermined else OsaidAnswer.YES, tuple(items))


def _component(element: str, component: Component) -> Item:
    name = component.part.value
    if component.availability is Availability.ABSENT:
        return Item(element, name, OsaidAnswer.NO, _sentence(component.note) or "It is not released.")
    if component.availability is Availability.UNKNOWN:
        why = _sentence(component.note) or "Nobody has said whether it is released."
        return Item(element, name, OsaidAnswer.UNDETERMINED, why, lacks_facts=True)
    if component.is_unlicensed:
        return Item(element, name, OsaidAnswer.NO, f"It has no license: {component.origin}.")
    answer, why = _terms(component)
    if answer is OsaidAnswer.YES and component.availability is Availability.GATED:
        why = "Its terms are OSI-approved, but people must ask to get it. Is that use without asking for permission?"
        return Item(element, name, OsaidAnswer.UNDETERMINED, why)
    return Item(element, name, answer, why)


def _sentence(note: str) -> str:
    return note[:1].upper() + note[1:]


def _terms(component: Component) -> tuple[OsaidAnswer, str]:
    fitness = component.fitness
    if fitness is None:
        return OsaidAnswer.NO, "It has no license."
    said = f"{fitness.name}, {component.origin}" if component.origin else fitness.name
    if fitness.osaid is Fit.YES:
        return OsaidAnswer.YES, f"OSI-approved: {said}."
    if fitness.osaid is Fit.DISPUTED:
        why = f"{said}: not approved by the OSI. Does the OSI take these for terms that grant the freedoms it asks for?"
        return OsaidAnswer.UNDETERMINED, why
    if fitness.osaid is Fit.UNKNOWN:
        return OsaidAnswer.UNDETERMINED, f"{said}: which terms are these? {fitness.source}"
    return OsaidAnswer.NO, f"{said}: these terms restrict use, or are not open."


def _data(disclosed: Disclosed) -> Item:
    """Source: Open Source AI Definition 1.0, "Data Information", (1) to (3), under OSI-approved terms."""
    told = disclosed.data
    lists = (
        (told.has_public_list, "the list of public training data and where to get it"),
        (told.has_third_party_list, "the list of data that can be had from others and where"),
    )
    lacking = [words for has, words in lists if has is False]
    if told.description in {Extent.NONE, Extent.PARTIAL}:
        lacking.insert(0, "a complete description of all training data, what cannot be shared included")
    if lacking:
        return Item("Data", DATA_INFORMATION, OsaidAnswer.NO, f"Missing: {'; '.join(lacking)}.")
    unknown = [words for has, words in lists if has is None]
    if told.description is None:
        unknown.insert(0, "a complete description of all training data")
    if unknown:
        why = f"Not known: is there {'; '.join(unknown)}?"
        return Item("Data", DATA_INFORMATION, OsaidAnswer.UNDETERMINED, why, lacks_facts=True)
    answer, why = _carrier_terms(disclosed)
    return Item("Data", DATA_INFORMATION, answer, why)


def _carrier_terms(disclosed: Disclosed) -> tuple[OsaidAnswer, str]:
    """The terms of the information on the data: the best among the documents that can carry it."""
    order = {OsaidAnswer.NO: 0, OsaidAnswer.UNDETERMINED: 1, OsaidAnswer.YES: 2}
    lines = [
        _component("Data", component)
        for component in (disclosed.component(part) for part in CARRIERS)
        if component.availability in {Availability.RELEASED, Availability.GATED}
    ]
    if not lines:
        why = "It is complete, but no data card, report, paper or data set is released that holds it. Where is it?"
        return OsaidAnswer.UNDETERMINED, why
    best = max(lines, key=lambda line: order[line.answer])
    return best.answer, f"Complete. {best.name}: {best.reason}"


def _gate(disclosed: Disclosed) -> Item | None:
    if disclosed.eu.gate in {None, Gate.NONE} or disclosed.weights.availability is not Availability.RELEASED:
        return None
    why = "People must pass a gate before they get the weights. Is that use without having to ask for permission?"
    return Item("Model", "Access", OsaidAnswer.UNDETERMINED, why)
