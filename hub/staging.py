"""Files for bytes that arrive and are no content yet: drafts, which vanish unless they are kept under a name."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from registry import drafts
from registry.blobs import blob_store

WRITE_BYTES = 1 << 20
MOST_PIECES = 256  # far below what the system takes at once


def draft() -> AbstractContextManager[BinaryIO]:
    """A file for bytes that arrive; gone at the end unless it was kept under a name."""
    return drafts.draft(blob_store().incoming, is_buffered=False)


def keep(file: BinaryIO, place: Path) -> None:
    """Give a draft its name; what was there is replaced."""
    place.parent.mkdir(parents=True, exist_ok=True)
    Path(file.name).chmod(0o440)
    Path(file.name).replace(place)


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
