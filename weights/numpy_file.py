"""NumPy's array files: the header read as data, never evaluated, and the values walked.

Owns the format's three versions. An array of objects is a pickle and is blocked as one.
"""

from __future__ import annotations

import ast
import itertools
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from weights.catalog.pickles import NP_FORMAT, NP_HEADER, NP_OBJECT
from weights.findings import Finding
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.report import Parsed, TensorRecord
from weights.safetensors_header import TensorEntry
from weights.sources import read_at
from weights.tensor_walk import TensorWalk, walk_tensors

HEADER_LIMIT_BYTES = 64 << 10

_DTYPES = {"f8": "F64", "f4": "F32", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u8": "U64"}
_DTYPES |= {"u4": "U32", "u2": "U16", "u1": "U8", "b1": "BOOL", "c8": "C64"}
_WIDTHS = re.compile(r"[<>|=]?(?P<kind>[fiubc]\d{1,2})")


@dataclass(frozen=True, slots=True)
class ArrayHeader:
    """What an array file says of itself; `dtype` by safetensors' names."""

    dtype: str
    width: int
    shape: tuple[int, ...]
    length: int

    @property
    def size_bytes(self) -> int:
        """Header and data together."""
        return self.length + self.width * math.prod(self.shape)


def read_array_header(content: bytes, path: str) -> ArrayHeader | Finding:
    """The header at the start of `content`, or why there is none."""
    if len(content) < 12 or content[:6] != b"\x93NUMPY" or content[6] not in (1, 2, 3) or content[7]:
        return NP_HEADER.at(path, "The file has no NumPy header of version 1 to 3.")
    lead = 10 if content[6] == 1 else 12
    length = int.from_bytes(content[8:lead], "little")
    if length > HEADER_LIMIT_BYTES or lead + length > len(content):
        return NP_HEADER.at(path, f"The header is said to be {length} bytes long.")
    try:
        value = ast.literal_eval(content[lead : lead + length].decode("utf-8").strip(" \n"))
        descr, order, shape = value["descr"], value["fortran_order"], value["shape"]
        if content[lead : lead + length].count(b"descr") > 1:
            raise ValueError("a key comes twice")
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        return NP_HEADER.at(path, "The header is not the documented dictionary.")
    if "O" in str(descr):
        return NP_OBJECT.at(path, "The array holds Python objects.", evidence=str(descr)[:200])
    kind = _WIDTHS.fullmatch(descr) if isinstance(descr, str) else None
    is_known = kind is not None and kind["kind"] in _DTYPES
    if not is_known or len(value) != 3 or type(order) is not bool or not _is_shape(shape):
        return NP_HEADER.at(path, "The data type or shape is not one of plain numbers.", evidence=str(descr)[:200])
    code = descr.lstrip("<>|=")
    # Numbers in the other byte order are walked as plain bytes.
    dtype = "U8" if descr[0] == ">" else _DTYPES[code]
    return ArrayHeader(dtype, int(code[1:]), tuple(shape), lead + length)


def inspect_numpy(reader: HashingReader, path: str) -> Parsed:
    """Check one `.npy` file and walk its values."""
    header = read_array_header(read_at(reader.source, 0, min(reader.size_bytes, HEADER_LIMIT_BYTES + 12)), path)
    if isinstance(header, Finding):
        return Parsed(Kind.NUMPY, [header])
    if header.size_bytes != reader.size_bytes:
        return Parsed(Kind.NUMPY, [_wrong_size(path, header.size_bytes, reader.size_bytes)])
    reader.take(header.length)
    entry = TensorEntry("array", header.dtype, header.shape, header.length, header.size_bytes)
    parsed = Parsed(Kind.NUMPY, [NP_FORMAT.at(path, "The file holds one array.")])
    for records, findings in walk_tensors(reader, [entry], path):
        parsed.tensors += records
        parsed.findings += findings
    return parsed


def inspect_array(
    chunks: Iterable[bytes], size: int, path: str, name: str
) -> tuple[TensorRecord | None, list[Finding]]:
    """Check one array of `size` bytes that comes in pieces, as from an archive; ValueError is the pieces' own."""
    pieces = iter(chunks)
    content = b""
    while len(content) < min(size, HEADER_LIMIT_BYTES + 12):
        content += next(pieces)
    header = read_array_header(content, path)
    if isinstance(header, Finding):
        return None, [header]
    if header.size_bytes != size:
        return None, [_wrong_size(path, header.size_bytes, size)]
    entry = TensorEntry(name, header.dtype, header.shape, header.length, header.size_bytes)
    walk = TensorWalk(entry)
    rest = content[header.length :]
    for piece in itertools.chain([b""], pieces):
        rest += piece
        whole = len(rest) - len(rest) % header.width
        walk.update(memoryview(rest)[:whole])
        rest = rest[whole:]
    return walk.finish(path)


def _wrong_size(path: str, expected: int, actual: int) -> Finding:
    return NP_HEADER.at(path, f"Header and shape promise {expected} bytes, there are {actual}.")


def _is_shape(shape: object) -> bool:
    return (
        isinstance(shape, tuple)
        and len(shape) <= 64
        and all(type(size) is int and 0 <= size < 1 << 63 for size in shape)
    )
