"""One file that is made while its xorbs still arrive: each is hashed and written in the order in which it began to.

Knows an order and no guess: whether it was the right one is told at the end. A xorb that was written here stays
readable in the draft, whatever becomes of the file; one that could not be stays with whoever received it.
"""

from __future__ import annotations

import mmap
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeVar

from hub import xorb_store
from hub.xet.shards import FileRecord
from registry.blobs import Arrival, Expected, Extent, Filling, blob_store

# A client cuts a xorb where the next chunk would not fit; what is shorter was cut by the end of a file.
FULL_BYTES = 60 << 20
# How long a file waits for its next chunks.
PATIENCE_SECONDS = 90.0
# When nothing came for so long, what waits for a full buffer is written, so that other processes can read it.
IDLE_SECONDS = 0.3
# Extents that may wait between finding and reading them; their files stay open as long.
WAITING_EXTENTS = 4
# Xorbs that this process keeps in memory at once, of up to 64 MiB each. How long one waits for its turn, and, when it
# is whole, for those before it in the file; then it goes through a file of its own.
MOST_HELD, TURN_SECONDS, QUEUE_SECONDS = 2, 1.0, 2.0
# Pieces are handed on together, since each change of threads costs. Blocks that are free are kept for the next pieces.
BLOCK_BYTES, MOST_FREE = 1 << 20, 32

Item = TypeVar("Item")
_turns = threading.BoundedSemaphore(MOST_HELD)
_free: deque[memoryview] = deque(maxlen=MOST_FREE)


class GuessedWrong(Exception):
    """The xorbs were not one file in this order, or no more of them came."""


@dataclass(frozen=True)
class Later(Expected):
    """What a file must be, once its shard has told."""

    told: list[Expected] = field(default_factory=list)

    def allow(self, size_bytes: int) -> None:
        for expected in self.told:
            expected.allow(size_bytes)

    def require(self, size_bytes: int, sha256: str) -> None:
        for expected in self.told:
            expected.require(size_bytes, sha256)


class Part:
    """A xorb on its way into the file. The bytes of one that is held are in `blocks`: True ends them, False cuts."""

    def __init__(self, digest: bytes) -> None:
        self.digest = digest
        self.size_bytes: int | None = None
        """Known when it is whole and was checked."""
        self.is_held = self.is_streamed = self.is_begun = self.is_written = self.stands_alone = self.has_turn = False
        self.is_over = threading.Event()
        self.blocks: queue.SimpleQueue[memoryview | bool] = queue.SimpleQueue()
        self._block: memoryview | None = None
        self._used = 0

    @property
    def is_ready(self) -> bool:
        """Whether it can be written where its turn in the file has come."""
        return self.stands_alone or (self.is_held and (self.is_streamed or self.size_bytes is not None))

    def add(self, piece: bytes | memoryview) -> None:
        """Add a copy of some bytes.

        The allocator would keep what was freed for the thread that asked for it, and every xorb may have another one.
        """
        view = memoryview(piece)
        while view:
            if self._block is None:
                self._block, self._used = _new_block(), 0
            count = min(len(view), BLOCK_BYTES - self._used)
            self._block[self._used : self._used + count] = view[:count]
            self._used, view = self._used + count, view[count:]
            if self._used == BLOCK_BYTES:
                self.hand_over()

    def hand_over(self) -> None:
        """Let what was added be written."""
        if self._block is not None:
            self.blocks.put(self._block[: self._used])
            self._block = None

    def taken_back(self) -> Iterator[memoryview]:
        """The bytes of one that is whole and was not written."""
        while isinstance(block := self.blocks.get(), memoryview):
            yield block


