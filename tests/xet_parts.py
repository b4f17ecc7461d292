"""Xorbs and shards as a client makes them, good and bad, for the tests of the server's side."""

from __future__ import annotations

import hashlib
import os
import struct
from dataclasses import dataclass, replace

import lz4.frame

from hub.xet import hashes
from hub.xet.shards import END, HAS_CHECKS, HAS_SHA256, TAG

CHUNK = 64 << 10


def grouped(plain: bytes) -> bytes:
    """Bytes grouped by their position modulo four."""
    return b"".join(plain[position::4] for position in range(4))


def packed(plain: bytes, scheme: int = 0) -> bytes:
    """One chunk as it stands in a xorb."""
    body = {0: lambda: plain, 1: lambda: lz4.frame.compress(plain), 2: lambda: lz4.frame.compress(grouped(plain))}
    return chunk(body[scheme](), len(plain), scheme)


def chunk(body: bytes, plain_bytes: int, scheme: int = 0, version: int = 0) -> bytes:
    """A chunk with any header."""
    return (
        bytes([version]) + len(body).to_bytes(3, "little") + bytes([scheme]) + plain_bytes.to_bytes(3, "little") + body
    )


@dataclass(frozen=True)
class MadeXorb:
    """A xorb: its plain chunks and its body."""

    chunks: list[bytes]
    body: bytes

    @property
    def entries(self) -> list[tuple[bytes, int]]:
        """(hash, length) of each chunk."""
        return [(hashes.chunk_hash(plain), len(plain)) for plain in self.chunks]

    @property
    def digest(self) -> bytes:
        """Its hash."""
        return hashes.xorb_hash(self.entries)

    @property
    def name(self) -> str:
        """Its hash as addresses write it."""
        return hashes.to_text(self.digest)


def xorb(*chunks: bytes, scheme: int = 0) -> MadeXorb:
    """A xorb of these chunks."""
    return MadeXorb(list(chunks), b"".join(packed(plain, scheme) for plain in chunks))


def random_xorb(count: int = 3, size: int = 5000) -> MadeXorb:
    """A xorb that nobody has sent before."""
    return xorb(*(os.urandom(size) for _ in range(count)))


@dataclass(frozen=True)
class MadeFile:
    """A file of a shard: runs of chunks, and what is said of them."""

    terms: list[tuple[MadeXorb, int, int]]
    digest: bytes = b""
    sha256: str | None = ""
    checks: tuple[bytes, ...] = ()
    flags: int = HAS_CHECKS | HAS_SHA256

    @property
    def content(self) -> bytes:
        """Its bytes."""
        return b"".join(b"".join(made.chunks[first:end]) for made, first, end in self.terms)

    def record(self) -> bytes:
        """Its records."""
        entries = [entry for made, first, end in self.terms for entry in made.entries[first:end]]
        digest = self.digest or hashes.file_hash(hashes.xorb_hash(entries))
        found = struct.pack("<32sII8x", digest, self.flags, len(self.terms))
        for made, first, end in self.terms:
            size = sum(length for _, length in made.entries[first:end])
            found += struct.pack("<32sIIII", made.digest, 0, size, first, end)
        if self.flags & HAS_CHECKS:
            for number, (made, first, end) in enumerate(self.terms):
                raw = b"".join(digest for digest, _ in made.entries[first:end])
                check = self.checks[number] if self.checks else hashes.term_check(raw)
                found += check + bytes(16)
        if self.flags & HAS_SHA256:
            said = self.sha256 or hashlib.sha256(self.content).hexdigest()
            found += hashes.of_text(said) + bytes(16)
        return found

    def saying(self, **other: object) -> MadeFile:
        """The same file with other claims."""
        return replace(self, **other)


def whole(made: MadeXorb, **claims: object) -> MadeFile:
    """A file of all chunks of a xorb."""
    return MadeFile([(made, 0, len(made.chunks))], **claims)


def shard(*files: MadeFile) -> bytes:
    """A shard of these files, as far as a server reads it."""
    header = struct.pack("<32sQQ", TAG, 2, 0)
    end = END + bytes(16)
    return header + b"".join(file.record() for file in files) + end + end
