"""Pictures, sounds and documents: harmless here, unless something hides behind them.

Owns finding where the content ends by the format's own lengths and marks; the content is not decoded. What lies behind
that end, another program would open.
"""

from __future__ import annotations

from collections.abc import Callable

from weights.catalog.files import FM_POLYGLOT
from weights.findings import Finding
from weights.sources import Source, read_at

STEPS_LIMIT = 20_000
READ_LIMIT_BYTES = 32 << 20

_ZIP_END_REACH = (1 << 16) + 22  # a ZIP reader looks this far back for the end record
_PNG = b"\x89PNG\r\n\x1a\n"


class _FaultError(ValueError):
    """The content does not end, or is not of its format."""


def check_tail(source: Source, head: bytes, path: str) -> list[Finding]:
    """Whether the end of the file is the end of the picture."""
    if b"PK\x05\x06" in _tail(source):
        return [FM_POLYGLOT.at(path, "The file ends in a ZIP archive.")]
    walk = next((walk for magic, walk in _WALKS if head.startswith(magic)), None)
    if walk is None or source.size_bytes > READ_LIMIT_BYTES:
        return []
    content = read_at(source, 0, source.size_bytes)
    try:
        end = walk(content)
    except (_FaultError, IndexError):
        return [FM_POLYGLOT.at(path, "The file begins like a picture or document and is none, or is cut short.")]
    rest = content[end:]
    if rest.strip(b"\0 \t\r\n"):
        message = f"{len(rest)} bytes follow the end of the picture or document."
        return [FM_POLYGLOT.at(path, message, offset=end)]
    return []


def check_archive(source: Source, path: str) -> list[Finding]:
    """Whether the file, whatever it is from its beginning, is a ZIP archive from its end."""
    tail = _tail(source)
    place = tail.rfind(b"PK\x05\x06")
    if (
        place < 0
        or len(tail) < place + 22
        or len(tail) != place + 22 + int.from_bytes(tail[place + 20 : place + 22], "little")
    ):
        return []
    length, start = (int.from_bytes(tail[place + at : place + at + 4], "little") for at in (12, 16))
    end = source.size_bytes - len(tail) + place
    if length <= end and start <= end:
        return [FM_POLYGLOT.at(path, "The file is a ZIP archive, too, if read from its end.", offset=end)]
    return []


def _tail(source: Source) -> bytes:
    length = min(source.size_bytes, _ZIP_END_REACH)
    return read_at(source, source.size_bytes - length, length)


def _end_of_png(content: bytes) -> int:
    position = len(_PNG)
    for _ in range(STEPS_LIMIT):
        size = int.from_bytes(content[position : position + 4], "big")
        kind = content[position + 4 : position + 8]
        position += 12 + size
        if position > len(content) or len(kind) < 4:
            break
        if kind == b"IEND":
            return position
    raise _FaultError


def _end_of_jpeg(content: bytes) -> int:
    position = 2
    for _ in range(STEPS_LIMIT):
        while content[position] == 0xFF and content[position + 1] == 0xFF:
            position += 1
        if content[position] != 0xFF:
            break
        mark = content[position + 1]
        if mark == 0xD9:
            return _after_jpeg(content, position + 2)
        position += 2
        if not 0xD0 <= mark <= 0xD8 and mark != 1:
            position += int.from_bytes(content[position : position + 2], "big")
        if mark == 0xDA:
            # Behind a scan's header come its bits, in which every byte of ones is followed by a zero or a restart.
            while True:
                position = content.find(b"\xff", position)
                if position < 0 or position + 1 >= len(content):
                    raise _FaultError
                if content[position + 1] and not 0xD0 <= content[position + 1] <= 0xD7:
                    break
                position += 2
    raise _FaultError


def _after_jpeg(content: bytes, end: int) -> int:
    """Cameras put further pictures behind the first; each of them counts."""
    return end + _end_of_jpeg(content[end:]) if content[end : end + 3] == b"\xff\xd8\xff" else end


def _end_of_gif(content: bytes) -> int:
    position = 13 + (3 << ((content[10] & 7) + 1) if content[10] & 0x80 else 0)
    for _ in range(STEPS_LIMIT):
        mark = content[position]
        if mark == 0x3B:
            return position + 1
        if mark == 0x21:
            position += 2
        elif mark == 0x2C:
            flags = content[position + 9]
            position += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            break
        while content[position]:
            position += 1 + content[position]
        position += 1
    raise _FaultError


def _end_of_pdf(content: bytes) -> int:
    end = content.rfind(b"%%EOF")
    if end < 0:
        raise _FaultError
    return end + 5


def _end_of_riff(content: bytes) -> int:
    size = 8 + int.from_bytes(content[4:8], "little")
    if size > len(content):
        raise _FaultError
    return size + size % 2


def _end_of_sound(content: bytes) -> int:
    """A tag with its length in sevens of bits, and a frame of sound behind it."""
    size = 0
    for byte in content[6:10]:
        if byte >= 0x80:
            raise _FaultError
        size = size << 7 | byte
    start = 10 + size
    while content[start] == 0:
        start += 1
    if content[start] != 0xFF or content[start + 1] < 0xE0:
        raise _FaultError
    return len(content)


_WALKS: tuple[tuple[bytes, Callable[[bytes], int]], ...] = (
    (_PNG, _end_of_png),
    (b"\xff\xd8\xff", _end_of_jpeg),
    (b"GIF8", _end_of_gif),
    (b"%PDF-", _end_of_pdf),
    (b"RIFF", _end_of_riff),
    (b"ID3", _end_of_sound),
)
