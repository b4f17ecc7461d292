"""The one pass over a safetensors file: hash of the file, digest and values of each tensor, structure first.

Owns the order in which bytes are walked. A file whose header is not sound is hashed to its end and its tensors are left
alone, because nobody can say which bytes are whose.
"""

from __future__ import annotations

from blake3 import blake3

from weights.findings import Finding
from weights.hashing import STEP_BYTES, HashingReader
from weights.report import TensorRecord
from weights.safetensors_header import LENGTH_BYTES, Header, TensorEntry, header_length, parse_header
from weights.tensor_values import TensorValues, values_of
from weights.value_checks import check_values


class TensorWalk:
    """Digest and values of one tensor, fed block by block."""

    def __init__(self, dtype: str) -> None:
        self._digest = blake3(dtype.encode("ascii") + b"\0")
        self._values: TensorValues = values_of(dtype)

    def update(self, block: memoryview) -> None:
        """Take the next block of whole elements."""
        self._digest.update(block)
        self._values.update(block)

    def finish(
        self, path: str, name: str, dtype: str, shape: tuple[int, ...], elements: int, start: int, size: int
    ) -> tuple[TensorRecord, list[Finding]]:
        """The tensor's record and what its values say against it."""
        found = self._values.summary()
        record = TensorRecord(
            name=name,
            dtype=dtype,
            shape=shape,
            elements=elements,
            size_bytes=size,
            digest=self._digest.hexdigest(),
            low=found.low,
            high=found.high,
            zeros=found.zeros,
            nans=found.nans,
            infinities=found.infinities,
        )
        return record, check_values(path, record, found, start)


def inspect_safetensors(reader: HashingReader, path: str) -> tuple[Header, list[TensorRecord]]:
    """Read the whole file from `reader`.

    The header's findings include those on values. CutShortError if it ends early.
    """
    first = reader.take(min(LENGTH_BYTES, reader.size_bytes))
    length = header_length(first, reader.size_bytes, path)
    if isinstance(length, Finding):
        reader.drain()
        return Header(findings=[length]), []
    header = parse_header(reader.take(length), reader.size_bytes, path)
    records: list[TensorRecord] = []
    if header.is_sound:
        position = 0
        while position < len(header.tensors):
            batch = _batch(header.tensors, position)
            for record, findings in _read(reader, batch, path):
                records.append(record)
                header.findings += findings
            position += len(batch)
    reader.drain()
    return header, records


def _batch(tensors: list[TensorEntry], position: int) -> list[TensorEntry]:
    """The tensors to read next: a large one, or as many small ones as fit into one step (there may be 70 000)."""
    end = position
    total = 0
    while end < len(tensors):
        total += tensors[end].end - tensors[end].start
        if total > STEP_BYTES:
            break
        end += 1
    return tensors[position : max(end, position + 1)]


def _read(reader: HashingReader, batch: list[TensorEntry], path: str) -> list[tuple[TensorRecord, list[Finding]]]:
    total = sum(tensor.end - tensor.start for tensor in batch)
    if total > STEP_BYTES:
        (tensor,) = batch
        walk = TensorWalk(tensor.dtype)
        left = total
        while left:
            size = min(STEP_BYTES, left)
            walk.update(reader.step(size))
            left -= size
        return [_finish(walk, tensor, path)]
    view = reader.step(total)
    results = []
    offset = 0
    for tensor in batch:
        size = tensor.end - tensor.start
        walk = TensorWalk(tensor.dtype)
        walk.update(view[offset : offset + size])
        offset += size
        results.append(_finish(walk, tensor, path))
    return results


def _finish(walk: TensorWalk, tensor: TensorEntry, path: str) -> tuple[TensorRecord, list[Finding]]:
    size = tensor.end - tensor.start
    return walk.finish(path, tensor.name, tensor.dtype, tensor.shape, tensor.elements, tensor.start, size)
