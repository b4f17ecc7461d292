"""Numbers, sizes and times as a reader takes them in. Pure: the present moment is passed in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from math import floor

# Seconds: below which distance a unit is used, how long it is, and its name.
DISTANCES = (
    (3_570, 60, "minute"),
    (84_600, 3_600, "hour"),
    (86_400 * 29.5, 86_400, "day"),
    (86_400 * 364, 86_400 * 30.44, "month"),
    (float("inf"), 86_400 * 365.25, "year"),
)
BINARY_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB")


def size(count: int | None) -> str:
    """A number of bytes with a binary unit and three digits: `1.25 GiB`; an unknown one as a dash."""
    if count is None:
        return "–"
    amount, unit = float(count), 0
    while amount >= 1023.5 and unit < len(BINARY_UNITS) - 1:
        amount, unit = amount / 1024, unit + 1
    if unit == 0:
        return f"{count} B"
    digits = 2 if amount < 9.995 else 1 if amount < 99.95 else 0
    return f"{amount:.{digits}f} {BINARY_UNITS[unit]}"


def percent(done: float | None, total: float | None) -> int | None:
    """Whole percent, rounded down so that 100 means done; None where the total is unknown."""
    if done is None or not total or total < 0:
        return None
    return max(0, min(100, floor(100 * done / total)))


def duration(seconds: float | None) -> str:
    """A length of time in its two largest units: `2 h 05 min`."""
    if seconds is None or seconds < 0:
        return "–"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def relative(at: datetime, now: datetime) -> str:
    """How far away a moment is, in words: `3 hours ago`, `in 2 days`."""
    seconds = (at - now).total_seconds()
    distance = abs(seconds)
    if distance < 45:
        return "just now" if seconds <= 0 else "in a moment"
    length, unit = next((length, unit) for limit, length, unit in DISTANCES if distance < limit)
    count = max(1, round(distance / length))
    words = f"{count} {unit}{'s' if count != 1 else ''}"
    return f"{words} ago" if seconds < 0 else f"in {words}"


def absolute(at: datetime | date) -> str:
    """A moment in UTC to the minute, or a date: `22 Nov 2026, 07:05 UTC`."""
    if not isinstance(at, datetime):
        return f"{at.day} {at:%b %Y}"
    at = at.astimezone(UTC)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def short_digest(digest: str, length: int = 12) -> str:
    """The first characters of a digest without its algorithm."""
    return digest.rpartition(":")[2][:length]


def initials(name: str) -> str:
    """One or two letters that stand for a person."""
    words = [word for word in name.replace("-", " ").replace(".", " ").replace("_", " ").split() if word]
    if not words:
        return "?"
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


def thousands(count: int | None) -> str:
    """A whole number in groups of three, set apart by narrow spaces."""
    return "–" if count is None else f"{count:,}".replace(",", "\u202f")
