"""One checkpoint's tensors, made ready for comparison.

Owns which of them can prove anything: matrices whose content no other model has by nature. Constants, position tables,
index ranges, scales of quantized tensors and vectors of a few numbers prove nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from weights.fingerprints import Fingerprint
from weights.likeness import is_trivial, light
from weights.packings import is_companion
from weights.quant_blocks import QUANTS
from weights.report import TensorRecord
from weights.tensor_values import FLOATS
from weights.value_sample import RUN_LENGTH, RUNS, SEGMENT

Array = np.ndarray[Any, Any]

PROOF_ELEMENTS = 64
CODES = frozenset({"I8", "U8", "I32", "U32", "F4"})  # types in which quantized weights are kept
_INDEXES = frozenset({"I64", "U64", "BOOL", "I16", "U16"})  # positions, masks: never weights


@dataclass(slots=True)
class Group:
    """Tensors with the same number of elements: where they stand in the lineup, values, steps."""

    members: Array
    values: Array
    steps: Array

    def lightened(self) -> Group:
        """The group with as many values as light samples have."""
        return Group(self.members, light(self.values), light(self.steps, RUN_LENGTH // SEGMENT))


class Lineup:
    """The tensors of one side.

    `proves` marks those that may establish a relation, `is_trivial` those that say nothing, `is_aside` scales and the
    like, which are left out of every count.
    """

    def __init__(self, records: Sequence[TensorRecord]) -> None:
        self.records = list(records)
        count = len(self.records)
        self.names = [record.name for record in self.records]
        self.dtypes = [record.dtype for record in self.records]
        self.prints = [_print_of(record) for record in self.records]
        self.elements = np.array(
            [
                found.elements if found else record.elements
                for record, found in zip(self.records, self.prints, strict=True)
            ],
            dtype=np.float64,
        )
        self.is_constant = np.array([_is_constant(record) for record in self.records], dtype=bool)
        self.is_trivial = self.is_constant.copy()
        # Packed codes may lie in one row; the weight they stand for has more.
        self.is_vector = np.array([_rank(record.shape) < 2 for record in self.records], dtype=bool)
        self.is_vector &= self.elements == [record.elements for record in self.records]
        has_codes = any(_has_codes(record) for record in self.records)
        self.is_aside = np.array([has_codes and is_companion(name) for name in self.names], dtype=bool)
        self.groups: dict[int, Group] = {}
        self._group()
        is_index = np.array([dtype in _INDEXES for dtype in self.dtypes], dtype=bool)
        self.is_trivial |= is_index
        self.proves = ~self.is_trivial & ~self.is_vector & ~self.is_aside & (self.elements >= PROOF_ELEMENTS)
        if not self.proves.any():
            # Nothing but vectors and small pieces: then these must do.
            self.proves = ~self.is_trivial & ~self.is_aside & (self.elements >= RUN_LENGTH)
        self.size = count

    def _group(self) -> None:
        members: dict[int, list[int]] = {}
        for place, found in enumerate(self.prints):
            if found is not None:
                members.setdefault(found.elements, []).append(place)
        for elements, places in members.items():
            least = min(len(_print(self.prints[place]).values) for place in places)
            values, steps = [], []
            for place in places:
                found = _print(self.prints[place])
                segments = len(found.values) // SEGMENT
                step = np.full(segments, np.nan, dtype=np.float32) if found.steps is None else found.steps
                if len(found.values) > least:
                    values.append(light(found.values[None, :])[0])
                    steps.append(light(step[None, :], RUN_LENGTH // SEGMENT)[0])
                else:
                    values.append(found.values)
                    steps.append(step)
            group = Group(np.array(places), np.stack(values), np.stack(steps))
            self.groups[elements] = group
            self.is_trivial[group.members] |= is_trivial(group.values)


def aligned(left: Group, right: Group) -> tuple[Group, Group]:
    """Both groups with equally many values."""
    if left.values.shape[1] == right.values.shape[1]:
        return left, right
    full = RUNS * RUN_LENGTH
    return (
        left.lightened() if left.values.shape[1] == full else left,
        right.lightened() if right.values.shape[1] == full else right,
    )


def _print_of(record: TensorRecord) -> Fingerprint | None:
    if record.sample is None:
        return None
    try:
        return Fingerprint.from_text(record.sample)
    except ValueError:
        return None  # of another version: the digest must do


def _print(found: Fingerprint | None) -> Fingerprint:
    assert found is not None
    return found


def _is_constant(record: TensorRecord) -> bool:
    if record.low is not None and record.low == record.high:
        return True
    return record.sample is None and (record.elements < RUN_LENGTH or record.digest is None)


def _rank(shape: tuple[int, ...]) -> int:
    return sum(size > 1 for size in shape)


def _has_codes(record: TensorRecord) -> bool:
    is_integer = record.dtype in CODES and math.prod(record.shape) >= PROOF_ELEMENTS
    return is_integer or record.dtype.startswith("F8") or (record.dtype in QUANTS and record.dtype not in FLOATS)
