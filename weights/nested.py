"""What lies inside an archive or a compressed file: parsed like a file of its own, within one budget.

Owns the depth, the number and the bytes that one file on disk may unfold to. What goes beyond is a finding, never a
skip. Nothing is written to disk.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from weights.catalog.pickles import PK_COST
from weights.findings import MESSAGE_LIMIT, Finding, Severity, printable
from weights.report import TensorRecord
from weights.sources import Source

DEPTH_LIMIT = 4
BYTES_LIMIT = 64 << 20
MEMBERS_LIMIT = 2000
FINDING_LIMIT = 50

_HEAD_BYTES = 4096
_ABOUT_THE_OUTSIDE = frozenset({"PK-WRAP", "PK-FORMAT", "PK-HIDDEN", "FM-MISNAMED", "FM-UNKNOWN", "NP-FORMAT"})


@dataclass(slots=True)
class Nesting:
    """What one file on disk may still unfold to; shared by all that is inside of it."""

    bytes_left: int = BYTES_LIMIT
    members_left: int = MEMBERS_LIMIT


@dataclass(slots=True)
class MemorySource:
    """Bytes that came out of another file, at some depth."""

    content: bytes
    depth: int = 1
    nesting: Nesting = field(default_factory=Nesting)
    size_bytes: int = field(init=False)

    def __post_init__(self) -> None:
        self.size_bytes = len(self.content)

    def read_into(self, view: memoryview, offset: int) -> int:
        """See `Source`."""
        piece = self.content[offset : offset + len(view)]
        view[: len(piece)] = piece
        return len(piece)

    def has_changed(self) -> bool:
        """Always no."""
        return False

    def close(self) -> None:
        """Nothing to let go of."""


def nesting_of(source: Source) -> tuple[int, Nesting]:
    """The depth at which `source` lies and the budget it shares; a file on disk is at depth 0 and has a new one."""
    return (source.depth, source.nesting) if isinstance(source, MemorySource) else (0, Nesting())


def inspect_inner(
    content: bytes, name: str, path: str, depth: int, nesting: Nesting
) -> tuple[list[Finding], list[TensorRecord]]:
    """Findings on `content`, called `name` inside the file `path`, told of the file; and its tensors."""
    from weights.hashing import HashingReader
    from weights.parsing import parse  # the two need each other: a parser opens what has parsers inside

    shown = printable(name, 200)
    if depth > DEPTH_LIMIT:
        return [PK_COST.at(path, f"{shown!r} lies more than {DEPTH_LIMIT} archives deep.")], []
    nesting.members_left -= 1
    nesting.bytes_left -= len(content)
    if nesting.members_left < 0 or nesting.bytes_left < 0:
        message = f"The file unfolds to more than {MEMBERS_LIMIT} members or {BYTES_LIMIT} bytes."
        return [PK_COST.at(path, message)], []
    source = MemorySource(content, depth, nesting)
    parsed = parse(HashingReader(source), content[:_HEAD_BYTES], name)
    return [_told(finding, shown, path) for finding in parsed.findings if _matters(finding)], parsed.tensors


def _matters(finding: Finding) -> bool:
    """Whether a finding on a member says more than that it lies in an archive under some name."""
    return finding.severity is not Severity.NOTE and finding.check not in _ABOUT_THE_OUTSIDE


def _told(finding: Finding, name: str, path: str) -> Finding:
    message = printable(f"In {name!r}: {finding.message}", MESSAGE_LIMIT)
    return replace(finding, path=path, message=message, offset=None)
