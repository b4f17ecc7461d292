"""The structure of an HDF5 file: groups, datasets, attributes, and where their bytes lie.

Owns the parts of the format that h5py writes by default for arrays of numbers and for texts. Any other part is a fault,
because what is not followed is not checked. Reads by position and bounds every count by what the file can hold.
Source: HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from weights.hdf5_checksum import checksum
from weights.hdf5_groups import Groups, Member, Places
from weights.hdf5_types import (
    TEXT_LIMIT_BYTES,
    UNDEFINED,
    Datatype,
    FaultError,
    OutsideError,
    check_message,
    datatype_of,
    layout_of,
    shape_of,
)
from weights.sources import Source

OBJECTS_LIMIT = 50_000
MESSAGES_LIMIT = 500_000
CHECKED_LIMIT_BYTES = 2 << 20  # take a second
DEPTH_LIMIT = 64

_SPACE, _LINK_INFO, _TYPE, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE, _MORE, _GROUP, _ATTRIBUTE_INFO = (
    (0x01, 0x02, 0x03, 0x07, 0x08, 0x0B, 0x0C, 0x10, 0x11, 0x15)
)  # fmt: skip
_KNOWN = frozenset({0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x10, 0x11, 0x12, 0x15, 0x16})
_VARIABLE = 9


@dataclass(frozen=True, slots=True)
class Dataset:
    """One array: its path, type and shape, and where its bytes are; without bytes `size` is 0."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    start: int
    size: int


@dataclass(slots=True)
class Contents:
    """What the file holds: datasets, and texts of attributes by `path@attribute`."""

    datasets: list[Dataset] = field(default_factory=list)
    texts: dict[str, bytes] = field(default_factory=dict)


class _Root(NamedTuple):
    """Where the root group is, how large nodes of groups are, and the superblock's own copy of its tree and names."""

    address: int
    widths: tuple[int, int]
    cached: tuple[int, int] | None


@dataclass(slots=True)
class _Object:
    """The messages of one object header that matter, by type."""

    messages: dict[int, list[tuple[int, bytes]]] = field(default_factory=dict)


def walk_hdf5(source: Source) -> Contents:
    """Everything in the file; FaultError where it cannot be followed, OutsideError where it leads to another file."""
    return _Walk(source).run()


