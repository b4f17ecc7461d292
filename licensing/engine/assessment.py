"""What the engine answers: a verdict, the duties, what stands against the release, and what a person must decide.

Owns the types of an answer and their printed form. `deny` goes before `review`, that before `conditions`, that before
`allow`: what is unlawful as proposed does not become a question because something else is open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

SHOWN_STEPS = 8


class Verdict(StrEnum):
    """Whether the release may go as proposed."""

    ALLOW = "allow"
    CONDITIONS = "conditions"
    REVIEW = "review"
    DENY = "deny"

    @property
    def rank(self) -> int:
        """How much stands against the release; a higher verdict overrules a lower one."""
        return list(Verdict).index(self)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a duty, a violation or a question comes from: the parent, its license, and the path to it."""

    model: str
    license_key: str
    license_label: str
    license_name: str
    source: str
    path: tuple[str, ...] = ()
    also: int = 0  # further parents under the same license whose duty is the same

    def __str__(self) -> str:
        names = " ← ".join((*_shortened(self.path), self.model or "an unnamed parent"))
        further = f" and {self.also} more" if self.also else ""
        return f"{names} ({self.license_label}){further}"


def _shortened(path: tuple[str, ...]) -> tuple[str, ...]:
    """A long path by its ends."""
    if len(path) <= SHOWN_STEPS:
        return path
    near, far = path[: SHOWN_STEPS // 2], path[-(SHOWN_STEPS // 2) :]
    return (*near, f"… {len(path) - len(near) - len(far)} more …", *far)


@dataclass(frozen=True, slots=True)
class Obligation:
    """One duty: `satisfied` is None where nobody said; `text` is what the license prescribes word by word."""

    id: str
    origin: Origin
    satisfied: bool | None
    demand: str = ""
    remedy: str = ""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that makes the release unlawful as proposed, and what would mend it."""

    id: str
    origin: Origin | None
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class Question:
    """One thing that a person must decide, since a fact, a text or the law is not settled."""

    topic: str
    origin: Origin | None
    text: str


@dataclass(frozen=True, slots=True)
class Assessment:
    """The answer to a case."""

    verdict: Verdict
    obligations: tuple[Obligation, ...] = ()
    violations: tuple[Violation, ...] = ()
    questions: tuple[Question, ...] = ()
    reasons: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """The answer as it is printed."""
        return {
            "verdict": self.verdict.value,
            "obligations": [
                {"id": duty.id, "from": str(duty.origin), "satisfied": duty.satisfied} for duty in self.obligations
            ],
            "violations": [
                {
                    "id": violation.id,
                    "from": str(violation.origin or "the release itself"),
                    "message": violation.message,
                    "fix": violation.fix,
                }
                for violation in self.violations
            ],
            "reasons": list(self.reasons),
        }
