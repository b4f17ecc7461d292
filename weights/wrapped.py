"""Compressed files and tape archives: looked into within a budget, and blocked as what they are.

Owns the unpacking of gzip, bzip2, XZ, LZMA and zlib in memory, and the members of tar. Other packers' files are named
and not opened. Nothing is written to disk and no link in an archive is followed.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

from weights.catalog.pickles import PK_COST, PK_WRAP, PK_ZIP
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.names import check_path
from weights.nested import FINDING_LIMIT, inspect_inner, nesting_of
from weights.report import Parsed
from weights.sources import Source, read_at

UNPACKED_LIMIT_BYTES = 32 << 20
MEMORY_LIMIT_BYTES = 64 << 20  # that a decompressor may take for its dictionary

_BLOCK = 512
_PIECE = 1 << 16


class _Unpacker(Protocol):
    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _Inflate:
    """zlib's object with the interface of the other two."""

    def __init__(self, window: int) -> None:
        self._inner = zlib.decompressobj(window)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)


_PACKERS: tuple[tuple[bytes, str, Callable[[], _Unpacker] | None], ...] = (
    (b"\x1f\x8b", "gzip", lambda: _Inflate(31)),
    (b"BZh", "bzip2", bz2.BZ2Decompressor),
    (b"\xfd7zXZ\0", "XZ", lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY_LIMIT_BYTES)),
    (b"\x5d\0\0", "LZMA", lambda: lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=MEMORY_LIMIT_BYTES)),
    (b"\x28\xb5\x2f\xfd", "Zstandard", None),
    (b"7z\xbc\xaf\x27\x1c", "7z", None),
    (b"Rar!\x1a\x07", "RAR", None),
    (b"\x04\x22\x4d\x18", "LZ4", None),
    (b"\x1f\x9d", "compress", None),
    (b"x", "zlib", lambda: _Inflate(15)),
)


def inspect_compressed(reader: HashingReader, path: str) -> Parsed:
    """Say what packed the file, and what it holds if that can be told."""
    source = reader.source
    head = read_at(source, 0, min(16, source.size_bytes))
    name, maker = next(((name, maker) for magic, name, maker in _PACKERS if head.startswith(magic)), ("unknown", None))
    findings = [PK_WRAP.at(path, f"The file is compressed by {name}.")]
    if maker is None:
        return Parsed(Kind.COMPRESSED, findings)
    depth, nesting = nesting_of(source)
    try:
        content = _unpack(source, maker())
    except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
        return Parsed(Kind.COMPRESSED, [*findings, PK_WRAP.at(path, f"It cannot be unpacked: {error}.")])
    if content is None:
        findings.append(PK_COST.at(path, f"It unpacks to more than {UNPACKED_LIMIT_BYTES} bytes."))
        return Parsed(Kind.COMPRESSED, findings)
    inner, _ = inspect_inner(content, "the unpacked content", path, depth + 1, nesting)
    return Parsed(Kind.COMPRESSED, findings + inner[:FINDING_LIMIT])


def _unpack(source: Source, unpacker: _Unpacker) -> bytes | None:
    """The first stream's content, or None if it is too long."""
    content = bytearray()
    position = 0
    while not unpacker.eof and position < source.size_bytes:
        piece = read_at(source, position, min(_PIECE, source.size_bytes - position))
        position += len(piece)
        while not unpacker.eof:
            made = unpacker.decompress(piece, 1 << 20)
            content += made
            if len(content) > UNPACKED_LIMIT_BYTES:
                return None
            if len(made) < 1 << 20:
                break
            piece = b""
    return bytes(content)


def inspect_tar(reader: HashingReader, path: str) -> Parsed:
    """Walk the members of a tape archive; each is looked into, whatever it is called."""
    source = reader.source
    depth, nesting = nesting_of(source)
    findings = [PK_WRAP.at(path, "The file is a tape archive.")]
    for name, kind, start, size in _members(source):
        if len(findings) > FINDING_LIMIT:
            break
        if kind not in (b"0", b"\0", b"7"):
            if kind not in (b"5", b"x", b"g", b"L", b"K"):
                findings.append(PK_ZIP.at(path, f"The member {name!r} is a link or device.", offset=start))
            continue
        trouble = check_path(name)
        if trouble is not None:
            findings.append(PK_ZIP.at(path, f"The member {name!r}: {trouble.message}", offset=start))
        if start + size > source.size_bytes:
            findings.append(PK_ZIP.at(path, f"The member {name!r} lies beyond the end.", offset=start))
            break
        if size > nesting.bytes_left:
            findings.append(PK_COST.at(path, f"The member {name!r} has {size} bytes.", offset=start))
            break
        inner, _ = inspect_inner(read_at(source, start, size), name, path, depth + 1, nesting)
        findings += inner
    return Parsed(Kind.TAR, findings)


def _members(source: Source) -> Iterator[tuple[str, bytes, int, int]]:
    """Name, type, place and size of each member, as far as the headers make sense."""
    position = 0
    long_name = ""
    while position + _BLOCK <= source.size_bytes:
        header = read_at(source, position, _BLOCK)
        if not header.strip(b"\0"):
            return
        size = _octal(header[124:136])
        if size is None or size < 0:
            return
        name = header[:100].split(b"\0", 1)[0].decode("utf-8", "replace")
        prefix = header[345:500].split(b"\0", 1)[0].decode("utf-8", "replace") if header[257:263] == b"ustar\0" else ""
        kind, start = header[156:157], position + _BLOCK
        shown = long_name or (f"{prefix}/{name}" if prefix else name)
        long_name = ""
        if kind == b"L" and size <= 4096 and start + size <= source.size_bytes:
            long_name = read_at(source, start, size).rstrip(b"\0").decode("utf-8", "replace")
        yield shown, kind, start, size
        position = start + (size + _BLOCK - 1) // _BLOCK * _BLOCK


def _octal(raw: bytes) -> int | None:
    if raw[:1] in (b"\x80", b"\xff"):
        return int.from_bytes(raw[1:], "big")
    try:
        return int(raw.strip(b" \0") or b"0", 8)
    except ValueError:
        return None
