"""Verdicts: an answer with every reason against it, in words that page, API and command line share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum


class Kind(StrEnum):
    """What a rule looks at, which decides how a refusal is answered over HTTP."""

    WHO = "who"
    """The person or their roles: 403."""
    WHEN = "when"
    """The state of things; the same person may succeed later: 409."""
    WHAT = "what"
    """The content of the request: 422."""
    MISSING = "missing"
    """The thing does not exist for this person: 404."""
    LOCKED = "locked"
    """Nobody is signed in, or their token is not valid: 401."""
    PACE = "pace"
    """Too often in too short a time; the same act is answered again after a pause: 429."""

    @property
    def status(self) -> int:
        """The HTTP status of a refusal of this kind."""
        return {"who": 403, "when": 409, "what": 422, "missing": 404, "locked": 401, "pace": 429}[self.value]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason for a refusal.

    `field` names the input that it speaks of, where there is one.
    """

    code: str
    message: str
    lifted_by: str
    kind: Kind
    field: str = ""

    def as_dict(self) -> dict[str, str]:
        """The reason as the API shows it."""
        shown = {"code": self.code, "message": self.message, "lifted_by": self.lifted_by}
        return shown | {"field": self.field} if self.field else shown


_registered: dict[str, Rule] = {}


@dataclass(frozen=True, slots=True)
class Rule:
    """A named condition with the sentence that explains its refusal.

    `sentence` and `lifted_by` may hold `{names}` that are filled when the rule refuses. A code is registered once
    and never used for another rule: programs branch on it.
    """

    code: str
    sentence: str
    lifted_by: str
    kind: Kind = Kind.WHEN
    field: str = ""

    def __post_init__(self) -> None:
        known = _registered.setdefault(self.code, self)
        if known != self:
            raise ValueError(f"The rule code {self.code!r} is taken.")

    def refuse(self, **facts: object) -> Reason:
        """The reason that this rule gives, with its sentence filled."""
        return Reason(
            self.code,
            self.sentence.format(**facts),
            self.lifted_by.format(**facts),
            self.kind,
            str(facts.get("field", self.field)),
        )

    def unless(self, holds: object, **facts: object) -> Reason | None:
        """Refuse unless the condition holds."""
        return None if holds else self.refuse(**facts)


def registered_rules() -> list[Rule]:
    """Every rule that has been defined so far, by code."""
    return [_registered[code] for code in sorted(_registered)]


class Refused(Exception):
    """An act was refused; `verdict` says why."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.sentence)
        self.verdict = verdict

    @classmethod
    def because(cls, rule: Rule, **facts: object) -> Refused:
        """A refusal with a single reason."""
        return cls(Verdict((rule.refuse(**facts),)))


@dataclass(frozen=True, slots=True)
class Verdict:
    """Allowed where there is no reason against it. Never parse a reason's words: compare its code."""

    reasons: tuple[Reason, ...] = field(default=())

    @classmethod
    def of(cls, *reasons: Reason | None) -> Verdict:
        """A verdict with those reasons that applied."""
        return cls(tuple(reason for reason in reasons if reason is not None))

    @classmethod
    def all_of(cls, verdicts: Iterable[Verdict]) -> Verdict:
        """Allowed only where every verdict allows; all reasons are kept, in order."""
        return cls(tuple(reason for verdict in verdicts for reason in verdict.reasons))

    @property
    def allowed(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons

    @property
    def codes(self) -> frozenset[str]:
        """The codes of all reasons."""
        return frozenset(reason.code for reason in self.reasons)

    @property
    def sentence(self) -> str:
        """All reasons in one line."""
        return " ".join(reason.message for reason in self.reasons)

    @property
    def status(self) -> int:
        """The HTTP status of the refusal: who you are is answered before when, and when before what."""
        order = (Kind.PACE, Kind.LOCKED, Kind.MISSING, Kind.WHO, Kind.WHEN, Kind.WHAT)
        kinds = {reason.kind for reason in self.reasons}
        return next((kind.status for kind in order if kind in kinds), 200)

    def require(self) -> None:
        """Raise `Refused` unless allowed."""
        if self.reasons:
            raise Refused(self)

    def as_list(self) -> list[dict[str, str]]:
        """The reasons as the API and stored events show them."""
        return [reason.as_dict() for reason in self.reasons]
