"""The arguments of pickle opcodes, read from bytes at a position.

Owns what `pickletools` documents of each argument's form; a property test holds the two together. No length is believed
before the bytes are there, and no number is longer than any tensor's size needs.
"""

from __future__ import annotations

import ast
import pickletools
import struct
from collections.abc import Callable, Mapping
from typing import Any

DIGITS_LIMIT = 1000
LINE_LIMIT_BYTES = 1 << 20

Reader = Callable[[bytes, int], tuple[Any, int]]


class ArgumentError(ValueError):
    """The argument is cut off or not of its form."""


def _counted(width: int, decode: Callable[[bytes], Any], *, signed: bool = False) -> Reader:
    """A length of `width` bytes, and as many bytes."""

    def read(content: bytes, position: int) -> tuple[Any, int]:
        start = position + width
        size = int.from_bytes(content[position:start], "little", signed=signed)
        if start > len(content) or size < 0 or size > len(content) - start:
            raise ArgumentError(f"{size} bytes are announced and {max(0, len(content) - start)} are left")
        return decode(content[start : start + size]), start + size

    return read


def _packed(form: str) -> Reader:
    layout = struct.Struct(form)

    def read(content: bytes, position: int) -> tuple[Any, int]:
        if position + layout.size > len(content):
            raise ArgumentError("the pickle ends inside")
        return layout.unpack_from(content, position)[0], position + layout.size

    return read


def _line(content: bytes, position: int) -> tuple[bytes, int]:
    end = content.find(b"\n", position, position + LINE_LIMIT_BYTES)
    if end < 0:
        raise ArgumentError("a line has no end")
    return content[position:end], end + 1


def _lined(decode: Callable[[bytes], Any]) -> Reader:
    def read(content: bytes, position: int) -> tuple[Any, int]:
        line, after = _line(content, position)
        return decode(line), after

    return read


def _name_pair(content: bytes, position: int) -> tuple[str, int]:
    """Module and name, each on a line; the C reader takes them for UTF-8."""
    module, after = _line(content, position)
    name, after = _line(content, after)
    return f"{_text(module)} {_text(name)}", after


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _number(raw: bytes) -> Any:
    if raw in (b"00", b"01"):
        return raw == b"01"
    if raw.endswith(b"L"):
        raise ArgumentError("a short number has the mark of a long one")
    return _long_number(raw)


def _long_number(raw: bytes) -> int:
    if len(raw) > DIGITS_LIMIT:
        raise ArgumentError(f"a number of {len(raw)} digits")
    return int(raw.removesuffix(b"L"))


def _quoted(raw: bytes) -> str:
    """A string in quotes, as Python 2 wrote them; its escapes may put any name together."""
    text = raw.strip()
    if len(text) < 2 or text[:1] not in (b"'", b'"') or text[-1:] != text[:1]:
        raise ArgumentError("a string is not in quotes")
    # A bytes literal with the same content decodes the same escapes; it is data to `literal_eval`.
    try:
        value = ast.literal_eval("b" + text.decode("ascii"))
    except (SyntaxError, MemoryError, RecursionError):
        raise ArgumentError("a string's escapes cannot be read") from None
    return bytes(value).decode("latin-1")


_READERS: Mapping[str, Reader] = {
    "uint1": _packed("<B"),
    "uint2": _packed("<H"),
    "int4": _packed("<i"),
    "uint4": _packed("<I"),
    "uint8": _packed("<Q"),
    "float8": _packed(">d"),
    "decimalnl_short": _lined(_number),
    "decimalnl_long": _lined(_long_number),
    "floatnl": _lined(float),
    "stringnl": _lined(_quoted),
    "stringnl_noescape": _lined(_text),
    "stringnl_noescape_pair": _name_pair,
    "unicodestringnl": _lined(lambda raw: raw.decode("raw-unicode-escape")),
    "string1": _counted(1, lambda raw: raw.decode("latin-1")),
    "string4": _counted(4, lambda raw: raw.decode("latin-1"), signed=True),
    "bytes1": _counted(1, bytes),
    "bytes4": _counted(4, bytes),
    "bytes8": _counted(8, bytes),
    "bytearray8": _counted(8, bytes),
    "unicodestring1": _counted(1, _text),
    "unicodestring4": _counted(4, _text),
    "unicodestring8": _counted(8, _text),
    "long1": _counted(1, lambda raw: int.from_bytes(raw, "little", signed=True)),
    "long4": _counted(4, lambda raw: int.from_bytes(raw, "little", signed=True), signed=True),
}

OPCODES: Mapping[int, tuple[str, Reader | None]] = {
    ord(opcode.code): (opcode.name, None if opcode.arg is None else _READERS[opcode.arg.name])
    for opcode in pickletools.opcodes
}
