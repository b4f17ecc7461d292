"""How fast a job goes: units per second over the last half minute, so that what lay finished before does not count."""

from __future__ import annotations

from collections import deque

WINDOW_SECONDS = 30.0
SHORTEST_SECONDS = 1.0


class Pace:
    """Remembers how much was done when; pure, the present moment is passed in, in seconds of any steady clock."""

    def __init__(self) -> None:
        self._marks: deque[tuple[float, int]] = deque()

    def note(self, done: int, at: float) -> None:
        """Take in how much is done; marks closer than a tenth of a second replace one another."""
        if self._marks and done < self._marks[-1][1]:
            self._marks.clear()  # begun anew
        if len(self._marks) > 1 and at - self._marks[-2][0] < 0.1:
            self._marks.pop()
        self._marks.append((at, done))
        while len(self._marks) > 2 and at - self._marks[1][0] >= WINDOW_SECONDS:
            self._marks.popleft()

    @property
    def per_second(self) -> float | None:
        """Units per second; None before there is enough to tell."""
        if len(self._marks) < 2:
            return None
        (begin, first), (end, last) = self._marks[0], self._marks[-1]
        if end - begin < SHORTEST_SECONDS or last <= first:
            return None
        return (last - first) / (end - begin)
