"""Files in protocol buffers: SentencePiece tokenizers and ONNX graphs.

Owns which messages are one or the other, and what an ONNX graph may refer to. Nothing is loaded or run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from weights.catalog.onnx import OX_FORMAT, OX_MISSING, OX_OPERATOR, OX_PATH
from weights.findings import Finding
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.names import check_path
from weights.protobuf import BYTES, VARINT, Field, NotProtobufError, fields, text_of
from weights.report import FileReport, Parsed
from weights.sources import Source

GRAPH_DEPTH = 16
NODES_LIMIT = 5_000_000
LISTED_LIMIT = 20

_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "ai.onnx.training", "ai.onnx.preview.training", "com.microsoft"})
_SENTENCEPIECE_FIELDS = frozenset({1, 2, 3, 4, 5})
_MODEL_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})


def inspect_protobuf(reader: HashingReader, path: str) -> Parsed:
    """A SentencePiece tokenizer, an ONNX model, or neither: then the kind is UNKNOWN."""
    source = reader.source
    if _is_sentencepiece(source):
        return Parsed(Kind.SENTENCEPIECE)
    try:
        model = list(fields(source, 0, source.size_bytes))
    except NotProtobufError:
        return Parsed(Kind.UNKNOWN)
    graphs = [field for field in model if field.number == 7 and field.wire == BYTES]
    starts_with_version = bool(model) and model[0].number == 1 and model[0].wire == VARINT
    if not starts_with_version or len(graphs) != 1 or not {field.number for field in model} <= _MODEL_FIELDS:
        return Parsed(Kind.UNKNOWN)
    walk = _OnnxWalk(source, path)
    try:
        walk.graph(graphs[0], 0)
        for function in (field for field in model if field.number == 25):
            walk.nodes(function, 7, 0)
    except NotProtobufError as error:
        walk.findings.append(OX_PATH.at(path, f"The graph is not well formed: {error}."))
    findings = [OX_FORMAT.at(path, "The file is an ONNX model."), *walk.findings[:LISTED_LIMIT]]
    return Parsed(Kind.ONNX, findings, content={"external": sorted(walk.external)})


def check_external_data(files: Sequence[FileReport]) -> list[Finding]:
    """Whether every data file that an ONNX model names is beside it."""
    paths = {file.path for file in files}
    findings = []
    for file in files:
        if file.kind == Kind.ONNX and isinstance(file.content, dict):
            beside = PurePosixPath(file.path).parent
            missing = [name for name in file.content["external"] if str(beside / name) not in paths]
            findings += [OX_MISSING.at(file.path, f"The file {name!r} is missing.") for name in missing[:LISTED_LIMIT]]
    return findings


def _is_sentencepiece(source: Source) -> bool:
    """Every field is one of the five parts, and every piece has a text."""
    pieces = 0
    try:
        for field in fields(source, 0, source.size_bytes):
            if field.number not in _SENTENCEPIECE_FIELDS or field.wire != BYTES:
                return False
            if field.number == 1:
                pieces += 1
                if pieces <= 100 and not any(
                    part.number == 1 and part.wire == BYTES for part in _inside(source, field)
                ):
                    return False
    except NotProtobufError:
        return False
    return pieces > 0


def _inside(source: Source, field: Field) -> Iterator[Field]:
    return fields(source, field.start, field.start + field.size)


class _OnnxWalk:
    """Collects what a graph refers to outside of itself."""

    def __init__(self, source: Source, path: str) -> None:
        self.findings: list[Finding] = []
        self.external: set[str] = set()
        self._source = source
        self._path = path
        self._nodes = 0
        self._domains: set[str] = set()

    def graph(self, graph: Field, depth: int) -> None:
        """Nodes, initializers and sparse initializers of one graph, and the graphs inside its nodes."""
        if depth > GRAPH_DEPTH:
            raise NotProtobufError("graphs are nested too deeply")
        self.nodes(graph, 1, depth)
        for field in _inside(self._source, graph):
            if field.number == 5 and field.wire == BYTES:
                self._tensor(field)

    def nodes(self, parent: Field, number: int, depth: int) -> None:
        """The nodes that `parent` holds as its field `number`."""
        for field in _inside(self._source, parent):
            if field.number == number and field.wire == BYTES:
                self._node(field, depth)

    def _node(self, node: Field, depth: int) -> None:
        self._nodes += 1
        if self._nodes > NODES_LIMIT:
            raise NotProtobufError("the graph has too many nodes")
        for field in _inside(self._source, node):
            if field.number == 7 and field.wire == BYTES:
                domain = text_of(self._source, field)
                if domain not in _DOMAINS and domain not in self._domains:
                    self._domains.add(domain)
                    message = f"The graph uses operators of {domain!r}."
                    self.findings.append(OX_OPERATOR.at(self._path, message, offset=field.start))
            elif field.number == 5 and field.wire == BYTES:
                self._attribute(field, depth)

    def _attribute(self, attribute: Field, depth: int) -> None:
        for field in _inside(self._source, attribute):
            if field.wire == BYTES and field.number in (5, 10):
                self._tensor(field)
            elif field.wire == BYTES and field.number in (6, 11):
                self.graph(field, depth + 1)

    def _tensor(self, tensor: Field) -> None:
        for field in _inside(self._source, tensor):
            if field.number != 13 or field.wire != BYTES:
                continue
            entry = {
                part.number: text_of(self._source, part) for part in _inside(self._source, field) if part.wire == BYTES
            }
            location = entry.get(2, "")
            if entry.get(1) == "location" and location not in self.external:
                self.external.add(location)
                trouble = check_path(location)
                if trouble is not None:
                    message = f"The graph takes data from {location!r}. {trouble.message}"
                    self.findings.append(OX_PATH.at(self._path, message, offset=field.start))
