"""Importance matrices as llama.cpp wrote them before it kept them in GGUF: sums of squared activations by tensor.

Owns the format's one version, which has no mark: a file is one only if it is one to its last byte.
Source: llama.cpp, tools/imatrix/imatrix.cpp, `save_imatrix_legacy`.
"""

from __future__ import annotations

import re
import struct

import numpy as np

from weights.catalog.tensors import WV_INF, WV_NAN
from weights.findings import Finding
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.report import Parsed
from weights.sources import CutShortError, Source, read_at

ENTRIES_LIMIT = 100_000
VALUES_LIMIT = 1 << 22  # of one tensor: as many as a row has, for each expert
NAME_LIMIT_BYTES = 256
SIZE_LIMIT_BYTES = 1 << 30
LISTED_LIMIT = 20

_NAME = re.compile(rb"[A-Za-z0-9_.-]+")


def inspect_imatrix(reader: HashingReader, path: str) -> Parsed:
    """Check one file; UNKNOWN where it is another."""
    source = reader.source
    if not 12 <= source.size_bytes <= SIZE_LIMIT_BYTES:
        return Parsed(Kind.UNKNOWN)
    try:
        return Parsed(Kind.IMATRIX, _findings(source, path))
    except (_OtherFormatError, CutShortError):
        return Parsed(Kind.UNKNOWN)


class _OtherFormatError(Exception):
    pass


def _findings(source: Source, path: str) -> list[Finding]:
    findings: list[Finding] = []
    count, place = _number(source, 0, ENTRIES_LIMIT), 4
    for _ in range(count):
        length = _number(source, place, NAME_LIMIT_BYTES)
        name = read_at(source, place + 4, length)
        if not _NAME.fullmatch(name):
            raise _OtherFormatError
        place += 4 + length
        _number(source, place, (1 << 31) - 1, least=0)  # how often it was called
        size = 4 * _number(source, place + 4, VALUES_LIMIT)
        values = np.frombuffer(read_at(source, place + 8, size), dtype="<f4")
        place += 8 + size
        for check, is_bad in ((WV_NAN, np.isnan(values)), (WV_INF, np.isinf(values))):
            if is_bad.any() and len(findings) < LISTED_LIMIT:
                message = f"{np.count_nonzero(is_bad)} of {len(values)} values are not finite."
                findings.append(check.at(path, message, tensor=name.decode("ascii")))
    if place != source.size_bytes:  # newer ones end with the number of the last chunk and the name of the text
        length = _number(source, place + 4, 4096, least=0)
        if place + 8 + length != source.size_bytes or not read_at(source, place + 8, length).isascii():
            raise _OtherFormatError
    return findings


def _number(source: Source, place: int, most: int, least: int = 1) -> int:
    (number,) = struct.unpack("<i", read_at(source, place, 4))
    if not least <= number <= most:
        raise _OtherFormatError
    return int(number)