class _Walk:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._place = Places(source)
        self._bytes, self._numbers = self._place.bytes, self._place.numbers
        self._contents = Contents()
        self._seen: set[int] = set()
        self._heaps: dict[int, bytes] = {}
        self._heap_bytes = 0
        self._messages = 0
        self._checked = 0

    def run(self) -> Contents:
        """From the root group down."""
        root = self._root()
        groups = Groups(self._place, *root.widths)
        waiting = [("", Member("", root.address, root.cached), 0)]
        while waiting:
            name, member, depth = waiting.pop()
            address = member.address
            if address in self._seen:
                raise FaultError(f"the object {name!r} has two names", address)
            self._seen.add(address)
            if len(self._seen) > OBJECTS_LIMIT or depth > DEPTH_LIMIT:
                raise FaultError("there are too many objects, or they nest too deeply", address)
            found = self._object(address)
            self._attributes(name, found)
            if _LAYOUT in found.messages or _EXTERNAL in found.messages:
                self._contents.datasets.append(self._dataset(name, found, address))
            elif not found.messages.keys() & {_GROUP, _LINK_INFO} or found.messages.keys() & {_SPACE, _TYPE}:
                raise FaultError(f"the object {name!r} is neither a group nor an array", address)
            else:
                members = groups.members(found.messages, member)
                waiting += [(f"{name}/{child.name}", child, depth + 1) for child in members]
        return self._contents

    def _root(self) -> _Root:
        """The root group as the superblock names it, which must describe just this file."""
        version = self._bytes(8, 1)[0]
        sizes = (16, 4)  # of nodes, where the superblock does not say
        cached = None
        if version in (0, 1):
            widths = self._bytes(13, 2)
            leaf, inner, flags = self._numbers("<2HL", 16)
            if self._bytes(9, 4) != bytes(4) or flags or not leaf or not inner:
                raise FaultError("the superblock has parts of unknown versions, flags or sizes", 9)
            sizes = (leaf, inner)
            base = 24 + 4 * version
            start, free, end, driver = self._numbers("<4Q", base)
            root, cache, tree, heap = self._numbers("<QL4x2Q", base + 40)
            if cache > 1 or free != UNDEFINED:
                raise FaultError("the superblock has an extension, or the root group is of an unknown kind", base)
            cached = (tree, heap) if cache else None
        elif version in (2, 3):
            widths = self._bytes(9, 2)
            start, driver, end, root = self._numbers("<4Q", 12)
            if self._bytes(11, 1) != b"\0":
                raise FaultError("the file was not closed", 11)
            self._verify(0, 44)
        else:
            raise FaultError(f"the superblock has version {version}", 8)
        if widths != b"\x08\x08" or start or driver != UNDEFINED:
            raise FaultError("the superblock has unusual widths, a driver or another base", 8)
        if end != self._source.size_bytes:
            raise FaultError(f"the file should have {end} bytes and has {self._source.size_bytes}", 8)
        return _Root(root, sizes, cached)

    def _verify(self, start: int, size: int) -> None:
        """FaultError unless the checksum behind these bytes is theirs."""
        self._checked += size
        if self._checked > CHECKED_LIMIT_BYTES:
            raise FaultError("there is too much that has a checksum", start)
        if checksum(self._bytes(start, size)) != self._numbers("<L", start + size)[0]:
            raise FaultError("a checksum is wrong", start)

    def _object(self, address: int) -> _Object:
        found = _Object()
        count: int | None = None
        if self._bytes(address, 4) == b"OHDR":
            blocks = [self._new_header(address)]
        else:
            version, _, count, _, size = self._numbers("<BBHLL", address)
            if version != 1 or not size:
                raise FaultError(f"the object header has version {version} or no messages", address)
            blocks = [(address + 16, size, 8, 0)]
        while blocks:
            start, size, lead, extra = blocks.pop()
            content = self._bytes(start, size)
            position = 0
            while position + lead + extra <= len(content):
                self._messages += 1
                count = None if count is None else count - 1
                if self._messages > MESSAGES_LIMIT:
                    raise FaultError("there are too many messages", start)
                if lead == 8:
                    kind, length, flags = struct.unpack_from("<HHB", content, position)
                else:
                    kind, length, flags = struct.unpack_from("<BHB", content, position)
                position += lead + extra
                if position + length > len(content):
                    raise FaultError("a message is longer than its header", start + position)
                body = content[position : position + length]
                if kind not in _KNOWN or (lead == 8 and length % 8):
                    raise FaultError(f"a message has the unknown type {kind}, or lies askew", start + position)
                check_message(kind, flags, body, start + position)
                if kind == _MORE:
                    blocks.append(self._continued(body, start + position, lead, extra))
                elif kind:
                    found.messages.setdefault(kind, []).append((start + position, body))
                position += length
            if lead == 8 and position < len(content):
                raise FaultError("a header has bytes behind its messages", start + position)
        if count:
            raise FaultError("a header has another number of messages than it says", address)
        return found

    def _new_header(self, address: int) -> tuple[int, int, int, int]:
        version, flags = self._numbers("<BB", address + 4)
        if version != 2 or flags & ~0x3F:
            raise FaultError(f"the object header has version {version} or unknown flags", address)
        position = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(self._bytes(position, width), "little")
        self._verify(address, position + width + size - address)
        return position + width, size, 4, 2 if flags & 4 else 0

    def _continued(self, body: bytes, place: int, lead: int, extra: int) -> tuple[int, int, int, int]:
        if len(body) < 16:
            raise FaultError("a continuation is cut short", place)
        start, size = struct.unpack_from("<2Q", body)
        if lead == 8:
            return start, size, lead, extra
        if size < 8 or self._bytes(start, 4) != b"OCHK":
            raise FaultError("a continuation is not where it should be", start)
        self._verify(start, size - 4)
        return start + 4, size - 8, lead, extra

    def _attributes(self, name: str, found: _Object) -> None:
        for place, body in found.messages.get(_ATTRIBUTE_INFO, []):
            heap = 2 + (2 if body[1:2] and body[1] & 1 else 0)
            if body[heap : heap + 8] != b"\xff" * 8:
                raise FaultError("an object keeps its attributes in a heap", place)
        for place, body in found.messages.get(_ATTRIBUTE, []):
            try:
                self._attribute(name, body, place)
            except (struct.error, IndexError, UnicodeDecodeError):
                raise FaultError("an attribute is not well formed", place) from None

    def _attribute(self, owner: str, body: bytes, place: int) -> None:
        version, flags, name_size, type_size, space_size = struct.unpack_from("<BBHHH", body)
        if version not in (1, 2, 3) or (version > 1 and flags):
            raise FaultError("an attribute is shared or of an unknown version", place)
        position = 9 if version == 3 else 8
        step = 8 if version == 1 else 1
        parts = []
        for size in (name_size, type_size, space_size):
            parts.append(body[position : position + size])
            position += (size + step - 1) // step * step
        if parts[0].find(b"\0") != name_size - 1:
            raise FaultError("an attribute's name is not as long as it should be", place)
        name = parts[0][:-1].decode("utf-8")
        datatype = datatype_of(parts[1], place)
        content = body[position:]
        if datatype.width * math.prod(shape_of(parts[2], place)) > len(content):
            raise FaultError("an attribute is longer than its message", place)
        if not datatype.is_text:
            return
        if datatype.kind == _VARIABLE:
            count = 1
            for dimension in shape_of(parts[2], place):
                count *= dimension
            if count > len(content) // 16:
                raise FaultError("an attribute's texts are missing", place)
            content = b"\n".join(self._global_text(content[16 * number :], place) for number in range(count))
        self._contents.texts[f"{owner}@{name}"] = content.rstrip(b"\0")

    def _global_text(self, reference: bytes, place: int) -> bytes:
        length, address, index = struct.unpack_from("<LQL", reference)
        if not length:
            return b""
        collection = self._collection(address)
        position = 16
        while position + 16 <= len(collection):
            number, _, size = struct.unpack_from("<HH4xQ", collection, position)
            if number == index:
                if length > size or position + 16 + size > len(collection):
                    break
                return collection[position + 16 : position + 16 + length]
            if not number:
                break
            position += 16 + (size + 7) // 8 * 8
        raise FaultError("a text is not where its reference says", place)

    def _collection(self, address: int) -> bytes:
        if address not in self._heaps:
            mark, size = struct.unpack("<5s3xQ", self._bytes(address, 16))
            self._heap_bytes += size
            if mark != b"GCOL\1" or self._heap_bytes > TEXT_LIMIT_BYTES:
                raise FaultError("a heap of texts is missing, or texts are too long", address)
            collection = self._bytes(address, size)
            position = 16
            while position + 16 <= size:
                number, room = struct.unpack_from("<H6xQ", collection, position)
                # The object with the number 0 is what is left, its own head included.
                step = room if not number else 16 + (room + 7) // 8 * 8
                if step < 16 or step > size - position or (not number and step < size - position):
                    raise FaultError("a heap of texts is broken", address + position)
                position += step
            self._heaps[address] = collection
        return self._heaps[address]

    def _dataset(self, name: str, found: _Object, address: int) -> Dataset:
        messages = found.messages
        if _EXTERNAL in messages:
            raise OutsideError(f"the dataset {name[:80]!r} keeps its values in another file", messages[_EXTERNAL][0][0])
        if _FILTERS in messages:
            raise FaultError(f"the dataset {name[:80]!r} is compressed", address)
        if any(len(messages.get(kind, [])) != 1 for kind in (_SPACE, _TYPE, _LAYOUT)):
            raise FaultError(f"the dataset {name[:80]!r} lacks its type, shape or layout", address)
        shape = shape_of(messages[_SPACE][0][1], address)
        datatype = datatype_of(messages[_TYPE][0][1], address)
        start, size = layout_of(*messages[_LAYOUT][0])
        return Dataset(name, datatype, shape, start, size)
