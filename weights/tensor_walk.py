"""One pass over the tensors of a file: digest and values of each, whatever the format.

Owns the order in which bytes are walked: a step never cuts an element in two, and many small tensors share one step.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice, repeat
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from blake3 import blake3

from weights.equal_tensors import PLAIN, EqualTensors, Summaries
from weights.findings import Finding
from weights.fingerprints import Sampler, sampler_for
from weights.hashing import STEP_BYTES, HashingReader
from weights.packings import Packing
from weights.report import TensorRecord
from weights.safetensors_header import TensorEntry
from weights.sources import Source, read_at
from weights.tensor_values import TensorValues, ValueSummary, unit_bytes, values_of
from weights.value_checks import check_values

SAMPLES_LIMIT = 1024  # tensors of one file that get a full fingerprint; a mixture of experts has tens of thousands,
SAMPLES_OF_MANY = 256  # and in a file with more than those so many do
WAITING_LIMIT = 512  # small tensors that are judged together
# Whoever looks at many small tensors lets go of the interpreter for some microseconds at every one of them, and two who
# do so at once wait for each other most of the time. One of them hashes meanwhile.
_SMALL = threading.Lock()
_END = attrgetter("end")

Walked = tuple[list[TensorRecord], list[Finding]]


class TensorWalk:
    """Digest and values of one tensor, fed block by block."""

    def __init__(
        self,
        tensor: TensorEntry,
        packing: Packing | None = None,
        *,
        is_light: bool = False,
        keeps_fingerprint: bool = True,
    ) -> None:
        self._tensor = tensor
        self._digest = blake3(key=_key(tensor.dtype))
        self._values: TensorValues = values_of(tensor.dtype)
        self._sampler: Sampler | None = None
        if keeps_fingerprint:
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
            sample=None if self._sampler is None else self._sampler.finish(),
            zero_run=found.zero_run,
            mean=found.mean,
            rms=found.rms,
        )
        return record, check_values(path, record, found, tensor.start)


def walk_tensors(
    reader: HashingReader, tensors: Sequence[TensorEntry], path: str, packings: Mapping[str, Packing] | None = None
) -> Iterator[Walked]:
    """Read `tensors`, which lie one right behind the other from the reader's position on, and tell of some at a time.

    CutShortError if the file ends before.
    """
    position = 0
    full = full_fingerprints(len(tensors))
    packings = packings or {}
    small = _SmallTensors(path, packings, keeps_fingerprints=reader.keeps_fingerprints)
    while position < len(tensors):
        batch = _batch(tensors, position)
        total = batch[-1].end - batch[0].start
        if total > STEP_BYTES:
            yield small.finish()
            yield _read_large(reader, batch[0], path, packings, is_light=position >= full)
        else:
            view = reader.step(total)
            with _SMALL:
                small.take(batch, view, is_light=position >= full)
        if len(small) >= WAITING_LIMIT:
            yield small.finish()
        position += len(batch)
    yield small.finish()


def walk_placed(
    source: Source, tensor: TensorEntry, path: str, packing: Packing | None = None, *, is_light: bool = False
) -> tuple[TensorRecord, list[Finding]]:
    """Read one tensor from its place, whatever was read before; CutShortError if the file ends before."""
    walk = TensorWalk(tensor, packing, is_light=is_light)
    step = STEP_BYTES - STEP_BYTES % unit_bytes(tensor.dtype)
    for start in range(tensor.start, tensor.end, step):
        walk.update(memoryview(read_at(source, start, min(step, tensor.end - start))))
    return walk.finish(path)


def full_fingerprints(count: int) -> int:
    """How many tensors at the beginning of a file with `count` get a full fingerprint."""
    return count if count <= SAMPLES_LIMIT else SAMPLES_OF_MANY


@cache
def _key(dtype: str) -> bytes:
    """The key of digests of this type; with the type before the bytes, they would lie askew and take twice as long."""
    return blake3(dtype.encode("ascii")).digest()


def _batch(tensors: Sequence[TensorEntry], position: int) -> Sequence[TensorEntry]:
    """The tensors to read next: a large one, or as many small ones as fit into one step (there may be 70 000)."""
    end = bisect_right(tensors, tensors[position].start + STEP_BYTES, lo=position, key=_END)
    return tensors[position : max(end, position + 1)]


def _read_large(
    reader: HashingReader, tensor: TensorEntry, path: str, packings: Mapping[str, Packing], *, is_light: bool
) -> Walked:
    packing = packings.get(tensor.name)
    walk = TensorWalk(tensor, packing, is_light=is_light, keeps_fingerprint=reader.keeps_fingerprints)
    step = STEP_BYTES - STEP_BYTES % unit_bytes(tensor.dtype)
    left = tensor.end - tensor.start
    while left:
        size = min(step, left)
        walk.update(reader.step(size))
        left -= size
    record, findings = walk.finish(path)
    return [record], findings


class _Taken(NamedTuple):
    """Tensors that follow each other and lie in one table of equal ones."""

    tensors: Sequence[TensorEntry]
    digests: list[str]
    equal: EqualTensors


class _SmallTensors:
    """Tensors of which many share a step: read in their order, said in their order, and mostly judged together."""

    def __init__(self, path: str, packings: Mapping[str, Packing], *, keeps_fingerprints: bool) -> None:
        self._path = path
        self._packings = packings
        self._keeps = keeps_fingerprints
        self._waiting: list[Walked | _Taken] = []
        self._count = 0
        self._equal: dict[tuple[str, int], EqualTensors] = {}

    def __len__(self) -> int:
        return self._count

    def take(self, batch: Sequence[TensorEntry], view: memoryview, *, is_light: bool) -> None:
        """Look at the tensors of `batch`, whose bytes are `view`."""
        self._count += len(batch)
        place, first = 0, batch[0].start
        while place < len(batch):
            run = _run(batch, place)
            content = view[run[0].start - first : run[-1].end - first]
            packings = self._packings
            is_packed = bool(packings) and any(tensor.name in packings for tensor in run)
            if is_light and run[0].dtype in PLAIN and content and not is_packed:
                self._take_equal(run, content)
            else:
                for tensor in run:
                    piece = view[tensor.start - first : tensor.end - first]
                    self._walk(tensor, piece, packings.get(tensor.name), is_light=is_light)
            place += len(run)

    def finish(self) -> Walked:
        """What there is to say of all tensors since the last time."""
        summaries = {equal: equal.summaries() for equal in self._equal.values()}
        said = dict.fromkeys(summaries, 0)
        records: list[TensorRecord] = []
        findings: list[Finding] = []
        for waiting in self._waiting:
            if isinstance(waiting, _Taken):
                equal = waiting.equal
                start = said[equal]
                end = said[equal] = start + len(waiting.tensors)
                some = Summaries._make(column[start:end] for column in summaries[equal])
                records += _records(waiting, some)
                if not all(some.is_ordinary):
                    findings += self._check(waiting.tensors, records[-len(waiting.tensors) :])
            else:
                records += waiting[0]
                findings += waiting[1]
        self._waiting, self._equal, self._count = [], {}, 0
        return records, findings

    def _check(self, tensors: Sequence[TensorEntry], records: Sequence[TensorRecord]) -> list[Finding]:
        findings: list[Finding] = []
        for tensor, record in zip(tensors, records, strict=True):
            summary = ValueSummary(record.low, record.high, record.zeros, 0, 0, 0, None, record.mean, record.rms)
            findings += check_values(self._path, record, summary, tensor.start)
        return findings

    def _walk(self, tensor: TensorEntry, piece: memoryview, packing: Packing | None, *, is_light: bool) -> None:
        walk = TensorWalk(tensor, packing, is_light=is_light, keeps_fingerprint=self._keeps)
        walk.update(piece)
        record, findings = walk.finish(self._path)
        self._waiting.append(([record], findings))

    def _take_equal(self, run: Sequence[TensorEntry], content: memoryview) -> None:
        """Take tensors of one type and number of bytes."""
        first = run[0]
        dtype, size = first.dtype, first.end - first.start
        equal = self._equal.get((dtype, size))
        if equal is None:
            equal = EqualTensors(dtype, first.elements, keeps_fingerprints=self._keeps)
            self._equal[dtype, size] = equal
        table = np.frombuffer(content, dtype=np.uint8).reshape(len(run), size)
        taken = equal.take(table, [tensor.shape for tensor in run])
        key = _key(dtype)
        pieces = [content[place : place + size] for place in range(0, len(content), size)]
        if taken is None:
            self._waiting.append(_Taken(run, [blake3(piece, key=key).hexdigest() for piece in pieces], equal))
            return
        for tensor, piece, is_taken in zip(run, pieces, taken, strict=True):
            if is_taken:
                self._waiting.append(_Taken([tensor], [blake3(piece, key=key).hexdigest()], equal))
            else:
                self._walk(tensor, piece, None, is_light=True)


def _records(taken: _Taken, found: Summaries) -> Iterator[TensorRecord]:
    """The records of tensors in a table."""
    names, dtypes, shapes, _, _ = zip(*taken.tensors, strict=True)
    none, elements, size = repeat(0), repeat(taken.equal.elements), repeat(taken.equal.size_bytes)
    columns = (names, dtypes, shapes, elements, size, taken.digests, found.lows, found.highs, found.zeros, none, none)
    return map(TensorRecord._make, zip(*columns, found.samples, none, found.means, found.rms, strict=False))


def _run(batch: Sequence[TensorEntry], place: int) -> Sequence[TensorEntry]:
    """The tensors from `place` on that have one type and number of bytes."""
    _, dtype, _, start, stop = batch[place]
    size = stop - start
    end = place + 1
    for _, other, _, start, stop in islice(batch, end, None):
        if other != dtype or stop - start != size:
            break
        end += 1
    return batch[place:end]
