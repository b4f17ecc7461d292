"""The chunks of a xorb as they are remembered: for each its hash, and its length as four bytes. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator

import numpy as np

from hub.xet.hashes import HASH_BYTES

ENTRY = struct.Struct(f"<{HASH_BYTES}sI")


def entry(digest: bytes, length: int) -> bytes:
    """One chunk as it stands in a list."""
    return ENTRY.pack(digest, length)


class ChunkList:
    """Chunks in order, read from a list of entries; runs are named by their first and by what follows their last."""

    def __init__(self, entries: bytes) -> None:
        self._table = np.frombuffer(entries, np.uint8).reshape(-1, ENTRY.size)
        lengths = np.ascontiguousarray(self._table[:, HASH_BYTES:]).view("<u4").ravel()
        self._begins = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])

    def __len__(self) -> int:
        return len(self._table)

    @property
    def size_bytes(self) -> int:
        """How many bytes all have."""
        return int(self._begins[-1])

    def begin(self, first: int) -> int:
        """How many bytes stand before a chunk."""
        return int(self._begins[first])

    def length(self, first: int, end: int) -> int:
        """How many bytes a run has."""
        return int(self._begins[end] - self._begins[first])

    def run(self, first: int, end: int) -> Iterator[tuple[bytes, int]]:
        """Hash and length of each chunk of a run."""
        return ENTRY.iter_unpack(self._table[first:end].tobytes())

    def hashes(self, first: int, end: int) -> bytes:
        """The hashes of a run, one after another."""
        return self._table[first:end, :HASH_BYTES].tobytes()
