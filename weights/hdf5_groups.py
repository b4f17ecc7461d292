"""The groups of an HDF5 file: who is in them, under which names.

Owns the two forms of a group: links in the header, and the older tree of names, held to the order in which the library
looks names up. What is not followed here (links in heaps, soft and external links) is a fault.
Source: HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from weights.hdf5_types import UNDEFINED, FaultError, OutsideError
from weights.sources import Source, read_at

NODE_LIMIT = 65_536
HEAP_LIMIT_BYTES = 64 << 20

_NO_FREE = 1
_LINK_INFO, _LINK, _GROUP = 0x02, 0x06, 0x11

Messages = Mapping[int, Sequence[tuple[int, bytes]]]  # by type: where they are, and what they say


class Member(NamedTuple):
    """One object in a group; `cached` is where the group's copy has its tree and names, if it is a group itself."""

    name: str
    address: int
    cached: tuple[int, int] | None = None


class Places:
    """The bytes of a file by their place."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def bytes(self, address: int, size: int) -> bytes:
        """So many bytes; FaultError if the file has not that many."""
        self.check(address, size)
        return read_at(self._source, address, size)

    def numbers(self, form: str, address: int) -> tuple[int, ...]:
        """The numbers there, in the form of `struct`."""
        return struct.unpack(form, self.bytes(address, struct.calcsize(form)))

    def check(self, address: int, size: int) -> None:
        """FaultError if the file has not so many bytes there."""
        if address == UNDEFINED or address + size > self._source.size_bytes:
            raise FaultError(f"{size} bytes at {address} lie beyond the end", address)


class Groups:
    """Reads groups whose nodes hold `2 * leaf` names and `2 * inner` nodes."""

    def __init__(self, place: Places, leaf: int, inner: int) -> None:
        self._bytes, self._numbers, self._check = place.bytes, place.numbers, place.check
        self._leaf, self._inner = 2 * leaf, 2 * inner
        self._nodes = 0

    def members(self, messages: Messages, group: Member) -> Iterator[Member]:
        """Everything in the group with these messages."""
        for place, body in messages.get(_LINK_INFO, []):
            heap = 2 + (8 if body[1:2] and body[1] & 1 else 0)
            if body[heap : heap + 8] != b"\xff" * 8:
                raise FaultError("a group keeps its links in a heap", place)
        for place, body in messages.get(_LINK, []):
            yield self._link(body, place)
        for place, body in messages.get(_GROUP, []):
            if len(body) < 16:
                raise FaultError("a group's message is cut short", place)
            tree, heap = struct.unpack_from("<2Q", body)
            if group.cached not in (None, (tree, heap)):
                raise FaultError("a group has two trees of names", place)
            names = self._local_heap(heap)
            if self._bytes(tree, 4) != b"TREE":
                raise FaultError("a group's node has no mark", tree)
            yield from self._tree(tree, names, 0, b"", b"")

    def _link(self, body: bytes, place: int) -> Member:
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
            return Member(name, int(struct.unpack_from("<Q", body, position + length)[0]))
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

    def _tree(self, address: int, names: bytes, depth: int, low: bytes, high: bytes) -> Iterator[Member]:
        """The members below one node, which lie between the keys around it; an empty `high` is no bound."""
        self._count(address, depth)
        self._check(address, 24 + 8 * (2 * self._inner + 1))
        kind, level, used, *siblings = self._numbers("<BBH2Q", address + 4)
        if kind or level > 8 or used > self._inner:
            raise FaultError("a group's tree is of another kind", address)
        for sibling in siblings:
            if sibling != UNDEFINED:
                self._check(sibling, 24 + 8 * (2 * self._inner + 1))
        numbers = self._numbers(f"<{2 * used + 1}Q", address + 24)
        keys = [_name(names, offset, address) for offset in numbers[::2]]
        for child, first, last in zip(numbers[1::2], keys, keys[1:], strict=False):
            if self._bytes(child, 4) != (b"TREE" if level else b"SNOD"):
                raise FaultError("a group's node has no mark", child)
            if first < low or (high and last > high):
                raise FaultError("a group's names are not where its tree says", address)
            yield from (self._tree if level else self._leaves)(child, names, depth + 1, first, last)

    def _leaves(self, address: int, names: bytes, depth: int, low: bytes, high: bytes) -> Iterator[Member]:
        self._count(address, depth)
        self._check(address, 8 + 40 * self._leaf)
        version, count = self._numbers("<BxH", address + 4)
        if version != 1 or count > self._leaf:
            raise FaultError("a group's node is of another kind", address)
        last = low
        for number in range(count):
            offset, place, cache, tree, heap = self._numbers("<2QL4x2Q", address + 8 + 40 * number)
            raw = _name(names, offset, address)
            if not last < raw <= high or cache > 2:
                raise FaultError("a group's names are not in order", address)
            last = raw
            if cache == 2:
                raise OutsideError(f"the link {raw.decode('utf-8', 'replace')[:80]!r} is soft", address)
            yield Member(raw[:1024].decode("utf-8", "replace"), place, (tree, heap) if cache else None)

    def _count(self, address: int, depth: int) -> None:
        self._nodes += 1
        if self._nodes > NODE_LIMIT or depth > 16:
            raise FaultError("a group has too many nodes", address)


def _name(names: bytes, offset: int, place: int) -> bytes:
    end = names.find(b"\0", offset) if offset < len(names) else -1
    if end < 0:
        raise FaultError("a name lies beyond a group's names", place)
    return names[offset:end]
