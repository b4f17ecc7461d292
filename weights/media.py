"""Pictures, sounds and documents: harmless here, unless something hides behind them.

Owns only the look at the file's end; the content is not decoded.
"""

from __future__ import annotations

from weights.catalog.files import FM_POLYGLOT
from weights.findings import Finding
from weights.sources import Source, read_at

_ZIP_END_REACH = (1 << 16) + 22  # a ZIP reader looks this far back for the end record
_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_END = b"IEND\xaeB`\x82"


def check_tail(source: Source, head: bytes, path: str) -> list[Finding]:
    """Whether the end of the file is the end of the picture."""
    length = min(source.size_bytes, _ZIP_END_REACH)
    tail = read_at(source, source.size_bytes - length, length)
    if b"PK\x05\x06" in tail:
        return [FM_POLYGLOT.at(path, "The file ends in a ZIP archive.")]
    if head.startswith(_PNG) and not tail.endswith(_PNG_END):
        return [FM_POLYGLOT.at(path, "The file goes on after the end of the picture, or ends before it.")]
    return []
