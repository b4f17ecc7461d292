"""From what is on record of a variant to what is disclosed: files, decisions and statements, put together. Pure.

A file that leaves shows its component, whatever is decided or stated. Where no file shows one, a decision to hold it
back settles it, then what an owner stated. Where neither does, it is unknown, and said to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from licensing.openness.facts import (
    Availability,
    Component,
    DataInformation,
    Disclosed,
    EuFacts,
    Gate,
)
from licensing.openness.files import Shown
from licensing.openness.framework import ASKED, FRAMEWORK, Content, Part
from licensing.openness.statements import Stated
from licensing.openness.words import earning_of, gate_of, said_as_text
from registry.states import Component as Decided
from registry.states import Level

DECIDED_AS = {
    Part.PARAMETERS: Decided.WEIGHTS,
    Part.ARCHITECTURE: Decided.ARCHITECTURE,
    Part.LIBRARIES: Decided.TOKENIZER,
    Part.INFERENCE_CODE: Decided.INFERENCE_CODE,
    Part.TRAINING_CODE: Decided.TRAINING_CODE,
    Part.DATASETS: Decided.TRAINING_DATA,
    Part.DATA_CARD: Decided.DATA_CARD,
    Part.EVALUATION_RESULTS: Decided.EVALUATION_RESULTS,
    Part.MODEL_CARD: Decided.MODEL_CARD,
    Part.TECHNICAL_REPORT: Decided.TECHNICAL_REPORT,
}
REQUESTS = "requests that people of this organization decide"


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What is on record: `level` is that at which the files leave, None where they stay inside."""

    level: Level | None
    license: str | None = None
    license_origin: str = "the license of the release"
    declared: str = ""
    """What the card declares, where that is another license."""
    shown: Shown = field(default_factory=Shown)
    decided: Mapping[Decided, Level] = field(default_factory=dict)
    stated: Stated = field(default_factory=Stated)
    is_inside: bool = True
    """Whether the reader belongs to the organization: others are not told of decisions, nor of who stated what."""


def gather(record: OnRecord) -> Disclosed:
    """What is disclosed, component by component, and what is known beside it."""
    stated = record.stated
    return Disclosed(
        components={asked.part: _component(record, asked.part) for asked in FRAMEWORK},
        data=DataInformation(stated.description, stated.has_public_list, stated.has_third_party_list),
        eu=EuFacts(
            training_flop=stated.training_flop,
            are_weights_architecture_usage_public=_published(record),
            earning=earning_of(stated.monetization),
            earning_said=said_as_text(stated.monetization),
            gate=_gate(record),
            gate_said=said_as_text(stated.gating) if stated.gating else REQUESTS,
        ),
    )


def _component(record: OnRecord, part: Part) -> Component:
    files = record.shown.files.get(part, ())
    is_inside = part in record.shown.within_card and Part.MODEL_CARD in record.shown.files
    if files or is_inside:
        origin = f"as part of the model card, {record.license_origin}" if is_inside else record.license_origin
        declared = record.declared if part is Part.PARAMETERS else ""
        shown = files or record.shown.files[Part.MODEL_CARD]
        # The gate of a model leaves its card open, and what the card holds.
        is_card = is_inside or part is Part.MODEL_CARD
        level = Level.PUBLIC if is_card and record.level is Level.GATED else record.level
        return Component(part, _leaving(level), record.license, origin, declared, _why(level), shown)
    decided = record.decided.get(DECIDED_AS[part]) if part in DECIDED_AS else None
    if decided is Level.HELD_BACK:
        return Component(part, Availability.ABSENT, note="it is held back by decision." if record.is_inside else "")
    if part in record.shown.stubs:
        return Component(part, Availability.ABSENT, note="the model card has a heading for it and next to no words.")
    if said := record.stated.components.get(part):
        origin = "as stated" if said.license else "no license was stated"
        by = record.stated.by if record.is_inside else "its owners"
        where = f"it lies at {said.place}." if said.place else ""
        return Component(part, said.availability, said.license or None, origin, note=where, stated_by=by)
    if part is Part.PARAMETERS and record.level is None:
        return Component(part, Availability.ABSENT, note="it has not been released.")
    if decided is not None and record.is_inside:
        lacks = "no file here is its code" if ASKED[part].content is Content.CODE else "no file shows it"
        note = f"it is {decided.value} by decision, but {lacks}: say where it lies."
        return Component(part, Availability.UNKNOWN, note=note)
    if part is Part.RESEARCH_PAPER and record.shown.papers:
        note = f"the card links to arXiv {', '.join(record.shown.papers)}: say under which license."
        return Component(part, Availability.UNKNOWN, note=note)
    return Component(part, Availability.UNKNOWN)


def _leaving(level: Level | None) -> Availability:
    return {Level.PUBLIC: Availability.RELEASED, Level.GATED: Availability.GATED}.get(
        level or Level.HELD_BACK, Availability.ABSENT
    )


def _why(level: Level | None) -> str:
    return "" if level in {Level.PUBLIC, Level.GATED} else "it is in the checkpoint, which is not released."


def _published(record: OnRecord) -> bool | None:
    """Held-back weights are not public, whatever was stated; usage information is a matter of the card's words."""
    return record.stated.is_usage_public if record.level in {Level.PUBLIC, Level.GATED} else False


def _gate(record: OnRecord) -> Gate | None:
    if record.level is Level.PUBLIC:
        return Gate.NONE
    if record.level is Level.GATED:
        return gate_of(record.stated.gating) or Gate.UNSETTLED
    return None
