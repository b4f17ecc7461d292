"""The one way out of the confined process: JSON lines to the parent.

Owns: writing messages and not flooding, and the time that each stage took. Refuses to own: what they mean
(`smoke.hearing` reads them).
"""

from __future__ import annotations

import json
import time
from typing import IO, Any, Protocol


class Told(Protocol):
    """Reports how far a stage is, and what of it is being done."""

    def __call__(self, done: int, total: int, detail: str = "") -> None:
        """`shard 2 of 5` is a detail."""


class Channel:
    """The one way out: JSON lines to the parent, progress at most a few times a second."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream, self.last = stream, 0.0
        self.stages: list[dict[str, Any]] = []
        self._begun = (time.monotonic(), time.process_time())

    def send(self, kind: str, **fields: Any) -> None:
        """One line."""
        self.stream.write(json.dumps({"kind": kind, **fields}) + "\n")
        self.stream.flush()

    def progress(self, stage: str) -> Told:
        """A callback that reports this stage, without flooding; the stage before it has ended.

        The third argument of the callback says what is being done, in words.
        """
        self._end_stage()
        self.stages.append({"stage": stage})
        self.send("progress", stage=stage, done=0, total=0)

        def told(done: int, total: int, detail: str = "") -> None:
            now = time.monotonic()
            if done >= total or now - self.last > 0.25:
                self.last = now
                self.send("progress", stage=stage, done=done, total=total, detail=detail)

        return told

    def spent(self) -> list[dict[str, Any]]:
        """Seconds on the clock and of the processor for each stage so far; the last one ends now."""
        self._end_stage()
        return self.stages

    def _end_stage(self) -> None:
        now = (time.monotonic(), time.process_time())
        if self.stages and "seconds" not in self.stages[-1]:
            self.stages[-1]["seconds"] = round(now[0] - self._begun[0], 4)
            self.stages[-1]["cpu_seconds"] = round(now[1] - self._begun[1], 4)
        self._begun = now
