"""Which large file an upload is sending, so that it can be made while it arrives and its shard be answered at once.

A guess: where an upload has announced a single large file, its full xorbs are that file in the order in which they
begin to arrive; one that is not full may hold other files, too, and is left for the end. When the shard says otherwise,
or comes to another process, what was made is dropped and the file is made as any other. Nothing counts before its
SHA-256 was compared.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass

from django.core.cache import cache

from hub.services.xet.making import GuessedWrong, Making, Part
from hub.xet.shards import FileRecord
from registry.blobs import Arrival, Extent

log = logging.getLogger(__name__)
# Below this size there is little to win.
LEAST_BYTES = 64 << 20
# How long an announcement is worth something.
ANNOUNCED_FOR_SECONDS = 6 * 3600
# Files that one process makes ahead at once; each has a thread or two and a few buffers.
MOST_AT_ONCE = 2
# How long a file that is given up may take to write what it has begun.
SETTLES_IN_SECONDS = 30.0


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


@dataclass(frozen=True, slots=True)
class Place:
    """The place of an arriving xorb in a file that is made ahead."""

    making: Making
    part: Part


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


_making: dict[Upload, Making] = {}
_lock = threading.Lock()


def begin(upload: Upload, digest: bytes) -> Place | None:
    """The place of a xorb that begins to arrive, as far as one can guess; None without a guess."""
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
                making = _making[upload] = Making(upload.organization_id, size_bytes)
                threading.Thread(target=_run, args=[upload, making], name="making ahead", daemon=True).start()
    part = making.begin(digest) if making is not None else None
    return Place(making, part) if making is not None and part is not None else None


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
    if count := making.fits(record):
        return making.finished(record, count, rest(count))
    making.drop()
    making.is_over.wait(SETTLES_IN_SECONDS)
    return None


def _run(upload: Upload, making: Making) -> None:
    try:
        making.run()
    except GuessedWrong as error:
        log.info("A file that was made ahead is dropped: %s", error)
        _unannounce(upload)
    except Exception as error:  # whoever asks for the file is told as well
        log.info("A file cannot be made ahead: %s", error)
    finally:
        with _lock:
            if _making.get(upload) is making:
                del _making[upload]


@atexit.register
def _settle() -> None:
    """Leave nothing in memory that somebody was told is here."""
    with _lock:
        left = list(_making.values())
    for making in left:
        making.abandon()
    until = time.monotonic() + 2
    for making in left:
        making.is_over.wait(max(0.0, until - time.monotonic()))


def _announced(upload: Upload) -> int | None:
    try:
        return cache.get(upload.key)
    except Exception as error:
        log.debug("An announcement cannot be read: %s", error)
        return None


def _unannounce(upload: Upload) -> None:
    with suppress(Exception):
        cache.delete(upload.key)
