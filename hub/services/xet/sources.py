"""Where the chunks of known xorbs can be read: where the xorb's bytes were kept, or in content that was made of it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from types import TracebackType
from typing import BinaryIO

from hub import policies, xorb_store
from hub.models import Xorb, XorbPart
from hub.xet.chunk_lists import ChunkList
from hub.xet.hashes import to_text
from hub.xet.shards import Term
from hub.xorb_store import Standing
from registry.blobs import Extent, blob_store
from registry.models import Organization
from rules import Refused

# Xorbs whose chunks and open files are kept at hand; a file's parts mostly follow one another in few xorbs.
AT_HAND, TOGETHER = 32, 16


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a file that holds some chunks: of content, or of the xorb's own bytes where `sha256` is empty."""

    sha256: str
    offset_bytes: int
    length: int


class KnownXorb:
    """A xorb that an organization sent: its chunks, and where their bytes are."""

    def __init__(self, row: Xorb, parts: list[XorbPart]) -> None:
        self.row, self.parts = row, sorted(parts, key=lambda part: (part.first, -part.end))
        self.digest = bytes(row.digest)
        self.chunks = ChunkList(bytes(row.chunks))

    @classmethod
    def of(cls, row: Xorb) -> KnownXorb:
        """The xorb of a row, with its parts as they are now."""
        return cls(row, list(row.parts.all()))

    @cached_property
    def standing(self) -> Standing | None:
        """Where its own bytes are; None where they are not here."""
        if not self.row.has_bytes:
            return None
        return xorb_store.find(self.row.organization_id, self.digest, self.chunks.size_bytes)

    @property
    def is_readable(self) -> bool:
        """Whether every chunk can be read from somewhere."""
        return self.standing is not None or is_covered(
            ((part.first, part.end) for part in self.parts), 0, len(self.chunks)
        )

    def pieces(self, first: int, end: int) -> list[Piece] | None:
        """Where the bytes of some chunks are; None where they are nowhere."""
        if self.standing is not None:
            begin = self.standing.offset_bytes + self.chunks.begin(first)
            return [Piece("", begin, self.chunks.length(first, end))]
        found = []
        while first < end:
            part = max((p for p in self.parts if p.first <= first < p.end), key=lambda p: p.end, default=None)
            if part is None:
                return None
            until = min(part.end, end)
            offset = part.offset_bytes + self.chunks.length(part.first, first)
            found.append(Piece(part.blob_id, offset, self.chunks.length(first, until)))
            first = until
        return found


def is_covered(spans: Iterable[tuple[int, int]], first: int, end: int) -> bool:
    """Whether spans, each from a number to before another, leave nothing out between `first` and before `end`."""
    for begin, until in sorted(spans):
        if begin > first:
            break
        first = max(first, until)
    return first >= end


class Sources:
    """The xorbs of one organization as one upload needs them; a context that closes what it opened."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self._known: OrderedDict[bytes, KnownXorb] = OrderedDict()
        self._expected: dict[bytes, bytes] = {}
        self._open: OrderedDict[str | Standing | None, BinaryIO] = OrderedDict()

    def __enter__(self) -> Sources:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        while self._open:
            self._open.popitem()[1].close()

    def expect(self, terms: Iterable[Term]) -> None:
        """Say whose xorbs are asked for next, so that several are looked up together."""
        digests = list(dict.fromkeys(term.xorb for term in terms))
        self._expected = dict(pairwise(digests))

    def find(self, digest: bytes) -> KnownXorb:
        """The xorb; Refused where the organization never sent it, or it is gone."""
        if digest not in self._known:
            self._look_up(digest)
        known = self._known.get(digest)
        if known is None:
            raise gone(digest)
        self._known.move_to_end(digest)
        return known

    def _look_up(self, digest: bytes) -> None:
        """Bring a xorb to hand, and a few of those that are expected after it."""
        wanted: list[bytes] = []
        following: bytes | None = digest
        while following is not None and len(wanted) < TOGETHER:
            if following not in self._known:
                wanted.append(following)
            following = self._expected.get(following)
        rows = Xorb.objects.filter(organization=self.organization, digest__in=wanted).prefetch_related("parts")
        for row in rows:
            self._known[bytes(row.digest)] = KnownXorb.of(row)
        while len(self._known) > AT_HAND:
            self._known.popitem(last=False)

    def extents(self, terms: Iterable[Term]) -> Iterator[Extent]:
        """Where the plain bytes of terms stand, one after another; Refused where some are gone.

        A file stays open until some extents after it were asked for.
        """
        for term in terms:
            found = self._extents(term)
            if found is None:
                # The xorb's own file may have made room for content since it was looked up.
                self._known.pop(term.xorb, None)
                found = self._extents(term)
            if found is None:
                raise gone(term.xorb)
            yield from found

    def _extents(self, term: Term) -> list[Extent] | None:
        xorb = self.find(term.xorb)
        pieces = xorb.pieces(term.first, term.end)
        files = pieces and self._opened(xorb, pieces)
        if not pieces or not files:
            return None
        return [Extent(file, piece.offset_bytes, piece.length) for file, piece in zip(files, pieces, strict=True)]

    def _opened(self, xorb: KnownXorb, pieces: list[Piece]) -> list[BinaryIO] | None:
        """The files of the pieces; None where one is no longer there."""
        found = []
        for piece in pieces:
            key = piece.sha256 or xorb.standing
            file = self._open.get(key)
            if file is None:
                try:
                    file = blob_store().open(piece.sha256) if piece.sha256 else xorb_store.read(xorb.standing)
                except FileNotFoundError:
                    return None
                self._open[key] = file
            self._open.move_to_end(key)
            found.append(file)
        while len(self._open) > max(AT_HAND, len(pieces)):
            self._open.popitem(last=False)[1].close()
        return found


def gone(digest: bytes) -> Refused:
    """A refusal for a xorb that is not here."""
    return Refused.because(policies.XORB_GONE, xorb=to_text(digest))
