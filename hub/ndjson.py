"""The body of a commit: lines of JSON, one of which may be gigabytes long, read in constant memory. Pure.

Content inside a line (`"content": "<base64>"`) is decoded while it arrives and handed on in blocks; the rest of a line
must be short.
"""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

LINE_LIMIT_BYTES = 1 << 20
# In valid JSON an unescaped `"content":` is always a key: inside a text its quotes would be escaped.
CONTENT = re.compile(rb'(?<!\\)"content"[ \t\r]*:[ \t\r]*"')

Kept = TypeVar("Kept")


class BadLines(ValueError):
    """The body is not as the protocol says; the message says where."""


@dataclass(frozen=True, slots=True)
class Line:
    """One operation: its key, its value without content, and what became of the content."""

    number: int
    key: str
    value: dict[str, Any]
    kept: Any = None


def read_lines(blocks: Iterable[bytes], keep: Callable[[Iterator[bytes]], Kept]) -> Iterator[Line]:
    """Each line in order. `keep` is given the blocks of a line's content before the rest of the line is known.

    Raises BadLines; whatever `keep` raises passes through.
    """
    source = _Source(iter(blocks))
    number = 0
    while True:
        text, kept = _line(source, keep)
        if text is None:
            return
        number += 1
        if text.strip():
            yield _parsed(number, text, kept)


class _Source:
    """Bytes that were read and not yet used."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self.blocks = blocks
        self.pending = b""

    def more(self) -> bool:
        """Add a block to `pending`; False at the end."""
        block = next(self.blocks, None)
        if block is None:
            return False
        self.pending += block
        return True


def _line(source: _Source, keep: Callable[[Iterator[bytes]], Kept]) -> tuple[bytes | None, Kept | None]:
    """The next line without its content, and what was kept of it; None at the end."""
    text, kept, has_content = b"", None, False
    while True:
        end = source.pending.find(b"\n")
        piece = text + (source.pending if end < 0 else source.pending[:end])
        found = CONTENT.search(piece)
        if found and not has_content:
            has_content = True
            source.pending = source.pending[found.end() - len(text) :]
            text = piece[: found.end()] + b'"'
            kept = keep(_decoded(source))
            continue
        if end >= 0:
            source.pending = source.pending[end + 1 :]
            return piece, kept
        if len(piece) > LINE_LIMIT_BYTES:
            raise BadLines("A line is too long.")
        if not source.more():
            source.pending = b""
            return (piece, kept) if piece else (None, None)


def _decoded(source: _Source) -> Iterator[bytes]:
    """The content's blocks, decoded; leaves in `pending` what follows the closing quote."""
    rest = b""
    while True:
        end = source.pending.find(b'"')
        part = source.pending if end < 0 else source.pending[:end]
        source.pending = b"" if end < 0 else source.pending[end + 1 :]
        coded = (rest + part).replace(b"\\/", b"/")
        whole = len(coded) if end >= 0 else len(coded) // 4 * 4
        if whole and coded[whole - 1] == 0x5C:  # a backslash whose slash is still to come
            whole -= 4
        rest = coded[whole:]
        try:
            decoded = binascii.a2b_base64(coded[:whole], strict_mode=True)
        except binascii.Error as error:
            raise BadLines(f"The content is not base64: {error}.") from None
        if decoded:
            yield decoded
        if end >= 0:
            return
        if not source.more():
            raise BadLines("The body ends inside a content.")


def _parsed(number: int, text: bytes, kept: Any) -> Line:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise BadLines(f"Line {number} is not JSON.") from None
    if not (isinstance(found, dict) and isinstance(found.get("key"), str) and isinstance(found.get("value"), dict)):
        raise BadLines(f'Line {number} is no object with a text "key" and an object "value".')
    return Line(number, found["key"], found["value"], kept)
