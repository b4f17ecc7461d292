"""Transition tables: one per workflow, from which buttons, API verbs, events and diagrams derive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Transition:
    """A named move between states.

    `roles` hold the pen; an empty set means that only the system makes this move.
    """

    name: str
    sources: frozenset[StrEnum]
    target: StrEnum
    roles: frozenset[StrEnum] = frozenset()

    def starts_at(self, state: StrEnum) -> bool:
        """Whether the move is possible from this state."""
        return state in self.sources


class Table:
    """All transitions of one workflow, in the order in which they are offered."""

    def __init__(self, *transitions: Transition) -> None:
        names = [transition.name for transition in transitions]
        if len(set(names)) != len(names):
            raise ValueError("A transition's name is used twice.")
        self._by_name = {transition.name: transition for transition in transitions}

    def __iter__(self) -> Iterator[Transition]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Transition:
        return self._by_name[name]

    def from_state(self, state: StrEnum) -> list[Transition]:
        """The moves that are possible from a state."""
        return [transition for transition in self if transition.starts_at(state)]

    def mermaid(self) -> str:
        """The workflow as a Mermaid state diagram."""
        lines = ["stateDiagram-v2"]
        for transition in self:
            lines += [
                f"    {source.value} --> {transition.target.value}: {transition.name}"
                for source in sorted(transition.sources)
            ]
        return "\n".join(lines)
