"""A large file that is made while its chunks still arrive, so that the answer to its shard need not wait for all of it.

A guess: where an upload has announced a single large file, its full xorbs are that file in the order in which they
begin to arrive; one that is not full may hold other files, too, and is left for the end. Each is hashed and written as
soon as it was checked. When the shard says otherwise, or comes to another process, what was made is dropped and the
file is made as any other. Nothing counts before its SHA-256 was compared.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field

from django.core.cache import cache

from hub import xorb_store
from hub.xet.shards import FileRecord
from registry.blobs import Arrival, Expected, Extent, blob_store

log = logging.getLogger(__name__)
# Below this size there is little to win.
LEAST_BYTES = 64 << 20
# A client cuts a xorb where the next chunk would not fit; what is shorter was cut by the end of a file.
FULL_BYTES = 60 << 20
# How long an announcement is worth something, and how long a file waits for its next chunks.
ANNOUNCED_FOR_SECONDS, PATIENCE_SECONDS = 6 * 3600, 90
# Files that one process makes ahead at once; each has a thread or two and a few buffers.
MOST_AT_ONCE = 2
# Pieces that may wait between finding and reading them; their files stay open as long.
WAITING_PIECES = 4


class GuessedWrong(Exception):
    """The xorbs were not one file in this order, or no more of them came."""


@dataclass(frozen=True, slots=True)
class Upload:
    """Whose upload it is: what is announced by one token for one repository is sent by it as well."""

    organization_id: int
    variant_id: int
    token_id: int

    @property
    def key(self) -> str:
        """Under which its announcement is kept."""
        return f"hub-ahead:{self.variant_id}:{self.token_id}"


def announce(upload: Upload, sizes: Sequence[int]) -> None:
    """Note which files are about to be sent; several large ones take away the guess."""
    large = [size for size in sizes if size >= LEAST_BYTES]
    try:
        if len(large) == 1:
            cache.set(upload.key, large[0], ANNOUNCED_FOR_SECONDS)
        elif large:
            cache.delete(upload.key)
    except Exception as error:  # whatever the cache's client raises when its server is away
        log.debug("An announcement cannot be kept: %s", error)


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


class Making:
    """One file that is made ahead, in a thread of its own."""

    def __init__(self, upload: Upload, size_bytes: int) -> None:
        self.upload, self.size_bytes = upload, size_bytes
        self._order: list[bytes] = []
        self._kept: dict[bytes, int] = {}
        self._handed: list[tuple[bytes, int]] = []
        self._lock = threading.Lock()
        self._pieces: queue.SimpleQueue[tuple[bytes, int] | bool] = queue.SimpleQueue()
        self._rest: queue.Queue[Extent | None] = queue.Queue(WAITING_PIECES)
        self._expected = Later()
        self._arrival: queue.SimpleQueue[Arrival | BaseException] = queue.SimpleQueue()
        self._is_taken = threading.Event()
        self._is_over = threading.Event()
        threading.Thread(target=self._work, name="making ahead", daemon=True).start()

    # --- what arrives ------------------------------------------------------------------------------

    def begin(self, digest: bytes) -> None:
        """Say that a xorb begins to arrive; this is its place in the file."""
        with self._lock:
            if digest not in self._order:
                self._order.append(digest)

    def kept(self, digest: bytes, size_bytes: int) -> None:
        """Say that a xorb is here, checked."""
        with self._lock:
            if size_bytes < FULL_BYTES:
                self._order.remove(digest)
            self._kept[digest] = size_bytes
            while len(self._handed) < len(self._order) and (following := self._order[len(self._handed)]) in self._kept:
                self._handed.append((following, self._kept[following]))
                self._pieces.put(self._handed[-1])

    def has(self, digest: bytes) -> bool:
        """Whether this xorb was kept for the file."""
        with self._lock:
            return digest in self._kept

    def drop(self) -> None:
        """Give up; what follows of the upload is not guessed about."""
        _unannounce(self.upload)
        self._pieces.put(False)

    # --- what the shard says ---------------------------------------------------------------------

    def fits(self, record: FileRecord) -> bool:
        """Whether the file begins with just the xorbs that were handed over, each of them whole."""
        with self._lock:
            handed = list(self._handed)
        terms = [(term.xorb, term.plain_bytes) for term in record.terms[: len(handed)] if not term.first]
        return bool(handed) and terms == handed and record.size_bytes == self.size_bytes

    @contextmanager
    def finished(self, record: FileRecord, rest: Iterable[Extent]) -> Iterator[Arrival]:
        """The file, made and compared with its record. `rest` is what follows the xorbs that were handed over.

        Raises Refused where it is not what the record says, and whatever reading and writing raises.
        """
        self._expected.told.append(Expected(record.sha256, record.size_bytes))
        self._pieces.put(True)
        try:
            for extent in rest:
                self._put(extent)
            self._put(None)
            found = self._arrival.get()
            if isinstance(found, BaseException):
                raise found
            yield found
        finally:
            self._is_taken.set()
            self._is_over.set()

    @property
    def handed(self) -> int:
        """How many xorbs were handed over."""
        return len(self._handed)

    def _put(self, extent: Extent | None) -> None:
        while not self._is_over.is_set():
            with suppress(queue.Full):
                self._rest.put(extent, timeout=1)
                return

    # --- the thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            with blob_store().assembling(self._extents(), expected=self._expected) as arrival:
                self._arrival.put(arrival)
                self._is_taken.wait()
        except GuessedWrong as error:
            log.info("A file that was made ahead is dropped: %s", error)
            _unannounce(self.upload)
            self._arrival.put(error)
        except BaseException as error:
            self._arrival.put(error)
        finally:
            self._is_over.set()
            _forget(self)

    def _extents(self) -> Iterator[Extent]:
        while True:
            try:
                piece = self._pieces.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                raise GuessedWrong("no more of it came") from None
            if piece is False:
                raise GuessedWrong("its upload took another way")
            if piece is True:
                break
            digest, size_bytes = piece
            with xorb_store.read(self.upload.organization_id, digest) as file:
                yield Extent(file, 0, size_bytes)
        while (extent := self._rest.get(timeout=PATIENCE_SECONDS)) is not None:
            yield extent


_making: dict[Upload, Making] = {}
_lock = threading.Lock()


def begin(upload: Upload, digest: bytes) -> Making | None:
    """The file to which a xorb that begins to arrive belongs, as far as one can guess; None without a guess."""
    with _lock:
        making = _making.get(upload)
        is_full = len(_making) >= MOST_AT_ONCE
    if making is None:
        size_bytes = None if is_full else _announced(upload)
        if size_bytes is None:
            return None
        with _lock:
            making = _making.get(upload)
            if making is None and len(_making) < MOST_AT_ONCE:
                making = _making[upload] = Making(upload, size_bytes)
    if making is not None:
        making.begin(digest)
    return making


def made(
    upload: Upload, record: FileRecord, rest: Callable[[int], Iterable[Extent]]
) -> AbstractContextManager[Arrival] | None:
    """The file of a record where it was made ahead, to be kept or not; None where it was not.

    `rest` gives the extents of all parts of the record but so many.
    """
    with _lock:
        making = _making.pop(upload, None)
    if making is None:
        return None
    _unannounce(upload)
    if making.fits(record):
        return making.finished(record, rest(making.handed))
    making.drop()
    return None


def _announced(upload: Upload) -> int | None:
    try:
        return cache.get(upload.key)
    except Exception as error:
        log.debug("An announcement cannot be read: %s", error)
        return None


def _unannounce(upload: Upload) -> None:
    with suppress(Exception):
        cache.delete(upload.key)


def _forget(making: Making) -> None:
    with _lock:
        if _making.get(making.upload) is making:
            del _making[making.upload]
