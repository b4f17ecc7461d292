"""A large file on its way to the disk: past the system's cache, beside its arrival.

Going through the cache costs more processor time than hashing does, and leaves a long wait for the last sync. Nobody
reads what was just stored so soon that the cache would have paid. Where a file system cannot do it, the cache is used.
"""

from __future__ import annotations

import errno
import fcntl
import mmap
import os
import queue
import threading
from types import TracebackType

# Three buffers: one fills while others are written. Their size is what the disk and every file system can align to.
BUFFER_BYTES, BUFFERS = 4 << 20, 3
PAST_CACHE = getattr(os, "O_DIRECT", 0)


class DiskWriter:
    """Writes an empty file from its beginning. What fits into one buffer is written at the end, without a thread."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        self._full: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._made = self._filled = self._written = 0
        self._buffer: memoryview | None = None
        self._thread: threading.Thread | None = None
        self._error: OSError | None = None

    def __enter__(self) -> DiskWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    def room(self) -> memoryview:
        """Where the next bytes may be put; `advance` says how many were. Never empty; waits for the disk if it must."""
        if self._buffer is None:
            self._buffer = self._next_buffer()
        return self._buffer[self._filled :]

    def advance(self, count: int) -> None:
        """Say that so many bytes were put into the room."""
        self._filled += count
        if self._filled == BUFFER_BYTES:
            self._hand_over()

    def write(self, block: bytes | memoryview) -> None:
        """Add bytes at the end."""
        view = memoryview(block)
        while view:
            room = self.room()
            count = min(len(room), len(view))
            room[:count] = view[:count]
            self.advance(count)
            view = view[count:]

    def settle(self) -> None:
        """Return when whatever was added can be read from the file; more may follow. OSError where that failed."""
        others = [self._free.get() for _ in range(self._made - (self._buffer is not None))]
        for buffer in others:
            self._free.put(buffer)
        if self._error is not None:
            raise self._error
        if self._buffer is not None and self._filled:
            # No writer is at work now. What is written here stays in the buffer, and is written again with it.
            is_past_cache = self._is_past_cache()
            self._use_cache()
            self._put(self._buffer[: self._filled], self._written)
            if is_past_cache:
                self._pass_cache()

    def finish(self) -> None:
        """Return when everything is on the disk; OSError where that failed. Nothing can be added afterwards."""
        self._stop()
        if self._error is not None:
            raise self._error
        if self._buffer is not None and self._filled:
            self._use_cache()
            self._written = self._put(self._buffer[: self._filled], self._written)
        os.fdatasync(self._descriptor)

    def _next_buffer(self) -> memoryview:
        if self._made < BUFFERS and self._free.empty():
            self._made += 1
            return memoryview(mmap.mmap(-1, BUFFER_BYTES))
        return self._free.get()

    def _hand_over(self) -> None:
        if self._thread is None:
            self._pass_cache()
            self._thread = threading.Thread(target=self._work, name="writing", daemon=True)
            self._thread.start()
        assert self._buffer is not None
        self._full.put(self._buffer)
        self._buffer, self._filled = None, 0

    def _work(self) -> None:
        while (buffer := self._full.get()) is not None:
            try:
                if self._error is None:
                    self._written = self._put(buffer, self._written)
            except OSError as error:
                self._error = error
            self._free.put(buffer)

    def _put(self, bytes_left: memoryview, at: int) -> int:
        """Write at a place of the file; returns where what follows begins."""
        while bytes_left:
            try:
                count = os.pwrite(self._descriptor, bytes_left, at)
            except OSError as error:
                if error.errno != errno.EINVAL or not self._is_past_cache():
                    raise
                self._use_cache()
                continue
            at += count
            bytes_left = bytes_left[count:]
        return at

    def _stop(self) -> None:
        if self._thread is not None and self._thread.is_alive():
            self._full.put(None)
            self._thread.join()

    def _is_past_cache(self) -> bool:
        return bool(PAST_CACHE and fcntl.fcntl(self._descriptor, fcntl.F_GETFL) & PAST_CACHE)

    def _pass_cache(self) -> None:
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        try:
            fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags | PAST_CACHE)
        except OSError:
            return  # A file system in memory has no disk to go to.

    def _use_cache(self) -> None:
        flags = fcntl.fcntl(self._descriptor, fcntl.F_GETFL)
        fcntl.fcntl(self._descriptor, fcntl.F_SETFL, flags & ~PAST_CACHE)
