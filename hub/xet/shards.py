"""A shard, which says of what each file is made, read record by record. Pure.

Source: Xet protocol specification, "Shard format". Every count is compared with the bytes that there are before
anything is made of it; of xorbs only the form is checked, since what they hold was seen when they arrived.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hub.xet.hashes import to_text

TAG = bytes.fromhex("48465265706f4d6574614461746100556967456a7b815783a5bdd95ccdd14aa9")
VERSION = 2
# The client cuts its shards at 64 MiB; one that is a little longer is no offense.
MOST_BYTES = 80 << 20
MOST_FILES = 100_000
# The client makes parts of half a megabyte and more, mostly of a whole xorb.
MOST_TERMS = 100_000
RECORD_BYTES = 48
END = b"\xff" * 32
HAS_CHECKS, HAS_SHA256 = 1 << 31, 1 << 30
HEADER = struct.Struct("<32sQQ")
FILE = struct.Struct("<32sII8x")
TERM = struct.Struct("<32sIIII")
CHECK = struct.Struct("<32s16x")
XORB = struct.Struct("<32sIIII")


class BadShard(ValueError):
    """The shard is not as the protocol says; the message says where."""


@dataclass(frozen=True, slots=True)
class Term:
    """A run of chunks of one xorb, from `first` to before `end`, and the hash over their hashes."""

    xorb: bytes
    plain_bytes: int
    first: int
    end: int
    check: bytes


@dataclass(frozen=True, slots=True)
class FileRecord:
    """What one file is made of. `sha256` is the usual text, empty where the sender did not say."""

    digest: bytes
    terms: list[Term]
    sha256: str

    @property
    def size_bytes(self) -> int:
        """The file's size as announced."""
        return sum(term.plain_bytes for term in self.terms)


def read_shard(source: BinaryIO, size_bytes: int) -> Iterator[FileRecord]:
    """Each file of a shard in order; the form of all of it has been checked when the last one was given.

    Raises BadShard. `source` stands at the shard's beginning and holds `size_bytes`.
    """
    reader = _Reader(source, size_bytes)
    tag, version, footer_bytes = HEADER.unpack(reader.record())
    if tag != TAG or version != VERSION:
        raise BadShard("It does not begin as a shard of version 2 does.")
    if footer_bytes > size_bytes:
        raise BadShard("Its footer is longer than itself.")
    count = 0
    while (record := reader.record())[:32] != END:
        count += 1
        if count > MOST_FILES:
            raise BadShard(f"It has more than {MOST_FILES} files.")
        yield _file(reader, record, count)
    _check_xorbs(reader)


def _file(reader: _Reader, record: bytes, number: int) -> FileRecord:
    digest, flags, count = FILE.unpack(record)
    if not flags & HAS_CHECKS:
        raise BadShard(f"File {number} does not show that its sender knows the chunks.")
    reader.require(2 * count)
    if count > MOST_TERMS:
        raise BadShard(f"File {number} has more than {MOST_TERMS} parts.")
    terms = [TERM.unpack(reader.record()) for _ in range(count)]
    checks = [CHECK.unpack(reader.record())[0] for _ in range(count)]
    sha256 = to_text(reader.record()[:32]) if flags & HAS_SHA256 else ""
    found = []
    for (xorb, _, plain_bytes, first, end), check in zip(terms, checks, strict=True):
        if first >= end:
            raise BadShard(f"File {number} has a part without chunks.")
        found.append(Term(xorb, plain_bytes, first, end, check))
    return FileRecord(digest, found, sha256)


def _check_xorbs(reader: _Reader) -> None:
    while (record := reader.record())[:32] != END:
        _, _, count, _, _ = XORB.unpack(record)
        reader.require(count)
        reader.skip(count)


class _Reader:
    """Records of one size, and how many can still come."""

    def __init__(self, source: BinaryIO, size_bytes: int) -> None:
        self._source = source
        self._left = size_bytes // RECORD_BYTES

    def require(self, count: int) -> None:
        """Raise BadShard where fewer records than these can come."""
        if count > self._left:
            raise BadShard("It announces more records than it has.")

    def record(self) -> bytes:
        """The next record."""
        self.require(1)
        self._left -= 1
        found = self._source.read(RECORD_BYTES)
        if len(found) != RECORD_BYTES:
            raise BadShard("It ends in the middle of a record.")
        return found

    def skip(self, count: int) -> None:
        """Pass over records of which enough are there."""
        self._left -= count
        self._source.seek(count * RECORD_BYTES, os.SEEK_CUR)
