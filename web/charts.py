"""The geometry of small charts, drawn by templates as SVG with a table behind them.

Pure: numbers in, coordinates out. It makes no markup and picks no color; a part names its tone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import cos, isfinite, pi, sin

from web.tones import Tone

BAR_WIDTH, BAR_HEIGHT = 480, 140
MOST_NAMES = 10
SPARK_WIDTH, SPARK_HEIGHT = 120, 28
DONUT_RADIUS, DONUT_CENTER = 40.0, 50.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One column: where it stands, and the words and amount behind it."""

    label: str
    value: float
    x: float
    y: float
    width: float
    height: float
    is_named: bool = True
    """Whether its label stands below it; where there are many, some do."""

    @property
    def middle(self) -> float:
        """Where its label is centered."""
        return round(self.x + self.width / 2, 2)


@dataclass(frozen=True, slots=True)
class Bars:
    """A column chart within `width` by `height`, with a gridline at each tick."""

    bars: list[Bar]
    ticks: list[tuple[float, float]]
    """Pairs of amount and height."""
    width: int = BAR_WIDTH
    height: int = BAR_HEIGHT


@dataclass(frozen=True, slots=True)
class Sparkline:
    """A line through all values; `last_x` and `last_y` mark the newest one."""

    points: str
    area: str
    last_x: float
    last_y: float
    first: float
    last: float
    low: float
    high: float
    width: int = SPARK_WIDTH
    height: int = SPARK_HEIGHT


@dataclass(frozen=True, slots=True)
class Slice:
    """One part of a whole; `path` is its arc, `share` its percent."""

    label: str
    value: float
    tone: Tone
    share: int
    path: str


@dataclass(frozen=True, slots=True)
class Donut:
    """Parts of a whole around a circle."""

    slices: list[Slice]
    total: float


def _checked(values: Sequence[float]) -> None:
    if any(value < 0 or not isfinite(value) for value in values):
        raise ValueError("A chart shows finite amounts from zero up.")


def nice_ceiling(value: float) -> float:
    """The smallest of 1, 2, 4, 5, 8 or 10 times a power of ten that is not below the value."""
    if value <= 0:
        return 1.0
    power = 1.0
    while power * 10 < value:
        power *= 10
    while power > value:
        power /= 10
    return next(factor * power for factor in (1, 2, 4, 5, 8, 10) if factor * power >= value * (1 - 1e-9))


def bars(rows: Sequence[tuple[str, float]]) -> Bars:
    """Columns of equal width from left to right; the scale starts at zero and ends at a round amount."""
    _checked([value for _, value in rows])
    top = nice_ceiling(max((value for _, value in rows), default=0))
    slot = BAR_WIDTH / max(1, len(rows))
    width = min(48.0, slot * 0.68)
    every = 1 + len(rows) // MOST_NAMES
    drawn = []
    for position, (label, value) in enumerate(rows):
        height = BAR_HEIGHT * value / top
        x = position * slot + (slot - width) / 2
        is_named = (len(rows) - 1 - position) % every == 0
        drawn.append(Bar(label, value, *(round(n, 2) for n in (x, BAR_HEIGHT - height, width, height)), is_named))
    is_counted = all(float(value).is_integer() for _, value in rows)  # and has no halves
    parts = (0, 1) if is_counted and top % 2 else (0, 0.5, 1)
    ticks = [(top * part, BAR_HEIGHT * (1 - part)) for part in parts]
    return Bars(drawn, ticks)


def sparkline(values: Sequence[float]) -> Sparkline | None:
    """A line scaled between its lowest and highest value; None where there are fewer than two."""
    _checked(values)
    if len(values) < 2:
        return None
    low, high = min(values), max(values)
    step, inner = (SPARK_WIDTH - 6) / (len(values) - 1), SPARK_HEIGHT - 6
    spread = high - low
    spots = [
        (round(3 + at * step, 2), round(3 + inner * (1 - ((value - low) / spread if spread else 0.5)), 2))
        for at, value in enumerate(values)
    ]
    points = " ".join(f"{x},{y}" for x, y in spots)
    area = f"{spots[0][0]},{SPARK_HEIGHT} {points} {spots[-1][0]},{SPARK_HEIGHT}"
    return Sparkline(points, area, *spots[-1], values[0], values[-1], low, high)


def donut(parts: Sequence[tuple[str, float, str]]) -> Donut:
    """Arcs clockwise from the top, in order; a part of nothing has no arc. Shares add up to 100."""
    _checked([value for _, value, _ in parts])
    total = sum(value for _, value, _ in parts)
    shares = _shares([value for _, value, _ in parts], total)
    bounds = [0.0]
    for _, value, _ in parts:
        bounds.append(bounds[-1] + (value / total if total else 0))
    slices = [
        Slice(label, value, Tone(tone), share, _arc(start, end) if value else "")
        for (label, value, tone), share, (start, end) in zip(parts, shares, pairwise(bounds), strict=True)
    ]
    return Donut(slices, total)


def _shares(values: Sequence[float], total: float) -> list[int]:
    """Whole percents by largest remainder."""
    if not total:
        return [0 for _ in values]
    exact = [100 * value / total for value in values]
    whole = [int(share) for share in exact]
    by_remainder = sorted(range(len(values)), key=lambda at: whole[at] - exact[at])
    for at in by_remainder[: 100 - sum(whole)]:
        whole[at] += 1
    return whole


def _arc(start: float, end: float) -> str:
    """The path of an arc between two turns; a whole circle is drawn as two halves, as SVG needs."""
    if end - start > 0.9999:
        return f"{_arc(0, 0.5)} {_arc(0.5, 0.9999)}"
    (x1, y1), (x2, y2) = _spot(start), _spot(end)
    large = int(end - start > 0.5)
    return f"M{x1} {y1}A{DONUT_RADIUS:g} {DONUT_RADIUS:g} 0 {large} 1 {x2} {y2}"


def _spot(turn: float) -> tuple[float, float]:
    angle = 2 * pi * turn
    x, y = DONUT_CENTER + DONUT_RADIUS * sin(angle), DONUT_CENTER - DONUT_RADIUS * cos(angle)
    return round(x, 3), round(y, 3)
