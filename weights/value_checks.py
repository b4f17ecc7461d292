"""What the values of tensors say against a checkpoint: in one tensor, among layers, in the model as a whole.

Owns the thresholds and the exemptions. The numbers come from `tensor_values`; no byte is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from statistics import median

from weights.catalog.tensors import WV_CONST, WV_DUP, WV_EMPTY_MODEL, WV_INF, WV_NAN, WV_RANGE, WV_ZERO
from weights.findings import Finding
from weights.quant_blocks import QUANTS
from weights.report import FileReport, TensorRecord
from weights.tensor_values import FLOATS, PACKED, ValueSummary, unit_bytes

ZERO_RUN_SHARE = 0.25
ZERO_RUN_MINIMUM = 256  # elements a tensor needs before a run of zeros in it means anything
EMPTY_SHARE = 0.5
RANGE_FACTOR = 1000.0
SIBLINGS_MINIMUM = 4
DUPLICATE_MINIMUM_BYTES = 4096

# What may well be zero or constant in a healthy model, whatever its shape.
_EXEMPT = re.compile(
    r"bias|norm|mask|rotary|rope|inv_freq|freqs|position|scale|zero|running_|num_batches|token_type|sink|temperature|g_idx",
    re.IGNORECASE,
)
_INTEGER_WEIGHT = re.compile(r"(^|[._])(weight|qweight|weight_packed|blocks)$")
_LAYER_NUMBER = re.compile(r"(?<=[._])\d+(?=[._])")


def check_values(path: str, record: TensorRecord, found: ValueSummary, start: int) -> list[Finding]:
    """Findings on one tensor whose bytes begin at `start` in its file."""
    findings = _non_finite(path, record, found, start)
    if not _is_matrix(record):
        return findings
    if record.dtype in FLOATS or record.dtype in PACKED or record.dtype in QUANTS:
        if found.zero_run >= _run_limit(record):
            share = 100 * found.zero_run // _units(record)
            findings.append(WV_ZERO.at(path, f"{share} % of the tensor is one run of zeros.", tensor=record.name))
        elif found.is_constant:
            message = f"All {record.elements} values are {found.low!r}."
            findings.append(WV_CONST.at(path, message, tensor=record.name))
    elif _INTEGER_WEIGHT.search(record.name) and found.zeros == record.elements:
        findings.append(WV_ZERO.at(path, "Every value of the tensor is zero.", tensor=record.name))
    return findings


def check_model(files: Iterable[FileReport]) -> list[Finding]:
    """Findings that need all tensors: a model mostly zero, a layer out of range, layers that are equal."""
    placed = [(file.path, record) for file in files for record in file.tensors]
    findings: list[Finding] = []
    floats = [record for _, record in placed if record.dtype in FLOATS]
    zeros, total = sum(record.zeros for record in floats), sum(record.elements for record in floats)
    if total and zeros > EMPTY_SHARE * total:
        findings.append(WV_EMPTY_MODEL.at("", f"{zeros} of {total} floating-point parameters are zero."))
    for siblings in _siblings(placed):
        findings += _out_of_range(siblings)
        findings += _equal(siblings)
    return findings


def _non_finite(path: str, record: TensorRecord, found: ValueSummary, start: int) -> list[Finding]:
    if found.first_bad is None:
        return []
    offset = start + found.first_bad * unit_bytes(record.dtype)
    findings = []
    for check, count in ((WV_NAN, found.nans), (WV_INF, found.infinities)):
        if count:
            message = f"{count} of {record.elements} values; the first that is not finite has index {found.first_bad}."
            findings.append(check.at(path, message, tensor=record.name, offset=offset))
    return findings


def _is_matrix(record: TensorRecord) -> bool:
    return sum(size > 1 for size in record.shape) >= 2 and not _EXEMPT.search(record.name)


def _units(record: TensorRecord) -> int:
    """How many things `zeros` and `zero_run` counted: elements, blocks, or bytes where several values share one."""
    return record.size_bytes // unit_bytes(record.dtype)


def _run_limit(record: TensorRecord) -> int:
    units = _units(record)
    return units if units < ZERO_RUN_MINIMUM else int(units * ZERO_RUN_SHARE) + 1


def _siblings(placed: list[tuple[str, TensorRecord]]) -> list[list[tuple[str, TensorRecord]]]:
    """Tensors that are the same part of different layers: equal names but for the numbers, equal type and shape."""
    groups: dict[tuple[str, str, tuple[int, ...]], list[tuple[str, TensorRecord]]] = {}
    for path, record in placed:
        pattern = _LAYER_NUMBER.sub("#", record.name)
        if pattern != record.name and _is_matrix(record):
            groups.setdefault((pattern, record.dtype, record.shape), []).append((path, record))
    return [group for group in groups.values() if len(group) > 1]


def _out_of_range(siblings: list[tuple[str, TensorRecord]]) -> list[Finding]:
    if len(siblings) < SIBLINGS_MINIMUM or siblings[0][1].dtype not in FLOATS:
        return []
    sizes = [max(abs(record.low or 0), abs(record.high or 0)) for _, record in siblings]
    middle = median(sizes)
    return [
        WV_RANGE.at(
            path,
            f"The largest magnitude is {size:.4g}; the median of its siblings is {middle:.4g}.",
            tensor=record.name,
        )
        for (path, record), size in zip(siblings, sizes, strict=True)
        if middle > 0 and size > RANGE_FACTOR * middle
    ]


def _equal(siblings: list[tuple[str, TensorRecord]]) -> list[Finding]:
    findings = []
    first: dict[str, TensorRecord] = {}
    for path, record in siblings:
        if record.digest is None or record.size_bytes < DUPLICATE_MINIMUM_BYTES or record.low == record.high:
            continue
        other = first.setdefault(record.digest, record)
        if other is not record:
            findings.append(WV_DUP.at(path, f"The tensor equals {other.name}.", tensor=record.name))
    return findings
