"""Openness as it is shown: the wheel, the table behind it, and the three statements. Colors never speak alone."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

from licensing.openness.assessment import Assessment
from licensing.openness.eu import EuAnswer
from licensing.openness.facts import Availability, Component
from licensing.openness.framework import ASKED, OpennessClass
from licensing.openness.label import Label
from licensing.openness.mof import why_not
from licensing.openness.osaid import OsaidAnswer
from web.tones import Status, Tone

OPEN = Status("Open", Tone.SUCCESS, "circle-check")
CLOSED = Status("Terms that are not open", Tone.WARNING, "license")
UNLICENSED = Status("No license", Tone.DANGER, "ban")
GATED = Status("Behind a gate", Tone.GATED, "lock-open")
ABSENT = Status("Not released", Tone.NEUTRAL, "lock")
UNKNOWN = Status("Not known", Tone.PENDING, "help-circle")
STANDINGS = (OPEN, CLOSED, UNLICENSED, GATED, ABSENT, UNKNOWN)
PATTERNS = {
    OPEN: "open",
    CLOSED: "closed",
    UNLICENSED: "unlicensed",
    GATED: "gated",
    ABSENT: "absent",
    UNKNOWN: "unknown",
}
# A sign in each segment, so that it can be told without color and without its pattern.
SIGNS = {OPEN: "✓", CLOSED: "§", UNLICENSED: "!", GATED: "⚷", ABSENT: "–", UNKNOWN: "?"}

LABELS = {
    Label.OPEN_SOURCE_AI: Status("Open source AI", Tone.SUCCESS, "rosette-discount-check"),
    Label.OPEN_WEIGHTS: Status("Open weights", Tone.INFO, "world"),
    Label.GATED_WEIGHTS: Status("Gated weights", Tone.GATED, "lock-open"),
    Label.HELD_BACK: Status("Held back", Tone.NEUTRAL, "lock"),
}
OSAID = {
    OsaidAnswer.YES: Status("Yes", Tone.SUCCESS),
    OsaidAnswer.NO: Status("No", Tone.DANGER),
    OsaidAnswer.UNDETERMINED: Status("Undetermined", Tone.WARNING, "help-circle"),
}
EU = {
    EuAnswer.YES: Status("Holds", Tone.SUCCESS),
    EuAnswer.NO: Status("Does not hold", Tone.DANGER),
    EuAnswer.ARGUABLE: Status("Arguable", Tone.WARNING, "scale"),
    EuAnswer.REVIEW: Status("A person must decide", Tone.WARNING, "help-circle"),
}
CLASSES = {
    OpennessClass.UNCLASSIFIED: Status("Unclassified", Tone.NEUTRAL),
    OpennessClass.OPEN_MODEL: Status("Class III, Open Model", Tone.INFO),
    OpennessClass.OPEN_TOOLING: Status("Class II, Open Tooling", Tone.INFO),
    OpennessClass.OPEN_SCIENCE: Status("Class I, Open Science", Tone.SUCCESS),
}
ROMAN = {1: "I", 2: "II", 3: "III"}

WIDTH, HEIGHT, OUTER, INNER, NUMBERS, SIGNS_AT, ARC, NAMES_AT = 480, 380, 166.0, 84.0, 148.0, 112.0, 175.0, 184.0
GAP = 0.06  # radians between the classes


@dataclass(frozen=True, slots=True)
class Segment:
    """One component of the wheel, and its row in the table behind it."""

    number: int
    name: str
    meaning: str
    of_class: str
    is_required: bool
    status: Status
    pattern: str
    sign: str
    component: Component
    why: str
    path: str
    number_at: tuple[str, str]
    sign_at: tuple[str, str]

    @property
    def is_woven(self) -> bool:
        """Whether a pattern fills it; the others are plain or empty."""
        return self.pattern in {"closed", "unlicensed", "gated"}

    @property
    def title(self) -> str:
        """The segment in words, for those who point at it or hear it."""
        return f"{self.number}. {self.name}: {self.status.label.lower()}"


@dataclass(frozen=True, slots=True)
class Arc:
    """The name of a class, around its segments."""

    name: str
    path: str
    at: tuple[str, str]
    anchor: str


@dataclass(frozen=True, slots=True)
class Wheel:
    """The components in a circle, class after class, in a field of `width` by `height`."""

    segments: list[Segment]
    arcs: list[Arc]
    level: str
    label: Status
    counts: str
    legend: list[tuple[str, Status]]
    width: int = WIDTH
    height: int = HEIGHT


def wheel(assessment: Assessment) -> Wheel:
    """The wheel of an assessment: from the top, clockwise, class III first."""
    components = assessment.disclosed.all
    groups = (OpennessClass.OPEN_MODEL, OpennessClass.OPEN_TOOLING, OpennessClass.OPEN_SCIENCE)
    step = (2 * pi - GAP * len(groups)) / len(components)
    segments, arcs, angle, number = [], [], GAP / 2 - pi / 2, 0
    for group in groups:
        begun = angle
        for component in (one for one in components if ASKED[one.part].of_class == group):
            number += 1
            segments.append(_segment(number, component, angle, angle + step))
            angle += step
        arcs.append(_class_arc(group, begun, angle))
        angle += GAP
    counting = sum(component.is_open for component in components)
    counts = f"{counting} of {len(components)} components are open"
    legend = [(SIGNS[status], status) for status in STANDINGS]
    level = ROMAN.get(int(assessment.mof.level), "")
    return Wheel(segments, arcs, level, LABELS[assessment.label.label], counts, legend)


def standing(component: Component) -> Status:
    """How one component stands."""
    if component.availability is Availability.UNKNOWN:
        return UNKNOWN
    if component.availability is Availability.ABSENT:
        return ABSENT
    if component.availability is Availability.GATED:
        return GATED
    if component.is_open:
        return OPEN
    return UNLICENSED if component.is_unlicensed else CLOSED


def progress(assessment: Assessment) -> list[tuple[Status, int, int]]:
    """Each class with how many of its required components count, least open first."""
    return [(CLASSES[OpennessClass(level)], *assessment.mof.open_of[level]) for level in (3, 2, 1)]


def _segment(number: int, component: Component, begin: float, end: float) -> Segment:
    asked, status, middle = ASKED[component.part], standing(component), (begin + end) / 2
    return Segment(
        number,
        component.part.value,
        asked.meaning,
        ROMAN[asked.of_class.value],
        asked.is_required,
        status,
        PATTERNS[status],
        SIGNS[status],
        component,
        "" if component.is_open else _capital(why_not(component)),
        _sector(begin, end),
        _at(middle, NUMBERS),
        _at(middle, SIGNS_AT),
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


def _class_arc(group: OpennessClass, begin: float, end: float) -> Arc:
    middle = (begin + end) / 2
    anchor = "middle" if abs(cos(middle)) < 0.35 else "start" if cos(middle) > 0 else "end"
    return Arc(f"Class {ROMAN[group.value]}", _arc(begin, end, ARC), _at(middle, NAMES_AT), anchor)


def _at(angle: float, radius: float) -> tuple[str, str]:
    """A point on a circle; as text, so that no locale puts a comma into it."""
    return f"{WIDTH / 2 + radius * cos(angle):.1f}", f"{HEIGHT / 2 + radius * sin(angle):.1f}"


def _arc(begin: float, end: float, radius: float) -> str:
    start, stop = " ".join(_at(begin, radius)), " ".join(_at(end, radius))
    return f"M{start}A{radius} {radius} 0 {int(end - begin > pi)} 1 {stop}"


def _sector(begin: float, end: float) -> str:
    back = " ".join(_at(begin, INNER))
    return f"{_arc(begin, end, OUTER)}L{' '.join(_at(end, INNER))}A{INNER} {INNER} 0 0 0 {back}Z"