class Making:
    """One file that is made ahead; `run` is for a thread of its own, all else for those who receive its xorbs."""

    def __init__(self, organization_id: int, size_bytes: int) -> None:
        self.organization_id, self.size_bytes = organization_id, size_bytes
        self.is_over = threading.Event()
        self._changed = threading.Condition()
        self._order: list[Part] = []
        self._done = 0
        self._wanted: int | None = None
        self._is_dropped = self._is_closed = False
        self._rest: queue.Queue[Extent | None] = queue.Queue(WAITING_EXTENTS)
        self._expected = Later()
        self._arrival: queue.SimpleQueue[Arrival | BaseException] = queue.SimpleQueue()
        self._is_taken = threading.Event()

    # --- what arrives ------------------------------------------------------------------------------

    def begin(self, digest: bytes) -> Part | None:
        """Say that a xorb begins to arrive, which gives it its place; None where it has one, or none are taken."""
        with self._changed:
            if self._is_dropped or self._is_closed or any(part.digest == digest for part in self._order):
                return None
            self._order.append(part := Part(digest))
            return part

    def hold(self, part: Part, announced: int | None) -> bool:
        """Whether a part is to be kept in memory while it arrives; waits a moment for its turn."""
        if announced is None or not _turns.acquire(timeout=TURN_SECONDS):
            return False
        with self._changed:
            part.has_turn = part.is_held = True
            # What cannot be but full need not be whole before it is written.
            part.is_streamed = announced >= FULL_BYTES
            self._changed.notify_all()
        return True

    def written(self, part: Part, size_bytes: int) -> bool:
        """Whether a held part was written, now that it is whole and checked; where it was not, it is taken back.

        OSError where it was begun and the disk failed.
        """
        part.hand_over()
        part.blocks.put(True)
        with self._changed:
            part.size_bytes = size_bytes
            if size_bytes < FULL_BYTES and not part.is_streamed:
                self._order.remove(part)
            else:
                self._changed.notify_all()
                self._changed.wait_for(lambda: part.is_begun or self._is_closed, QUEUE_SECONDS)
            if not part.is_begun:
                part.is_held = False
                return False
        part.is_over.wait()
        if not part.is_written:
            raise OSError("a file that was made ahead could not be written")
        return True

    def stands_alone(self, part: Part, size_bytes: int) -> None:
        """Say that a part is whole and was checked, in a file of its own."""
        self.release(part)
        with self._changed:
            part.size_bytes = size_bytes
            part.stands_alone = size_bytes >= FULL_BYTES
            if not part.stands_alone and part in self._order:
                self._order.remove(part)
            self._changed.notify_all()

    def drop(self, part: Part | None = None) -> None:
        """Give up; `part` broke off, or came as something else."""
        with self._changed:
            self._is_dropped = True
            self._changed.notify_all()
        if part is not None:
            part.blocks.put(False)
            self.release(part)

    def abandon(self) -> None:
        """Give up at once, whatever is still arriving."""
        self.drop()
        with self._changed:
            for part in self._order:
                part.blocks.put(False)

    def release(self, part: Part) -> None:
        """Let another xorb be held in place of this one."""
        with self._changed:
            had_turn, part.has_turn = part.has_turn, False
        if had_turn:
            _turns.release()

    # --- what the shard says ---------------------------------------------------------------------

    def fits(self, record: FileRecord) -> int:
        """With how many of the xorbs that arrived the file begins, each of them whole; 0 where it is another file."""
        with self._changed:
            if self._is_dropped or self._is_closed:
                return 0
            whole = []
            for part in self._order:
                if part.size_bytes is None:
                    break
                whole.append((part.digest, part.size_bytes))
            terms = [(term.xorb, term.plain_bytes) for term in record.terms[: len(whole)] if not term.first]
            return len(whole) if terms == whole and record.size_bytes == self.size_bytes else 0

    @contextmanager
    def finished(self, record: FileRecord, count: int, rest: Iterable[Extent]) -> Iterator[Arrival]:
        """The file, made of `count` xorbs and of what follows them, and compared with its record.

        Raises Refused where it is not what the record says, and whatever reading and writing raises.
        """
        self._expected.told.append(Expected(record.sha256, record.size_bytes))
        with self._changed:
            self._wanted = count
            self._changed.notify_all()
        try:
            try:
                for extent in rest:
                    self._put(extent)
            finally:
                self._put(None)
            found = self._arrival.get()
            if isinstance(found, BaseException):
                raise found
            yield found
        finally:
            self._is_taken.set()

    def _put(self, extent: Extent | None) -> None:
        while not self.is_over.is_set():
            with suppress(queue.Full):
                self._rest.put(extent, timeout=1)
                return

    # --- the thread ------------------------------------------------------------------------------

    def run(self) -> None:
        """Make the file, and keep it until it was taken; GuessedWrong where nobody asked for it, or for another."""
        try:
            with blob_store().filling(expected=self._expected) as filling:
                try:
                    self._fill(filling)
                finally:
                    # What was linked must not end in a buffer.
                    filling.settle()
                with blob_store().filled(filling) as arrival:
                    self._arrival.put(arrival)
                    self._is_taken.wait()
        except BaseException as error:
            self._arrival.put(error)
            raise
        finally:
            with self._changed:
                self._is_closed = True
                self._changed.notify_all()
            self.is_over.set()

    def _fill(self, filling: Filling) -> None:
        while (part := self._next(filling)) is not None:
            try:
                if part.is_held:
                    self._write(part, filling)
                else:
                    self._copy(part, filling)
            finally:
                part.is_over.set()
                self.release(part)
        while (extent := _within_patience(self._rest)) is not None:
            filling.copy(extent)

    def _next(self, filling: Filling) -> Part | None:
        """The part that follows, when it can be written; None where the file goes on with what its shard says."""
        until, is_settled = time.monotonic() + PATIENCE_SECONDS, False
        while True:
            with self._changed:
                patience = until - time.monotonic() if is_settled else IDLE_SECONDS
                if self._changed.wait_for(self._has_news, max(0.0, patience)):
                    if self._is_dropped:
                        raise GuessedWrong("its upload took another way")
                    if self._done == self._wanted:
                        return None
                    part = self._order[self._done]
                    self._done, part.is_begun = self._done + 1, True
                    self._changed.notify_all()
                    return part
            if is_settled:
                raise GuessedWrong("no more of it came")
            filling.settle()
            is_settled = True

    def _has_news(self) -> bool:
        is_next_ready = self._done < len(self._order) and self._order[self._done].is_ready
        return self._is_dropped or self._done == self._wanted or is_next_ready

    def _write(self, part: Part, filling: Filling) -> None:
        offset = filling.size_bytes
        while isinstance(block := _within_patience(part.blocks), memoryview):
            filling.write([block])
            _free.append(memoryview(block.obj))
        if not block:
            raise GuessedWrong("one of its xorbs broke off")
        xorb_store.link(filling.place, offset, self.organization_id, part.digest)
        part.is_written = True

    def _copy(self, part: Part, filling: Filling) -> None:
        place = xorb_store.place_of(self.organization_id, part.digest)
        with xorb_store.read(xorb_store.Standing(place)) as file:
            filling.copy(Extent(file, 0, part.size_bytes or 0))


def _new_block() -> memoryview:
    with suppress(IndexError):
        return _free.pop()
    return memoryview(mmap.mmap(-1, BLOCK_BYTES))


def _within_patience(items: queue.SimpleQueue[Item] | queue.Queue[Item]) -> Item:
    try:
        return items.get(timeout=PATIENCE_SECONDS)
    except queue.Empty:
        raise GuessedWrong("its upload has stopped") from None
