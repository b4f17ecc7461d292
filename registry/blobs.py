"""The blob store: file content under its SHA-256, hashed while it arrives, never visible before it is whole.

Owns bytes on local disk. Knows neither paths of checkpoints nor people.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from registry import policies
from registry.hashing import Hashing
from registry.writing import DiskWriter
from rules import Refused

BLOCK_BYTES = 1 << 20
# Small enough to stay in the processor between reading and hashing.
COPY_BYTES = 256 << 10
# Up to this size git's own object id is computed on arrival; larger content is listed by its pointer's id.
GIT_ID_LIMIT_BYTES = 16 << 20


@dataclass(frozen=True)
class Content:
    """Bytes that the store holds: their SHA-256 in hex, size, and git's object id where they are small."""

    sha256: str
    size_bytes: int
    git_sha1: str = ""


@dataclass(frozen=True, slots=True)
class Extent:
    """Bytes that stand in an open file of this machine."""

    file: BinaryIO
    offset_bytes: int
    length: int


class LocalBlobStore:
    """Content in files of one folder, two levels deep by the first digits of the hash.

    A file under `blobs/` is always whole and always has the hash of its name: it is moved there after the last
    byte was hashed and written through to the disk.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"

    def path(self, sha256: str) -> Path:
        """Where content is, or would be."""
        return self.root / "blobs" / sha256[:2] / sha256[2:4] / sha256

    def receive(
        self,
        blocks: Iterable[bytes],
        *,
        expected_sha256: str = "",
        expected_size: int | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Content:
        """Store what arrives; memory is one block, whatever the size.

        Raises Refused where size or hash differ from what was announced; nothing is kept then. Whatever `blocks`
        raises passes through, and nothing is kept then either.
        """
        with self._draft() as draft, Hashing() as digest, DiskWriter(draft.fileno()) as disk:
            size = 0
            for block in blocks:
                size += len(block)
                if expected_size is not None and size > expected_size:
                    raise Refused.because(policies.SIZE_DIFFERS, announced=expected_size, received=f"over {size - 1}")
                digest.update(block)
                disk.write(block)
                progress(size)
            found = digest.hexdigest()
            _compare(size, expected_size, found, expected_sha256)
            disk.finish()
            git_sha1 = _git_sha1(draft, size) if size <= GIT_ID_LIMIT_BYTES else ""
            self._keep(Path(draft.name), found)
        return Content(found, size, git_sha1)

    def assemble(
        self,
        extents: Iterable[Extent],
        *,
        expected_sha256: str = "",
        expected_size: int | None = None,
        progress: Callable[[int], None] = lambda done: None,
    ) -> Content:
        """Store what stands in pieces of other files; each byte is read once, to be hashed and written.

        Refuses and raises as `receive` does.
        """
        digest, size = hashlib.sha256(), 0
        with self._draft() as draft, DiskWriter(draft.fileno()) as disk:
            for extent in extents:
                if expected_size is not None and size + extent.length > expected_size:
                    raise Refused.because(policies.SIZE_DIFFERS, announced=expected_size, received=f"over {size}")
                for part in _copied(extent, disk):
                    digest.update(part)
                    size += len(part)
                progress(size)
            found = digest.hexdigest()
            _compare(size, expected_size, found, expected_sha256)
            disk.finish()
            git_sha1 = _git_sha1(draft, size) if size <= GIT_ID_LIMIT_BYTES else ""
            self._keep(Path(draft.name), found)
        return Content(found, size, git_sha1)

    def exists(self, sha256: str) -> bool:
        """Whether the content is here."""
        return self.path(sha256).is_file()

    def size(self, sha256: str) -> int:
        """Bytes of the content; FileNotFoundError where it is not here."""
        return self.path(sha256).stat().st_size

    def open(self, sha256: str) -> BinaryIO:
        """The content for reading; FileNotFoundError where it is not here."""
        return self.path(sha256).open("rb")

    def delete(self, sha256: str) -> None:
        """Forget content; nothing where it is not here."""
        self.path(sha256).unlink(missing_ok=True)

    def clear_incoming(self, *, older_than_seconds: float, now: float) -> int:
        """Remove what broken uploads left; returns how many files."""
        removed = 0
        for left in self.incoming.glob("*") if self.incoming.is_dir() else ():
            with suppress(FileNotFoundError):
                if now - left.stat().st_mtime > older_than_seconds:
                    left.unlink()
                    removed += 1
        return removed

    @contextmanager
    def _draft(self) -> Iterator[BinaryIO]:
        self.incoming.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self.incoming, delete=False) as draft:
            try:
                yield draft  # type: ignore[misc]
            finally:
                Path(draft.name).unlink(missing_ok=True)

    def _keep(self, draft: Path, sha256: str) -> None:
        place = self.path(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.chmod(0o440)
        # What is here stays, even where the same content comes again: a confined reader may hold this very file.
        with suppress(FileExistsError):
            os.link(draft, place)
        folder = os.open(place.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def blob_store() -> LocalBlobStore:
    """The store of this instance."""
    return _store(settings.STORAGE_ROOT)


@cache
def _store(root: Path) -> LocalBlobStore:
    return LocalBlobStore(root)


def blocks_of(source: BinaryIO) -> Iterator[bytes]:
    """A file's content in blocks."""
    while block := source.read(BLOCK_BYTES):
        yield block


def _compare(size: int, expected_size: int | None, found: str, expected_sha256: str) -> None:
    if expected_size is not None and size != expected_size:
        raise Refused.because(policies.SIZE_DIFFERS, announced=expected_size, received=size)
    if expected_sha256 and found != expected_sha256:
        raise Refused.because(policies.HASH_DIFFERS, announced=expected_sha256, received=found)


def _copied(extent: Extent, disk: DiskWriter) -> Iterator[memoryview]:
    """Copy an extent, and give each piece before it is handed on; EOFError where it is not all there."""
    source, offset, left = extent.file.fileno(), extent.offset_bytes, extent.length
    while left:
        room = disk.room()[: min(left, COPY_BYTES)]
        count = os.preadv(source, [room], offset)
        if not count:
            raise EOFError("a file ends inside an extent")
        yield room[:count]
        disk.advance(count)
        offset, left = offset + count, left - count


def _git_sha1(draft: BinaryIO, size: int) -> str:
    digest = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
    with Path(draft.name).open("rb") as written:
        for block in blocks_of(written):
            digest.update(block)
    return digest.hexdigest()
