"""Flax weights: a tree of maps in MessagePack, whose leaves are arrays.

Owns which trees Flax writes and reads; anything else in one is a finding. Nothing of the format can run.
Source: flax, flax/serialization.py, versions 0.8 to 0.12.
"""

from __future__ import annotations

import math
from pathlib import PurePosixPath

from weights.catalog.keras import FX_FORM, FX_FORMAT
from weights.findings import printable
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.msgpack import Form, NotMsgpackError, Value, Values
from weights.report import Parsed
from weights.safetensors_header import DTYPE_BITS, TensorEntry
from weights.sources import Source
from weights.tensor_walk import full_fingerprints, walk_placed

SUFFIX = ".msgpack"
VALUES_LIMIT = 500_000
DEPTH_LIMIT = 64
NAME_LIMIT_BYTES = 1024
NAMES_LIMIT_CHARACTERS = 32 << 20  # of all together
DIMENSIONS_LIMIT = 32

_ARRAY, _COMPLEX, _SCALAR = 1, 2, 3
_DTYPES = {
    "bool": "BOOL", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64",
    "uint8": "U8", "uint16": "U16", "uint32": "U32", "uint64": "U64", "complex64": "C64",
    "float16": "F16", "float32": "F32", "float64": "F64", "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3", "float8_e5m2": "F8_E5M2",
    "float8_e4m3fnuz": "F8_E4M3FNUZ", "float8_e5m2fnuz": "F8_E5M2FNUZ",
}  # fmt: skip


def inspect_flax(reader: HashingReader, path: str) -> Parsed:
    """Check one file; its arrays are read by position, a second time after hashing. UNKNOWN where it is another."""
    source = reader.source
    if not _may_be_flax(source):
        return Parsed(Kind.UNKNOWN)
    tree = _Tree(source)
    try:
        tree.walk()
    except NotMsgpackError as error:
        if not tree.arrays and PurePosixPath(path).suffix.lower() != SUFFIX:
            return Parsed(Kind.UNKNOWN)
        return Parsed(Kind.FLAX, [FX_FORM.at(path, f"In the file, {error}.")])
    parsed = Parsed(Kind.FLAX, [FX_FORMAT.at(path, f"The file holds {len(tree.arrays)} arrays.")])
    full = full_fingerprints(len(tree.arrays))
    for number, entry in enumerate(tree.arrays):
        record, findings = walk_placed(source, entry, path, is_light=number >= full)
        parsed.tensors.append(record)
        parsed.findings += findings
    return parsed


def _may_be_flax(source: Source) -> bool:
    """Whether the file begins with a map that has a text for its first key."""
    values, end = Values(source), source.size_bytes
    try:
        top = values.at(0, end)
        return top.form is Form.MAP and top.number > 0 and values.at(top.end, end).form is Form.TEXT
    except NotMsgpackError:
        return False


class _Tree:
    def __init__(self, source: Source) -> None:
        self.arrays: list[TensorEntry] = []
        self._source = source
        self._values = Values(source)
        self._end = source.size_bytes
        self._count = 0
        self._named = 0

    def walk(self) -> None:
        """Find all arrays; NotMsgpackError where the file is not one tree of them."""
        end = self._branch(0, "", 0)
        if end != self._end:
            left = self._end - end
            raise NotMsgpackError(f"{left} byte{'s follow' if left > 1 else ' follows'} the tree, at byte {end}")

    def _branch(self, position: int, name: str, depth: int) -> int:
        """Take what begins at `position`, and say where it ends."""
        value = self._next(position)
        if value.form not in (Form.MAP, Form.LIST):
            self._leaf(value, name)
            return value.end
        if depth > DEPTH_LIMIT:
            raise NotMsgpackError(f"the tree is more than {DEPTH_LIMIT} deep at byte {position}")
        names: set[str] = set()
        position = value.end
        for number in range(value.number):
            own = str(number)
            if value.form is Form.MAP:
                key = self._next(position)
                own, position = self._values.text(key, NAME_LIMIT_BYTES), key.end
                if own in names:
                    raise NotMsgpackError(f"{printable(own, 80)!r} stands twice in the map at byte {value.start}")
                names.add(own)
            whole = f"{name}.{own}" if name else own
            self._named += len(whole)
            if len(whole) > NAME_LIMIT_BYTES or self._named > NAMES_LIMIT_CHARACTERS:
                raise NotMsgpackError(f"the names up to byte {position} are too long")
            position = self._branch(position, whole, depth + 1)
        return position

    def _leaf(self, value: Value, name: str) -> None:
        if value.form is Form.EXTENSION and value.number in (_ARRAY, _SCALAR):
            self.arrays.append(self._array(value, name))
        elif value.form is Form.EXTENSION and value.number == _COMPLEX:
            self._pair(value)
        elif value.form in (Form.TEXT, Form.BYTES, Form.EXTENSION):
            kind = f"of type {value.number} " if value.form is Form.EXTENSION else ""
            message = f"{printable(name, 80)!r} is {value.form.value} {kind}at byte {value.start}, no array or number"
            raise NotMsgpackError(message)

    def _array(self, value: Value, name: str) -> TensorEntry:
        """An array is a list of three: its shape, its type, its bytes."""
        parts = self._next(value.start, value.end)
        if parts.form is not Form.LIST or parts.number != 3:
            raise NotMsgpackError(f"the array at byte {value.start} is no list of three")
        sizes = self._next(parts.end, value.end)
        if sizes.form is not Form.LIST or sizes.number > DIMENSIONS_LIMIT:
            raise NotMsgpackError(f"the array at byte {value.start} has no shape")
        shape, position = [], sizes.end
        for _ in range(sizes.number):
            size = self._next(position, value.end)
            if size.form is not Form.INTEGER or size.number < 0:
                raise NotMsgpackError(f"the array at byte {value.start} has no shape")
            shape.append(size.number)
            position = size.end
        dtype = self._next(position, value.end)
        found = _DTYPES.get(self._values.text(dtype, NAME_LIMIT_BYTES))
        if found is None:
            raise NotMsgpackError(f"the array at byte {value.start} holds something else than numbers")
        content = self._next(dtype.end, value.end)
        expected = math.prod(shape) * DTYPE_BITS[found] // 8
        if content.form is not Form.BYTES or content.end - content.start != expected or content.end != value.end:
            message = f"the array at byte {value.start} takes {expected} bytes by its shape, and does not have as many"
            raise NotMsgpackError(message)
        return TensorEntry(name, found, tuple(shape), content.start, content.end)

    def _pair(self, value: Value) -> None:
        parts = self._next(value.start, value.end)
        position = parts.end
        for _ in range(2):
            position = self._next(position, value.end).end
        if parts.form is not Form.LIST or parts.number != 2 or position != value.end:
            raise NotMsgpackError(f"the complex number at byte {value.start} is no list of two")

    def _next(self, position: int, end: int | None = None) -> Value:
        self._count += 1
        if self._count > VALUES_LIMIT:
            raise NotMsgpackError(f"the tree has more than {VALUES_LIMIT} values")
        return self._values.at(position, self._end if end is None else end)
