"""What one set of files has that another has not, and where two lines of work touched the same path. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Content(Protocol):
    """What stands at a path, as far as comparing needs it."""

    @property
    def sha256(self) -> str:
        """The content's hash."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One path that is not the same on both sides; an empty hash where it is missing."""

    path: str
    before: str
    after: str

    @property
    def word(self) -> str:
        """What happened to it."""
        if not self.before:
            return "added"
        return "changed" if self.after else "removed"


def differences(before: Mapping[str, Content], after: Mapping[str, Content]) -> list[Difference]:
    """Every path that was added, changed or removed, in order."""
    found = []
    for path in sorted({*before, *after}):
        old = before[path].sha256 if path in before else ""
        new = after[path].sha256 if path in after else ""
        if old != new:
            found.append(Difference(path, old, new))
    return found


def conflicts(
    base: Mapping[str, Content], proposed: Mapping[str, Content], present: Mapping[str, Content]
) -> list[str]:
    """Paths that both sides changed since `base`, each in another way."""
    theirs = {difference.path: difference.after for difference in differences(base, proposed)}
    ours = {difference.path: difference.after for difference in differences(base, present)}
    return [path for path in sorted(theirs) if path in ours and theirs[path] != ours[path]]
