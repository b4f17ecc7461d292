"""MessagePack, walked value by value without making any of them.

Owns the form only: kinds, lengths, and that they fit. Bytes of a tensor are told by their place and never come into
memory, which a reader that makes objects cannot promise.
Source: MessagePack specification, msgpack/msgpack, spec.md.
"""

from __future__ import annotations

import struct
from enum import Enum
from typing import NamedTuple

from weights.sources import Source, read_at

WINDOW_BYTES = 1 << 14
_LONGEST_HEAD = 9


class NotMsgpackError(ValueError):
    """The bytes are no well-formed value."""


class Form(Enum):
    """What a value is."""

    MAP = "a map"
    LIST = "a list"
    TEXT = "a text"
    BYTES = "bytes"
    EXTENSION = "an extension"
    INTEGER = "an integer"
    FLOAT = "a float"
    PLAIN = "nothing, true or false"


class Value(NamedTuple):
    """One value: how many members a map or list has, which integer or extension it is; where its bytes lie.

    Members of a map or list follow at `end`.
    """

    form: Form
    number: int
    start: int
    end: int


# The first byte, then: the form, bytes of its length, bytes of the type of an extension.
_LONG = {
    0xC4: (Form.BYTES, 1, 0), 0xC5: (Form.BYTES, 2, 0), 0xC6: (Form.BYTES, 4, 0),
    0xC7: (Form.EXTENSION, 1, 1), 0xC8: (Form.EXTENSION, 2, 1), 0xC9: (Form.EXTENSION, 4, 1),
    0xD9: (Form.TEXT, 1, 0), 0xDA: (Form.TEXT, 2, 0), 0xDB: (Form.TEXT, 4, 0),
    0xDC: (Form.LIST, 2, 0), 0xDD: (Form.LIST, 4, 0), 0xDE: (Form.MAP, 2, 0), 0xDF: (Form.MAP, 4, 0),
}  # fmt: skip
_INTEGERS = {0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q"}
_FLOATS = {0xCA: 4, 0xCB: 8}
_SHORT_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_PLAIN = frozenset({0xC0, 0xC2, 0xC3})
_COUNTED = frozenset({Form.MAP, Form.LIST})


class Values:
    """The values of a source, one behind the other."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._start = 0
        self._window = b""

    def at(self, position: int, end: int) -> Value:
        """The value that begins at `position` of a part that ends at `end`; NotMsgpackError where none fits there."""
        head = self._head(position, end)
        first = head[0]
        if first <= 0x7F or first >= 0xE0:
            value = Value(Form.INTEGER, first if first <= 0x7F else first - 0x100, position, position + 1)
        elif first <= 0x9F:
            form = Form.MAP if first <= 0x8F else Form.LIST
            value = Value(form, first & 0x0F, position + 1, position + 1)
        elif first <= 0xBF:
            value = Value(Form.TEXT, 0, position + 1, position + 1 + (first & 0x1F))
        elif first in _LONG:
            value = _long(head, position)
        elif first in _INTEGERS:
            size = struct.calcsize(_INTEGERS[first])
            [number] = struct.unpack(_INTEGERS[first], _exactly(head, 1, size))
            value = Value(Form.INTEGER, number, position, position + 1 + size)
        elif first in _SHORT_EXTENSIONS:
            [code] = struct.unpack(">b", _exactly(head, 1, 1))
            value = Value(Form.EXTENSION, code, position + 2, position + 2 + _SHORT_EXTENSIONS[first])
        elif first in _FLOATS:
            value = Value(Form.FLOAT, 0, position + 1, position + 1 + _FLOATS[first])
        elif first in _PLAIN:
            value = Value(Form.PLAIN, 0, position, position + 1)
        else:
            raise NotMsgpackError(f"a value of no kind at byte {position}")
        if value.end > end:
            raise NotMsgpackError(f"a value at byte {position} ends at {value.end}, its part at {end}")
        return value

    def text(self, value: Value, limit: int) -> str:
        """The text that a value is, of at most `limit` bytes; NotMsgpackError where it is none."""
        size = value.end - value.start
        if value.form is not Form.TEXT or size > limit:
            raise NotMsgpackError(f"no text of at most {limit} bytes at byte {value.start}")
        try:
            return read_at(self._source, value.start, size).decode()
        except UnicodeDecodeError:
            raise NotMsgpackError(f"no text at byte {value.start}") from None

    def _head(self, position: int, end: int) -> bytes:
        if position >= end:
            raise NotMsgpackError(f"a value is missing at byte {position}")
        inside = position - self._start
        if not 0 <= inside <= len(self._window) - _LONGEST_HEAD:
            size = min(WINDOW_BYTES, self._source.size_bytes - position)
            self._window, self._start, inside = read_at(self._source, position, size), position, 0
        return self._window[inside : inside + min(_LONGEST_HEAD, end - position)]


def _long(head: bytes, position: int) -> Value:
    form, width, kind = _LONG[head[0]]
    length = int.from_bytes(_exactly(head, 1, width), "big")
    start = position + 1 + width + kind
    if form in _COUNTED:
        return Value(form, length, start, start)
    code = struct.unpack(">b", _exactly(head, 1 + width, 1))[0] if kind else 0
    return Value(form, code, start, start + length)


def _exactly(head: bytes, start: int, size: int) -> bytes:
    if len(head) < start + size:
        raise NotMsgpackError("a value is cut off")
    return head[start : start + size]
