"""Content on its way in: a file of this machine that is filled, hashed meanwhile, and gone unless a store keeps it.

Owns the folder of drafts. Knows no store: whoever takes a draft over gives it a name of its own.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from registry import policies
from registry.hashing import Hashing
from registry.writing import DiskWriter
from rules import Refused

BLOCK_BYTES = 1 << 20
# Small enough to stay in the processor between reading and hashing.
COPY_BYTES = 256 << 10
# Up to this size git's own object id is computed on arrival; larger content is listed by its pointer's id.
GIT_ID_LIMIT_BYTES = 16 << 20

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Content:
    """Bytes that a store holds: their SHA-256 in hex, size, and git's object id where they are small."""

    sha256: str
    size_bytes: int
    git_sha1: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes that stand in an open file of this machine."""

    file: BinaryIO
    offset_bytes: int
    length: int


@dataclass(frozen=True, slots=True)
class Expected:
    """What was announced of content that arrives; nothing is compared where nothing was."""

    sha256: str = ""
    size_bytes: int | None = None

    def allow(self, size_bytes: int) -> None:
        """Refused where so many bytes are already too many."""
        if self.size_bytes is not None and size_bytes > self.size_bytes:
            raise Refused.because(policies.SIZE_DIFFERS, announced=self.size_bytes, received=f"over {size_bytes - 1}")

    def require(self, size_bytes: int, sha256: str) -> None:
        """Refused where what arrived is something else."""
        if self.size_bytes is not None and size_bytes != self.size_bytes:
            raise Refused.because(policies.SIZE_DIFFERS, announced=self.size_bytes, received=size_bytes)
        if self.sha256 and sha256 != self.sha256:
            raise Refused.because(policies.HASH_DIFFERS, announced=self.sha256, received=sha256)


@contextmanager
def draft(folder: Path, *, is_buffered: bool = True) -> Iterator[BinaryIO]:
    """A new file of a folder, for bytes that arrive; gone at the end unless it was given another name."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=folder, delete=False, buffering=-1 if is_buffered else 0) as file:
        try:
            yield file  # type: ignore[misc]
        finally:
            Path(file.name).unlink(missing_ok=True)


@contextmanager
def received(
    folder: Path, blocks: Iterable[bytes], expected: Expected, progress: Progress
) -> Iterator[tuple[Content, Path]]:
    """What arrives, whole and written through to the disk, in a draft; memory is one block, whatever the size."""
    with draft(folder) as file:
        with Hashing() as digest, DiskWriter(file.fileno()) as disk:
            size = 0
            for block in blocks:
                size += len(block)
                expected.allow(size)
                digest.update(block)
                disk.write(block)
                progress(size)
            found = digest.hexdigest()
            expected.require(size, found)
            disk.finish()
        yield _content(file, found, size), Path(file.name)


class Filling:
    """A draft that is filled piece by piece; each byte is hashed in the buffer where it waits for the disk."""

    def __init__(self, file: BinaryIO, disk: DiskWriter, expected: Expected) -> None:
        self.place = Path(file.name)
        self.size_bytes = 0
        self._file, self._disk, self._expected = file, disk, expected
        self._digest = hashlib.sha256()

    def copy(self, extent: Extent) -> None:
        """Add what stands in an open file; EOFError where it is not all there."""
        self._expected.allow(self.size_bytes + extent.length)
        source, offset, left = extent.file.fileno(), extent.offset_bytes, extent.length
        while left:
            room = self._disk.room()[: min(left, COPY_BYTES)]
            count = os.preadv(source, [room], offset)
            if not count:
                raise EOFError("a file ends inside an extent")
            self._take(room[:count])
            offset, left = offset + count, left - count

    def write(self, pieces: Iterable[bytes | memoryview]) -> None:
        """Add bytes of memory, small pieces together."""
        room, used = self._disk.room(), 0
        for piece in pieces:
            view = memoryview(piece)
            while view:
                count = min(len(room) - used, len(view))
                room[used : used + count] = view[:count]
                used, view = used + count, view[count:]
                if used >= COPY_BYTES or used == len(room):
                    self._take(room[:used])
                    room, used = self._disk.room(), 0
        self._take(room[:used])
        self._expected.allow(self.size_bytes)

    def settle(self) -> None:
        """Have what was added so far stand in the file, to be read there whatever becomes of the draft's name."""
        self._disk.settle()

    def finish(self) -> Content:
        """What it holds now that it is whole and on the disk; Refused where something else was expected."""
        found = self._digest.hexdigest()
        self._expected.require(self.size_bytes, found)
        self._disk.finish()
        return _content(self._file, found, self.size_bytes)

    def _take(self, part: memoryview) -> None:
        self._digest.update(part)
        self._disk.advance(len(part))
        self.size_bytes += len(part)


@contextmanager
def filling(folder: Path, expected: Expected) -> Iterator[Filling]:
    """A draft to be filled; gone at the end unless it was given another name."""
    with draft(folder) as file, DiskWriter(file.fileno()) as disk:
        yield Filling(file, disk, expected)


def clear(folder: Path, *, older_than_seconds: float, now: float) -> int:
    """Remove what broken uploads left; returns how many files."""
    removed = 0
    for left in folder.glob("*") if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            if now - left.stat().st_mtime > older_than_seconds:
                left.unlink()
                removed += 1
    return removed


def blocks_of(source: BinaryIO) -> Iterator[bytes]:
    """A file's content in blocks."""
    while block := source.read(BLOCK_BYTES):
        yield block


def _content(file: BinaryIO, sha256: str, size: int) -> Content:
    return Content(sha256, size, _git_sha1(file, size) if size <= GIT_ID_LIMIT_BYTES else "")


def _git_sha1(file: BinaryIO, size: int) -> str:
    digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with Path(file.name).open("rb") as written:
        for block in blocks_of(written):
            digest.update(block)
    return digest.hexdigest()
