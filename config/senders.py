"""Threads that send files to many sockets at once: each socket is given what it takes, and nobody waits for a slow one.

Owns sockets and files while they are being sent, and knows nothing of requests. The kernel copies the bytes.
"""

from __future__ import annotations

import errno
import itertools
import logging
import os
import queue
import selectors
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

log = logging.getLogger(__name__)
# What one socket is given in its turn; the others wait for the disk meanwhile.
TURN_BYTES = 4 << 20
# A reader who takes nothing for so long has gone without a word.
STALLED_SECONDS = 300.0
LOOK_FOR_STALLED_SECONDS = 15.0


@dataclass(eq=False)
class Sending:
    """Bytes of an open file on their way to a socket that does not block; `done` is told whether all of them went."""

    sock: socket.socket
    file: int
    offset: int
    left: int
    done: Callable[[bool], None]
    moved_at: float = field(default_factory=time.monotonic)

    def go_on(self) -> bool:
        """Send what the socket takes now; True once all is sent. Raises OSError where nothing more can be."""
        budget = TURN_BYTES
        while self.left and budget > 0:
            try:
                sent = os.sendfile(self.sock.fileno(), self.file, self.offset, min(self.left, budget))
            except BlockingIOError:
                break
            if not sent:
                raise OSError(errno.EIO, "the file is shorter than was announced")
            self.offset, self.left, budget = self.offset + sent, self.left - sent, budget - sent
            self.moved_at = time.monotonic()
        return not self.left


class Senders:
    """Some threads, each with its share of the sockets, so that no disk keeps all readers waiting."""

    def __init__(self, count: int) -> None:
        threads = [_Sender(f"sender-{number}") for number in range(count)]
        for thread in threads:
            thread.start()
        self._threads = itertools.cycle(threads)
        self._choosing = threading.Lock()

    def take(self, sending: Sending) -> None:
        """Send it from now on; the caller must not touch the socket before `done` was called."""
        with self._choosing:
            chosen = next(self._threads)
        chosen.take(sending)


class _Sender(threading.Thread):
    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._new: queue.SimpleQueue[Sending] = queue.SimpleQueue()
        self._wake, self._bell = socket.socketpair()
        self._wake.setblocking(False)
        self._bell.setblocking(False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._looked_at = time.monotonic()

    def take(self, sending: Sending) -> None:
        self._new.put(sending)
        with suppress(BlockingIOError):  # it was rung often enough
            self._bell.send(b"\0")

    def run(self) -> None:
        while True:
            for key, _ in self._selector.select(LOOK_FOR_STALLED_SECONDS):
                if key.data is None:
                    self._begin()
                else:
                    self._turn(key.data)
            now = time.monotonic()
            if now - self._looked_at > LOOK_FOR_STALLED_SECONDS:
                self._looked_at = now
                self._end_stalled(now)

    def _begin(self) -> None:
        with suppress(BlockingIOError):
            self._wake.recv(4096)
        while True:
            try:
                sending = self._new.get_nowait()
            except queue.Empty:
                return
            try:
                self._selector.register(sending.sock, selectors.EVENT_WRITE, sending)
            except (OSError, ValueError, KeyError):
                self._end(sending, False)

    def _turn(self, sending: Sending) -> None:
        try:
            is_done = sending.go_on()
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN, errno.ETIMEDOUT):
                log.warning("A file could not be sent to its end: %s", error)
            self._end(sending, False)
        else:
            if is_done:
                self._end(sending, True)

    def _end_stalled(self, now: float) -> None:
        for key in list(self._selector.get_map().values()):
            if key.data is not None and now - key.data.moved_at > STALLED_SECONDS:
                self._end(key.data, False)

    def _end(self, sending: Sending, is_whole: bool) -> None:
        with suppress(OSError, ValueError, KeyError):
            self._selector.unregister(sending.sock)
        try:
            sending.done(is_whole)
        except Exception:
            log.exception("What follows after a file was sent failed")
