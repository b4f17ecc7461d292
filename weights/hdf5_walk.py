"""The structure of an HDF5 file: groups, datasets, attributes, and where their bytes lie.

Owns the parts of the format that h5py writes by default for arrays of numbers and for texts. Any other part is a fault,
because what is not followed is not checked. Reads by position and bounds every count by what the file can hold.
Source: HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from weights.hdf5_types import (
    TEXT_LIMIT_BYTES,
    UNDEFINED,
    Datatype,
    FaultError,
    OutsideError,
    datatype_of,
    layout_of,
    shape_of,
)
from weights.sources import Source, read_at

OBJECTS_LIMIT = 50_000
MESSAGES_LIMIT = 500_000
DEPTH_LIMIT = 64
NODE_LIMIT = 65_536
HEAP_LIMIT_BYTES = 64 << 20

_NO_FREE = 1

_SPACE, _LINK_INFO, _TYPE, _LINK, _EXTERNAL, _LAYOUT, _FILTERS, _ATTRIBUTE, _MORE, _GROUP, _ATTRIBUTE_INFO = (
    (0x01, 0x02, 0x03, 0x06, 0x07, 0x08, 0x0B, 0x0C, 0x10, 0x11, 0x15)
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
        self._contents = Contents()
        self._seen: set[int] = set()
        self._heaps: dict[int, bytes] = {}
        self._heap_bytes = 0
        self._messages = 0
        self._nodes = 0

    def run(self) -> Contents:
        """From the root group down."""
        waiting = [("", self._root(), 0)]
        while waiting:
            name, address, depth = waiting.pop()
            if address in self._seen:
                raise FaultError(f"the object {name!r} has two names", address)
            self._seen.add(address)
            if len(self._seen) > OBJECTS_LIMIT or depth > DEPTH_LIMIT:
                raise FaultError("there are too many objects, or they nest too deeply", address)
            found = self._object(address)
            self._attributes(name, found)
            if _LAYOUT in found.messages or _EXTERNAL in found.messages:
                self._contents.datasets.append(self._dataset(name, found, address))
            else:
                waiting += [(f"{name}/{child}", place, depth + 1) for child, place in self._children(found)]
        return self._contents

    def _bytes(self, address: int, size: int) -> bytes:
        if address == UNDEFINED or address + size > self._source.size_bytes:
            raise FaultError(f"{size} bytes at {address} lie beyond the end", address)
        return read_at(self._source, address, size)

    def _numbers(self, form: str, address: int) -> tuple[int, ...]:
        return struct.unpack(form, self._bytes(address, struct.calcsize(form)))

    def _root(self) -> int:
        """The address of the root group's header; the superblock must describe just this file."""
        version = self._bytes(8, 1)[0]
        if version in (0, 1):
            widths = self._bytes(13, 2)
            if self._bytes(9, 4) != bytes(4):
                raise FaultError("the superblock has parts of unknown versions", 9)
            base = 24 + 4 * version
            start, _, end, driver = self._numbers("<4Q", base)
            root = self._numbers("<Q", base + 40)[0]
        elif version in (2, 3):
            widths = self._bytes(9, 2)
            start, driver, end, root = self._numbers("<4Q", 12)
        else:
            raise FaultError(f"the superblock has version {version}", 8)
        if widths != b"\x08\x08" or start or driver != UNDEFINED:
            raise FaultError("the superblock has unusual widths, a driver or another base", 8)
        if end != self._source.size_bytes:
            raise FaultError(f"the file should have {end} bytes and has {self._source.size_bytes}", 8)
        return root

    def _object(self, address: int) -> _Object:
        found = _Object()
        if self._bytes(address, 4) == b"OHDR":
            blocks = [self._new_header(address)]
        else:
            version, _, _, _, size = self._numbers("<BBHLL", address)
            if version != 1:
                raise FaultError(f"the object header has version {version}", address)
            blocks = [(address + 16, size, 8, 0)]
        while blocks:
            start, size, lead, extra = blocks.pop()
            content = self._bytes(start, size)
            position = 0
            while position + lead + extra <= len(content):
                self._messages += 1
                if self._messages > MESSAGES_LIMIT:
                    raise FaultError("there are too many messages", start)
                if lead == 8:
                    kind, length, flags = struct.unpack_from("<HHB", content, position)
                else:
                    kind, length, flags = struct.unpack_from("<BHB", content, position)
                position += lead + extra
                if position + length > len(content):
                    raise FaultError("a message is longer than its header", start + position)
                if flags & 2 and kind in (_SPACE, _TYPE, _LAYOUT, _ATTRIBUTE):
                    raise FaultError("a message is shared", start + position)
                body = content[position : position + length]
                if kind not in _KNOWN or flags & ~0x3F:
                    raise FaultError(f"a message has the unknown type {kind} or flags", start + position)
                if kind == _MORE:
                    blocks.append(self._continued(body, start + position, lead, extra))
                elif kind:
                    found.messages.setdefault(kind, []).append((start + position, body))
                position += length
        return found

    def _new_header(self, address: int) -> tuple[int, int, int, int]:
        version, flags = self._numbers("<BB", address + 4)
        if version != 2:
            raise FaultError(f"the object header has version {version}", address)
        position = address + 6 + (16 if flags & 0x20 else 0) + (4 if flags & 0x10 else 0)
        width = 1 << (flags & 3)
        size = int.from_bytes(self._bytes(position, width), "little")
        return position + width, size, 4, 2 if flags & 4 else 0

    def _continued(self, body: bytes, place: int, lead: int, extra: int) -> tuple[int, int, int, int]:
        if len(body) < 16:
            raise FaultError("a continuation is cut short", place)
        start, size = struct.unpack_from("<2Q", body)
        if lead == 8:
            return start, size, lead, extra
        if size < 8 or self._bytes(start, 4) != b"OCHK":
            raise FaultError("a continuation is not where it should be", start)
        return start + 4, size - 8, lead, extra

    def _children(self, found: _Object) -> Iterator[tuple[str, int]]:
        for place, body in found.messages.get(_LINK_INFO, []):
            heap = 2 + (8 if body[1:2] and body[1] & 1 else 0)
            if body[heap : heap + 8] != b"\xff" * 8:
                raise FaultError("a group keeps its links in a heap", place)
        for place, body in found.messages.get(_LINK, []):
            yield self._link(body, place)
        for place, body in found.messages.get(_GROUP, []):
            if len(body) < 16:
                raise FaultError("a group's message is cut short", place)
            tree, heap = struct.unpack_from("<2Q", body)
            yield from self._symbols(tree, self._local_heap(heap), 0)

    def _link(self, body: bytes, place: int) -> tuple[str, int]:
        try:
            flags, position, kind = body[1], 2, 0
            if flags & 8:
                kind, position = body[position], position + 1
            position += (8 if flags & 4 else 0) + (1 if flags & 0x10 else 0)
            width = 1 << (flags & 3)
            length = int.from_bytes(body[position : position + width], "little")
            position += width
            name = body[position : position + length].decode("utf-8")
            if kind:
                raise OutsideError(f"the link {name[:80]!r} is soft or leads into another file", place)
            return name, int(struct.unpack_from("<Q", body, position + length)[0])
        except (IndexError, struct.error, UnicodeDecodeError):
            raise FaultError("a link is not well formed", place) from None

    def _local_heap(self, address: int) -> bytes:
        mark, version, size, free, start = struct.unpack("<4sB3x3Q", self._bytes(address, 32))
        if mark != b"HEAP" or version or size > HEAP_LIMIT_BYTES:
            raise FaultError("a group's names are missing", address)
        names = self._bytes(start, size)
        for _ in range(NODE_LIMIT):
            if free == _NO_FREE:
                return names
            if free + 16 > size:
                break
            following, room = struct.unpack_from("<2Q", names, free)
            if room < 16 or free + room > size:
                break
            free = following
        raise FaultError("the list of free places among a group's names is broken", address)

    def _symbols(self, address: int, names: bytes, depth: int) -> Iterator[tuple[str, int]]:
        self._nodes += 1
        if self._nodes > NODE_LIMIT or depth > 16:
            raise FaultError("a group has too many nodes", address)
        mark = self._bytes(address, 4)
        if mark == b"TREE":
            kind, level, used = self._numbers("<BBH", address + 4)
            if kind or level > 8 or used > 64:
                raise FaultError("a group's tree is of another kind", address)
            if any(key >= len(names) for key in self._numbers(f"<{2 * used + 1}Q", address + 24)[::2]):
                raise FaultError("a group's tree has a key beyond its names", address)
            for number in range(used):
                child = self._numbers("<Q", address + 32 + 16 * number)[0]
                if self._bytes(child, 4) != (b"TREE" if level else b"SNOD"):
                    raise FaultError("a group's node has no mark", child)
                yield from self._symbols(child, names, depth + 1)
        elif mark == b"SNOD":
            version, count = self._numbers("<BxH", address + 4)
            last = b""
            for number in range(count):
                offset, place, cache = self._numbers("<2QL", address + 8 + 40 * number)
                raw = names[offset : names.find(b"\0", offset)] if b"\0" in names[offset:] else b""
                if version != 1 or not raw or raw <= last or cache > 2:
                    raise FaultError("a group's names are not in order", address)
                last = raw
                name = raw[:1024].decode("utf-8", "replace")
                if cache == 2:
                    raise OutsideError(f"the link {name[:80]!r} is soft", address)
                yield name, place
        else:
            raise FaultError("a group's node has no mark", address)

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
        name = parts[0].split(b"\0", 1)[0].decode("utf-8")
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
            mark, size = struct.unpack("<4s4xQ", self._bytes(address, 16))
            self._heap_bytes += size
            if mark != b"GCOL" or self._heap_bytes > TEXT_LIMIT_BYTES:
                raise FaultError("a heap of texts is missing, or texts are too long", address)
            collection = self._bytes(address, size)
            position = 16
            while position + 16 <= size:
                number, room = struct.unpack_from("<H6xQ", collection, position)
                # The object with the number 0 is what is left, its own head included.
                step = room if not number else 16 + (room + 7) // 8 * 8
                if step < 16 or step > size - position:
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
