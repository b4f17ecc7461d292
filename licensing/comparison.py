"""Two license texts beside each other: how much agrees, and each change in its place."""

from __future__ import annotations

from dataclasses import dataclass

from licensing.identification import Hunk, compared
from licensing.models import LicenseVersion


@dataclass(frozen=True, slots=True)
class TextComparison:
    """How the text of one version became that of another; `is_same` where nothing but form differs."""

    similarity: float
    hunks: tuple[Hunk, ...]
    changes: int
    is_identical: bool

    @property
    def percent(self) -> str:
        """The agreeing share of words; never rounded up to all of them."""
        return "100%" if self.is_identical else f"{min(self.similarity, 0.9999):.2%}"

    @property
    def hidden(self) -> int:
        """How many changes are not shown."""
        return self.changes - len(self.hunks)


def text_comparison(left: LicenseVersion, right: LicenseVersion) -> TextComparison | None:
    """The texts of two versions compared; None where either is not held."""
    if not (left.has_text and right.has_text):
        return None
    similarity, hunks, changes = compared(left.text, right.text)
    return TextComparison(similarity, hunks, changes, left.text_sha256 == right.text_sha256)
