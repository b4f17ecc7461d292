"""All answers about one release together, and their form as data."""

from __future__ import annotations

from dataclasses import dataclass

from licensing.openness import eu, mof, osaid
from licensing.openness.eu import EuResult
from licensing.openness.facts import Component, Disclosed
from licensing.openness.framework import ASKED
from licensing.openness.label import LabelResult, label_of
from licensing.openness.mof import MofResult
from licensing.openness.osaid import OsaidResult

RULES_VERSION = "1"
DISCLAIMER = "Computed from what is disclosed, in our own words. Not legal advice."


@dataclass(frozen=True, slots=True)
class Assessment:
    """The three statements, none of which implies another, and the label that follows."""

    disclosed: Disclosed
    mof: MofResult
    osaid: OsaidResult
    eu: EuResult
    label: LabelResult

    def as_dict(self) -> dict[str, object]:
        """The assessment as data: the keys of openness cases first, then how each came about."""
        return {
            "mof_class": int(self.mof.level),
            "mof_blockers": [part.value for part in self.mof.blockers],
            "osaid": self.osaid.answer.value,
            "osaid_missing": list(self.osaid.missing),
            "eu_exemption": self.eu.answer.value,
            "label": self.label.label.value,
            "label_why_not_more": self.label.why_not_more,
            "reasons": [*self._about_claim(), *self._about_class(), *self._about_answers()],
            "mof_title": self.mof.level.title,
            "mof_progress": {str(level): list(counts) for level, counts in self.mof.open_of.items()},
            "osaid_checklist": [
                {"element": item.element, "name": item.name, "answer": item.answer.value, "reason": item.reason}
                for item in self.osaid.items
            ],
            "eu_conditions": [
                {"name": condition.name, "answer": condition.answer.value, "reason": condition.reason}
                for condition in self.eu.conditions
            ],
            "eu_duties": list(self.eu.due),
            "components": [_component(component) for component in self.disclosed.all],
            "sources": {"mof": mof.SOURCE, "osaid": osaid.SOURCE, "eu": eu.SOURCE},
            "disclaimer": DISCLAIMER,
            "rules_version": RULES_VERSION,
        }

    def _about_claim(self) -> list[str]:
        claimed = self.disclosed.claimed_class
        if not claimed or _number(claimed) == int(self.mof.level):
            return []
        return [f"Class {claimed} is claimed; what is disclosed amounts to {self.mof.level.title}. Claims don't count."]

    def _about_class(self) -> list[str]:
        return [f"{reason} (Model Openness Framework 1.0)" for reason in self.mof.reasons]

    def _about_answers(self) -> list[str]:
        """Every line of the other two checklists that is no yes, with its source."""
        open_lines = [item for item in self.osaid.items if item.answer is not osaid.OsaidAnswer.YES]
        conditions = [one for one in self.eu.conditions if one.answer is not eu.EuAnswer.YES]
        return [
            *(f"Open source AI, {item.name}: {item.reason} (Open Source AI Definition 1.0)" for item in open_lines),
            *(f"EU exemption, {one.name}: {one.reason} (Commission guidelines, 4.2)" for one in conditions),
        ]


def assess(disclosed: Disclosed) -> Assessment:
    """Answer all questions about a release; pure, and the same for the same facts."""
    checklist = osaid.judge(disclosed)
    return Assessment(
        disclosed, mof.classify(disclosed), checklist, eu.exemption(disclosed), label_of(disclosed, checklist)
    )


def _component(component: Component) -> dict[str, object]:
    asked = ASKED[component.part]
    fitness = component.fitness
    return {
        "name": component.part.value,
        "content": asked.content.value,
        "class": int(asked.of_class),
        "required": asked.is_required,
        "availability": component.availability.value,
        "license": component.license,
        "license_name": fitness.name if fitness else None,
        "origin": component.origin,
        "counts": component.is_open,
        "why_not": "" if component.is_open else mof.why_not(component),
        "files": [{"path": file.path, "sha256": file.sha256} for file in component.files],
        "stated_by": component.stated_by,
    }


def _number(claimed: str) -> int | None:
    word = claimed.strip().upper().removeprefix("CLASS").strip()
    return {"I": 1, "II": 2, "III": 3, "1": 1, "2": 2, "3": 3, "0": 0}.get(word)
