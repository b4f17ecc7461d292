"""A safetensors file from its first byte to its last: structure first, then the tensors.

A file whose header is not sound is hashed to its end and its tensors are left alone, because nobody can say which bytes
are whose.
"""

from __future__ import annotations

from weights.findings import Finding
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.packings import packings_of
from weights.report import Parsed
from weights.safetensors_header import LENGTH_BYTES, header_length, parse_header
from weights.tensor_walk import walk_tensors


def inspect_safetensors(reader: HashingReader, path: str) -> Parsed:
    """Read the whole file from `reader`; CutShortError if it ends early."""
    first = reader.take(min(LENGTH_BYTES, reader.size_bytes))
    length = header_length(first, reader.size_bytes, path)
    if isinstance(length, Finding):
        return Parsed(Kind.SAFETENSORS, [length])
    header = parse_header(reader.take_buffer(length), reader.size_bytes, path)
    parsed = Parsed(Kind.SAFETENSORS, header.findings, content={"metadata": header.metadata})
    if header.is_sound:
        for records, findings in walk_tensors(reader, header.tensors, path, packings_of(header.tensors)):
            parsed.tensors += records
            parsed.findings += findings
    return parsed
