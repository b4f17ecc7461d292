"""What a release would change against what is live now: files, audience, disclosure of each component."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.presenters import COMPONENTS, NOT_DISCLOSED, REASONS, level
from registry.states import Component, Level, ReasonCode
from web.tones import Status

SHOWN_PATHS = 40
WIDTH = {"": 0, Level.HELD_BACK.value: 0, Level.GATED.value: 1, Level.PUBLIC.value: 2}
UNSEEN = ("", Level.HELD_BACK.value)


@dataclass(frozen=True, slots=True)
class FileChange:
    """Files that come, change or go, as far as a page shows them, with how many there are in all."""

    label: str
    tone: str
    icon: str
    paths: list[str]
    count: int

    @property
    def hidden(self) -> int:
        """How many are not listed."""
        return self.count - len(self.paths)


@dataclass(frozen=True, slots=True)
class Line:
    """One component of one variant: where it stands now, and where it would."""

    component: str
    before: Status
    after: Status
    direction: str
    reason: str
    owner: str
    review_on: str


def file_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[FileChange]:
    """What differs between two sets of files, given as path to digest; empty where they are the same."""
    added = sorted(after.keys() - before.keys())
    gone = sorted(before.keys() - after.keys())
    changed = sorted(path for path in after.keys() & before.keys() if after[path] != before[path])
    shown = (
        ("added", "success", "plus", added),
        ("changed", "info", "pencil", changed),
        ("removed", "danger", "minus", gone),
    )
    return [
        FileChange(label, tone, icon, paths[:SHOWN_PATHS], len(paths)) for label, tone, icon, paths in shown if paths
    ]


def direction(before: str, after: str) -> str:
    """Whether more people would see it, fewer, or the same; empty levels are nobody."""
    change = WIDTH[after] - WIDTH[before]
    return "more" if change > 0 else "less" if change < 0 else "same"


def audience(before: str, after: str) -> str:
    """Who would see more or less, in one sentence."""
    if before in UNSEEN and after in UNSEEN:
        return "Nothing becomes visible outside. That it is held back goes on record, with reason and owner."
    if after == Level.HELD_BACK:
        return "Nobody outside will see it any longer. Copies that were made stay where they are."
    if before in UNSEEN:
        if after == Level.PUBLIC:
            return "Everybody will see it and may download it. Nobody outside could before."
        return "Everybody will see that it exists, its card and its license. Who is granted access may download it."
    if before == after:
        return "The same people as now; what they get is what changes."
    if after == Level.PUBLIC:
        return "Everybody may download what takes a grant now."
    return "Downloading will take a grant. Copies that were made stay where they are."


def lines(before: Mapping[str, str], after: list[dict[str, Any]]) -> list[Line]:
    """One line for each component that is decided now or would be; `before` maps components to levels in force."""
    decided = {str(line["component"]): line for line in after}
    found = []
    for component in Component:
        if component not in decided and component not in before:
            continue
        line = decided.get(component)
        was = before.get(component, "")
        becomes = str(line["level"]) if line else was
        found.append(
            Line(
                COMPONENTS[component],
                level(was) if was else NOT_DISCLOSED,
                level(becomes),
                direction(was, becomes),
                REASONS[ReasonCode(line["reason_code"])] if line and line.get("reason_code") else "",
                str(line.get("owner", "")) if line else "",
                str(line.get("review_on", "")) if line else "",
            )
        )
    return found
