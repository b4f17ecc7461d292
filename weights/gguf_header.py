"""The header of a GGUF file, read field by field within what the file can hold.

Owns the structure: no number from the header makes an allocation before the bytes behind it are known to exist. What
llama.cpp's own reader refuses is refused here.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any

from weights.catalog.gguf import GG_ALIGN, GG_COUNT, GG_DIM, GG_DUP, GG_KEY, GG_MAGIC, GG_NAME, GG_OFF, GG_TYPE
from weights.findings import Check, Finding
from weights.names import invisible_character
from weights.quant_blocks import GGML_TYPES
from weights.safetensors_header import CLIMBING, TensorEntry
from weights.sources import Source, read_at

HEADER_LIMIT_BYTES = 512 << 20
KEPT_TEXT = 1 << 20
TEXT_LIMIT = 64 << 20  # a whole tokenizer may stand in one text
NAME_LIMIT_BYTES = 64
ALIGNMENT_LIMIT = 1 << 16
TENSORS_LIMIT = 100_000
PAIRS_LIMIT = 20_000
TEXTS_LIMIT = 2_000_000  # in all arrays together; a large vocabulary with its merges has 800 000
TEMPLATES_LIMIT = 100
CHUNK_BYTES = 1 << 20

_SCALARS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<B", 10: "<Q", 11: "<q", 12: "<d"}
_BOOL, _STRING, _ARRAY, _UINT32 = 7, 8, 9, 4


@dataclass(slots=True)
class GgufHeader:
    """Metadata (scalars and texts; of an array its length), tensors in the order of their bytes, and what is wrong.

    `is_sound` means that the tensors may be walked; then the header ends at `end` and the first begins at `data_start`.
    """

    metadata: dict[str, Any] = field(default_factory=dict)
    tensors: list[TensorEntry] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    end: int = 0
    data_start: int = 0
    is_sound: bool = False


class _FaultError(Exception):
    def __init__(self, check: Check, message: str, tensor: str | None = None) -> None:
        super().__init__(message)
        self.check = check
        self.tensor = tensor


def read_gguf_header(source: Source, path: str) -> GgufHeader:
    """Read the header from the source's beginning; the first fault ends it and becomes a finding."""
    header = GgufHeader()
    cursor = _Cursor(source)
    try:
        tensors, pairs = _counts(cursor)
        alignment = _metadata(cursor, pairs, header.metadata)
        entries = _tensors(cursor, tensors)
        header.data_start = _aligned(cursor.position, alignment)
        header.end = cursor.position
        header.tensors = _place(entries, header.data_start, alignment, source.size_bytes)
        header.is_sound = True
    except _FaultError as error:
        header.findings.append(error.check.at(path, f"{error}.", tensor=error.tensor, offset=cursor.position))
    return header


