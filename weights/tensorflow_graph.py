"""TensorFlow's graphs: saved models, bare graphs, and what Keras adds to them.

Owns the list of operators that reach out of a graph. Values of variables lie in other files, which no parser here
reads. Nothing is loaded or run.
"""

from __future__ import annotations

import re

from weights.catalog.keras import TF_FORMAT, TF_OPERATOR
from weights.findings import Finding, printable
from weights.formats import Kind
from weights.keras_config import check_keras_text
from weights.protobuf import BYTES, VARINT, Field, NotProtobufError, fields, text_of
from weights.report import Parsed
from weights.sources import Source, read_at

NODES_LIMIT = 150_000
LISTED_LIMIT = 20
METADATA_LIMIT_BYTES = 4 << 20

# Operators that read, write, run Python, load code, or send values out of the process.
_OUTSIDE = re.compile(
    r"(Read|Write)File|(Whole)?FileReader(V2)?|MatchingFiles|(Eager|Stateless)?PyFunc(Stateless)?|"
    r"Save(Slices)?|Restore(Slice)?|.*DatasetReader.*|"
    r"(TextLine|TFRecord|FixedLengthRecord|SSTable|Csv|CSV|SQL|Sql|LMDB|Generator).*Dataset(V\d)?|.*(RecordReader|LineReader).*|"
    r"LoadDataset(V2)?|SaveDataset(V2)?|.*Debug.*|PrintV2|Print|.*Summary.*|DecodeImage.*|.*PyFunc.*|XlaLaunch|"
    r"InitializeTableFromTextFile(V2)?|.*Rpc.*|.*RPC.*|Send|Recv|_Send|_Recv|.*(IO|Io)Read.*|Load(Custom)?Op.*|"
    r"DataServiceDataset.*|Snapshot.*|CollectiveReduceToFile|GcsConfigure.*|RemoteCall|NcclAllReduce|Open.*Device.*"
)
# Every saved model keeps its variables through these, which run only when somebody saves or restores it.
_SAVER = frozenset({"SaveV2", "RestoreV2", "MergeV2Checkpoints"})
_OPERATOR = re.compile(r"_?[A-Z][A-Za-z0-9_]*(>[A-Z][A-Za-z0-9_]*)*")


def inspect_tensorflow(source: Source, top: list[Field], path: str) -> Parsed:
    """A saved model, a bare graph or Keras' metadata with the fields `top`; if none of them, the kind is UNKNOWN."""
    numbers = {(field.number, field.wire) for field in top}
    try:
        if top and numbers <= {(1, VARINT), (2, BYTES)} and (2, BYTES) in numbers:
            walk = _Walk(source)
            for field in top:
                if field.number == 2:
                    walk.meta(field)
        elif numbers <= {(1, BYTES), (2, BYTES), (3, VARINT), (4, BYTES)} and (1, BYTES) in numbers:
            if _is_keras_metadata(source, top):
                return _keras(source, top, path)
            walk = _Walk(source)
            walk.graph(top)
        else:
            return Parsed(Kind.UNKNOWN)
    except NotProtobufError:
        return Parsed(Kind.UNKNOWN)
    if not walk.operators:
        return Parsed(Kind.UNKNOWN)
    findings: list[Finding] = [TF_FORMAT.at(path, f"The file is a TensorFlow graph of {walk.nodes} operators.")]
    if walk.nodes > NODES_LIMIT:
        findings.append(TF_OPERATOR.at(path, f"The graph has more than {NODES_LIMIT} operators."))
    for name, offset in sorted(walk.operators.items()):
        if ">" in name or (_OUTSIDE.fullmatch(name) and name not in _SAVER):
            message = f"The graph has the operator {printable(name, 80)!r}."
            findings.append(TF_OPERATOR.at(path, message, offset=offset, evidence=name))
    return Parsed(Kind.TENSORFLOW, findings[:LISTED_LIMIT])


class _Walk:
    """Collects the operators of a graph, each with the place where it is first named."""

    def __init__(self, source: Source) -> None:
        self.operators: dict[str, int] = {}
        self.nodes = 0
        self._source = source

    def meta(self, field: Field) -> None:
        """One graph of a saved model."""
        for part in self._inside(field):
            if part.number == 2 and part.wire == BYTES:
                self.graph(list(self._inside(part)))

    def graph(self, parts: list[Field]) -> None:
        """The nodes of a graph and of its library of functions."""
        for part in parts:
            if part.number == 1 and part.wire == BYTES:
                self._node(part)
            elif part.number == 2 and part.wire == BYTES:
                for function in self._inside(part):
                    if function.number == 1 and function.wire == BYTES:
                        for inner in self._inside(function):
                            if inner.number == 3 and inner.wire == BYTES:
                                self._node(inner)

    def _inside(self, field: Field) -> list[Field]:
        found = []
        for part in fields(self._source, field.start, field.start + field.size):
            found.append(part)
            if len(found) > 4 * NODES_LIMIT:
                raise NotProtobufError("too many fields")
        return found

    def _node(self, node: Field) -> None:
        self.nodes += 1
        if self.nodes > NODES_LIMIT:
            return
        for part in fields(self._source, node.start, node.start + node.size):
            if part.number == 2 and part.wire == BYTES:
                name = text_of(self._source, part, 200)
                if not _OPERATOR.fullmatch(name):
                    raise NotProtobufError(f"no operator at byte {part.start}")
                self.operators.setdefault(name, part.start)
                return
        raise NotProtobufError(f"a node without operator at byte {node.start}")


def _is_keras_metadata(source: Source, top: list[Field]) -> bool:
    """Whether the first entry has a number where a graph's node has its operator, and a text behind it."""
    first = next(field for field in top if field.number == 1)
    parts = {part.number: part.wire for part in fields(source, first.start, first.start + first.size)}
    return parts.get(2) == VARINT and parts.get(5) == BYTES


def _keras(source: Source, top: list[Field], path: str) -> Parsed:
    findings: list[Finding] = [TF_FORMAT.at(path, "The file is Keras' part of a saved model.")]
    for field in top[:NODES_LIMIT]:
        for part in fields(source, field.start, field.start + field.size):
            if part.number == 5 and part.wire == BYTES and len(findings) < LISTED_LIMIT:
                content = read_at(source, part.start, min(part.size, METADATA_LIMIT_BYTES))
                findings += check_keras_text(content, path, f"byte {part.start}")
    return Parsed(Kind.TENSORFLOW, findings[:LISTED_LIMIT])
