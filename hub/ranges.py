"""Byte ranges of a download. Pure.

Source: RFC 9110, section 14: one range is answered with 206; several, or what cannot be read, with the whole file.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

RANGE = re.compile(r"bytes=[ \t]*(\d{0,20})-(\d{0,20})[ \t]*", re.IGNORECASE | re.ASCII)


class OutsideFile(ValueError):
    """The range begins behind the end of the file."""


@dataclass(frozen=True, slots=True)
class Part:
    """Bytes of a file, from `first` to `last`, both included; `last` is `first - 1` for an empty file."""

    first: int
    last: int
    size_bytes: int

    @property
    def length(self) -> int:
        """How many bytes."""
        return self.last - self.first + 1

    @property
    def is_whole(self) -> bool:
        """Whether it is the whole file."""
        return self.length == self.size_bytes

    @property
    def content_range(self) -> str:
        """The value of Content-Range."""
        return f"bytes {self.first}-{self.last}/{self.size_bytes}"


def part_of(header: str, size_bytes: int) -> tuple[Part, bool]:
    """The part that a Range header asks for, and whether a range was understood at all. Raises OutsideFile."""
    whole = Part(0, size_bytes - 1, size_bytes)
    found = RANGE.fullmatch(header.strip())
    if not found or not (found[1] or found[2]):
        return whole, False
    if not found[1]:
        count = min(int(found[2]), size_bytes)
        if not count:
            raise OutsideFile
        return Part(size_bytes - count, size_bytes - 1, size_bytes), True
    first = int(found[1])
    last = min(int(found[2]), size_bytes - 1) if found[2] else size_bytes - 1
    if found[2] and int(found[2]) < first:
        return whole, False
    if first >= size_bytes:
        raise OutsideFile
    return Part(first, last, size_bytes), True
