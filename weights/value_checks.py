"""What the values of tensors say against a checkpoint: in one tensor, among layers, in the model as a whole.

Owns the thresholds and the exemptions. The numbers come from `tensor_values`; no byte is read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np

from weights.catalog.tensors import WV_CONST, WV_DUP, WV_EMPTY_MODEL, WV_INF, WV_NAN, WV_RANGE, WV_ZERO
from weights.findings import Finding
from weights.quant_blocks import QUANTS
from weights.report import FileReport, TensorRecord
from weights.tensor_groups import Alike, Key, Placed, groups_of, joined
from weights.tensor_names import form_of
from weights.tensor_values import FLOATS, PACKED, ValueSummary, unit_bytes

ZERO_RUN_SHARE = 0.25
ZERO_RUN_MINIMUM = 256  # elements a tensor needs before a run of zeros in it means anything
EMPTY_SHARE = 0.5  # of all parameters, in tensors that are zero for the most part
SPARSE_SHARE = 0.9  # of all parameters, wherever they are: no pruning leaves so little
RANGE_FACTOR = 1000.0
ABSURD_VALUE = 1e8  # a single one
ABSURD_HIGH, ABSURD_LOW = 1e4, 1e-12  # root mean squares that no trained matrix has
SIBLINGS_MINIMUM = 3
DUPLICATE_MINIMUM_BYTES = 4096

# What may well be zero or constant in a healthy model, whatever its shape; the second line has what libraries
# begin with zeros and may leave so: positions relative to a window, codebooks, the B of low-rank pairs.
_EXEMPT = re.compile(
    r"bias|norm|mask|rotary|rope|inv_freq|freqs|position|scale|zero|running_|num_batches|token_type|sink|temperature|g_idx|"
    r"A_log|rel_pos|pos_emb|coords|codebook|embed_avg|cluster_size|mm_input_projection|quant_map|"
    r"lora_B|lora_embedding_A|lora_E|oft_R|boft_R|lokr_|hada_|ia3_|vera_lambda|trainable_tokens_delta",
    re.IGNORECASE,
)
_SCALES = re.compile(r"\.(scales|weight_scale|weight_scale_inv|absmax|SCB)$")
_INTEGER_WEIGHT = re.compile(r"(^|[._])(weight|qweight|weight_packed|blocks|qdata)$")
_RANGED = frozenset({"F64", "F32", "F16", "BF16"})
_LAYER_NUMBER = re.compile(r"(?<=[._])\d+(?=[._])")


def check_values(path: str, record: TensorRecord, found: ValueSummary, start: int) -> list[Finding]:
    """Findings on one tensor whose bytes begin at `start` in its file."""
    is_ordinary = found.low != found.high and not found.zero_run and found.first_bad is None
    if is_ordinary and found.rms is not None and ABSURD_LOW < found.rms < ABSURD_HIGH:
        return []
    findings = _non_finite(path, record, found, start)
    if found.zeros == record.elements and record.elements and _SCALES.search(record.name):
        return [*findings, WV_ZERO.at(path, "Every scale of the matrix is zero.", tensor=record.name)]
    if not _is_matrix(record, form_of(record.name)):
        return findings
    if _is_weight(record):
        if found.zero_run >= _run_limit(record):
            share = 100 * found.zero_run // _units(record)
            findings.append(WV_ZERO.at(path, f"{share} % of the tensor is one run of zeros.", tensor=record.name))
        elif found.is_constant:
            message = f"All {record.elements} values are {found.low!r}."
            check = WV_CONST if found.low else WV_ZERO  # zeros of both signs are no run
            findings.append(check.at(path, message, tensor=record.name))
        elif (
            record.dtype in _RANGED
            and record.rms is not None
            and not ABSURD_LOW < record.rms < ABSURD_HIGH
            and record.rms
        ):
            message = f"The root mean square of its values is {record.rms:.3g}."
            findings.append(WV_RANGE.at(path, message, tensor=record.name))
    return findings


def check_model(files: Iterable[FileReport]) -> list[Finding]:
    """Findings that need all tensors: a model mostly zero, a layer out of range, layers that are equal."""
    groups = groups_of(list(files))
    findings: list[Finding] = []
    zeros = empty = total = 0
    for (form, _, _), alike in groups.items():
        first = alike.first
        if not _is_weight(first) or _is_exempt_form(form):
            continue
        total += first.elements * len(alike.numbers)
        for record in alike.sparse:
            is_zero = record.low == record.high == 0  # of either sign
            zeros += record.elements if is_zero else record.elements * record.zeros // _units(record)
            empty += record.elements if is_zero or record.zero_run > EMPTY_SHARE * _units(record) else 0
    if total and (empty > EMPTY_SHARE * total or zeros > SPARSE_SHARE * total):
        message = f"{max(zeros, empty)} of {total} parameters are zero, or in tensors that mostly are."
        findings.append(WV_EMPTY_MODEL.at("", message))
    absurd = _absurd(groups)
    findings += absurd
    said = set(absurd)
    for siblings in _siblings(groups):
        findings += [found for found in _out_of_range(siblings) if found not in said]
        findings += _equal(siblings.repeated)
    return findings


def _absurd(groups: Mapping[Key, Alike]) -> list[Finding]:
    """Single values that no trained matrix has, in a tensor that is ordinary otherwise."""
    findings = []
    for (form, dtype, _), alike in groups.items():
        if dtype not in _RANGED or not _is_matrix(alike.first, form):
            continue
        largest = alike.largest
        is_absurd = (largest >= ABSURD_VALUE) & (largest < np.inf) & (alike.typical < ABSURD_HIGH)
        for (_, path, record), size in zip(alike.members(is_absurd), largest[is_absurd].tolist(), strict=True):
            message = f"The largest magnitude is {size:.4g}."
            findings.append(WV_RANGE.at(path, message, tensor=record.name))
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


@lru_cache(maxsize=4096)
def _is_exempt_form(form: str) -> bool:
    """Whether a tensor with a name of this form may be zero or constant in a healthy model."""
    return _EXEMPT.search(form) is not None


@lru_cache(maxsize=4096)
def _place_of(form: str) -> str | None:
    """The form with layers left out, None where it has none."""
    place = _LAYER_NUMBER.sub("#", form)
    return place if place != form else None


def _is_matrix(record: TensorRecord, form: str) -> bool:
    is_packed = record.dtype == "U8" and record.name.endswith(".weight")  # bitsandbytes keeps them in one column
    return (_has_sides(record.shape) or is_packed) and not _is_exempt_form(form)


@lru_cache(maxsize=4096)
def _has_sides(shape: tuple[int, ...]) -> bool:
    return sum(size > 1 for size in shape) >= 2


def _is_weight(record: TensorRecord) -> bool:
    """Whether the tensor holds weights: floats, blocks, or integers under a name that says so."""
    return (
        record.dtype in FLOATS
        or record.dtype in PACKED
        or record.dtype in QUANTS
        or _INTEGER_WEIGHT.search(record.name) is not None
    )


def _units(record: TensorRecord) -> int:
    """How many things `zeros` and `zero_run` counted: elements, blocks, or bytes where several values share one."""
    return record.size_bytes // unit_bytes(record.dtype)


def _run_limit(record: TensorRecord) -> int:
    units = _units(record)
    return units if units < ZERO_RUN_MINIMUM else int(units * ZERO_RUN_SHARE) + 1


def _siblings(groups: Mapping[Key, Alike]) -> list[Alike]:
    """Tensors that are the same part of different layers: equal names but for the numbers, equal type and shape."""
    found: dict[Key, list[Alike]] = {}
    for (form, dtype, shape), alike in groups.items():
        place = _place_of(form)
        if place is not None and _is_matrix(alike.first, form):
            found.setdefault((place, dtype, shape), []).append(alike)
    siblings = [joined(parts) for parts in found.values()]
    return [alike for alike in siblings if len(alike.numbers) > 1]


def _out_of_range(siblings: Alike) -> list[Finding]:
    if len(siblings.numbers) < SIBLINGS_MINIMUM or siblings.first.dtype not in FLOATS:
        return []
    findings: dict[str, Finding] = {}
    for sizes, what in ((siblings.largest, "largest magnitude"), (siblings.typical, "root mean square")):
        middle = float(np.median(sizes))
        is_far = sizes > RANGE_FACTOR * middle
        if what == "root mean square":
            with np.errstate(over="ignore"):
                is_far |= (sizes > 0) & (sizes * RANGE_FACTOR < middle)
        if middle <= 0 or not is_far.any():
            continue
        for (_, path, record), size in zip(siblings.members(is_far), sizes[is_far].tolist(), strict=True):
            message = f"The {what} is {size:.4g}; the median of its siblings is {middle:.4g}."
            findings.setdefault(record.name, WV_RANGE.at(path, message, tensor=record.name))
    return list(findings.values())


def _equal(repeated: Sequence[Placed]) -> list[Finding]:
    findings: list[Finding] = []
    first: dict[str, TensorRecord] = {}
    for _, path, record in repeated:
        if record.digest is None or record.size_bytes < DUPLICATE_MINIMUM_BYTES or _is_uniform(record):
            continue
        other = first.setdefault(record.digest, record)
        if other is not record and other.name != record.name:  # by one name it is the same layer in a second file
            findings.append(WV_DUP.at(path, f"The tensor equals {other.name}.", tensor=record.name))
    return findings


def _is_uniform(record: TensorRecord) -> bool:
    """Whether the tensor holds one value throughout, so that being equal says nothing."""
    return record.low == record.high if record.low is not None else record.zeros == _units(record)
