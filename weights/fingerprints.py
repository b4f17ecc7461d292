"""Fingerprints of tensors.

A few values at fixed places, by which a copy is known again after a cast or further tuning.

Owns where the values are taken and how two sets of tensors are compared. A fingerprint confirms a guess and rebuilds
nothing: it has at most 512 values of a tensor. Keep it as secret as the names of the tensors it belongs to.

What it sees: casts between float types, rescaling, noise, merges and tuning of one and the same layout. What it does
not see: packed and block-quantized types, split or transposed tensors, permuted rows.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Any

import numpy as np

from weights.report import TensorRecord
from weights.tensor_values import FLOATS, decode_floats

RUNS = 16
RUN_LENGTH = 32
MINIMUM_ELEMENTS = 4096
MINIMUM_BYTES = 4096

RELATED = 0.35  # cosine that independent tensors do not reach by chance: eight standard deviations at 512 values
SAME = 0.9
DERIVED_REVIEW = 0.3  # cosine of the differences from a common parent
DERIVED = 0.5

Vector = np.ndarray[Any, np.dtype[np.float32]]


class Kinship(StrEnum):
    """What a comparison says of two sets of tensors."""

    SAME = "same"  # exact content, or so close that it must be taken for a copy
    RELATED = "related"  # a common ancestor, or a copy much changed: a person has to look
    UNRELATED = "unrelated"
    UNKNOWN = "unknown"  # nothing could be compared


@dataclass(frozen=True, slots=True)
class Match:
    """A candidate's tensor and the tensor it is most like; `cosine` is 1 for equal content."""

    candidate: str
    held: str
    cosine: float
    is_exact: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """How one set of tensors relates to another.

    `matches` has every candidate tensor that is equal or at least related; `compared` counts those for which the
    other set has one of the same shape. `difference` is the pooled cosine of both sets' differences from their
    parent, if one was given: it tells a copy of a tuned model from another tune of the same parent.
    """

    kinship: Kinship
    matches: list[Match]
    compared: int
    difference: float | None = None


