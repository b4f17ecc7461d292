"""Copies of content that another machine keeps: checked when fetched, in a folder that does not outgrow its bound.

Any number of processes of a machine share the folder. Whoever reads a copy has its file locked, which keeps it there;
what nobody reads goes first where it was not read for longest. A copy can always be made again.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

# The folder is looked through again after this share of its bound was added; so far it may outgrow it meanwhile.
LOOK_AGAIN = 32


class NoRoom(OSError):
    """Everything in the folder is being read, and there is no room for one more."""

    def __init__(self, wanted: int, most: int) -> None:
        super().__init__(
            errno.ENOSPC,
            f"a copy of {wanted} bytes finds no room within STORAGE_COPIES_BYTES={most}, which the operator can raise",
        )


class LocalCopies:
    """One file for each copy, under its SHA-256. `most_bytes` is the bound."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self.folder = folder
        self.most_bytes = most_bytes
        self._unlooked: int | None = None

    def place(self, sha256: str) -> Path:
        """Where a copy is, or would be."""
        return self.folder / sha256[:2] / sha256

    @contextmanager
    def pinned(self, sha256: str, fetch: Callable[[], None]) -> Iterator[Path]:
        """A copy that stays while the block lasts; `fetch` makes room for it, and links it once it was checked.

        Raises whatever `fetch` raises. Of several that miss the same copy at once, one fetches it.
        """
        with self._opened(sha256, fetch) as file:
            with suppress(OSError):
                os.utime(file.fileno())  # when it was last read
            yield self.place(sha256)

    def adopt(self, draft: Path, sha256: str, size_bytes: int) -> None:
        """Make a copy of a checked file that will not change; nothing where there is no room for it."""
        with suppress(NoRoom, FileExistsError):
            self.make_room(size_bytes)
            self.link(draft, sha256)

    def link(self, draft: Path, sha256: str) -> None:
        """Give a checked file its name."""
        place = self.place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        draft.chmod(0o440)
        os.link(draft, place)

    def forget(self, sha256: str) -> None:
        """Remove a copy; whoever reads it reads on."""
        self.place(sha256).unlink(missing_ok=True)

    def make_room(self, wanted: int) -> None:
        """Remove what nobody reads until there is room for so many bytes; NoRoom where there is not enough of it."""
        if wanted > self.most_bytes:
            raise NoRoom(wanted, self.most_bytes)
        if self._unlooked is not None and self._unlooked + wanted <= self.most_bytes // LOOK_AGAIN:
            self._unlooked += wanted
            return
        found = sorted(self._found())
        excess = sum(size for _, size, _ in found) + wanted - self.most_bytes
        for _, size, place in found:
            if excess <= 0:
                break
            if _removed(place):
                excess -= size
        if excess > 0:
            raise NoRoom(wanted, self.most_bytes)
        # What others add is not seen before the next look.
        self._unlooked = wanted

    def _found(self) -> Iterator[tuple[float, int, Path]]:
        for place in self.folder.glob("??/*"):
            with suppress(FileNotFoundError):
                status = place.stat()
                yield status.st_mtime, status.st_size, place

    @contextmanager
    def _opened(self, sha256: str, fetch: Callable[[], None]) -> Iterator[BinaryIO]:
        """The file of a copy, locked against removal."""
        while (file := self._locked(sha256)) is None:
            self._fetch(sha256, fetch)
        with file:
            yield file

    def _locked(self, sha256: str) -> BinaryIO | None:
        try:
            file = self.place(sha256).open("rb")
        except FileNotFoundError:
            return None
        fcntl.flock(file, fcntl.LOCK_SH)
        if os.fstat(file.fileno()).st_nlink:
            return file
        file.close()  # it was removed before it was locked
        return None

    def _fetch(self, sha256: str, fetch: Callable[[], None]) -> None:
        fetching = self.folder / "fetching" / sha256[:3]
        fetching.parent.mkdir(parents=True, exist_ok=True)
        with fetching.open("wb") as turn:
            fcntl.flock(turn, fcntl.LOCK_EX)
            if not self.place(sha256).exists():
                with suppress(FileExistsError):
                    fetch()


def _removed(place: Path) -> bool:
    """Remove a copy that nobody reads just now."""
    try:
        with place.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            place.unlink()
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True
