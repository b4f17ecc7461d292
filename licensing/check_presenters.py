"""The engine's answer as pages show it: the verdict, duties, violations and questions, each with its license."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from licensing.catalog import shipped
from licensing.engine import Assessment, Obligation, Origin, Question, Verdict, Violation
from web.tones import Status, Tone

VERDICTS = {
    Verdict.ALLOW: Status("Allowed", Tone.SUCCESS, "check"),
    Verdict.CONDITIONS: Status("Allowed under conditions", Tone.INFO, "list-check"),
    Verdict.REVIEW: Status("A person must decide", Tone.WARNING, "gavel"),
    Verdict.DENY: Status("Not allowed as proposed", Tone.DANGER, "ban"),
}
MEANINGS = {
    Verdict.ALLOW: "No license asks for anything here.",
    Verdict.CONDITIONS: "It is lawful if all duties below are met.",
    Verdict.REVIEW: "A fact, a text or the law is not settled; the questions below are for legal reviewers.",
    Verdict.DENY: "Something below stands against it; each says what would mend it.",
}
SATISFIED = {
    True: Status("Met", Tone.SUCCESS, "check"),
    False: Status("Not met", Tone.DANGER, "x"),
    None: Status("Not known", Tone.PENDING, "help-circle"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """An assessment, ready for a page."""

    verdict: Status
    meaning: str
    duties: list[tuple[Obligation, Status, str]]
    violations: tuple[Violation, ...]
    questions: tuple[Question, ...]
    reasons: tuple[str, ...]
    sources: list[Origin]

    @property
    def unmet(self) -> int:
        """How many duties are not met, or not known to be."""
        return sum(duty.satisfied is not True for duty, _, _ in self.duties)


def shown(answer: Assessment) -> Shown:
    """The answer in the order in which people read it: what is not met comes first."""
    words = shipped().obligations
    order = {False: 0, None: 1, True: 2}
    duties = sorted(answer.obligations, key=lambda duty: order[duty.satisfied])
    return Shown(
        VERDICTS[answer.verdict],
        MEANINGS[answer.verdict],
        [(duty, SATISFIED[duty.satisfied], duty.demand or words.get(duty.id, duty.id)) for duty in duties],
        answer.violations,
        answer.questions,
        answer.reasons,
        _sources(answer),
    )


def _sources(answer: Assessment) -> list[Origin]:
    """Where each license that was spoken of is known from, once."""
    found: Iterable[Origin | None] = (
        *(duty.origin for duty in answer.obligations),
        *(violation.origin for violation in answer.violations),
        *(question.origin for question in answer.questions),
    )
    return list({origin.license_label: origin for origin in found if origin}.values())
