"""Where the rules put what they find, and what they are given to find it with.

Owns the collecting, and one principle: a violation that rests on a doubtful term, or on a reach that is contested,
becomes a question. Doubtful facts neither allow nor convict.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from licensing.engine.assessment import Obligation, Question, Violation
from licensing.engine.book import Book
from licensing.engine.case import Case
from licensing.engine.doubts import Side, may_convict
from licensing.engine.expressions import Choices
from licensing.engine.reach import Reach, Strand


@dataclass(frozen=True, slots=True)
class Setting:
    """The case as rules look at it: `proposed` is None where no license is proposed or nobody said which."""

    case: Case
    proposed: Choices | None
    strands: tuple[Strand, ...]
    book: Book

    @property
    def use_tags(self) -> frozenset[str] | None:
        """The intended uses; None where nobody said."""
        tags = self.case.release.use_tags
        return None if tags is None else frozenset(tag.lower() for tag in tags)

    @property
    def is_license_unsaid(self) -> bool:
        """Whether nobody said under which license the release is to go."""
        return self.proposed is None and not self.case.proposed.releases_nothing


@dataclass(slots=True)
class Findings:
    """What the rules found so far."""

    obligations: list[Obligation] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)

    def ask(self, topic: str, strand: Strand | None, text: str) -> None:
        """Leave something to a person."""
        self.questions.append(Question(topic, strand.origin if strand else None, text))

    def violate(
        self, id: str, strand: Strand, message: str, fix: str, *, side: Side, needs_derivative: bool = False
    ) -> None:
        """Record a violation, or a question where it would rest on what is not settled."""
        if not may_convict(strand.license, side):
            self.ask(id, strand, f"{message} This rests on {side.value}, which nobody verified: does it hold?")
        elif needs_derivative and strand.reach == Reach.ARGUABLE:
            self.ask(
                id, strand, f"{message} Whether a bare adapter is bound by that is unsettled: what is our reading?"
            )
        else:
            self.violations.append(Violation(id, strand.origin, message, fix))
