"""Reading a file once, in order, and hashing every byte on the way.

Owns the one pass over a file: parsers take bytes from it and cannot see any that were not hashed. Memory is one
buffer of `STEP_BYTES` for each reader, whatever the file's size.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from weights.sources import CutShortError, Opener, Source, open_source

STEP_BYTES = 1 << 20  # fits the second-level cache; 64 KiB costs a third more in hand-overs between threads

Progress = Callable[[int], None]  # told how many bytes of this file are done; may raise to stop the work


@dataclass(frozen=True, slots=True)
class FileDigests:
    """What hashing one file gave; `git_sha1` is the id that Git gives a blob with this content."""

    size_bytes: int
    sha256: str
    git_sha1: str | None = None


class HashingReader:
    """Hands out a source's bytes in order and keeps the digest of all it handed out."""

    def __init__(
        self,
        source: Source,
        *,
        progress: Progress | None = None,
        git_sha1: bool = False,
        keeps_fingerprints: bool = True,
    ) -> None:
        self.source = source
        self.keeps_fingerprints = keeps_fingerprints  # for whoever makes records of tensors on the way
        self.size_bytes = source.size_bytes
        self.position = 0
        self._progress = progress
        self._buffer = bytearray(min(STEP_BYTES, max(source.size_bytes, 1)))
        self._view = memoryview(self._buffer)
        self._sha256 = hashlib.sha256()
        self._git = hashlib.sha1(b"blob %d\0" % source.size_bytes, usedforsecurity=False) if git_sha1 else None

    @property
    def remaining(self) -> int:
        """Bytes not handed out yet."""
        return self.size_bytes - self.position

    def step(self, size: int) -> memoryview:
        """The next `size` bytes, at most `STEP_BYTES`.

        Valid until the next call. CutShortError if the file ends before.
        """
        view = self._view[:size]
        if len(view) < size:
            raise ValueError(f"a step is at most {len(self._view)} bytes here, not {size}")
        done = 0
        while done < size:
            count = self.source.read_into(view[done:], self.position + done)
            if count == 0:
                raise CutShortError(f"the file ended at {self.position + done} of {self.size_bytes} bytes")
            done += count
        self._sha256.update(view)
        if self._git is not None:
            self._git.update(view)
        self.position += size
        if self._progress is not None:
            self._progress(self.position)
        return view

    def take(self, size: int) -> bytes:
        """A copy of the next `size` bytes; the caller bounds `size`."""
        return bytes(self.take_buffer(size))

    def take_buffer(self, size: int) -> bytearray:
        """As `take`, in a buffer that whoever has it may empty; for what is too large to lie in memory twice."""
        content = bytearray(size)
        for place in range(0, size, STEP_BYTES):
            piece = self.step(min(STEP_BYTES, size - place))
            content[place : place + len(piece)] = piece
        return content

    def drain(self) -> None:
        """Hash what is left."""
        while self.remaining:
            self.step(min(STEP_BYTES, self.remaining))

    def digests(self) -> FileDigests:
        """Drain and give the digests of the whole file."""
        self.drain()
        git = None if self._git is None else self._git.hexdigest()
        return FileDigests(self.size_bytes, self._sha256.hexdigest(), git)


def hash_file(
    what: str | os.PathLike[str] | Opener,
    *,
    size_bytes: int | None = None,
    progress: Progress | None = None,
    git_sha1: bool = False,
) -> FileDigests:
    """Digests of one file, read once in constant memory; OSError if it cannot be read, or changed meanwhile."""
    source = open_source(what, size_bytes)
    try:
        digests = HashingReader(source, progress=progress, git_sha1=git_sha1).digests()
        if source.has_changed():
            raise OSError("the file changed while it was hashed")
        return digests
    finally:
        source.close()
