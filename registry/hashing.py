"""SHA-256 of content that arrives in blocks, computed beside its arrival rather than in turn with it.

Hashing and writing each take about as long as receiving does, and both leave the interpreter to other threads.
"""

from __future__ import annotations

import hashlib
import queue
import threading
from types import TracebackType

# Blocks that may wait to be hashed; with blocks of 1 MiB this bounds the memory of one upload.
WAITING_BLOCKS = 4


class Hashing:
    """The digest of all blocks in order; content of one block is hashed where it stands, without a thread."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._first = b""
        self._waiting: queue.Queue[bytes | None] = queue.Queue(WAITING_BLOCKS)
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Hashing:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finish()

    def update(self, block: bytes) -> None:
        """Add a block; waits where too many are not hashed yet."""
        if self._thread is None and not self._first:
            self._first = block
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="hashing", daemon=True)
            self._thread.start()
            self._waiting.put(self._first)
        self._waiting.put(block)

    def hexdigest(self) -> str:
        """The digest of everything; nothing can be added afterwards."""
        self._finish()
        return self._digest.hexdigest()

    def _work(self) -> None:
        while (block := self._waiting.get()) is not None:
            self._digest.update(block)

    def _finish(self) -> None:
        if self._thread is not None:
            if self._thread.is_alive():
                self._waiting.put(None)
                self._thread.join()
        elif self._first:
            self._digest.update(self._first)
            self._first = b""
