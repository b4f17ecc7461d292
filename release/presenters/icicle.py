"""Where the bytes of a checkpoint are, module by module: rows of boxes, each as wide as its share of the bytes.

Pure: amounts in, coordinates out. Each row is one level of the modules' tree, each box stands under its parent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

WIDTH, ROW = 960.0, 46.0
# Narrower boxes cannot be told apart; neighbors of that kind are drawn as one.
NARROW = 2.5
CHARACTER_WIDTH = 6.6
PADDING = 6.0
COLORS = 6
SHOWN_PARTS = 200


class Amount(Protocol):
    """Tensors of one data type below one place in the tree."""

    @property
    def path(self) -> tuple[str, ...]: ...
    @property
    def dtype(self) -> str: ...
    @property
    def sort_key(self) -> str: ...
    @property
    def size_bytes(self) -> int: ...
    @property
    def elements(self) -> int: ...
    @property
    def tensors(self) -> int: ...


@dataclass(slots=True)
class Module:
    """One module: what is in it, and its modules by name."""

    name: str
    path: str
    size_bytes: int = 0
    elements: int = 0
    tensors: int = 0
    sort_key: str = ""
    dtypes: dict[str, int] = field(default_factory=dict)
    parts: dict[str, Module] = field(default_factory=dict)

    @property
    def main_dtype(self) -> str:
        """The data type of most of its bytes."""
        return max(self.dtypes, key=lambda name: (self.dtypes[name], name), default="")

    @property
    def ordered(self) -> list[Module]:
        """Its modules in the order of their names, with numbers as numbers."""
        return sorted(self.parts.values(), key=lambda part: (part.sort_key, part.name))

    def add(self, amount: Amount) -> None:
        """Take an amount in."""
        self.size_bytes += amount.size_bytes
        self.elements += amount.elements
        self.tensors += amount.tensors
        self.dtypes[amount.dtype] = self.dtypes.get(amount.dtype, 0) + amount.size_bytes
        self.sort_key = min(self.sort_key or amount.sort_key, amount.sort_key)


@dataclass(frozen=True, slots=True)
class Box:
    """One module in the drawing; one without a path stands for several that are too narrow to draw."""

    label: str
    path: str
    size_bytes: int
    share: float
    tensors: int
    color: int
    is_open: bool
    x: float
    y: float
    width: float
    height: float = ROW - 2

    @property
    def text(self) -> str:
        """As much of the label as fits; empty where less than two characters would."""
        room = int((self.width - 2 * PADDING) / CHARACTER_WIDTH)
        if room >= len(self.label):
            return self.label
        return f"{self.label[: room - 1]}…" if room > 3 else ""

    @property
    def text_x(self) -> float:
        """Where the label begins."""
        return round(self.x + PADDING, 2)

    @property
    def text_y(self) -> float:
        """The label's base line."""
        return round(self.y + ROW / 2 + 3, 2)


def tree(amounts: Sequence[Amount], at: str = "") -> Module:
    """The modules below `at`, from what was added up for each place."""
    root = Module(at.rpartition(".")[2] or "all", at)
    for amount in amounts:
        root.add(amount)
        module, path = root, at
        for name in amount.path:
            path = f"{path}.{name}" if path else name
            module = module.parts.setdefault(name, Module(name, path))
            module.add(amount)
    return root


def colors(dtypes: Sequence[str]) -> dict[str, int]:
    """A number for each data type, most bytes first; those past the last color share it."""
    return {dtype: min(number, COLORS - 1) for number, dtype in enumerate(dtypes)}


def boxes(root: Module, numbers: dict[str, int]) -> list[Box]:
    """The drawing, row by row, left to right; nothing where there are no bytes."""
    found: list[Box] = []
    row = [(root, 0.0, WIDTH)] if root.size_bytes else []
    level = 0
    while row:
        following: list[tuple[Module, float, float]] = []
        for module, x, width in row:
            at, narrow, narrow_at = x, [], x
            for part in module.ordered:
                room = width * part.size_bytes / module.size_bytes if module.size_bytes else 0.0
                if room >= NARROW:
                    found += _rest(narrow, narrow_at, at, level, root, numbers)
                    narrow = []
                    found.append(_box(part, at, room, level, root, numbers))
                    following.append((part, at, room))
                else:
                    narrow_at = narrow_at if narrow else at
                    narrow.append(part)
                at += room
            found += _rest(narrow, narrow_at, at, level, root, numbers)
        row, level = following, level + 1
    return found


def height(found: Sequence[Box]) -> float:
    """How high the drawing is."""
    return max((box.y + ROW for box in found), default=0.0)


def _box(module: Module, x: float, width: float, level: int, root: Module, numbers: dict[str, int]) -> Box:
    share = module.size_bytes / root.size_bytes
    color = numbers.get(module.main_dtype, COLORS - 1)
    place = (round(x, 2), level * ROW, round(max(0.5, width - 1.5), 2))
    return Box(module.name, module.path, module.size_bytes, share, module.tensors, color, bool(module.parts), *place)


def _rest(
    narrow: Sequence[Module], x: float, end: float, level: int, root: Module, numbers: dict[str, int]
) -> list[Box]:
    if not narrow or end - x < NARROW / 2:
        return []
    size = sum(part.size_bytes for part in narrow)
    color = numbers.get(max(narrow, key=lambda part: part.size_bytes).main_dtype, COLORS - 1)
    label = f"{len(narrow)} smaller"
    tensors = sum(part.tensors for part in narrow)
    return [
        Box(label, "", size, size / root.size_bytes, tensors, color, False, round(x, 2), level * ROW, round(end - x, 2))
    ]
