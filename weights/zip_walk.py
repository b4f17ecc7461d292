"""The directory of a ZIP archive, read so strictly that no two readers can disagree about it.

Owns the structure: end record, central directory and local headers must tell one story that covers every byte of the
file. Extracts nothing; it says where each member's bytes are.
"""

from __future__ import annotations

import stat
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from weights.catalog.pickles import PK_ZIP
from weights.findings import Finding
from weights.names import check_collisions, check_path, is_encodable
from weights.sources import Source, read_at

MEMBERS_LIMIT = 100_000
DIRECTORY_LIMIT_BYTES = 64 << 20
CHUNK_BYTES = 1 << 20
RATIO_LIMIT = 200

VERSION_LIMIT = 63  # of the format's description; Python's reader refuses what asks for more

STORED, DEFLATED = 0, 8

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_FLAGS_ALLOWED = 0x0808 | 0x0006  # sizes behind the data, names in UTF-8, degree of compression
_BIG = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Member:
    """One member: where its bytes start, how many there are in the file and when unpacked."""

    name: str
    method: int
    flags: int
    crc: int
    packed: int
    size: int
    header: int
    mode: int = 0
    start: int = 0


@dataclass(slots=True)
class Archive:
    """The members in the order of their bytes, and what is wrong; with findings the members may be incomplete."""

    members: list[Member] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


class _FaultError(Exception):
    pass


def read_archive(source: Source, path: str) -> Archive:
    """The archive's directory; every fault becomes a finding. Cost grows with the directory, not with the content."""
    archive = Archive()
    try:
        directory, count, start = _directory(source)
        members = _central(directory, count)
        archive.findings += _check_names(members, path)
        position = 0
        for member in sorted(members, key=lambda member: member.header):
            placed, position = _local(source, member, position)
            archive.members.append(placed)
        if position != start:
            raise _FaultError(f"{start - position} bytes lie between the last member and the directory")
    except _FaultError as error:
        archive.findings.append(PK_ZIP.at(path, f"{error}."))
    return archive


def check_content(source: Source, member: Member, path: str) -> list[Finding]:
    """Whether the member's bytes unpack to its size with its checksum; reads them once, in constant memory."""
    checksum, size = 0, 0
    try:
        for chunk in unpack(source, member):
            checksum = zlib.crc32(chunk, checksum)
            size += len(chunk)
    except ValueError as error:
        return [PK_ZIP.at(path, f"The member {member.name!r} {error}.", offset=member.start)]
    if (checksum, size) != (member.crc, member.size):
        return [PK_ZIP.at(path, f"The member {member.name!r} has a wrong checksum or size.", offset=member.start)]
    return []


def unpack(source: Source, member: Member) -> Iterator[bytes]:
    """The member's content in pieces; ValueError if it is not what its header promises."""
    left = member.packed
    position = member.start
    inflate = zlib.decompressobj(-15) if member.method == DEFLATED else None
    given = 0
    if member.size > max(1 << 20, member.packed * RATIO_LIMIT):
        raise ValueError(f"claims to unpack {member.packed} bytes to {member.size}")
    while left:
        piece = read_at(source, position, min(CHUNK_BYTES, left))
        left -= len(piece)
        position += len(piece)
        while piece:
            if inflate is None:
                chunk, piece = piece, b""
            else:
                try:
                    chunk = inflate.decompress(piece, CHUNK_BYTES)
                except zlib.error as error:
                    raise ValueError(f"cannot be unpacked: {error}") from None
                piece = inflate.unconsumed_tail
            given += len(chunk)
            if given > member.size:
                raise ValueError("unpacks to more than it claims")
            yield chunk
    if inflate is not None and (not inflate.eof or inflate.unused_data):
        raise ValueError("has compressed data that does not end where it should")


def _directory(source: Source) -> tuple[bytes, int, int]:
    """The central directory's bytes, number of entries and place."""
    size = source.size_bytes
    if size < _END.size:
        raise _FaultError("The file is too short for an archive")
    place = size - _END.size
    mark, disk, first_disk, here, count, length, start, comment = _END.unpack(read_at(source, place, _END.size))
    if mark != b"PK\x05\x06" or comment:
        raise _FaultError("The archive does not end with its end record, or has a comment")
    if 0xFFFF in (here, count) or _BIG in (length, start) or _has_locator(source, place):
        mark, record, _, _, disk, first_disk, here, count, length, start, place = _end64(source, place)
        if mark != b"PK\x06\x06" or record != _END64.size - 12:
            raise _FaultError("The 64-bit end record is not well formed")
    if disk or first_disk or here != count or count > MEMBERS_LIMIT or length > DIRECTORY_LIMIT_BYTES:
        raise _FaultError(f"The directory claims {count} members in {length} bytes, or several disks")
    if start + length != place:
        raise _FaultError("The directory does not end where the end record begins")
    return read_at(source, start, length), count, start


def _has_locator(source: Source, place: int) -> bool:
    return place >= _LOCATOR.size and read_at(source, place - _LOCATOR.size, 4) == b"PK\x06\x07"


