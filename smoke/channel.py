"""The one way out of the confined process: JSON lines to the parent.

Owns: writing messages and not flooding. Refuses to own: what they mean (`smoke.run` reads them).
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import IO, Any


class Channel:
    """The one way out: JSON lines to the parent, progress at most a few times a second."""

    def __init__(self, stream: IO[str]) -> None:
        self.stream, self.last = stream, 0.0

    def send(self, kind: str, **fields: Any) -> None:
        """One line."""
        self.stream.write(json.dumps({"kind": kind, **fields}) + "\n")
        self.stream.flush()

    def progress(self, stage: str) -> Callable[[int, int], None]:
        """A callback that reports this stage, without flooding."""
        self.send("progress", stage=stage, done=0, total=0)

        def told(done: int, total: int) -> None:
            now = time.monotonic()
            if done >= total or now - self.last > 0.25:
                self.last = now
                self.send("progress", stage=stage, done=done, total=total)

        return told
