"""HDF5 files, as Keras writes them: structure, configuration, then the arrays' values."""

from __future__ import annotations

import math

from weights.catalog.keras import H5_FORM, H5_LINK, KR_FORMAT
from weights.findings import Finding
from weights.formats import Kind
from weights.hashing import HashingReader
from weights.hdf5_types import FaultError, OutsideError
from weights.hdf5_walk import Dataset, walk_hdf5
from weights.keras_config import check_keras_text
from weights.report import Parsed, TensorRecord
from weights.safetensors_header import TensorEntry
from weights.sources import Source
from weights.tensor_walk import walk_placed

_INTEGER, _FLOAT = 0, 1
_DTYPES = {
    (_INTEGER, 1, True): "I8", (_INTEGER, 2, True): "I16", (_INTEGER, 4, True): "I32", (_INTEGER, 8, True): "I64",
    (_INTEGER, 1, False): "U8", (_INTEGER, 2, False): "U16", (_INTEGER, 4, False): "U32", (_INTEGER, 8, False): "U64",
}  # fmt: skip
_FLOATS = {2: "F16", 4: "F32", 8: "F64"}
_CONFIGURATIONS = ("@model_config", "@training_config", "@config", "@optimizer_config")


def inspect_hdf5(reader: HashingReader, path: str) -> Parsed:
    """Check one file; its datasets are read by position, a second time after hashing."""
    source = reader.source
    try:
        contents = walk_hdf5(source)
    except OutsideError as error:
        return Parsed(Kind.HDF5, [H5_LINK.at(path, f"In the file, {error}.", offset=error.offset)])
    except FaultError as error:
        return Parsed(Kind.HDF5, [H5_FORM.at(path, f"In the file, {error}.", offset=error.offset)])
    parsed = Parsed(Kind.HDF5, [KR_FORMAT.at(path, f"The file holds {len(contents.datasets)} arrays.")])
    for place, text in contents.texts.items():
        if place.endswith(_CONFIGURATIONS) or text[:1] == b"{":
            parsed.findings += check_keras_text(text, path, place)
    spans: list[tuple[int, int, str]] = []
    for dataset in contents.datasets:
        record, findings = _inspect(source, dataset, path)
        parsed.findings += findings
        spans.append((dataset.start, dataset.start + dataset.size, dataset.name))
        if record is not None:
            parsed.tensors.append(record)
    return Parsed(Kind.HDF5, parsed.findings + _overlaps(spans, path), parsed.tensors)


def _inspect(source: Source, dataset: Dataset, path: str) -> tuple[TensorRecord | None, list[Finding]]:
    datatype = dataset.datatype
    name = dataset.name.removeprefix("/")
    if datatype.kind == _FLOAT:
        dtype = _FLOATS.get(datatype.width)
    else:
        dtype = _DTYPES.get((datatype.kind, datatype.width, datatype.is_signed))
    if datatype.is_text:
        return None, []
    if dtype is None:
        return None, [H5_FORM.at(path, "The array holds something else than numbers.", tensor=name)]
    expected = math.prod(dataset.shape) * datatype.width
    if expected and dataset.size == 0:
        return None, []  # never written: readers see the fill value
    if expected != dataset.size or dataset.start + dataset.size > source.size_bytes:
        message = f"Shape {dataset.shape[:8]} takes {expected} bytes; the file has {dataset.size} for it."
        return None, [H5_FORM.at(path, message, tensor=name, offset=dataset.start)]
    # Numbers in the other byte order are walked as plain bytes.
    kept = "U8" if datatype.is_swapped else dtype
    tensor = TensorEntry(name, kept, dataset.shape, dataset.start, dataset.start + dataset.size)
    return walk_placed(source, tensor, path)


def _overlaps(spans: list[tuple[int, int, str]], path: str) -> list[Finding]:
    """Arrays that share bytes: a small file can so claim to be huge."""
    end = 0
    for start, stop, name in sorted(span for span in spans if span[1] > span[0]):
        if start < end:
            return [H5_FORM.at(path, "The array shares bytes with another.", tensor=name, offset=start)]
        end = stop
    return []
