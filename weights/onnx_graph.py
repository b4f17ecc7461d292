"""What an ONNX graph refers to outside of itself, and the values of the tensors it holds.

Owns the walk over nodes, initializers, functions and training graphs, at any depth. Nothing is loaded or run.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from weights.catalog.onnx import OX_COST, OX_OPERATOR, OX_PATH, OX_SIZE
from weights.findings import Finding, printable
from weights.names import check_path
from weights.onnx_form import Counter, check_form
from weights.protobuf import BYTES, VARINT, Field, NotProtobufError, fields, text_of
from weights.report import TensorRecord
from weights.safetensors_header import DTYPE_BITS, TensorEntry
from weights.sources import Source, read_at
from weights.tensor_walk import walk_placed

GRAPH_DEPTH = 16
FIELDS_LIMIT = 500_000
LISTED_LIMIT = 20

_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"})
_DTYPES = {1: "F32", 2: "U8", 3: "I8", 4: "U16", 5: "I16", 6: "I32", 7: "I64", 9: "BOOL", 10: "F16", 11: "F64"}
_DTYPES |= {12: "U32", 13: "U64", 16: "BF16", 17: "F8_E4M3", 18: "F8_E4M3FNUZ", 19: "F8_E5M2", 20: "F8_E5M2FNUZ"}
_RAW, _FLOATS, _DOUBLES = 9, 4, 10


class _TooMuchError(Exception):
    """The graph has more fields than are walked."""


def inspect_onnx(
    source: Source, top: list[Field], path: str
) -> tuple[list[Finding], list[TensorRecord], dict[str, int]]:
    """Findings, tensors, and the other files that the model takes data from, each with the bytes it must have."""
    walk = _Walk(source, path)
    counter = Counter(FIELDS_LIMIT)
    try:
        check_form(source, Field(0, BYTES, 0, 0, source.size_bytes), "Model", counter)
        if counter.left < 0:
            raise _TooMuchError
        for field in top:
            if field.wire != BYTES:
                continue
            if field.number == 7:
                walk.graph(field, 0)
            elif field.number == 20:
                walk.training(field)
            elif field.number == 25:
                walk.nodes(field, 7, 0)
    except NotProtobufError as error:
        walk.findings.append(OX_PATH.at(path, f"The graph is not well formed: {error}."))
    except _TooMuchError:
        walk.findings.append(OX_COST.at(path, f"The graph has more than {FIELDS_LIMIT} fields."))
    findings = walk.findings[:LISTED_LIMIT]
    return findings, walk.tensors, walk.external


class _Walk:
    def __init__(self, source: Source, path: str) -> None:
        self.findings: list[Finding] = []
        self.tensors: list[TensorRecord] = []
        self.external: dict[str, int] = {}
        self._source = source
        self._path = path
        self._fields = 0
        self._domains: set[str] = set()

    def graph(self, graph: Field, depth: int) -> None:
        """Nodes, initializers and sparse initializers of one graph, and the graphs inside its nodes."""
        if depth > GRAPH_DEPTH:
            raise NotProtobufError("graphs are nested too deeply")
        for field in self._inside(graph):
            if field.wire != BYTES:
                continue
            if field.number == 1:
                self._node(field, depth)
            elif field.number == 5:
                self._tensor(field)
            elif field.number == 15:
                self._sparse(field)

    def training(self, training: Field) -> None:
        """The two graphs that are run for training."""
        for field in self._inside(training):
            if field.wire == BYTES and field.number in (1, 2):
                self.graph(field, 1)

    def nodes(self, parent: Field, number: int, depth: int) -> None:
        """The nodes that `parent` holds as its field `number`."""
        for field in self._inside(parent):
            if field.number == number and field.wire == BYTES:
                self._node(field, depth)

    def _inside(self, field: Field) -> Iterator[Field]:
        for part in fields(self._source, field.start, field.start + field.size):
            self._fields += 1
            if self._fields > FIELDS_LIMIT:
                raise _TooMuchError
            yield part

    def _node(self, node: Field, depth: int) -> None:
        for field in self._inside(node):
            if field.number == 7 and field.wire == BYTES:
                domain = text_of(self._source, field)
                if domain not in _DOMAINS and domain not in self._domains:
                    self._domains.add(domain)
                    message = f"The graph uses operators of {printable(domain, 80)!r}."
                    self.findings.append(OX_OPERATOR.at(self._path, message, offset=field.start))
            elif field.number == 5 and field.wire == BYTES:
                self._attribute(field, depth)

    def _attribute(self, attribute: Field, depth: int) -> None:
        for field in self._inside(attribute):
            if field.wire != BYTES:
                continue
            if field.number in (5, 10):
                self._tensor(field)
            elif field.number in (6, 11):
                self.graph(field, depth + 1)
            elif field.number in (22, 23):
                self._sparse(field)

    def _sparse(self, sparse: Field) -> None:
        for field in self._inside(sparse):
            if field.wire == BYTES and field.number in (1, 2):
                self._tensor(field)

    def _tensor(self, tensor: Field) -> None:
        shape: list[int] = []
        kind, name = 0, ""
        values: Field | None = None
        outside: dict[str, str] = {}
        for field in self._inside(tensor):
            if field.number == 1:
                shape += [field.value] if field.wire == VARINT else self._packed(field)
            elif field.number == 2 and field.wire == VARINT:
                kind = field.value
            elif field.number == 8 and field.wire == BYTES:
                name = text_of(self._source, field)
            elif field.number in (_RAW, _FLOATS, _DOUBLES) and field.wire == BYTES:
                values = field
            elif field.number == 13 and field.wire == BYTES:
                self._entry(field, outside)
        if outside:
            self._external(outside, tensor.start)
        elif values is not None:
            self._values(name, kind, tuple(shape), values)

    def _packed(self, field: Field) -> list[int]:
        """Numbers one after the other, at most as many as a tensor has dimensions."""
        raw = read_at(self._source, field.start, min(field.size, 640))
        numbers, value, shift = [], 0, 0
        for byte in raw:
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                numbers.append(value)
                value, shift = 0, 0
        return numbers

    def _entry(self, field: Field, outside: dict[str, str]) -> None:
        """One key with its value of where a tensor's data lies; a second place for one tensor is a finding."""
        entry = {part.number: text_of(self._source, part) for part in self._inside(field) if part.wire == BYTES}
        key, value = entry.get(1, ""), entry.get(2, "")
        if key in outside:
            self.findings.append(OX_PATH.at(self._path, f"A tensor has two values for {key!r}.", offset=field.start))
        outside[key] = value
        if key == "location" and value not in self.external:
            self.external[value] = 0
            trouble = check_path(value)
            if trouble is not None:
                message = f"The graph takes data from {value!r}. {trouble.message}"
                self.findings.append(OX_PATH.at(self._path, message, offset=field.start))

    def _external(self, outside: dict[str, str], place: int) -> None:
        location = outside.get("location")
        try:
            numbers = [int(outside.get(key) or 0) for key in ("offset", "length")]
        except ValueError:
            numbers = [-1]
        if location is None:
            return
        if min(numbers) < 0:
            self.findings.append(OX_PATH.at(self._path, "A tensor's place in another file is no place.", offset=place))
        else:
            self.external[location] = max(self.external[location], sum(numbers))

    def _values(self, name: str, kind: int, shape: tuple[int, ...], field: Field) -> None:
        dtype = {_FLOATS: "F32", _DOUBLES: "F64"}.get(field.number) or _DTYPES.get(kind)
        if dtype is None or len(shape) > 64 or field.size == 0:
            return
        expected = math.prod(shape) * DTYPE_BITS[dtype] // 8
        if expected != field.size:
            message = f"Shape {shape[:8]} of {dtype} takes {expected} bytes, the tensor has {field.size}."
            self.findings.append(OX_SIZE.at(self._path, message, tensor=name, offset=field.start))
            return
        end = field.start + field.size
        tensor = TensorEntry(name, dtype, shape, field.start, end)
        record, findings = walk_placed(self._source, tensor, self._path)
        self.tensors.append(record)
        self.findings += findings
