"""The wire format of protocol buffers, walked field by field without a schema.

Owns the form only: numbers, lengths, and that they fit. A message is read from a source at an offset, so the large ones
never come into memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from weights.sources import Source, read_at

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
WINDOW_BYTES = 1 << 16


class NotProtobufError(ValueError):
    """The bytes are no well-formed message."""


class Field(NamedTuple):
    """One field: its number and wire type; the number a varint holds, or where its bytes lie in the source."""

    number: int
    wire: int
    value: int
    start: int
    size: int


def fields(source: Source, start: int, end: int) -> Iterator[Field]:
    """The fields of the message that lies in `source` from `start` to `end`; NotProtobufError where it is not one."""
    window = _Window(source, end)
    position = start
    while position < end:
        tag, position = window.varint(position, end)
        number, wire = tag >> 3, tag & 7
        if not 1 <= number < 1 << 29:
            raise NotProtobufError(f"field number {number} at byte {position}")
        value, size, after = 0, 0, position
        if wire == VARINT:
            value, after = window.varint(position, end)
        elif wire == BYTES:
            size, position = window.varint(position, end)
            after = position + size
        elif wire in (FIXED32, FIXED64):
            size = 4 if wire == FIXED32 else 8
            after = position + size
        else:
            raise NotProtobufError(f"wire type {wire} at byte {position}")
        if after > end:
            raise NotProtobufError(f"a field at byte {position} ends at {after}, its message at {end}")
        yield Field(number, wire, value, position, size)
        position = after


def text_of(source: Source, field: Field, limit: int = 4096) -> str:
    """The field's bytes as text, at most `limit` of them; NotProtobufError if they are not UTF-8."""
    try:
        return read_at(source, field.start, min(field.size, limit)).decode("utf-8")
    except UnicodeDecodeError:
        if field.size > limit:
            return ""
        raise NotProtobufError(f"no text at byte {field.start}") from None


class _Window:
    """A piece of the source kept at hand, since numbers are read a byte at a time."""

    def __init__(self, source: Source, end: int) -> None:
        self._source = source
        self._end = min(end, source.size_bytes)
        self._start = 0
        self._content = b""

    def varint(self, position: int, end: int) -> tuple[int, int]:
        """The number at `position` and the place behind it."""
        inside = position - self._start
        if 0 <= inside < len(self._content) and position < end:
            byte = self._content[inside]  # most numbers take one byte, and there may be a million of them
            if byte < 0x80:
                return byte, position + 1
        value = 0
        for shift in range(0, 70, 7):
            if position >= end:
                raise NotProtobufError("a number is cut off")
            byte = self._byte(position)
            position += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value, position
        raise NotProtobufError(f"a number before byte {position} has more than ten bytes")

    def _byte(self, position: int) -> int:
        inside = position - self._start
        if not 0 <= inside < len(self._content):
            self._content = read_at(self._source, position, min(WINDOW_BYTES, self._end - position))
            self._start, inside = position, 0
        return self._content[inside]
