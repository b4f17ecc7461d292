"""Files in protocol buffers: SentencePiece tokenizers, ONNX and TensorFlow graphs.

Owns which messages are one or another. What a graph may do is known to `onnx_graph` and `tensorflow_graph`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from weights.catalog.onnx import OX_DATA, OX_FORMAT, OX_MISSING
from weights.findings import Finding
from weights.formats import Kind, suffix_of
from weights.hashing import HashingReader
from weights.onnx_graph import LISTED_LIMIT, inspect_onnx
from weights.protobuf import BYTES, FIXED32, VARINT, Field, NotProtobufError, fields
from weights.report import FileReport, Parsed
from weights.sources import Source
from weights.tensorflow_graph import inspect_tensorflow
from weights.vocabularies import summarize_pieces

FIELDS_LIMIT = 600_000  # at the top; a large vocabulary has 300 000 pieces

_MAIN_VOCABULARIES = frozenset({"tokenizer.model", "spiece.model"})
_SENTENCEPIECE_FIELDS = frozenset({1, 2, 3, 4, 5})
_PIECE_WIRES = {1: BYTES, 2: FIXED32, 3: VARINT}
_MODEL_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})


def inspect_protobuf(reader: HashingReader, path: str) -> Parsed:
    """A SentencePiece tokenizer, an ONNX model, a TensorFlow graph, or neither: then the kind is UNKNOWN."""
    source = reader.source
    try:
        top = []
        for field in fields(source, 0, source.size_bytes):
            top.append(field)
            if field.number >= 32 or len(top) > FIELDS_LIMIT:
                return Parsed(Kind.UNKNOWN)
    except NotProtobufError:
        return Parsed(Kind.UNKNOWN)
    if pieces := _sentencepieces(source, top):
        # Under another name it may be one of two languages', which share no ids with the embedding.
        is_main = PurePosixPath(path).name in _MAIN_VOCABULARIES
        return Parsed(Kind.SENTENCEPIECE, content=summarize_pieces(pieces) if is_main else None)
    graphs = [field for field in top if field.number == 7 and field.wire == BYTES]
    starts_with_version = bool(top) and top[0].number == 1 and top[0].wire == VARINT
    if not starts_with_version or len(graphs) != 1 or not {field.number for field in top} <= _MODEL_FIELDS:
        return inspect_tensorflow(source, top, path)
    findings, tensors, external = inspect_onnx(source, top, path)
    findings = [OX_FORMAT.at(path, "The file is an ONNX model."), *findings]
    return Parsed(Kind.ONNX, findings, tensors, content={"external": external})


def check_external_data(files: Sequence[FileReport]) -> list[Finding]:
    """Whether every data file that an ONNX or OpenVINO model names is beside it, and large enough."""
    by_path = {file.path: file for file in files}
    findings = []
    for file, path, size in _external(files):
        held = by_path.get(path)
        if held is None:
            findings.append(OX_MISSING.at(file.path, f"The file {path!r} is missing."))
        elif held.size_bytes < size:
            message = f"The file {path!r} has {held.size_bytes} bytes; the graph takes {size} from it."
            findings.append(OX_MISSING.at(file.path, message))
        elif held.kind == Kind.UNKNOWN:
            findings.append(OX_DATA.at(path, f"The data of {file.path!r}."))
    return findings[: 10 * LISTED_LIMIT]


def explained_data(files: Sequence[FileReport]) -> set[str]:
    """Paths of files in no format of their own, whose bytes an ONNX or OpenVINO model lays out."""
    return {path for _, path, _ in _external(files)}


def _external(files: Sequence[FileReport]) -> Iterator[tuple[FileReport, str, int]]:
    for file in files:
        is_graph = file.kind == Kind.ONNX or (file.kind == Kind.TEXT and suffix_of(file.path) == ".xml")
        if is_graph and isinstance(file.content, dict):
            for name, size in file.content.get("external", {}).items():
                yield file, str(PurePosixPath(file.path).parent / name), size


def _sentencepieces(source: Source, top: list[Field]) -> int:
    """How many pieces a SentencePiece model has; 0 where a field is none of its five parts: then it is no such model.

    Each piece is a text, a score and a type; the first hundred are looked at.
    """
    pieces = 0
    for field in top:
        if field.number not in _SENTENCEPIECE_FIELDS or field.wire != BYTES:
            return 0
        if field.number == 1:
            pieces += 1
            if pieces <= 100 and not _is_piece(source, field):
                return 0
    return pieces


def _is_piece(source: Source, field: Field) -> bool:
    try:
        parts = {part.number: part.wire for part in fields(source, field.start, field.start + field.size)}
    except NotProtobufError:
        return False
    return parts.get(1) == BYTES and all(_PIECE_WIRES.get(number) == wire for number, wire in parts.items())