def _end64(source: Source, place: int) -> tuple[bytes, int, int, int, int, int, int, int, int, int, int]:
    if place < _LOCATOR.size + _END64.size:
        raise _FaultError("The 64-bit end record is missing")
    mark, disk, where, disks = _LOCATOR.unpack(read_at(source, place - _LOCATOR.size, _LOCATOR.size))
    if mark != b"PK\x06\x07" or disk or disks > 1 or where != place - _LOCATOR.size - _END64.size:
        raise _FaultError("The 64-bit end record is not where its locator says")
    fields = _END64.unpack(read_at(source, where, _END64.size))
    return (*fields, where)


def _central(directory: bytes, count: int) -> list[Member]:
    members = []
    position = 0
    for _ in range(count):
        if position + _CENTRAL.size > len(directory):
            raise _FaultError("The directory is shorter than its members")
        (
            mark,
            _,
            needed,
            flags,
            method,
            _,
            _,
            crc,
            packed,
            size,
            name_length,
            extra_length,
            comment,
            disk,
            _,
            mode,
            header,
        ) = _CENTRAL.unpack_from(directory, position)
        position += _CENTRAL.size
        end = position + name_length + extra_length
        if mark != b"PK\x01\x02" or disk or comment or end > len(directory):
            raise _FaultError("An entry of the directory is not well formed")
        if needed > VERSION_LIMIT:
            raise _FaultError(f"A member needs a reader of version {needed}, which there is none of")
        name = directory[position : position + name_length].decode("utf-8", "surrogateescape")
        extra = directory[position + name_length : end]
        packed, size, header = _wide(extra, packed, size, header)
        members.append(Member(name, method, flags, crc, packed, size, header, mode >> 16))
        position = end
    if position != len(directory):
        raise _FaultError("The directory is longer than its members")
    return members


def _wide(extra: bytes, packed: int, size: int, header: int) -> tuple[int, int, int]:
    """The three numbers, taken from the 64-bit field where the short ones are all ones."""
    wide: list[int] = []
    position = 0
    while position + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, position)
        position += 4
        if position + length > len(extra):
            raise _FaultError("An extra field is longer than its entry")
        if kind == 1:
            wide = [number for (number,) in struct.iter_unpack("<Q", extra[position : position + length // 8 * 8])]
        position += length
    values = []
    for value in (size, packed, header):
        if value == _BIG:
            if not wide:
                raise _FaultError("A 64-bit size is missing")
            value = wide.pop(0)
        values.append(value)
    return values[1], values[0], values[2]


def _check_names(members: list[Member], path: str) -> list[Finding]:
    findings = []
    for member in members:
        if not is_encodable(member.name):
            findings.append(PK_ZIP.at(path, "A member's name is not UTF-8."))
            continue
        if stat.S_ISLNK(member.mode):
            findings.append(PK_ZIP.at(path, f"The member {member.name!r} is a link."))
        trouble = check_path(member.name)
        if trouble is not None:
            findings.append(PK_ZIP.at(path, f"The member {member.name!r}: {trouble.message}"))
    collisions = check_collisions(member.name for member in members if is_encodable(member.name))
    return (findings + [PK_ZIP.at(path, found.message) for found in collisions])[:50]


def _local(source: Source, member: Member, position: int) -> tuple[Member, int]:
    """The member with the place of its bytes, and where it ends; it must begin at `position`."""
    name = member.name.encode("utf-8", "surrogateescape")
    if member.header != position:
        raise _FaultError(f"The member {member.name!r} is at byte {member.header}, not at {position}")
    if position + _LOCAL.size > source.size_bytes:
        raise _FaultError("A local header lies beyond the end")
    header = read_at(source, position, _LOCAL.size)
    mark, needed, flags, method, _, _, crc, packed, size, name_length, extra_length = _LOCAL.unpack(header)
    start = position + _LOCAL.size + name_length + extra_length
    end = start + member.packed
    if end > source.size_bytes:
        raise _FaultError(f"The member {member.name!r} lies beyond the end")
    rest = read_at(source, position + _LOCAL.size, name_length + extra_length)
    if mark != b"PK\x03\x04" or rest[:name_length] != name or (flags, method) != (member.flags, member.method):
        raise _FaultError(f"The two headers of {member.name!r} disagree")
    is_odd = method == STORED and member.packed != member.size
    if flags & ~_FLAGS_ALLOWED or method not in (STORED, DEFLATED) or is_odd or needed > VERSION_LIMIT:
        raise _FaultError(f"The member {member.name!r} is encrypted or packed in an unusual way")
    expected = (member.crc, member.packed, member.size)
    if flags & 8:
        if any((crc, packed, size)) and (crc, packed, size) != expected:
            raise _FaultError(f"The two headers of {member.name!r} disagree")
        end += _descriptor(source, end, member)
    else:
        packed, size, _ = _wide(rest[name_length:], packed, size, 0)
        if (crc, packed, size) != expected:
            raise _FaultError(f"The two headers of {member.name!r} disagree")
    return replace(member, start=start), end


def _descriptor(source: Source, place: int, member: Member) -> int:
    """How long the sizes behind the data are; they must agree with the directory."""
    for form in ("<4s3L", "<4sL2Q"):
        length = struct.calcsize(form)
        if place + length <= source.size_bytes:
            mark, crc, packed, size = struct.unpack(form, read_at(source, place, length))
            if mark == b"PK\x07\x08" and (crc, packed, size) == (member.crc, member.packed, member.size):
                return length
    raise _FaultError(f"The sizes behind {member.name!r} are missing or disagree")
