"""How alike two samples are, and what made the difference: a cast, quantization or training.

Owns the arithmetic on samples of values, for many pairs of tensors at once. Samples are compared in segments of 16
values, each centered and scaled to length one: so whatever scales and zero points a way of quantizing gives to its
groups, they do not matter. Knows no names and no files.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weights.tensor_values import FLOATS
from weights.value_sample import LIGHT_RUNS, RUN_LENGTH, RUNS, SEGMENT

Array = np.ndarray[Any, Any]

RELATED = 0.35  # similarity that samples of 1,024 independent values never come near: eleven standard deviations
DEVIATIONS = 6.5  # above chance that smaller samples must be
ROUNDED = 1.6  # residual, as a multiple of what rounding to codes explains, up to which nothing else happened
AGREEING = 0.995  # share of the values that must agree: doubled rounding and saturation spoil single ones

UNCHANGED, CAST, QUANTIZED, CHANGED = 0, 1, 2, 3

_STORED = 2.0**-14  # relative precision with which fingerprints keep values
_GRIDS = ("BF16", "F16", "F8_E4M3", "F8_E5M2")
BLOCK_ROWS = 1024
_SMOOTH = 0.5  # squared differences of neighbors by variance; 2 where neighbors are independent


def light(values: Array, step: int = RUN_LENGTH) -> Array:
    """Of full samples, the part that a light sample has; `step` entries of the last axis make a run."""
    runs = values.reshape(len(values), RUNS, step)[:, :: (RUNS - 1) // (LIGHT_RUNS - 1)]
    found: Array = runs.reshape(len(values), -1)
    return found


def directions(values: Array) -> Array:
    """Rows of values as vectors of length one whose products are similarities; a row of constants becomes zero."""
    if len(values) > BLOCK_ROWS:
        return np.concatenate([directions(values[start : start + BLOCK_ROWS]) for start in _blocks(values)])
    segments = values.reshape(len(values), -1, SEGMENT)
    centered = segments - segments.mean(axis=2, keepdims=True)
    lengths = np.sqrt(np.einsum("nsk,nsk->ns", centered, centered))
    is_flat = lengths <= 1e-6 * np.abs(segments).max(axis=2)
    valid = np.maximum((~is_flat).sum(axis=1), 1)
    scale = np.where(is_flat, 0, 1 / (np.maximum(lengths, 1e-38) * np.sqrt(valid)[:, None]))
    found: Array = (centered * scale[:, :, None]).reshape(len(values), -1).astype(np.float32)
    return found


def _blocks(values: Array) -> range:
    """Where the parts begin that fit the processor's caches, of a table of tens of thousands of rows."""
    return range(0, len(values), BLOCK_ROWS)


def threshold(values: int) -> float:
    """The least similarity that is no chance, for samples of so many values."""
    return max(RELATED, DEVIATIONS / float(np.sqrt(values * (SEGMENT - 1) / SEGMENT)))


