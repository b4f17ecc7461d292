"""The header of a safetensors file, read as strictly as its strictest reader.

Owns the structure of the format: what the reference implementation refuses is refused here, and more besides (repeated
names, unknown fields, unsafe names). Reads at most the header; never a tensor's bytes. Cost is bounded by the header's
length (at most 100 MB) and by a cap on its brackets and commas, whatever the file claims.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from weights.catalog.tensors import (
    ST_ALIGN,
    ST_COST,
    ST_DTYPE,
    ST_DUP,
    ST_EXTRA,
    ST_HEADER,
    ST_HOLE,
    ST_JSON,
    ST_METADATA,
    ST_NAME,
    ST_OVERLAP,
    ST_SIZE,
    ST_TRAILING,
    ST_TRUNC,
)
from weights.findings import Finding
from weights.names import invisible_character
from weights.plain_header import Entries, read_plain
from weights.strict_json import JsonLimits, JsonRefusedError, RepeatedKeyError, TooCostlyError, parse_strict

LENGTH_BYTES = 8
HEADER_LIMIT_BYTES = 100_000_000
METADATA_LIMIT_CHARACTERS = 1_000_000
NAME_LIMIT_CHARACTERS = 1024
PADDING_LIMIT_BYTES = 1 << 16
FINDING_LIMIT = 50  # of one check in one file; the rest is counted, not listed

DTYPE_BITS = {
    "BOOL": 8,
    "F4": 4,
    "F6_E2M3": 6,
    "F6_E3M2": 6,
    "U8": 8,
    "I8": 8,
    "F8_E5M2": 8,
    "F8_E4M3": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
    "I16": 16,
    "U16": 16,
    "F16": 16,
    "BF16": 16,
    "I32": 32,
    "U32": 32,
    "F32": 32,
    "C64": 64,
    "F64": 64,
    "I64": 64,
    "U64": 64,
}

_LIMITS = JsonLimits(marks=3_000_000, digits=20, floats=False, negatives=False)
_BY_PLACE = attrgetter("start", "end")
_FIELDS = frozenset({"dtype", "shape", "data_offsets"})
CLIMBING = re.compile(r"(^|[/\\])\.\.([/\\]|$)|^[/\\]|^[A-Za-z]:[/\\]")


class TensorEntry(NamedTuple):
    """One tensor as the header states it; `start` and `end` are offsets in the file, not in the data section."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    start: int
    end: int

    @property
    def elements(self) -> int:
        """How many elements the shape has."""
        return math.prod(self.shape)


@dataclass(slots=True)
class Header:
    """What a header says: tensors in the order of their bytes, metadata, and what is wrong.

    `is_sound` means that the tensors tile the data section exactly, so their bytes may be walked.
    """

    tensors: list[TensorEntry] = field(default_factory=list)
    metadata: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    is_sound: bool = False


def header_length(first: bytes, size_bytes: int, path: str) -> int | Finding:
    """The header's length in bytes as the file's first eight give it, or why that cannot be."""
    if size_bytes < LENGTH_BYTES + 2:
        return ST_HEADER.at(path, f"The file has {size_bytes} bytes; the shortest safetensors file has 10.")
    length = int.from_bytes(first[:LENGTH_BYTES], "little")
    if length < 2 or length > HEADER_LIMIT_BYTES:
        return ST_HEADER.at(path, f"The header is said to be {length} bytes long.", offset=0)
    if length > size_bytes - LENGTH_BYTES:
        return ST_HEADER.at(
            path,
            f"The header is said to be {length} bytes long, but only {size_bytes - LENGTH_BYTES} bytes follow.",
            offset=0,
        )
    return length


def parse_header(content: bytes | bytearray, size_bytes: int, path: str) -> Header:
    """Read the header's JSON `content` of a file of `size_bytes`; every fault becomes a finding, none is raised."""
    header = Header()
    data_start = LENGTH_BYTES + len(content)
    plain = read_plain(content, DTYPE_BITS, data_start)
    if plain is not None:
        if isinstance(content, bytearray):
            content.clear()
        return _from_plain(*plain, data_start, size_bytes, path)
    padding = len(content) - content.rfind(b"}") - 1
    if content[-1:].isspace() and padding > PADDING_LIMIT_BYTES:
        header.findings.append(ST_EXTRA.at(path, f"The header is padded with {padding} bytes."))
    document = _document(content, path, header.findings)
    if document is None:
        return header
    reader = _EntryReader(path, data_start)
    for name, value in document.items():
        if name == "__metadata__":
            header.metadata = _metadata(value, path, header.findings)
            continue
        entry = reader.read(name, value)
        if entry is not None:
            header.tensors.append(entry)
    header.findings += reader.findings()
    if reader.broken:
        return header
    header.tensors.sort(key=_BY_PLACE)
    layout = _layout(header.tensors, data_start, size_bytes, path)
    header.is_sound = not layout
    header.findings += layout
    return header


def _from_plain(metadata: dict[str, str], entries: Entries, data_start: int, size_bytes: int, path: str) -> Header:
    tensors = list(map(TensorEntry._make, zip(*entries, strict=True)))
    if [data_start, *entries.ends] == [*entries.starts, size_bytes]:
        return Header(tensors, metadata, [], is_sound=True)
    tensors.sort(key=_BY_PLACE)
    layout = _layout(tensors, data_start, size_bytes, path)
    return Header(tensors, metadata, layout, not layout)


