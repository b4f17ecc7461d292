"""All tensors of a checkpoint, grouped so that one answer holds for many.

Owns the columns of what is asked of every tensor, and the groups: tensors whose names differ in digits alone, of one
type and shape. Tens of thousands of records lie all over the memory, so each is looked at once. Judges nothing; see
`value_checks`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from weights.report import FileReport, TensorRecord

Array = np.ndarray[Any, Any]
Placed = tuple[int, str, TensorRecord]  # its number among all tensors, its file, itself
Key = tuple[str, str, tuple[int, ...]]  # the name's form or the place in a layer, type and shape


class Columns:
    """All tensors by number, in the order of the files: magnitudes, root mean squares and the like.

    `largest` and `typical` are 0 where there is none.
    """

    def __init__(self, files: Iterable[FileReport]) -> None:
        self.records: list[TensorRecord] = []
        self._paths: list[str] = []
        self._starts: list[int] = []
        for file in files:
            self._paths.append(file.path)
            self._starts.append(len(self.records))
            self.records += file.tensors
        records = self.records
        # Both are None, or none is; as floats, None is not a number.
        lows = np.array([record.low for record in records], dtype=np.float64)
        highs = np.array([record.high for record in records], dtype=np.float64)
        self.largest: Array = np.nan_to_num(np.maximum(-lows, highs), posinf=np.inf)
        self.typical: Array = np.array([record.rms or 0.0 for record in records], dtype=np.float64)
        zeros = np.array([record.zeros for record in records], dtype=np.float64)
        self.has_zeros: Array = (zeros > 0) | (lows == 0) & (highs == 0)
        digests = [record.digest for record in records]
        self.is_repeated: Array = np.zeros(len(records), dtype=bool)
        if len(set(digests)) < len(digests):
            times = Counter(digests)
            self.is_repeated = np.array([times[digest] > 1 for digest in digests])

    def path(self, number: int) -> str:
        """The file of a tensor."""
        return self._paths[bisect_right(self._starts, number) - 1]


@dataclass(slots=True)
class Alike:
    """Tensors of which one answer holds, by their `numbers` in `columns`."""

    columns: Columns
    numbers: Array

    @property
    def first(self) -> TensorRecord:
        """One of them."""
        found: TensorRecord = self.columns.records[int(self.numbers[0])]
        return found

    @property
    def largest(self) -> Array:
        """The magnitude of each."""
        found: Array = self.columns.largest[self.numbers]
        return found

    @property
    def typical(self) -> Array:
        """The root mean square of each."""
        found: Array = self.columns.typical[self.numbers]
        return found

    def members(self, chosen: Array | None = None) -> list[Placed]:
        """The tensors themselves, in this order; `chosen` says which."""
        numbers = self.numbers if chosen is None else self.numbers[chosen]
        columns = self.columns
        return [(number, columns.path(number), columns.records[number]) for number in numbers.tolist()]

    @property
    def sparse(self) -> list[TensorRecord]:
        """Those with zeros."""
        return [record for _, _, record in self.members(self.columns.has_zeros[self.numbers])]

    @property
    def repeated(self) -> list[Placed]:
        """Those with a digest that another tensor has as well, be it of another group."""
        return self.members(self.columns.is_repeated[self.numbers])


def groups_of(files: Sequence[FileReport]) -> dict[Key, Alike]:
    """All tensors, those together for which the names' patterns, types and shapes give one answer."""
    columns = Columns(files)
    if not columns.records:
        return {}
    forms = [form for file in files for form in file.forms()]
    first: dict[Key, int] = {}
    dtypes, shapes = [record.dtype for record in columns.records], [record.shape for record in columns.records]
    keys = map(first.setdefault, zip(forms, dtypes, shapes, strict=True), count())
    group = np.fromiter(keys, np.int64, len(forms))
    order = np.argsort(group, kind="stable")
    cuts = np.flatnonzero(np.diff(group[order])) + 1
    return {key: Alike(columns, numbers) for key, numbers in zip(first, np.split(order, cuts), strict=True)}


def joined(groups: Sequence[Alike]) -> Alike:
    """The tensors of several groups, in the order of their numbers."""
    return Alike(groups[0].columns, np.sort(np.concatenate([alike.numbers for alike in groups])))
