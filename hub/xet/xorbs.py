"""A xorb read while it arrives: chunk after chunk, each unpacked within bounds and hashed. Pure.

Source: Xet protocol specification, "Xorb format"; LZ4 frame format 1.6. No size in a xorb is believed before it is
bounded, and no more than the announced plain length is ever unpacked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import lz4.frame
import numpy as np

from hub.xet.hashes import chunk_hash

MOST_CHUNKS = 8192
MOST_PLAIN_BYTES = 64 << 20
CHUNK_BYTES = 128 << 10
HEADER_BYTES = 8
# A packed chunk is at most as long as a plain one; LZ4's own frame around what does not shrink adds a few bytes.
PACKED_BYTES = CHUNK_BYTES + 1024
MOST_PACKED_BYTES = MOST_PLAIN_BYTES + MOST_CHUNKS * 64
# After the chunks older clients send a footer, which says nothing that is not computed here.
FOOTER, FOOTER_BYTES = b"XETBLOB", 2 << 20
MOST_BYTES = MOST_PACKED_BYTES + FOOTER_BYTES
PLAIN, LZ4, GROUPED_LZ4 = range(3)


class BadXorb(ValueError):
    """The xorb is not as the protocol says; the message says where."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk: its hash, and its bytes as they stand in a file."""

    digest: bytes
    plain: bytes | memoryview


def read_xorb(blocks: Iterable[bytes]) -> Iterator[Chunk]:
    """Each chunk in order. Raises BadXorb; whatever `blocks` raises passes through."""
    source = _Source(iter(blocks))
    count = total = 0
    while (header := source.take(HEADER_BYTES)) is not None:
        if bytes(header[: len(FOOTER)]) == FOOTER:
            source.skip_rest(FOOTER_BYTES)
            break
        count += 1
        if count > MOST_CHUNKS:
            raise BadXorb(f"It has more than {MOST_CHUNKS} chunks.")
        plain = _chunk(source, count, header)
        total += len(plain)
        if total > MOST_PLAIN_BYTES:
            raise BadXorb(f"It has more than {MOST_PLAIN_BYTES} bytes.")
        yield Chunk(chunk_hash(plain), plain)
    if not count:
        raise BadXorb("It has no chunk.")


def _chunk(source: _Source, number: int, header: memoryview) -> bytes | memoryview:
    version, scheme = header[0], header[4]
    packed_bytes, plain_bytes = int.from_bytes(header[1:4], "little"), int.from_bytes(header[5:8], "little")
    if version != 0:
        raise BadXorb(f"Chunk {number} has the unknown version {version}.")
    if not 0 < plain_bytes <= CHUNK_BYTES or not 0 < packed_bytes <= PACKED_BYTES:
        raise BadXorb(f"Chunk {number} has {plain_bytes} bytes, packed {packed_bytes}: out of bounds.")
    packed = source.take(packed_bytes)
    if packed is None:
        raise BadXorb(f"It ends inside chunk {number}.")
    if scheme == PLAIN:
        # Beside packed chunks a view would keep a whole block in memory for itself.
        plain: bytes | memoryview = bytes(packed) if source.gave_packed else packed
    elif scheme == LZ4:
        plain = _unpacked(packed, plain_bytes, number)
    elif scheme == GROUPED_LZ4:
        plain = ungrouped(_unpacked(packed, plain_bytes, number))
    else:
        raise BadXorb(f"Chunk {number} is packed by the unknown scheme {scheme}.")
    source.gave_packed |= scheme != PLAIN
    if len(plain) != plain_bytes:
        raise BadXorb(f"Chunk {number} has {len(plain)} bytes, not {plain_bytes}.")
    return plain


def _unpacked(packed: memoryview, plain_bytes: int, number: int) -> bytes:
    """What an LZ4 frame holds, which must be one, whole, and as long as announced."""
    frame = lz4.frame.LZ4FrameDecompressor()
    try:
        plain: bytes = frame.decompress(packed, max_length=plain_bytes)
        if not frame.eof:
            # What fills the announced length exactly may leave the frame's end unread.
            plain += frame.decompress(b"", max_length=1)
    except (RuntimeError, ValueError, EOFError, MemoryError) as error:
        raise BadXorb(f"Chunk {number} is no LZ4 frame: {error}.") from None
    if not frame.eof or frame.unused_data:
        raise BadXorb(f"Chunk {number} is no single LZ4 frame of {plain_bytes} bytes.")
    return plain


def ungrouped(grouped: bytes) -> memoryview:
    """Bytes in their own order again, that were grouped by their position modulo four."""
    size = len(grouped)
    found, source, begin = np.empty(size, np.uint8), np.frombuffer(grouped, np.uint8), 0
    for position in range(4):
        count = (size + 3 - position) // 4
        found[position::4] = source[begin : begin + count]
        begin += count
    return memoryview(found)


class _Source:
    """Bytes in order, whatever the blocks that they come in."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.gave_packed = False
        self._blocks = blocks
        self._view = memoryview(b"")

    def take(self, size: int) -> memoryview | None:
        """The next bytes; None at the end. Raises BadXorb where the end comes in between."""
        if len(self._view) >= size:
            found, self._view = self._view[:size], self._view[size:]
            return found
        gathered = bytearray(self._view)
        self._view = memoryview(b"")
        while len(gathered) < size:
            block = next(self._blocks, None)
            if block is None:
                if gathered:
                    raise BadXorb("It ends in the middle of a chunk.")
                return None
            missing = size - len(gathered)
            gathered += block[:missing]
            self._view = memoryview(block)[missing:]
        return memoryview(gathered)

    def skip_rest(self, limit: int) -> None:
        """Read what remains, which must not be more than `limit` bytes."""
        remains = len(self._view)
        for block in self._blocks:
            remains += len(block)
            if remains > limit:
                break
        if remains > limit:
            raise BadXorb("Its footer is too long.")
