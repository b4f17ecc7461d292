"""Where the bytes of one file come from.

Owns opening a file safely (no link followed, nothing but a regular file, no waiting on a pipe) and noticing that it
changed meanwhile. Knows no format and no path inside a checkpoint: on disk a file may well be called by its digest.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Protocol


class NotAFileError(OSError):
    """What should be read is a link, folder, pipe, socket or device."""


class CutShortError(OSError):
    """The source ended before the size it had at first."""


class Source(Protocol):
    """Bytes of a known number that can be read at any offset; the same bytes each time."""

    size_bytes: int

    def read_into(self, view: memoryview, offset: int) -> int:
        """Fill `view` from `offset` on and return how many bytes came; 0 only at the end."""

    def has_changed(self) -> bool:
        """Whether the content may be another than at opening."""

    def close(self) -> None:
        """Let go of the file."""


Opener = Callable[[], BinaryIO]


class PathSource:
    """A regular file on disk, read by position, so that threads may share it."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if Path(path).is_symlink():
                raise NotAFileError("a symbolic link is not followed") from error
            raise
        self._before = os.fstat(self._fd)
        if not stat.S_ISREG(self._before.st_mode):
            os.close(self._fd)
            raise NotAFileError("neither a file nor a folder")
        self.size_bytes = self._before.st_size

    def read_into(self, view: memoryview, offset: int) -> int:
        """See `Source`."""
        return os.preadv(self._fd, [view], offset)

    def has_changed(self) -> bool:
        """Whether size, times or identity differ from those at opening."""
        now, before = os.fstat(self._fd), self._before
        return (now.st_size, now.st_mtime_ns, now.st_ctime_ns) != (
            before.st_size,
            before.st_mtime_ns,
            before.st_ctime_ns,
        )

    def close(self) -> None:
        """See `Source`."""
        os.close(self._fd)


class StreamSource:
    """Any seekable binary file object, for blob stores that are not a local disk. Not for sharing between threads."""

    def __init__(self, opener: Opener, size_bytes: int) -> None:
        self._stream = opener()
        self.size_bytes = size_bytes
        self._position = 0

    def read_into(self, view: memoryview, offset: int) -> int:
        """See `Source`; seeks only when the reading is not in order."""
        try:
            if offset != self._position:
                self._stream.seek(offset)
            content = self._stream.read(len(view))
        except ValueError as error:  # as of a stream that somebody has closed
            raise OSError(f"the stream cannot be read: {error}") from error
        view[: len(content)] = content
        self._position = offset + len(content)
        return len(content)

    def has_changed(self) -> bool:
        """Always no: a blob store's objects do not change."""
        return False

    def close(self) -> None:
        """See `Source`."""
        self._stream.close()


def open_source(what: str | os.PathLike[str] | Opener, size_bytes: int | None = None) -> Source:
    """A source for a path on disk, or for an opener whose content has `size_bytes` bytes.

    OSError if it cannot be opened.
    """
    if callable(what):
        if size_bytes is None:
            raise ValueError("an opener needs the size of what it opens")
        return StreamSource(what, size_bytes)
    source = PathSource(what)
    if size_bytes is not None and source.size_bytes != size_bytes:
        source.close()
        raise CutShortError(f"the file has {source.size_bytes} bytes where {size_bytes} were expected")
    return source


def read_at(source: Source, offset: int, size: int) -> bytes:
    """Exactly `size` bytes from `offset` on, without hashing; CutShortError if there are fewer."""
    content = bytearray(size)
    view = memoryview(content)
    done = 0
    while done < size:
        count = source.read_into(view[done:], offset + done)
        if count == 0:
            raise CutShortError(f"no bytes at offset {offset + done} of {source.size_bytes}")
        done += count
    return bytes(content)
