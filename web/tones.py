"""Tones: what a color means here. A status is a tone, a label and an icon, so that color never speaks alone.

Owns the tones and the shared words of outcomes. Which state has which tone is said by each app's presenters.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Tone(StrEnum):
    """Why something stands out; a name outside this list is a fault, never a gray fallback."""

    NEUTRAL = "neutral"
    """A plain fact."""
    MUTED = "muted"
    """Over, or not for now."""
    PENDING = "pending"
    """Has not happened; nothing may be concluded from it."""
    INFO = "info"
    """Under way."""
    SUCCESS = "success"
    """As it should be."""
    WARNING = "warning"
    """Someone should look."""
    DANGER = "danger"
    """Stops the way."""
    GATED = "gated"
    """Open to those who were granted access."""


TONE_ICONS = {
    Tone.NEUTRAL: "circle-dotted",
    Tone.MUTED: "circle-minus",
    Tone.PENDING: "circle-dashed",
    Tone.INFO: "info-circle",
    Tone.SUCCESS: "circle-check",
    Tone.WARNING: "alert-triangle",
    Tone.DANGER: "circle-x",
    Tone.GATED: "lock-open",
}


@dataclass(frozen=True, slots=True)
class Status:
    """A status as it is shown; without an icon it takes its tone's."""

    label: str
    tone: Tone = Tone.NEUTRAL
    icon: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tone", Tone(self.tone))
        object.__setattr__(self, "icon", self.icon or TONE_ICONS[self.tone])


# The outcome of evidence, and where evidence is still being made.
OUTCOMES = {
    "pass": Status("Pass", Tone.SUCCESS),
    "warn": Status("Warning", Tone.WARNING),
    "fail": Status("Fail", Tone.DANGER),
    "not_run": Status("Not run", Tone.PENDING),
    "running": Status("Running", Tone.INFO, "loader-2"),
}

# A requirement of a release policy. Not run is never met.
REQUIREMENTS = {
    "met": Status("Met", Tone.SUCCESS),
    "unmet": Status("Unmet", Tone.DANGER),
    "waived": Status("Waived", Tone.WARNING, "hand-stop"),
    "not_run": Status("Not run", Tone.PENDING),
    "running": Status("Running", Tone.INFO, "loader-2"),
}

# The severity of a finding.
SEVERITIES = {
    "block": Status("Blocks", Tone.DANGER),
    "warn": Status("Warning", Tone.WARNING),
    "note": Status("Note", Tone.INFO),
}

# Where a step of a workflow stands.
STEPS = {
    "done": Status("Done", Tone.SUCCESS, "check"),
    "current": Status("Now", Tone.INFO, "progress"),
    "upcoming": Status("To come", Tone.PENDING),
    "failed": Status("Failed", Tone.DANGER, "x"),
    "skipped": Status("Skipped", Tone.MUTED, "minus"),
}

MESSAGE_TONES = {
    "debug": Tone.NEUTRAL,
    "info": Tone.INFO,
    "success": Tone.SUCCESS,
    "warning": Tone.WARNING,
    "error": Tone.DANGER,
}
