"""From a file's first bytes to its parser, and what the kind alone says of it.

Owns the choice of a parser by content, and the finding for what nobody can parse. The same way is taken for a file, for
a member of an archive and for what a compressed file unpacks to; only the first is on disk.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from weights.catalog.files import FM_EXECUTABLE, FM_MISNAMED, FM_TEXT_SIZE, FM_UNINSPECTED, FM_UNKNOWN
from weights.documents import check_empty, inspect_text
from weights.findings import Finding
from weights.flax_file import inspect_flax
from weights.formats import TEXT_LIMIT_BYTES, Kind, promised, recognize
from weights.gguf_file import inspect_gguf
from weights.hashing import HashingReader
from weights.hdf5_file import inspect_hdf5
from weights.imatrix_file import inspect_imatrix
from weights.leftovers import check_metadata
from weights.media import check_archive, check_tail
from weights.numpy_file import inspect_numpy
from weights.pickle_file import inspect_pickle
from weights.pickle_walk import looks_like_pickle
from weights.protobuf_files import inspect_protobuf
from weights.report import Parsed
from weights.safetensors_file import inspect_safetensors
from weights.sources import read_at
from weights.wrapped import inspect_compressed, inspect_tar
from weights.zip_file import inspect_zip

GUESSED_BYTES = 1 << 20

_PARSERS: Mapping[str, Callable[[HashingReader, str], Parsed]] = {
    Kind.SAFETENSORS: inspect_safetensors,
    Kind.GGUF: inspect_gguf,
    Kind.PICKLE: inspect_pickle,
    Kind.ZIP: inspect_zip,
    Kind.NUMPY: inspect_numpy,
    Kind.HDF5: inspect_hdf5,
    Kind.TAR: inspect_tar,
    Kind.COMPRESSED: inspect_compressed,
}
# Whose last tensor may hold anything; what is unknown may be the data of a graph.
_COVERED = frozenset({Kind.SAFETENSORS, Kind.GGUF, Kind.NUMPY, Kind.FLAX, Kind.IMATRIX, Kind.UNKNOWN})
_TEXTUAL = frozenset({Kind.TEXT, Kind.PAGE, Kind.POINTER})
_INSPECTED = (
    _TEXTUAL
    | _PARSERS.keys()
    | {Kind.JSON, Kind.MEDIA, Kind.SENTENCEPIECE, Kind.ONNX, Kind.TENSORFLOW, Kind.FLAX, Kind.IMATRIX}
)


def parse(reader: HashingReader, head: bytes, path: str) -> Parsed:
    """Parse the file that begins with `head` as what it is; its findings, and those of its kind and name."""
    kind = recognize(head, reader.size_bytes, path)
    if kind is Kind.UNKNOWN and looks_like_pickle(read_at(reader.source, 0, min(reader.size_bytes, GUESSED_BYTES))):
        kind = Kind.PICKLE  # of the oldest protocol, which has no mark
    if kind is Kind.EMPTY:
        return Parsed(kind, check_empty(path))
    if kind in _TEXTUAL:
        if reader.size_bytes > TEXT_LIMIT_BYTES:
            return Parsed(kind, [FM_TEXT_SIZE.at(path, f"The file has {reader.size_bytes} bytes.")])
        parsed = inspect_text(reader.take(reader.size_bytes), path, kind)
    elif kind is Kind.MEDIA:
        parsed = Parsed(kind, check_tail(reader.source, head, path))
    elif kind in _PARSERS:
        parsed = _PARSERS[kind](reader, path)
    else:
        parsed = Parsed(kind)
    for inspect in (inspect_flax, inspect_protobuf, inspect_imatrix):  # which have no mark, either
        if parsed.kind == Kind.UNKNOWN:
            parsed = inspect(reader, path)
    if parsed.kind in _COVERED:
        parsed.findings += check_archive(reader.source, path)
    if isinstance(parsed.content, dict) and "metadata" in parsed.content:
        parsed.findings += check_metadata(parsed.content["metadata"], path)
    return Parsed(parsed.kind, parsed.findings + _about_the_kind(parsed, path), parsed.tensors, parsed.content)


def _about_the_kind(parsed: Parsed, path: str) -> list[Finding]:
    """What the kind alone says: unknown, not inspected, or not what the name promises."""
    kind = Kind(parsed.kind)
    findings = []
    expected = promised(path)
    if kind not in _TEXTUAL and kind is not Kind.UNKNOWN and expected is not None and kind not in expected:
        findings.append(FM_MISNAMED.at(path, f"The file is called {path!r} and holds {kind}."))
    if kind is Kind.UNKNOWN:
        findings.append(FM_UNKNOWN.at(path, "The content is in no format that is known here."))
    elif kind is Kind.EXECUTABLE:
        findings.append(FM_EXECUTABLE.at(path, "The file is machine code or byte code."))
    elif kind not in _INSPECTED:
        findings.append(FM_UNINSPECTED.at(path, f"The content of {kind} files is not inspected."))
    return findings
