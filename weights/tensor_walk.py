"""One pass over the tensors of a file: digest and values of each, whatever the format.

Owns the order in which bytes are walked: a step never cuts an element in two, and many small tensors share one step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
from blake3 import blake3

from weights.equal_tensors import PLAIN, summarize
from weights.findings import Finding
from weights.fingerprints import Sampler, light_fingerprints, sampler_for
from weights.hashing import STEP_BYTES, HashingReader
from weights.packings import Packing
from weights.report import TensorRecord
from weights.safetensors_header import TensorEntry
from weights.tensor_values import TensorValues, unit_bytes, values_of
from weights.value_checks import check_values

SAMPLES_LIMIT = 1024  # tensors of one file that get a full fingerprint; a mixture of experts has tens of thousands,
SAMPLES_OF_MANY = 256  # and in a file with more than those so many do
# Whoever looks at many small tensors lets go of the interpreter for some microseconds at every one of them, and two who
# do so at once wait for each other most of the time. One of them hashes meanwhile.
_SMALL = threading.Lock()


class TensorWalk:
    """Digest and values of one tensor, fed block by block."""

    def __init__(
        self,
        tensor: TensorEntry,
        packing: Packing | None = None,
        *,
        is_light: bool = False,
        taken: tuple[str | None] | None = None,
    ) -> None:
        """`taken` has the fingerprint where it was taken of many tensors at once."""
        self._tensor = tensor
        self._digest = blake3(key=_key(tensor.dtype))
        self._values: TensorValues = values_of(tensor.dtype)
        self._taken = taken
        self._sampler: Sampler | None = None
        if taken is None:
            self._sampler = sampler_for(tensor.dtype, tensor.shape, tensor.elements, packing, is_light=is_light)

    def update(self, block: memoryview) -> None:
        """Take the next block of whole elements."""
        self._digest.update(block)
        self._values.update(block)
        if self._sampler is not None:
            self._sampler.update(block)

    def finish(self, path: str) -> tuple[TensorRecord, list[Finding]]:
        """The tensor's record and what its values say against it."""
        found = self._values.summary()
        tensor = self._tensor
        record = TensorRecord(
            name=tensor.name,
            dtype=tensor.dtype,
            shape=tensor.shape,
            elements=tensor.elements,
            size_bytes=tensor.end - tensor.start,
            digest=self._digest.hexdigest(),
            low=found.low,
            high=found.high,
            zeros=found.zeros,
            nans=found.nans,
            infinities=found.infinities,
            sample=self._fingerprint(),
            zero_run=found.zero_run,
            mean=found.mean,
            rms=found.rms,
        )
        return record, check_values(path, record, found, tensor.start)

    def _fingerprint(self) -> str | None:
        if self._taken is not None:
            return self._taken[0]
        return None if self._sampler is None else self._sampler.finish()


def walk_tensors(
    reader: HashingReader, tensors: Sequence[TensorEntry], path: str, packings: Mapping[str, Packing] | None = None
) -> Iterator[tuple[TensorRecord, list[Finding]]]:
    """Read `tensors`, which lie one right behind the other from the reader's position on; CutShortError if it ends."""
    position = 0
    full = full_fingerprints(len(tensors))
    while position < len(tensors):
        batch = _batch(tensors, position)
        yield from _read(reader, batch, path, packings or {}, is_light=position >= full)
        position += len(batch)


def full_fingerprints(count: int) -> int:
    """How many tensors at the beginning of a file with `count` get a full fingerprint."""
    return count if count <= SAMPLES_LIMIT else SAMPLES_OF_MANY


@cache
def _key(dtype: str) -> bytes:
    """The key of digests of this type; with the type before the bytes, they would lie askew and take twice as long."""
    return blake3(dtype.encode("ascii")).digest()


def _batch(tensors: Sequence[TensorEntry], position: int) -> Sequence[TensorEntry]:
    """The tensors to read next: a large one, or as many small ones as fit into one step (there may be 70 000)."""
    end = position
    total = 0
    while end < len(tensors):
        total += tensors[end].end - tensors[end].start
        if total > STEP_BYTES:
            break
        end += 1
    return tensors[position : max(end, position + 1)]


def _read(
    reader: HashingReader,
    batch: Sequence[TensorEntry],
    path: str,
    packings: Mapping[str, Packing],
    *,
    is_light: bool,
) -> list[tuple[TensorRecord, list[Finding]]]:
    total = sum(tensor.end - tensor.start for tensor in batch)
    if total > STEP_BYTES:
        (tensor,) = batch
        walk = TensorWalk(tensor, packings.get(tensor.name), is_light=is_light)
        step = STEP_BYTES - STEP_BYTES % unit_bytes(tensor.dtype)
        left = total
        while left:
            size = min(step, left)
            walk.update(reader.step(size))
            left -= size
        return [walk.finish(path)]
    view = reader.step(total)
    if len(batch) == 1:
        return _read_small(batch, view, path, packings, is_light=is_light)
    with _SMALL:
        return _read_small(batch, view, path, packings, is_light=is_light)


def _read_small(
    batch: Sequence[TensorEntry],
    view: memoryview,
    path: str,
    packings: Mapping[str, Packing],
    *,
    is_light: bool,
) -> list[tuple[TensorRecord, list[Finding]]]:
    """What is to be said of tensors that share one step."""
    results: list[tuple[TensorRecord, list[Finding]]] = []
    place = 0
    while place < len(batch):
        run = _run(batch, place)
        start = run[0].start - batch[0].start
        content = view[start : run[-1].end - batch[0].start]
        if len(run) > 1 and is_light and run[0].dtype in PLAIN and not any(tensor.name in packings for tensor in run):
            results += _read_equal(run, content, path)
        else:
            for tensor in run:
                walk = TensorWalk(tensor, packings.get(tensor.name), is_light=is_light)
                walk.update(view[tensor.start - batch[0].start : tensor.end - batch[0].start])
                results.append(walk.finish(path))
        place += len(run)
    return results


def _run(batch: Sequence[TensorEntry], place: int) -> Sequence[TensorEntry]:
    """The tensors from `place` on that have one type and shape."""
    end = place + 1
    dtype, shape = batch[place].dtype, batch[place].shape
    while end < len(batch) and batch[end].shape == shape and batch[end].dtype == dtype:
        end += 1
    return batch[place:end] if batch[place].end > batch[place].start else batch[place : place + 1]


def _read_equal(
    run: Sequence[TensorEntry], content: memoryview, path: str
) -> Iterator[tuple[TensorRecord, list[Finding]]]:
    """Records of tensors of one type and shape, the values and fingerprints of all at once."""
    first = run[0]
    dtype, shape, elements, size = first.dtype, first.shape, first.elements, first.end - first.start
    table = np.frombuffer(content, dtype=np.uint8).reshape(len(run), size)
    summaries, samples = summarize(dtype, table), light_fingerprints(dtype, shape, table)
    key = _key(dtype)
    for place, (tensor, found) in enumerate(zip(run, summaries, strict=True)):
        piece = content[place * size : (place + 1) * size]
        if found is None:
            walk = TensorWalk(tensor, is_light=True, taken=(samples[place],))
            walk.update(piece)
            yield walk.finish(path)
            continue
        record = TensorRecord(
            tensor.name,
            dtype,
            shape,
            elements,
            size,
            blake3(piece, key=key).hexdigest(),
            found.low,
            found.high,
            found.zeros,
            sample=samples[place],
            mean=found.mean,
            rms=found.rms,
        )
        yield record, check_values(path, record, found, tensor.start)
