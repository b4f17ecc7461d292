"""A large file on its way to the disk: written out while more arrives, so that the last sync finds little to do."""

from __future__ import annotations

import os
import queue
import threading
from types import TracebackType

# How much may be new before the disk is asked for it.
STEP_BYTES = 64 << 20


class Settling:
    """Writes a file through to the disk beside its growth; small files wait for the one sync at the end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._new_bytes = 0
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Settling:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._thread is not None:
            self._wanted.put(False)
            self._thread.join()

    def grew(self, count: int) -> None:
        """Say that so many bytes were handed to the system."""
        self._new_bytes += count
        if self._new_bytes < STEP_BYTES:
            return
        self._new_bytes = 0
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="settling", daemon=True)
            self._thread.start()
        if self._wanted.empty():
            self._wanted.put(True)

    def finish(self) -> None:
        """Return when everything is on the disk; OSError where that failed."""
        os.fdatasync(self._descriptor)

    def _work(self) -> None:
        while self._wanted.get():
            try:
                os.fdatasync(self._descriptor)
            except OSError:
                return  # The one at the end reports it.