class Sampler:
    """Takes a tensor's bytes in order and keeps those at the fixed places."""

    def __init__(self, dtype: str, elements: int) -> None:
        self._dtype = dtype
        width = FLOATS[dtype].width
        starts = [number * (elements - RUN_LENGTH) // (RUNS - 1) for number in range(RUNS)]
        self._runs = [(start * width, (start + RUN_LENGTH) * width) for start in starts]
        self._kept = [bytearray() for _ in starts]
        self._first = 0
        self._position = 0

    def update(self, block: memoryview) -> None:
        """Take the next block."""
        end = self._position + len(block)
        for number in range(self._first, RUNS):
            start, stop = self._runs[number]
            if start >= end:
                break
            low, high = max(start, self._position), min(stop, end)
            self._kept[number] += block[low - self._position : high - self._position]
            if stop <= end:
                self._first = number + 1
        self._position = end

    def finish(self) -> str | None:
        """The fingerprint as text; None if a value is not finite or all are zero."""
        values = decode_floats(self._dtype, b"".join(self._kept))
        scale = float(np.abs(values).max())
        if not math.isfinite(scale) or scale == 0:
            return None
        content = np.float64(scale).tobytes() + (values / scale).astype("<f2").tobytes()
        return base64.b64encode(content).decode("ascii")


def sampler_for(dtype: str, shape: tuple[int, ...], elements: int) -> Sampler | None:
    """A sampler, or None for what says nothing: vectors, small tensors, types that are no plain floats."""
    if dtype not in FLOATS or dtype == "C64" or not FLOATS[dtype].sign or len(shape) < 2 or elements < MINIMUM_ELEMENTS:
        return None
    return Sampler(dtype, elements)


def read_sample(text: str) -> Vector:
    """The values of a fingerprint; ValueError if it is not one."""
    try:
        content = base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("not a fingerprint") from error
    if len(content) != 8 + 2 * RUNS * RUN_LENGTH:
        raise ValueError("not a fingerprint")
    scale = float(np.frombuffer(content[:8], dtype="<f8")[0])
    return np.frombuffer(content[8:], dtype="<f2").astype(np.float32) * np.float32(scale)


def compare(
    candidate: Sequence[TensorRecord], held: Sequence[TensorRecord], parent: Sequence[TensorRecord] = ()
) -> Comparison:
    """Whether `candidate` carries tensors of `held`, exact or changed; `parent` is a public ancestor of both, if known.

    Equal tensors that the parent has too prove nothing and are left out. Cost grows with the product of the numbers of
    tensors of one shape.
    """
    public = {record.digest for record in parent}
    exact = _exact(candidate, held, public)
    ours, theirs = _by_shape(candidate, public), _by_shape(held, public)
    ancestors = _by_shape(parent, set())
    matches = list(exact)
    seen = {match.candidate for match in exact}
    cosines: list[float] = []
    differences: list[tuple[Vector, Vector]] = []
    for shape in ours.keys() & theirs.keys():
        names, values = ours[shape]
        other_names, other_values = theirs[shape]
        table = _cosines(values, other_values)
        for row, name in enumerate(names):
            column = int(table[row].argmax())
            cosine = float(table[row, column])
            cosines.append(cosine)
            if cosine >= RELATED and name not in seen:
                matches.append(Match(name, other_names[column], cosine, is_exact=False))
            if shape in ancestors:
                ancestor = ancestors[shape][1][int(_cosines(values[row : row + 1], ancestors[shape][1]).argmax())]
                differences.append((values[row] - ancestor, other_values[column] - ancestor))
    difference = _pooled(differences)
    return Comparison(_kinship(exact, cosines, difference), matches, len(cosines), difference)


def _kinship(exact: list[Match], cosines: list[float], difference: float | None) -> Kinship:
    if exact:
        return Kinship.SAME
    if not cosines:
        return Kinship.UNKNOWN
    if difference is not None:
        if difference >= DERIVED:
            return Kinship.SAME
        return Kinship.RELATED if difference >= DERIVED_REVIEW else Kinship.UNRELATED
    middle = median(cosines)
    if middle >= SAME:
        return Kinship.SAME
    return Kinship.RELATED if max(cosines) >= RELATED else Kinship.UNRELATED


def _exact(candidate: Sequence[TensorRecord], held: Sequence[TensorRecord], public: set[str | None]) -> list[Match]:
    known = {record.digest: record.name for record in held if _says_something(record)}
    return [
        Match(record.name, known[record.digest], 1.0, is_exact=True)
        for record in candidate
        if record.digest in known and record.digest not in public and _says_something(record)
    ]


def _says_something(record: TensorRecord) -> bool:
    is_constant = record.low is not None and record.low == record.high
    return record.digest is not None and record.size_bytes >= MINIMUM_BYTES and not is_constant


def _by_shape(
    records: Sequence[TensorRecord], public: set[str | None]
) -> dict[tuple[int, ...], tuple[list[str], np.ndarray[Any, Any]]]:
    groups: dict[tuple[int, ...], list[tuple[str, Vector]]] = {}
    for record in records:
        if record.sample is not None and record.digest not in public:
            groups.setdefault(record.shape, []).append((record.name, read_sample(record.sample)))
    return {
        shape: ([name for name, _ in group], np.stack([values for _, values in group]))
        for shape, group in groups.items()
    }


def _cosines(left: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    lengths = np.linalg.norm(left, axis=1)[:, None] * np.linalg.norm(right, axis=1)[None, :]
    table: np.ndarray[Any, Any] = (left @ right.T) / np.maximum(lengths, np.float32(1e-30))
    return table


def _pooled(pairs: list[tuple[Vector, Vector]]) -> float | None:
    """One cosine over all differences, None if there are none; 0 if either side does not differ from the parent."""
    if not pairs:
        return None
    left, right = (np.concatenate(side).astype(np.float64) for side in zip(*pairs, strict=True))
    lengths = float(np.linalg.norm(left) * np.linalg.norm(right))
    return float(left @ right) / lengths if lengths > 0 else 0.0
