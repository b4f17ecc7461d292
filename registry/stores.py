"""What every blob store does: content under its SHA-256, hashed while it arrives, never visible before it is whole.

Owns the interface and the way in, which are the same for all. Where the bytes lie is each store's own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from registry import drafts
from registry.drafts import Content, Expected, Extent, Filling, Progress

ANYTHING = Expected()


@dataclass(frozen=True, slots=True)
class Stored:
    """Something that a store holds: its name, size, and when it was written, in seconds since 1970."""

    sha256: str
    size_bytes: int
    written_at: float


@dataclass(frozen=True, slots=True)
class Arrival:
    """Content that has arrived whole and was checked; `keep` makes it visible, and is quick.

    What the store has under this hash already stays as it is.
    """

    store: BlobStore
    content: Content
    keep: Callable[[], None]


def _silent(done: int) -> None:
    """Tell nobody how far it is."""


class BlobStore(ABC):
    """Content by hash. `root` is a folder of this machine, where bytes are that are no content yet."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.incoming = root / "incoming"

    # --- the way in ----------------------------------------------------------------------------

    @contextmanager
    def arriving(
        self, blocks: Iterable[bytes], *, expected: Expected = ANYTHING, progress: Progress = _silent
    ) -> Iterator[Arrival]:
        """What arrives, checked, before it is kept; nothing of it stays where the block ends without that.

        Raises Refused where size or hash differ from what was announced, and whatever `blocks` raises.
        """
        draft = drafts.received(self.incoming, blocks, expected, progress)
        with draft as (content, place), self.ready(place, content) as keep:
            yield Arrival(self, content, keep)

    @contextmanager
    def assembling(
        self, extents: Iterable[Extent], *, expected: Expected = ANYTHING, progress: Progress = _silent
    ) -> Iterator[Arrival]:
        """The same for what stands in pieces of files on this machine."""
        with self.filling(expected=expected) as filling:
            for extent in extents:
                filling.copy(extent)
                progress(filling.size_bytes)
            with self.filled(filling) as arrival:
                yield arrival

    def filling(self, *, expected: Expected = ANYTHING) -> AbstractContextManager[Filling]:
        """The same for what comes piece by piece from wherever it is; nothing of it stays unless `filled` was kept."""
        return drafts.filling(self.incoming, expected)

    @contextmanager
    def filled(self, filling: Filling) -> Iterator[Arrival]:
        """A draft that has been filled, checked; Refused where it is not what was expected."""
        content = filling.finish()
        with self.ready(filling.place, content) as keep:
            yield Arrival(self, content, keep)

    def clear_incoming(self, *, older_than_seconds: float, now: float) -> int:
        """Remove what broken uploads left on this machine; returns how many files."""
        return drafts.clear(self.incoming, older_than_seconds=older_than_seconds, now=now)

    @abstractmethod
    def ready(self, draft: Path, content: Content) -> AbstractContextManager[Callable[[], None]]:
        """Do what takes long before a checked draft is kept, and give the step that keeps it."""

    # --- what is here --------------------------------------------------------------------------

    @abstractmethod
    def exists(self, sha256: str) -> bool:
        """Whether the content is here."""

    @abstractmethod
    def size(self, sha256: str) -> int:
        """Bytes of the content; FileNotFoundError where it is not here."""

    @abstractmethod
    def open(self, sha256: str) -> BinaryIO:
        """The content for reading, at any place of it; FileNotFoundError where it is not here."""

    @abstractmethod
    def stream(self, sha256: str) -> BinaryIO:
        """The stored bytes from the beginning, unchecked, never from a copy; FileNotFoundError where none are here."""

    @abstractmethod
    def local(self, sha256: str) -> AbstractContextManager[Path]:
        """A file of this machine with the content, to be read as long as the block lasts.

        FileNotFoundError where it is not here, as late as when the file is opened.
        """

    @contextmanager
    def locals(self, hashes: Iterable[str]) -> Iterator[dict[str, Path]]:
        """Such files for several contents, by hash."""
        with ExitStack() as held:
            yield {sha256: held.enter_context(self.local(sha256)) for sha256 in dict.fromkeys(hashes)}

    @abstractmethod
    def listing(self, prefix: str = "") -> Iterator[Stored]:
        """Everything whose hash begins so, in no order."""

    @abstractmethod
    def delete(self, sha256: str) -> None:
        """Forget content; nothing where it is not here."""

    def address(self, sha256: str, *, content_type: str, disposition: str, wanted: str = "") -> str | None:
        """A signed address that gives the content to whoever has it, for a short while; None where there are none.

        `wanted` is a Range header: the address then works with this one alone.
        """
        return None