class _Cursor:
    """Reads forward from the source in chunks; never beyond its end nor beyond the header's limit."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._limit = min(source.size_bytes, HEADER_LIMIT_BYTES)
        self._chunk = b""
        self._start = 0
        self._texts = 0
        self.position = 0

    @property
    def left(self) -> int:
        """Bytes that can still be read."""
        return self._limit - self.position

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        if size > self.left:
            raise _FaultError(GG_COUNT, f"{size} bytes are announced and {self.left} are left")
        inside = self.position - self._start
        if inside + size > len(self._chunk):
            self._chunk = read_at(self._source, self.position, min(max(size, CHUNK_BYTES), self.left))
            self._start, inside = self.position, 0
        self.position += size
        return self._chunk[inside : inside + size]

    def skip(self, size: int) -> None:
        """Move on without looking."""
        if size > self.left:
            raise _FaultError(GG_COUNT, f"{size} bytes are announced and {self.left} are left")
        self.position += size

    def skip_texts(self, count: int) -> None:
        """Move on over as many texts."""
        self._texts += count
        if self._texts > TEXTS_LIMIT:
            raise _FaultError(GG_COUNT, f"The arrays have more than {TEXTS_LIMIT} texts")
        for _ in range(count):
            inside = self.position - self._start
            raw = self._chunk[inside : inside + 8]
            length = int.from_bytes(raw if len(raw) == 8 else self.take(8), "little")
            if len(raw) == 8:
                self.position += 8
            if length > self._limit - self.position:
                raise _FaultError(GG_COUNT, f"{length} bytes are announced and {self.left} are left")
            self.position += length

    def number(self, form: str) -> Any:
        """The next number of a `struct` form."""
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def text(self, limit: int = KEPT_TEXT) -> str | None:
        """The next text; None, and skipped, if it is longer than `limit`."""
        length = self.number("<Q")
        if length > TEXT_LIMIT:
            raise _FaultError(GG_COUNT, f"A text of {length} bytes is announced")
        if length > limit:
            self.skip(length)
            return None
        try:
            return self.take(length).decode("utf-8")
        except UnicodeDecodeError:
            raise _FaultError(GG_KEY, "A text is not UTF-8") from None


def _counts(cursor: _Cursor) -> tuple[int, int]:
    if cursor.left < 24 or cursor.take(4) != b"GGUF":
        raise _FaultError(GG_MAGIC, "The file has no GGUF header")
    version = cursor.number("<I")
    if version not in (2, 3):
        raise _FaultError(GG_MAGIC, f"The version is {version}")
    tensors, pairs = cursor.number("<Q"), cursor.number("<Q")
    # A tensor takes at least 33 bytes of header and a pair of key and value at least 13.
    if tensors > min(TENSORS_LIMIT, cursor.left // 33) or pairs > min(PAIRS_LIMIT, cursor.left // 13):
        raise _FaultError(GG_COUNT, f"{tensors} tensors and {pairs} keys are announced")
    return tensors, pairs


def _metadata(cursor: _Cursor, pairs: int, metadata: dict[str, Any]) -> int:
    alignment = 32
    for _ in range(pairs):
        key = cursor.text(1 << 16)
        if not key:
            raise _FaultError(GG_KEY, "A key is empty or very long")
        if key in metadata:
            raise _FaultError(GG_DUP, f"The key {key!r} comes twice")
        kind = cursor.number("<I")
        metadata[key] = _value(cursor, kind, key)
        if key == "general.alignment":
            alignment = metadata[key]
            if kind != _UINT32 or not 8 <= alignment <= ALIGNMENT_LIMIT or alignment & (alignment - 1):
                raise _FaultError(GG_ALIGN, f"The alignment is {alignment}")
    return alignment


def _value(cursor: _Cursor, kind: int, key: str) -> Any:
    if kind == _STRING:
        return cursor.text()
    if kind == _ARRAY:
        return _array(cursor, key)
    return _scalar(cursor, kind, key)


def _scalar(cursor: _Cursor, kind: int, key: str) -> Any:
    if kind not in _SCALARS:
        raise _FaultError(GG_KEY, f"The value of {key!r} has the unknown type {kind}")
    value = cursor.number(_SCALARS[kind])
    if kind == _BOOL:
        if value > 1:
            raise _FaultError(GG_KEY, f"The flag {key!r} is {value}")
        return bool(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _array(cursor: _Cursor, key: str) -> dict[str, Any]:
    kind, count = cursor.number("<I"), cursor.number("<Q")
    if kind == _STRING:
        if count > cursor.left // 8:
            raise _FaultError(GG_COUNT, f"The array {key!r} announces {count} texts")
        if "template" in key:
            # Kept, since each may be rendered by somebody; a text too long to keep is judged as such.
            if count > TEMPLATES_LIMIT:
                raise _FaultError(GG_COUNT, f"The array {key!r} has {count} templates")
            return {"count": count, "texts": [cursor.text() for _ in range(count)]}
        cursor.skip_texts(count)
    elif kind in _SCALARS:
        cursor.skip(count * struct.calcsize(_SCALARS[kind]))
    else:
        raise _FaultError(GG_KEY, f"The array {key!r} has elements of type {kind}")
    return {"count": count}


def _tensors(cursor: _Cursor, count: int) -> list[tuple[str, str, tuple[int, ...], int, int]]:
    """Name, type, shape, offset in the data section and size of each tensor."""
    entries = []
    seen: set[str] = set()
    for _ in range(count):
        name = cursor.text(1 << 16)
        if not name or len(name.encode()) >= NAME_LIMIT_BYTES or invisible_character(name) or CLIMBING.search(name):
            message = "A tensor's name is empty, too long, looks like a path that climbs or holds control characters"
            raise _FaultError(GG_NAME, message, name)
        if name in seen:
            raise _FaultError(GG_DUP, "The tensor comes twice", name)
        seen.add(name)
        rank = cursor.number("<I")
        if rank > 4:
            raise _FaultError(GG_DIM, f"The tensor has {rank} dimensions", name)
        shape = tuple(cursor.number("<Q") for _ in range(rank))
        kind = GGML_TYPES.get(cursor.number("<I"))
        if kind is None:
            raise _FaultError(GG_TYPE, "The tensor's type is unknown", name)
        elements = math.prod(shape)
        if not 1 <= elements < 1 << 63 or any(size >= 1 << 63 for size in shape):
            raise _FaultError(GG_DIM, f"The tensor has the shape {shape}", name)
        if (shape[0] if shape else 1) % kind.elements:
            raise _FaultError(GG_DIM, f"Rows of {shape[:1]} do not fill whole blocks of {kind.elements}", name)
        entries.append((name, kind.name, shape, cursor.number("<Q"), elements // kind.elements * kind.size_bytes))
    return entries


def _place(
    entries: list[tuple[str, str, tuple[int, ...], int, int]], start: int, alignment: int, size_bytes: int
) -> list[TensorEntry]:
    """The tensors with their place in the file; they must follow each other, each padded to the alignment."""
    placed = []
    position = 0
    for name, kind, shape, offset, size in sorted(entries, key=lambda entry: entry[3]):
        if offset != position:
            raise _FaultError(GG_OFF, f"The tensor is at offset {offset}, not at {position}", name)
        placed.append(TensorEntry(name, kind, shape[::-1], start + offset, start + offset + size))
        position = _aligned(offset + size, alignment)
        if start + offset + size > size_bytes:
            raise _FaultError(
                GG_OFF, f"The tensor ends at byte {start + offset + size}, the file at {size_bytes}", name
            )
    last = placed[-1].end if placed else start
    if size_bytes not in (last, start + position) and not (not placed and size_bytes <= start):
        raise _FaultError(GG_OFF, f"{size_bytes - last} bytes follow the last tensor")
    return placed


def _aligned(position: int, alignment: int) -> int:
    return (position + alignment - 1) // alignment * alignment
