"""One pass over the tensors of a file: digest and values of each, whatever the format.

Owns the order in which bytes are walked: a step never cuts an element in two, and many small tensors share one step.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import numpy as np
from blake3 import blake3

from weights.equal_tensors import PLAIN, EqualTensors
from weights.findings import Finding
from weights.fingerprints import row_length, sampler_for
from weights.hashing import STEP_BYTES, HashingReader
from weights.packings import Packing
from weights.report import TensorRecord
from weights.safetensors_header import TensorEntry
from weights.tensor_values import TensorValues, ValueSummary, unit_bytes, values_of
from weights.value_checks import ABSURD_HIGH, ABSURD_LOW, check_values

SAMPLES_LIMIT = 1024  # tensors of one file that get a full fingerprint; a mixture of experts has tens of thousands,
SAMPLES_OF_MANY = 256  # and in a file with more than those so many do
WAITING_LIMIT = 512  # small tensors that are judged together
# Whoever looks at many small tensors lets go of the interpreter for some microseconds at every one of them, and two who
# do so at once wait for each other most of the time. One of them hashes meanwhile.
_SMALL = threading.Lock()

Walked = tuple[TensorRecord, list[Finding]]


class TensorWalk:
    """Digest and values of one tensor, fed block by block."""

    def __init__(self, tensor: TensorEntry, packing: Packing | None = None, *, is_light: bool = False) -> None:
        self._tensor = tensor
        self._digest = blake3(key=_key(tensor.dtype))
        self._values: TensorValues = values_of(tensor.dtype)
        self._sampler = sampler_for(tensor.dtype, tensor.shape, tensor.elements, packing, is_light=is_light)

    def update(self, block: memoryview) -> None:
        """Take the next block of whole elements."""
        self._digest.update(block)
        self._values.update(block)
        if self._sampler is not None:
            self._sampler.update(block)

    def finish(self, path: str) -> Walked:
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
            sample=None if self._sampler is None else self._sampler.finish(),
            zero_run=found.zero_run,
            mean=found.mean,
            rms=found.rms,
        )
        return record, check_values(path, record, found, tensor.start)


def walk_tensors(
    reader: HashingReader, tensors: Sequence[TensorEntry], path: str, packings: Mapping[str, Packing] | None = None
) -> Iterator[Walked]:
    """Read `tensors`, which lie one right behind the other from the reader's position on; CutShortError if it ends."""
    position = 0
    full = full_fingerprints(len(tensors))
    small = _SmallTensors(path, keeps_fingerprints=reader.keeps_fingerprints)
    while position < len(tensors):
        batch = _batch(tensors, position)
        total = batch[-1].end - batch[0].start
        if total > STEP_BYTES:
            yield from small.finish()
            yield _read_large(reader, batch[0], path, packings or {}, is_light=position >= full)
        else:
            view = reader.step(total)
            with _SMALL:
                small.take(batch, view, packings or {}, is_light=position >= full)
        if len(small) >= WAITING_LIMIT:
            yield from small.finish()
        position += len(batch)
    yield from small.finish()


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


def _read_large(
    reader: HashingReader, tensor: TensorEntry, path: str, packings: Mapping[str, Packing], *, is_light: bool
) -> Walked:
    walk = TensorWalk(tensor, packings.get(tensor.name), is_light=is_light)
    step = STEP_BYTES - STEP_BYTES % unit_bytes(tensor.dtype)
    left = tensor.end - tensor.start
    while left:
        size = min(step, left)
        walk.update(reader.step(size))
        left -= size
    return walk.finish(path)


class _SmallTensors:
    """Tensors of which many share a step: read in their order, said in their order, and mostly judged together."""

    def __init__(self, path: str, *, keeps_fingerprints: bool) -> None:
        self._path = path
        self._keeps = keeps_fingerprints
        self._waiting: list[Walked | tuple[TensorEntry, str, EqualTensors]] = []
        self._equal: dict[tuple[str, int], EqualTensors] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def take(
        self, batch: Sequence[TensorEntry], view: memoryview, packings: Mapping[str, Packing], *, is_light: bool
    ) -> None:
        """Look at the tensors of `batch`, whose bytes are `view`."""
        place, first = 0, batch[0].start
        while place < len(batch):
            run = _run(batch, place)
            content = view[run[0].start - first : run[-1].end - first]
            if is_light and run[0].dtype in PLAIN and content and not any(tensor.name in packings for tensor in run):
                self._take_equal(run, content)
            else:
                for tensor in run:
                    piece = view[tensor.start - first : tensor.end - first]
                    self._walk(tensor, piece, packings.get(tensor.name), is_light=is_light)
            place += len(run)

    def finish(self) -> list[Walked]:
        """What there is to say of all tensors since the last time."""
        found = {equal: iter(equal.summaries()) for equal in self._equal.values()}
        path = self._path
        results: list[Walked] = []
        for waiting in self._waiting:
            if len(waiting) == 2:
                results.append(waiting)
                continue
            tensor, digest, equal = waiting
            name, dtype, shape, start, _ = tensor
            low, high, zeros, mean, rms, sample = next(found[equal])
            values = (digest, low, high, zeros, 0, 0, sample if self._keeps else None, 0, mean, rms)
            record = TensorRecord(name, dtype, shape, equal.elements, equal.size_bytes, *values)
            is_ordinary = low != high and ABSURD_LOW < rms < ABSURD_HIGH
            findings = []
            if not is_ordinary:
                summary = ValueSummary(low, high, zeros, 0, 0, 0, None, mean, rms)
                findings = check_values(path, record, summary, start)
            results.append((record, findings))
        self._waiting, self._equal = [], {}
        return results

    def _walk(self, tensor: TensorEntry, piece: memoryview, packing: Packing | None, *, is_light: bool) -> None:
        walk = TensorWalk(tensor, packing, is_light=is_light)
        walk.update(piece)
        self._waiting.append(walk.finish(self._path))

    def _take_equal(self, run: Sequence[TensorEntry], content: memoryview) -> None:
        """Take tensors of one type and number of bytes."""
        first = run[0]
        dtype, size = first.dtype, first.end - first.start
        equal = self._equal.get((dtype, size))
        if equal is None:
            equal = self._equal[dtype, size] = EqualTensors(dtype, first.elements)
        table = np.frombuffer(content, dtype=np.uint8).reshape(len(run), size)
        taken = equal.take(table, [row_length(tensor.shape, tensor.elements) for tensor in run])
        key, waiting = _key(dtype), self._waiting
        for place, (tensor, is_taken) in enumerate(zip(run, taken, strict=True)):
            piece = content[place * size : (place + 1) * size]
            if is_taken:
                waiting.append((tensor, blake3(piece, key=key).hexdigest(), equal))
            else:
                self._walk(tensor, piece, None, is_light=True)


def _run(batch: Sequence[TensorEntry], place: int) -> Sequence[TensorEntry]:
    """The tensors from `place` on that have one type and number of bytes."""
    _, dtype, _, start, stop = batch[place]
    size = stop - start
    end = place + 1
    while end < len(batch):
        _, other, _, start, stop = batch[end]
        if other != dtype or stop - start != size:
            break
        end += 1
    return batch[place:end]
