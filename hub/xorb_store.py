"""The bytes of xorbs, unpacked, each in a file of its organization's folder until content holds them.

A file here has the chunks that its name's hash covers, as far as no power cut came in between: nothing is written
through to the disk, since whatever is made of it is hashed again before it counts.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from registry.blobs import blob_store

WRITE_BYTES = 1 << 20
MOST_PIECES = 256  # far below what the system takes at once


def place_of(organization_id: int, digest: bytes) -> Path:
    """Where a xorb's bytes are, or would be."""
    name = digest.hex()
    return blob_store().root / "xorbs" / str(organization_id) / name[:2] / name


@contextmanager
def draft() -> Iterator[BinaryIO]:
    """A file for bytes that arrive; gone at the end unless it was kept under a name."""
    incoming = blob_store().incoming
    incoming.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=incoming, delete=False, buffering=0) as file:
        try:
            yield file  # type: ignore[misc]
        finally:
            Path(file.name).unlink(missing_ok=True)


def keep(file: BinaryIO, organization_id: int, digest: bytes) -> None:
    """Put a draft in its place; another's half-written leftover there is replaced."""
    place = place_of(organization_id, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    Path(file.name).chmod(0o440)
    Path(file.name).replace(place)


def is_whole(organization_id: int, digest: bytes, size_bytes: int) -> bool:
    """Whether the bytes are here, in their length."""
    try:
        return place_of(organization_id, digest).stat().st_size == size_bytes
    except FileNotFoundError:
        return False


def read(organization_id: int, digest: bytes) -> BinaryIO:
    """The bytes for reading; FileNotFoundError where they are not here."""
    return place_of(organization_id, digest).open("rb", buffering=0)


def forget(organization_id: int, digest: bytes) -> bool:
    """Remove the bytes; False where they are not here."""
    try:
        place_of(organization_id, digest).unlink()
    except FileNotFoundError:
        return False
    return True


def places(*, until: float, organization_id: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(organization, digest) of each file that was written before a moment."""
    for path in (blob_store().root / "xorbs").glob(f"{organization_id or '*'}/*/*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < until:
                yield int(path.parts[-3]), bytes.fromhex(path.name)


class Writer:
    """Gathers pieces and hands them to the system together, uncopied; they must not change before they are written."""

    def __init__(self, file: BinaryIO) -> None:
        self._descriptor = file.fileno()
        self._waiting: list[bytes | memoryview] = []
        self._waiting_bytes = 0

    def add(self, piece: bytes | memoryview) -> None:
        """Add bytes at the end."""
        self._waiting.append(piece)
        self._waiting_bytes += len(piece)
        if self._waiting_bytes >= WRITE_BYTES or len(self._waiting) >= MOST_PIECES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        while self._waiting:
            written = os.writev(self._descriptor, self._waiting)
            while self._waiting and written >= len(self._waiting[0]):
                written -= len(self._waiting.pop(0))
            if written:
                self._waiting[0] = memoryview(self._waiting[0])[written:]
        self._waiting_bytes = 0