def is_trivial(values: Array) -> Array:
    """Which samples any model might have: constant ones, masks, and smooth ones like position tables."""
    if len(values) > BLOCK_ROWS:
        return np.concatenate([is_trivial(values[start : start + BLOCK_ROWS]) for start in _blocks(values)])
    size = np.abs(values).max(axis=1, keepdims=True)
    runs = (values / np.maximum(size, 1e-38)).reshape(len(values), -1, RUN_LENGTH)
    spread = runs.var(axis=2)
    is_flat = spread <= 1e-12
    is_smooth = np.zeros_like(is_flat)
    for lag in (1, 2):
        differences = runs[:, :, lag:] - runs[:, :, :-lag]
        squares = np.einsum("nrk,nrk->nr", differences, differences) / differences.shape[2]
        is_smooth |= squares < _SMOOTH * spread
    # Sines and cosines of all positions: squares add up to one in pairs, and no value is beyond one.
    is_wave = (size[:, 0] <= 1.0001) & (size[:, 0] >= 0.99) & (np.abs(np.square(values).mean(axis=1) - 0.5) < 0.03)
    is_wave &= ((values == 0) | (np.abs(values) == 1)).mean(axis=1) < 0.5
    # Of five places the middle one has the value that nearly all places have.
    most = np.sort(values[:, :: max(1, values.shape[1] // 5)][:, :5], axis=1)[:, 2:3]
    is_most = values == most
    few = is_flat.mean(axis=1) > 0.9
    rows = np.flatnonzero(~few & (is_most.mean(axis=1) > 0.9))
    few[rows] = _spread(np.where(is_most[rows], np.nan, values[rows])) == 0  # masks and unit matrices
    found: Array = few | is_wave | ((is_smooth & ~is_flat).sum(axis=1) >= 0.3 * np.maximum((~is_flat).sum(axis=1), 1))
    return found


def _spread(values: Array) -> Array:
    """Largest less smallest number of each row; 0 where there is none."""
    high, low = np.where(np.isnan(values), -np.inf, values), np.where(np.isnan(values), np.inf, values)
    found: Array = np.maximum(high.max(axis=1) - low.min(axis=1), 0)
    return found


def classify(
    left: Array, right: Array, dtypes: tuple[list[str], list[str]], steps: tuple[Array, Array], is_vector: Array
) -> Array:
    """What changed from each row of `left` to the same row of `right`: CAST, QUANTIZED or CHANGED.

    `steps` are distances between codes by segment, NaN where values are plain floats. `is_vector` marks rows where an
    offset of one counts as a cast: formats keep some norms as their distance from one.
    """
    found = np.full(len(left), CHANGED, dtype=np.int8)
    for start in _blocks(left):
        part = slice(start, start + BLOCK_ROWS)
        grids = tuple([names[part] for names in dtypes])
        gaps = tuple([gap[part] for gap in steps])
        found[part] = _classify(left[part], right[part], (grids[0], grids[1]), (gaps[0], gaps[1]), is_vector[part])
    return found


def _classify(
    left: Array, right: Array, dtypes: tuple[list[str], list[str]], steps: tuple[Array, Array], is_vector: Array
) -> Array:
    has_codes = np.isfinite(steps[0]).any(axis=1) | np.isfinite(steps[1]).any(axis=1)
    is_eight = np.array([a.startswith("F8") or b.startswith("F8") for a, b in zip(*dtypes, strict=True)], dtype=bool)
    gaps = [_gaps(values, names, step) for values, names, step in zip((left, right), dtypes, steps, strict=True)]
    is_cast = ~has_codes & _is_cast(left, right, gaps, dtypes)
    for offset in (1, -1):
        again = np.flatnonzero(is_vector & ~is_cast & ~has_codes)
        if again.size:
            moved = left[again] + np.float32(offset)
            names = ([dtypes[0][i] for i in again], [dtypes[1][i] for i in again])
            # The sum was rounded in the type that it was made in.
            wide = [np.maximum(gaps[0][again], _gaps(moved, names[0], steps[0][again])), gaps[1][again]]
            is_cast[again] = _agree(moved, right[again], wide)
    is_quantized = np.zeros(len(left), dtype=bool)
    coded = np.flatnonzero((has_codes | is_eight) & ~is_cast)
    if coded.size:
        is_quantized[coded] = _excess(left[coded], right[coded], [gap[coded] for gap in gaps]) <= ROUNDED
    rest = np.flatnonzero(~is_cast & ~has_codes & ~is_quantized)
    if rest.size:
        is_quantized[rest] = _is_simulated(_few(left[rest]), _few(right[rest]))
    return np.where(is_cast, CAST, np.where(is_quantized, QUANTIZED, CHANGED)).astype(np.int8)


def _gaps(values: Array, dtypes: list[str], steps: Array) -> Array:
    """How far a value is from the next that its type can hold."""
    layouts = {name: FLOATS.get(name) for name in set(dtypes)}
    # Wide types were cut to what fingerprints keep.
    mantissas = {name: _mantissa(name) for name in layouts}
    exponents_from = {name: 1 - layout.bias if layout else -126 for name, layout in layouts.items()}
    mantissa = np.array([mantissas[name] for name in dtypes])[:, None]
    least = np.array([exponents_from[name] for name in dtypes])[:, None]
    _, exponents = np.frexp(np.abs(values))
    gaps = np.ldexp(np.float32(1), np.clip(np.maximum(exponents - 1, least) - mantissa, -140, 126))
    found: Array = gaps.astype(np.float32)
    rows = np.flatnonzero(np.isfinite(steps).any(axis=1))
    if rows.size:
        codes = np.repeat(steps[rows], SEGMENT, axis=1)
        found[rows] = np.where(np.isfinite(codes), codes, found[rows])
    return found


def _is_cast(left: Array, right: Array, gaps: list[Array], dtypes: tuple[list[str], list[str]]) -> Array:
    differ = np.array([a != b for a, b in zip(*dtypes, strict=True)], dtype=bool)
    found = np.zeros(len(left), dtype=bool)
    found[differ] = _agree(left[differ], right[differ], [gap[differ] for gap in gaps])
    # There and back: of the same type, or of a wide one, but one side has only values of a narrow type. Few will do.
    mantissas = [np.array([_mantissa(name) for name in names]) for names in dtypes]
    a, b, own = _few(left), _few(right), [_few(gap) for gap in gaps]
    for grid in _GRIDS:
        for wide, narrow, side in ((a, b, 1), (b, a, 0)):
            rows = np.flatnonzero(~found & (mantissas[side] > _mantissa(grid)))
            if rows.size:
                found[rows] = _is_on_grid(wide[rows], narrow[rows], own[side][rows], grid)
    return found


def _is_on_grid(wide: Array, narrow: Array, own: Array, grid: str) -> Array:
    """Whether `narrow`, in a type with gaps of `own`, has only values of the type `grid`, and `wide` rounds to them."""
    found = np.zeros(len(narrow), dtype=bool)
    # Hardly any is, and where it is not a few values show it.
    allowed = (1 - AGREEING) * narrow.shape[1]
    rows = np.flatnonzero(_beside(narrow[:, : 2 * SEGMENT], grid)[0] <= allowed)
    if not rows.size:
        return found
    beside, coarse = _beside(narrow[rows], grid)
    is_on = beside <= allowed
    rows = rows[is_on]
    if rows.size:
        gap = coarse[is_on]
        is_coarser = (gap >= 4 * own[rows]).mean(axis=1) > 0.9
        is_near = (np.abs(wide[rows] - narrow[rows]) <= 0.51 * gap + own[rows]).mean(axis=1) >= AGREEING
        found[rows] = is_coarser & is_near
    return found


def _beside(values: Array, grid: str) -> tuple[Array, Array]:
    """How many values of each row are none of the type `grid`, and how far each is from the next of that type."""
    gaps = _gaps(values, [grid] * len(values), np.full((len(values), values.shape[1] // SEGMENT), np.nan))
    is_beside = np.abs(np.rint(values / gaps) * gaps - values) > np.abs(values) * _STORED / 2
    return is_beside.sum(axis=1), gaps


def _few(values: Array) -> Array:
    """A quarter of full samples."""
    return light(values) if values.shape[1] == RUNS * RUN_LENGTH else values


def _mantissa(dtype: str) -> int:
    """Bits behind the point, as far as fingerprints keep them."""
    layout = FLOATS.get(dtype)
    return 14 if layout is None else min(layout.mantissa, 14)


def _agree(left: Array, right: Array, gaps: list[Array]) -> Array:
    """Whether values differ by rounding alone, to the nearest or toward zero."""
    error = np.abs(left - right)
    size = np.maximum(np.abs(left), np.abs(right))
    both = gaps[0] + gaps[1]
    # Types without large values end at their largest.
    ends = np.where(gaps[0] > gaps[1], np.abs(left), np.abs(right)) >= 448
    is_near = (error <= 0.51 * both + size * _STORED) | ends
    narrow_is_left = gaps[0].mean(axis=1) > gaps[1].mean(axis=1)
    shorter = np.where(narrow_is_left[:, None], np.abs(right) - np.abs(left), np.abs(left) - np.abs(right))
    is_cut = (error <= 1.02 * both) & (shorter >= -size * _STORED)
    found: Array = (is_near.mean(axis=1) >= AGREEING) | (is_cut.mean(axis=1) >= AGREEING)
    return found


def _excess(left: Array, right: Array, gaps: list[Array]) -> Array:
    """How much larger the difference is than rounding to codes explains, whatever scale and offset segments have."""
    x, y = (values.reshape(len(values), -1, SEGMENT).astype(np.float64) for values in (left, right))
    x, y = x - x.mean(axis=2, keepdims=True), y - y.mean(axis=2, keepdims=True)
    xx, yy, xy = ((a * b).sum(axis=2) for a, b in ((x, x), (y, y), (x, y)))
    with np.errstate(divide="ignore", invalid="ignore"):
        slope = np.sqrt(xx / yy)
        residual = np.maximum(xx - xy * xy / yy, 0) / (SEGMENT - 2)
        gap_x, gap_y = (np.square(gap.reshape(len(gap), -1, SEGMENT)).mean(axis=2) for gap in gaps)
        explained = (gap_x + gap_y * slope * slope) / 12
        ratio = residual / explained
    is_valid = np.isfinite(ratio) & (xx > 0) & (yy > 0)
    middle = np.array([np.mean(row[ok]) if ok.any() else np.inf for row, ok in zip(ratio, is_valid, strict=True)])
    found: Array = np.sqrt(middle)
    return found


def _is_simulated(left: Array, right: Array) -> Array:
    """Whether one side has plain floats that lie on a coarse grid and the other side rounds to it."""
    found = np.zeros(len(left), dtype=bool)
    for wide, coarse in ((left, right), (right, left)):
        steps = _grid(coarse)
        rows = np.flatnonzero(np.isfinite(steps).mean(axis=1) >= 0.5)
        if rows.size:
            gaps = np.repeat(steps[rows], SEGMENT, axis=1)
            is_on = np.isfinite(gaps)
            error = np.abs(wide[rows] - coarse[rows])
            found[rows] |= (error <= 0.75 * gaps).sum(axis=1) >= 0.95 * is_on.sum(axis=1)
    return found


def _grid(values: Array) -> Array:
    """The distance of which all differences in a segment are multiples; NaN where there is none to see."""
    segments = np.sort(values.reshape(len(values), -1, SEGMENT).astype(np.float64), axis=2)
    differences = np.diff(segments, axis=2)
    span = segments[:, :, -1] - segments[:, :, 0]
    tiny = 1e-4 * span[:, :, None]
    least = np.where(differences > tiny, differences, np.inf).min(axis=2)
    found = np.full(least.shape, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        for parts in (1, 2, 3):
            step = least / parts
            counts = (segments - segments[:, :, :1]) / step[:, :, None]
            is_whole = (np.abs(counts - np.rint(counts)) < 0.02 + 0.002 * counts).all(axis=2) & (span / step < 40)
            found = np.where(np.isnan(found) & is_whole & (span > 0), step, found)
    return found
