"""SHA-256 of content that arrives in blocks, computed beside its arrival rather than in turn with it.

Hashing and writing each take about as long as receiving does, and both leave the interpreter to other threads.
"""

from __future__ import annotations

import hashlib
import os
import queue
import threading
from types import TracebackType

READ_BYTES = 256 << 10
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


class FileHashing:
    """The digest of a file that grows, read again from where it was written."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._digest = hashlib.sha256()
        self._read_bytes = 0
        self._error: OSError | None = None
        self._waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="hashing", daemon=True)

    def __enter__(self) -> FileHashing:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._finish()

    def grew(self, count: int) -> None:
        """Say that so many bytes were added at the end."""
        self._waiting.put(count)

    def hexdigest(self) -> str:
        """The digest of everything; OSError where it could not be read back."""
        self._finish()
        if self._error is not None:
            raise self._error
        return self._digest.hexdigest()

    def _work(self) -> None:
        buffer = memoryview(bytearray(READ_BYTES))
        while left := self._waiting.get():
            while left and self._error is None:
                try:
                    count = os.preadv(self._descriptor, [buffer[:left]], self._read_bytes)
                except OSError as error:
                    self._error = error
                    break
                if not count:
                    self._error = OSError("a file is shorter than what was written to it")
                    break
                self._digest.update(buffer[:count])
                self._read_bytes, left = self._read_bytes + count, left - count

    def _finish(self) -> None:
        if self._thread.is_alive():
            self._waiting.put(0)
            self._thread.join()
