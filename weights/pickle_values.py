"""What stands for a value while a pickle is followed.

Owns the descriptions: a name that is not imported, a container by the number of values in it, a call's result. None of
them is the value itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from weights.findings import Finding

OPCODE_LIMIT = 1_200_000  # of one file; a state dict needs about forty for each tensor


@dataclass(frozen=True, slots=True)
class GlobalName:
    """A module's attribute, not imported."""

    module: str
    name: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Container:
    """A list, dict, set, or a tuple too long to keep; `weight` is how many values following every path would meet."""

    __slots__ = ("weight",)

    def __init__(self, weight: int = 1) -> None:
        self.weight = weight


class Tuple(Container):
    """A short tuple, kept because persistent ids and arguments of calls are tuples."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[Any, ...], weight: int) -> None:
        super().__init__(weight)
        self.items = items


class Result(Container):
    """What calling an allowed global gives."""

    __slots__ = ()


class Budget:
    """How many opcodes may still be followed in one file, whatever number of pickles it holds."""

    def __init__(self, opcodes: int | None = None) -> None:
        self.opcodes = OPCODE_LIMIT if opcodes is None else opcodes


@dataclass(frozen=True, slots=True)
class Storage:
    """A tensor's storage, as PyTorch's persistent ids announce it."""

    key: str
    kind: str
    elements: int


@dataclass(slots=True)
class PickleWalk:
    """What one pickle would have done.

    Where it ends, which names it uses, which storages it announces, what is wrong.
    """

    end: int = 0
    names: list[str] = field(default_factory=list)
    calls: int = 0
    storages: dict[str, Storage] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    is_complete: bool = False
