"""The walk over raw bytes, against numpy on real floats."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from weights.tensor_values import FLOATS, INTEGERS, PACKED, ValueSummary, values_of

RNG = np.random.default_rng(5)


def walk(dtype: str, content: bytes, step: int = 1 << 20) -> ValueSummary:
    values = values_of(dtype)
    for start in range(0, len(content), step):
        values.update(memoryview(content)[start : start + step])
    return values.summary()


@pytest.mark.parametrize("dtype", ["F16", "F32", "F64"])
@pytest.mark.parametrize("shift", [0.0, 50.0, -50.0], ids=["both signs", "positive", "negative"])
@pytest.mark.parametrize("step", [8, 4096, 1 << 20])
def test_extremes_agree_with_numpy(dtype: str, shift: float, step: int) -> None:
    array = (RNG.standard_normal(2000) + shift).astype({"F16": "<f2", "F32": "<f4", "F64": "<f8"}[dtype])
    found = walk(dtype, array.tobytes(), step)
    assert (found.low, found.high) == (float(array.min()), float(array.max()))
    assert (found.nans, found.infinities, found.first_bad) == (0, 0, None)


def test_extremes_of_bf16() -> None:
    codes = RNG.integers(0, 1 << 16, 5000, dtype="<u2")
    codes = codes[(codes & 0x7F80) != 0x7F80]
    floats = (codes.astype("<u4") << 16).view("<f4")
    found = walk("BF16", codes.tobytes())
    assert (found.low, found.high) == (float(floats.min()), float(floats.max()))


E4M3 = {0x08: 2.0**-6, 0x38: 1.0, 0x7E: 448.0, 0xFE: -448.0, 0x01: 2.0**-9, 0xB8: -1.0}
E5M2 = {0x3C: 1.0, 0x7B: 57344.0, 0xFB: -57344.0, 0x01: 2.0**-16}
E4M3FNUZ = {0x40: 1.0, 0x7F: 240.0, 0xFF: -240.0}
E5M2FNUZ = {0x40: 1.0, 0x7F: 57344.0, 0xFF: -57344.0}
E8M0 = {0x7F: 1.0, 0x80: 2.0, 0x00: 2.0**-127, 0xFE: 2.0**127}


@pytest.mark.parametrize(
    ("dtype", "code", "value"),
    [
        (dtype, code, value)
        for dtype, known in [
            ("F8_E4M3", E4M3),
            ("F8_E5M2", E5M2),
            ("F8_E4M3FNUZ", E4M3FNUZ),
            ("F8_E5M2FNUZ", E5M2FNUZ),
            ("F8_E8M0", E8M0),
        ]
        for code, value in known.items()
    ],
)
def test_codes_of_eight_bit_floats(dtype: str, code: int, value: float) -> None:
    found = walk(dtype, bytes([code]) * 3)
    assert (found.low, found.high, found.nans) == (value, value, 0)
    assert found.is_constant


NANS = {
    "F8_E4M3": {0x7F, 0xFF},
    "F8_E5M2": {0x7D, 0x7E, 0x7F, 0xFD, 0xFE, 0xFF},
    "F8_E4M3FNUZ": {0x80},
    "F8_E5M2FNUZ": {0x80},
    "F8_E8M0": {0xFF},
}


@pytest.mark.parametrize("dtype", NANS)
def test_every_eight_bit_code_is_judged(dtype: str) -> None:
    infinities = {0x7C, 0xFC} if dtype == "F8_E5M2" else set()
    for code in range(256):
        found = walk(dtype, bytes([0x10, code, 0x11]))
        assert (found.nans, found.infinities) == (code in NANS[dtype], code in infinities), hex(code)
        assert found.first_bad == (1 if code in NANS[dtype] | infinities else None)


@pytest.mark.parametrize(
    ("dtype", "form"), [("F16", "<f2"), ("F32", "<f4"), ("F64", "<f8"), ("C64", "<f4"), ("BF16", "")]
)
@pytest.mark.parametrize(
    ("bad", "nans", "infinities"),
    [
        ([math.nan], 1, 0),
        ([-math.nan], 1, 0),
        ([math.inf], 0, 1),
        ([-math.inf], 0, 1),
        ([math.nan, math.inf, -math.inf, 1.0], 1, 2),
    ],
)
@pytest.mark.parametrize("rest", [[1.0, -2.0], [1.0, 2.0], [-1.0, -2.0]])
def test_what_is_not_finite_is_counted_and_placed(
    dtype: str, form: str, bad: list[float], nans: int, infinities: int, rest: list[float]
) -> None:
    values = rest * 40 + bad + rest * 40
    if form:
        content = np.array(values, dtype=form).tobytes()
    else:
        content = (np.array(values, dtype="<f4").view("<u4") >> 16).astype("<u2").tobytes()
    found = walk(dtype, content, 64)
    assert (found.nans, found.infinities, found.first_bad) == (nans, infinities, 80)
    assert (found.low, found.high) == (min(rest), max([*rest, *([1.0] if len(bad) > 1 else [])]))
    assert not found.is_constant


def test_the_first_of_several_bad_blocks_is_named() -> None:
    found = walk("F32", np.array([1.0, math.nan, 2.0, math.nan], dtype="<f4").tobytes(), 8)
    assert (found.first_bad, found.nans, found.low, found.high) == (1, 2, 1.0, 2.0)


def test_nothing_finite_leaves_no_range() -> None:
    found = walk("F32", np.full(10, np.nan, dtype="<f4").tobytes())
    assert (found.low, found.high, found.nans) == (None, None, 10)
    found = walk("F8_E8M0", b"\xff\x01\xff")
    assert (found.low, found.high, found.nans) == (2.0**-126, 2.0**-126, 2)


@pytest.mark.parametrize("dtype", ["I8", "U8", "I16", "U16", "I32", "U32", "I64", "U64"])
def test_integers(dtype: str) -> None:
    form = INTEGERS[dtype]
    limits = np.iinfo(form)
    found = walk(dtype, np.array([limits.min, 0, 0, limits.max], dtype=form).tobytes(), np.dtype(form).itemsize)
    assert (found.low, found.high, found.zeros, found.zero_run) == (
        limits.min,
        limits.max,
        2 if limits.min else 3,
        2 if limits.min else 3,
    )


@pytest.mark.parametrize("dtype", sorted(PACKED))
def test_packed_types_have_no_range(dtype: str) -> None:
    found = walk(dtype, bytes([0, 0, 7]))
    assert (found.low, found.high, found.zeros, found.is_constant) == (None, None, 2, False)


@pytest.mark.parametrize("dtype", [*FLOATS, "I32", "BOOL"])
def test_a_tensor_without_bytes(dtype: str) -> None:
    values = values_of(dtype)
    values.update(memoryview(b""))
    assert values.summary() == ValueSummary(None, None, 0, 0, 0, 0, None)


def test_zero_runs_of_small_blocks_are_exact() -> None:
    for pattern in itertools.product((0, 1), repeat=8):
        longest = max(len(list(run)) if key == 0 else 0 for key, run in itertools.groupby(pattern))
        found = walk("U8", bytes(pattern), 4)
        assert found.zero_run == longest, pattern
        assert found.zeros == pattern.count(0)


def test_a_long_run_across_blocks_is_found() -> None:
    content = b"\x01" * 1000 + bytes(5000) + b"\x01" * 2000
    assert walk("U8", content, 500).zero_run == 5000
    assert 5000 - 2 * (512 // 16) <= walk("U8", content, 512).zero_run <= 5000
    scattered = (b"\x01" * 99 + b"\0") * 100
    assert walk("U8", scattered, 1000).zero_run == 0
    assert walk("U8", scattered, 1000).zeros == 100
