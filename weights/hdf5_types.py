"""What HDF5 says of one array: shape, data type, and where its bytes lie.

Owns the messages' form. Only plain numbers and texts have a type here; all else is a fault.
Source: HDF5 File Format Specification, version 3.0.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

TEXT_LIMIT_BYTES = 16 << 20
UNDEFINED = (1 << 64) - 1

# What IEEE's three widths look like: place and width of the whole, of the exponent and of the mantissa, and the bias.
_FLOATS = {
    2: struct.pack("<2H4BL", 0, 16, 10, 5, 0, 10, 15),
    4: struct.pack("<2H4BL", 0, 32, 23, 8, 0, 23, 127),
    8: struct.pack("<2H4BL", 0, 64, 52, 11, 0, 52, 1023),
}
_FIXED, _FLOAT, _TEXT, _ENUM, _VARIABLE = 0, 1, 3, 8, 9
_OLD_FILL, _FILL = 0x04, 0x05
_VERSIONS = {0x02: b"\0", 0x06: b"\1", 0x0A: b"\0", 0x12: b"\1", 0x15: b"\0", 0x16: b"\0"}
_SHARED, _MUST_BE_KNOWN, _MARKED, _WAS_UNKNOWN = 2, 8, 16, 32


class FaultError(ValueError):
    """The file cannot be followed from `offset` on."""

    def __init__(self, message: str, offset: int = 0) -> None:
        super().__init__(message)
        self.offset = offset


class OutsideError(FaultError):
    """The file takes something from another file."""


@dataclass(frozen=True, slots=True)
class Datatype:
    """Class, width in bytes, whether the bytes are in the other order and whether a number is signed."""

    kind: int
    width: int
    is_swapped: bool = False
    is_signed: bool = True
    is_text: bool = False


def shape_of(body: bytes, place: int) -> tuple[int, ...]:
    """The dimensions; none for a single value."""
    try:
        version, rank = body[0], body[1]
        lead = {1: 8, 2: 4}[version]
        if version == 2 and body[3] == 2:
            return (0,)
        return struct.unpack_from(f"<{rank}Q", body, lead)
    except (IndexError, KeyError, struct.error):
        raise FaultError("a shape is not well formed", place) from None


def datatype_of(body: bytes, place: int) -> Datatype:
    """The type, if it is a usual one."""
    if len(body) < 8:
        raise FaultError("a data type is cut short", place)
    kind, bits, width = body[0] & 15, body[1], int.from_bytes(body[4:8], "little")
    if not 1 <= body[0] >> 4 <= 3 or not 1 <= width <= TEXT_LIMIT_BYTES:
        raise FaultError("a data type is of an unknown version or width", place)
    if kind == _ENUM:
        return datatype_of(body[8:], place)
    encoding = bits >> 4 if kind == _TEXT else body[2] & 15 if kind == _VARIABLE else 0
    if encoding > 1 or (kind == _TEXT and bits & 15 > 2):
        raise FaultError("a text is in an unknown encoding", place)
    if kind == _VARIABLE:
        datatype_of(body[8:], place)  # what there is a variable number of
    if kind == _FIXED and (width not in (1, 2, 4, 8) or body[8:12] != struct.pack("<2H", 0, 8 * width)):
        raise FaultError("a whole number's data type is not a usual one", place)
    if kind == _FLOAT and (body[8:20] != _FLOATS.get(width) or body[2] != 8 * width - 1):
        raise FaultError("a floating-point data type is not a usual one", place)
    is_text = kind == _TEXT or (kind == _VARIABLE and bits & 15 == 1)
    return Datatype(kind, width, bool(bits & 1), bool(bits & 8), is_text)


def layout_of(place: int, body: bytes) -> tuple[int, int]:
    """Where the dataset's bytes lie, and how many they are."""
    try:
        version, kind = body[0], body[1]
        if version in (3, 4) and kind == 0:
            return place + 4, int(struct.unpack_from("<H", body, 2)[0])
        if version in (3, 4) and kind == 1:
            start, size = struct.unpack_from("<2Q", body, 2)
            return start, 0 if start == UNDEFINED else size
    except (IndexError, struct.error):
        pass
    raise FaultError("a dataset is kept in pieces, or its layout is not well formed", place)


def check_message(kind: int, flags: int, body: bytes, place: int) -> None:
    """FaultError if a message's flags exclude each other, or what a dataset is filled with is not well formed."""
    if flags & _SHARED or flags & ~0x3F or (flags & _WAS_UNKNOWN and flags & (_MARKED | _MUST_BE_KNOWN) != _MARKED):
        raise FaultError("a message is shared, or has unknown flags", place)
    if body[:1] != _VERSIONS.get(kind, body[:1]):
        raise FaultError(f"a message of the type {kind} has an unknown version", place)
    try:
        if kind == _OLD_FILL:
            is_sound = 4 + struct.unpack_from("<L", body)[0] <= len(body)
        elif kind == _FILL and body[0] in (1, 2):
            _, early, late, is_set = body[:4]
            has_size = is_set or body[0] == 1
            is_sound = early <= 3 and late <= 2 and is_set <= 1
            is_sound = is_sound and (not has_size or 8 + struct.unpack_from("<L", body, 4)[0] <= len(body))
        elif kind == _FILL:
            is_sound = body[0] == 3 and not body[1] & 0xC0
            is_sound = is_sound and (not body[1] & 0x20 or 6 + struct.unpack_from("<L", body, 2)[0] <= len(body))
        else:
            return
    except (IndexError, ValueError, struct.error):
        is_sound = False
    if not is_sound:
        raise FaultError("what a dataset is filled with is not well formed", place)