def _document(content: bytes | bytearray, path: str, findings: list[Finding]) -> dict[str, Any] | None:
    if not content.startswith(b"{"):
        findings.append(ST_JSON.at(path, "The header does not start with `{`.", offset=LENGTH_BYTES))
        return None
    try:
        value = parse_strict(content, _LIMITS).value
    except RepeatedKeyError as error:
        findings.append(ST_DUP.at(path, f"In the header, {error}."))
    except TooCostlyError as error:
        findings.append(ST_COST.at(path, f"The header has {error}."))
    except JsonRefusedError as error:
        findings.append(ST_JSON.at(path, f"The header is refused: {error}."))
    else:
        # What starts with `{` and parses is an object.
        return dict(value)
    return None


def _metadata(value: Any, path: str, findings: list[Finding]) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        findings.append(ST_METADATA.at(path, "`__metadata__` is not an object of strings."))
        return {}
    if sum(len(key) + len(text) for key, text in value.items()) > METADATA_LIMIT_CHARACTERS:
        findings.append(ST_EXTRA.at(path, "The metadata holds more than a million characters."))
        return {}
    return dict(value)


class _EntryReader:
    """Checks the entries one by one and keeps the number of findings within bounds."""

    def __init__(self, path: str, data_start: int) -> None:
        self.broken = False
        self._path = path
        self._data_start = data_start
        self._found: list[Finding] = []
        self._counts: Counter[str] = Counter()

    def read(self, name: str, value: Any) -> TensorEntry | None:
        """The entry, or None after noting what makes it unreadable."""
        if len(name) > NAME_LIMIT_CHARACTERS:
            self._break(ST_NAME.at(self._path, f"The name has {len(name)} characters.", tensor=name))
            return None
        self._check_name(name)
        if not isinstance(value, dict) or not value.keys() >= _FIELDS:
            self._break(ST_JSON.at(self._path, "The entry lacks dtype, shape or data_offsets.", tensor=name))
            return None
        if len(value) > len(_FIELDS):
            extra = sorted(value.keys() - _FIELDS)[0]
            self._note(ST_EXTRA.at(self._path, f"The entry has the unknown field {extra!r}.", tensor=name))
        dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
        if not isinstance(dtype, str) or dtype not in DTYPE_BITS:
            self._break(
                ST_DTYPE.at(
                    self._path,
                    "The data type is unknown.",
                    tensor=name,
                    evidence=dtype if isinstance(dtype, str) else type(dtype).__name__,
                )
            )
            return None
        if not _whole(shape) or not _whole(offsets) or len(offsets) != 2:
            self._break(
                ST_JSON.at(self._path, "Shape and offsets must be lists of whole numbers, offsets two.", tensor=name)
            )
            return None
        start, end = offsets
        if not self._fits(name, dtype, shape, start, end):
            return None
        if (self._data_start + start) % max(1, DTYPE_BITS[dtype] // 8):
            self._note(ST_ALIGN.at(self._path, f"The tensor starts at byte {self._data_start + start}.", tensor=name))
        return TensorEntry(name, dtype, tuple(shape), self._data_start + start, self._data_start + end)

    def findings(self) -> list[Finding]:
        """What was noted, at most `FINDING_LIMIT` of each check, the last of them with the number left out."""
        return self._found + [
            Finding(
                check=found.check,
                severity=found.severity,
                path=self._path,
                message=f"{self._counts[found.check] - FINDING_LIMIT} more of this kind are not listed.",
            )
            for found in {finding.check: finding for finding in self._found}.values()
            if self._counts[found.check] > FINDING_LIMIT
        ]

    def _fits(self, name: str, dtype: str, shape: list[int], start: int, end: int) -> bool:
        bits = math.prod(shape) * DTYPE_BITS[dtype] if len(shape) <= 64 else 1 << 64
        if max([bits, end, *shape]) >= 1 << 63 or start > end:
            message = f"Shape {shape[:8]} or byte range {start} to {end} is out of bounds."
        elif bits % 8:
            message = f"Shape {shape[:8]} of {dtype} does not fill whole bytes."
        elif bits // 8 != end - start:
            message = f"Shape {shape[:8]} of {dtype} takes {bits // 8} bytes, the entry claims {end - start}."
        else:
            return True
        self._break(ST_SIZE.at(self._path, message, tensor=name))
        return False

    def _check_name(self, name: str) -> None:
        hidden = invisible_character(name)
        if hidden is not None:
            message = f"The name holds the invisible or control character U+{ord(hidden):04X}."
        elif not name:
            message = "The name has 0 characters."
        elif CLIMBING.search(name):
            message = "The name looks like a path that leaves its folder."
        else:
            return
        self._note(ST_NAME.at(self._path, message, tensor=name))

    def _break(self, finding: Finding) -> None:
        self.broken = True
        self._note(finding)

    def _note(self, finding: Finding) -> None:
        self._counts[finding.check] += 1
        if self._counts[finding.check] <= FINDING_LIMIT:
            self._found.append(finding)


def _whole(value: Any) -> bool:
    return isinstance(value, list) and all(type(number) is int for number in value)


def _layout(tensors: list[TensorEntry], data_start: int, size_bytes: int, path: str) -> list[Finding]:
    """Whether the tensors, in order, tile the data section.

    The first fault only, since the next ones follow from it.
    """
    position = data_start
    for tensor in tensors:
        if tensor.start < position:
            message = f"The tensor starts at byte {tensor.start}, before byte {position} where the one before ends."
            return [ST_OVERLAP.at(path, message, tensor=tensor.name, offset=tensor.start)]
        if tensor.start > position:
            message = f"{tensor.start - position} bytes before this tensor belong to none."
            return [ST_HOLE.at(path, message, tensor=tensor.name, offset=position)]
        position = tensor.end
    if position > size_bytes:
        return [ST_TRUNC.at(path, f"The tensors end at byte {position}, the file at {size_bytes}.", offset=size_bytes)]
    if position < size_bytes:
        return [ST_TRAILING.at(path, f"{size_bytes - position} bytes follow the last tensor.", offset=position)]
    return []
