"""The blob store on a disk: a file for each content, which web processes hand to the kernel as it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import BinaryIO

from registry.drafts import Content
from registry.stores import BlobStore, Stored

HASH_DIGITS = 64


class LocalBlobStore(BlobStore):
    """Content in files of one folder, two levels deep by the first digits of the hash.

    A file under `blobs/` is always whole and always has the hash of its name: it is moved there after the last
    byte was hashed and written through to the disk.
    """

    def path(self, sha256: str) -> Path:
        """Where content is, or would be."""
        return self.root / "blobs" / sha256[:2] / sha256[2:4] / sha256

    def exists(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def size(self, sha256: str) -> int:
        return self.path(sha256).stat().st_size

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def stream(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb", buffering=0)

    @contextmanager
    def local(self, sha256: str) -> Iterator[Path]:
        yield self.path(sha256)

    def delete(self, sha256: str) -> None:
        self.path(sha256).unlink(missing_ok=True)

    def listing(self, prefix: str = "") -> Iterator[Stored]:
        for path in (self.root / "blobs").glob(f"{prefix[:2] or '*'}/*/*"):
            if path.name.startswith(prefix) and len(path.name) == HASH_DIGITS:
                with suppress(FileNotFoundError):
                    found = path.stat()
                    yield Stored(path.name, found.st_size, found.st_mtime)

    @contextmanager
    def ready(self, draft: Path, content: Content) -> Iterator[Callable[[], None]]:
        yield partial(self._keep, draft, content.sha256)

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
