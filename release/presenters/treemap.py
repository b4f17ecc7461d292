"""Where the bytes of a checkpoint are, as rectangles in a frame. Pure: amounts in, coordinates out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 720.0, 220.0
SHOWN = 36
# Below these a name would not fit; it is in the table behind.
NAMED_WIDTH, NAMED_HEIGHT = 44.0, 18.0
CHARACTER_WIDTH = 6.4


@dataclass(frozen=True, slots=True)
class Cell:
    """One group of tensors: its share of the frame is its share of the bytes."""

    name: str
    size_bytes: int
    share: float
    x: float
    y: float
    width: float
    height: float

    @property
    def label(self) -> str:
        """As much of the name as fits; empty where nothing would."""
        if self.width < NAMED_WIDTH or self.height < NAMED_HEIGHT:
            return ""
        room = int((self.width - 10) / CHARACTER_WIDTH)
        return self.name if len(self.name) <= room else f"{self.name[: max(1, room - 1)]}…"

    @property
    def text_x(self) -> float:
        """Where the label begins."""
        return round(self.x + 5, 2)

    @property
    def text_y(self) -> float:
        """The label's base line."""
        return round(self.y + 14, 2)


def cells(groups: Sequence[tuple[str, int]]) -> list[Cell]:
    """Rectangles as square as they come, largest first; what is beyond the largest ones is one rest."""
    ranked = sorted((pair for pair in groups if pair[1] > 0), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > SHOWN:
        rest = ranked[SHOWN - 1 :]
        ranked = [*ranked[: SHOWN - 1], (f"{len(rest)} smaller groups", sum(size for _, size in rest))]
        ranked.sort(key=lambda pair: (-pair[1], pair[0]))
    total = sum(size for _, size in ranked)
    if not total:
        return []
    scale = WIDTH * HEIGHT / total
    placed: list[Cell] = []
    x = y = 0.0
    width, height = WIDTH, HEIGHT
    left = list(ranked)
    while left:
        side = min(width, height)
        count = _row_length([size * scale for _, size in left], side)
        row, left = left[:count], left[count:]
        area = sum(size for _, size in row) * scale
        depth = area / side if side else 0.0
        at = 0.0
        for name, size in row:
            length = size * scale / depth if depth else 0.0
            box = (x, y + at, depth, length) if width >= height else (x + at, y, length, depth)
            placed.append(Cell(name, size, size / total, *(round(number, 2) for number in box)))
            at += length
        if width >= height:
            x, width = x + depth, width - depth
        else:
            y, height = y + depth, height - depth
    return placed


def _row_length(areas: Sequence[float], side: float) -> int:
    """How many of the areas, from the first, make a row whose worst rectangle is least oblong."""
    best, total = float("inf"), 0.0
    for count, area in enumerate(areas, start=1):
        total += area
        worst = max(side * side * areas[0] / (total * total), total * total / (side * side * area))
        if worst > best:
            return count - 1
        best = worst
    return len(areas)
