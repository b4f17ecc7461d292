"""The checksum that HDF5 keeps behind parts of newer files.

Owns the arithmetic alone: Bob Jenkins' `lookup3` on bytes, as the format's specification asks for it.
"""

from __future__ import annotations

import struct

_MASK = 0xFFFFFFFF


def checksum(content: bytes) -> int:
    """The checksum of `content`; takes about a microsecond for five bytes."""
    a = b = c = (0xDEADBEEF + len(content)) & _MASK
    if not content:
        return c
    words: tuple[int, ...] = struct.unpack(f"<{-(-len(content) // 12) * 3}L", content + bytes(-len(content) % 12))
    for place in range(0, len(words) - 3, 3):
        a, b, c = a + words[place] & _MASK, b + words[place + 1] & _MASK, c + words[place + 2] & _MASK
        a = (a - c & _MASK) ^ (c << 4 & _MASK | c >> 28)
        c = c + b & _MASK
        b = (b - a & _MASK) ^ (a << 6 & _MASK | a >> 26)
        a = a + c & _MASK
        c = (c - b & _MASK) ^ (b << 8 & _MASK | b >> 24)
        b = b + a & _MASK
        a = (a - c & _MASK) ^ (c << 16 & _MASK | c >> 16)
        c = c + b & _MASK
        b = (b - a & _MASK) ^ (a << 19 & _MASK | a >> 13)
        a = a + c & _MASK
        c = (c - b & _MASK) ^ (b << 4 & _MASK | b >> 28)
        b = b + a & _MASK
    a, b, c = a + words[-3] & _MASK, b + words[-2] & _MASK, c + words[-1] & _MASK
    for shift in (14, 11, 25, 16, 4, 14, 24):
        c = (c ^ b) - (b << shift & _MASK | b >> 32 - shift) & _MASK
        a, b, c = b, c, a  # the three take turns
    return b
