"""What is taken of a tensor: always the same, however its bytes come, and in a form that is checked when read."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from gguf import GGMLQuantizationType, quants
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.weights.families import bf16
from tests.unit.weights.makers import safetensors_bytes
from weights import TensorRecord, inspect_file
from weights.block_values import is_readable, read_blocks
from weights.fingerprints import Fingerprint, light_fingerprints, row_length, sampler_for
from weights.packings import is_companion, packing_of
from weights.quant_blocks import QUANTS
from weights.row_sketch import ROWS, distances, pattern_of
from weights.tensor_values import FLOATS, decode_floats
from weights.value_sample import places

SHAPE = (300, 96)
ARRAY = np.random.default_rng(2).standard_normal(SHAPE).astype("<f4")


def raw(array: Any, dtype: str) -> bytes:
    if dtype == "BF16":
        return bf16(array).tobytes()
    return array.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2", "I8": "i1"}[dtype]).tobytes()


def taken(dtype: str, shape: tuple[int, ...], content: bytes, step: int, **options: Any) -> Fingerprint:
    sampler = sampler_for(dtype, shape, int(np.prod(shape)), **options)
    assert sampler is not None
    for start in range(0, len(content), step):
        sampler.update(memoryview(content)[start : start + step])
    text = sampler.finish()
    assert text is not None
    return Fingerprint.from_text(text)


def record(array: Any, dtype: str = "F32") -> TensorRecord:
    content = safetensors_bytes({"w": (dtype, list(array.shape), raw(array, dtype))})
    (found,) = inspect_file(lambda: io.BytesIO(content), "m.safetensors", len(content)).tensors
    return found


@pytest.mark.parametrize("dtype", ["F64", "F32", "BF16", "F16"])
@pytest.mark.parametrize("step", [8, 96 * 8, 8 * 1001, 1 << 20])
def test_the_fingerprint_does_not_depend_on_the_blocks(dtype: str, step: int) -> None:
    content = raw(ARRAY, dtype)
    found = taken(dtype, SHAPE, content, step)
    expected = decode_floats(dtype, content)[places(ARRAY.size)].astype("<f4")
    assert np.abs(found.values - expected).max() <= 2**-14 * np.abs(expected).max()
    assert found.signs is not None
    assert found.checks is not None
    whole = taken(dtype, SHAPE, content, len(content))
    assert whole.signs is not None
    assert whole.checks is not None
    assert (found.signs.tolist(), found.checks.tolist()) == (whole.signs.tolist(), whole.checks.tolist())


@pytest.mark.parametrize("kind", [kind for kind in QUANTS if is_readable(kind)])
def test_blocks_mean_what_the_reference_says(kind: str) -> None:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 256, (40, QUANTS[kind].size_bytes), dtype=np.uint8)
    for place in QUANTS[kind].scales:
        blocks[:, place : place + 2] = rng.standard_normal((40, 1)).astype("<f2").view(np.uint8)
    if QUANTS[kind].exponents:
        blocks[:, 0] = rng.integers(110, 130, 40)
    values, steps = read_blocks(kind, blocks.tobytes())
    expected = quants.dequantize(blocks, GGMLQuantizationType[kind]).reshape(-1)
    assert np.array_equal(values, expected)
    assert (steps >= 0).all()
    assert steps.shape == values.shape


@pytest.mark.parametrize("kind", ["Q8_0", "Q4_0"])
@pytest.mark.parametrize("step", [1, 7, 1000])
def test_quantized_tensors_are_read_through_their_blocks(kind: str, step: int) -> None:
    array = np.random.default_rng(3).standard_normal((64, 256)).astype("<f4")
    blocks = quants.quantize(array, GGMLQuantizationType[kind])
    size = QUANTS[kind].size_bytes
    found = taken(kind, array.shape, blocks.tobytes(), step * size)
    values, _ = read_blocks(kind, blocks.tobytes())
    assert np.allclose(found.values, values[places(array.size)], rtol=2**-14)
    assert found.steps is not None
    plain = taken("F32", array.shape, array.tobytes(), 4096)
    assert found.signs is not None
    assert plain.signs is not None
    turned = distances(found.signs[:, None], plain.signs[None, :]).min(axis=1)
    assert np.median(turned) <= (4 if kind == "Q8_0" else 20)


def test_the_same_rows_are_kept_wherever_they_stand() -> None:
    order = np.random.default_rng(4).permutation(len(ARRAY))
    one, other = (taken("F32", SHAPE, rows.tobytes(), 4096) for rows in (ARRAY, ARRAY[order]))
    assert one.signs is not None
    assert other.signs is not None
    assert one.checks is not None
    assert other.checks is not None
    assert len(one.signs) == ROWS
    assert (one.signs.tolist(), one.checks.tolist()) == (other.signs.tolist(), other.checks.tolist())
    every = np.packbits(ARRAY < 0, axis=1)
    near = distances(np.pad(every, ((0, 0), (0, 4))).view("<u8"), pattern_of(96))
    assert distances(one.signs, pattern_of(96)).tolist() == sorted(near.tolist())[:ROWS]


def test_equal_rows_are_kept_once() -> None:
    rows = np.concatenate([np.zeros((5000, 96), dtype="<f4"), ARRAY[:50], np.repeat(ARRAY[:1], 500, axis=0)])
    found = taken("F32", rows.shape, rows.tobytes(), 96 * 4 * 11)
    assert found.signs is not None
    assert len(np.unique(found.signs, axis=0)) == len(found.signs) == ROWS


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_not_finite_does_not_hide_the_rest(value: float) -> None:
    spoiled = ARRAY.copy()
    spoiled[0, 0] = value
    text, plain = record(spoiled).sample, record(ARRAY).sample
    assert text is not None
    assert plain is not None
    assert Fingerprint.from_text(text).values[0] == 0
    assert Fingerprint.from_text(text).values[1:].tolist() == Fingerprint.from_text(plain).values[1:].tolist()


def test_no_fingerprint_of_zeros() -> None:
    assert record(np.zeros(SHAPE)).sample is None


@pytest.mark.parametrize(
    ("dtype", "shape"),
    [
        ("F32", (63,)),
        ("F32", (4, 4)),
        ("C64", (64, 64)),
        ("F8_E8M0", (64, 64)),
        ("IQ2_XS", (64, 256)),
        ("F6_E2M3", (64, 64)),
    ],
)
def test_no_fingerprint_of_what_says_nothing(dtype: str, shape: tuple[int, ...]) -> None:
    assert sampler_for(dtype, shape, int(np.prod(shape))) is None


@pytest.mark.parametrize("dtype", ["F64", "F32", "F16", "BF16"])
@pytest.mark.parametrize("shape", [(80,), (20, 20), (64, 96)])
def test_many_at_once_are_taken_like_one_by_one(dtype: str, shape: tuple[int, ...]) -> None:
    arrays = np.random.default_rng(5).standard_normal((6, *shape)).astype("<f4")
    arrays[2] = 0
    arrays[3].flat[0] = np.nan
    contents = np.stack([np.frombuffer(raw(array, dtype), dtype=np.uint8) for array in arrays])
    elements = int(np.prod(shape))
    codes = contents.view(f"<u{FLOATS[dtype].width}")[:, places(elements, True)]
    texts = light_fingerprints(dtype, elements, [row_length(shape, elements)] * 6, codes)
    for text, content in zip(texts, contents, strict=True):
        sampler = sampler_for(dtype, shape, elements, is_light=True)
        assert sampler is not None
        sampler.update(memoryview(content))
        expected = sampler.finish()
        assert (text is None) == (expected is None)
        if text is not None and expected is not None:
            one, other = Fingerprint.from_text(text), Fingerprint.from_text(expected)
            assert (one.row, one.elements, one.values.tolist()) == (other.row, other.elements, other.values.tolist())


def test_a_light_fingerprint_is_part_of_the_full_one() -> None:
    full = taken("F32", SHAPE, ARRAY.tobytes(), 4096)
    light = taken("F32", SHAPE, ARRAY.tobytes(), 4096, is_light=True)
    assert light.signs is None
    assert set(light.values.tolist()) < set(full.values.tolist())


def test_a_fingerprint_is_small() -> None:
    text = record(np.random.default_rng(1).standard_normal((500, 500))).sample
    assert text is not None
    assert len(base64.b64decode(text)) <= 5200


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!", base64.b64encode(bytes(5000)).decode()])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a fingerprint"):
        Fingerprint.from_text(text)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 4000))
def test_a_spoiled_fingerprint_is_read_or_refused(noise: bytes, place: int) -> None:
    content = bytearray(base64.b64decode(record(ARRAY[:8]).sample or ""))
    content[place : place + len(noise)] = noise
    try:
        found = Fingerprint.from_text(base64.b64encode(content).decode())
    except ValueError:
        return
    assert len(found.values) % 16 == 0


def test_eight_bit_floats_are_decoded() -> None:
    assert decode_floats("F8_E4M3", b"\x38\xb8\x7e\x00\x08").tolist() == [1.0, -1.0, 448.0, 0.0, 2.0**-6]
    assert decode_floats("F8_E5M2", b"\x3c").tolist() == [1.0]
    assert np.isnan(decode_floats("F8_E4M3", b"\x7f\xff")).all()
    assert np.isnan(decode_floats("F8_E4M3FNUZ", b"\x80")).all()


PACKED = {
    "a.qweight": ("I32", (8, 48)),
    "a.scales": ("F16", (2, 48)),
    "a.qzeros": ("I32", (2, 6)),
    "b.qweight": ("I32", (64, 6)),
    "b.scales": ("F16", (2, 48)),
    "c.qweight": ("I32", (16, 48)),
    "c.scales": ("F16", (2, 48)),
    "c.g_idx": ("I32", (64,)),
    "d.weight": ("U8", (1536, 1)),
    "d.weight.absmax": ("F32", (48,)),
    "d.weight.quant_map": ("F32", (16,)),
    "e.weight_packed": ("I32", (48, 8)),
    "e.weight_scale": ("F16", (48, 2)),
    "f.weight": ("U32", (48, 8)),
    "f.scales": ("F16", (48, 2)),
    "f.biases": ("F16", (48, 2)),
    "g_blocks": ("U8", (2, 48, 2, 16)),
    "g_scales": ("U8", (2, 48, 2)),
    "h": ("F4", (48, 64)),
    "i.weight": ("I32", (48, 64)),
    "j.qweight": ("I32", (0, 0)),
}


@pytest.mark.parametrize(
    ("name", "style", "elements"),
    [
        ("a.qweight", "gptq", 3072),
        ("b.qweight", "awq", 3072),
        ("c.qweight", "gptq", 3072),
        ("d.weight", "nf4", 3072),
        ("e.weight_packed", "words", 3072),
        ("f.weight", "words", 3072),
        ("g_blocks", "e2m1", 6144),
        ("h", "e2m1", 3072),
        ("i.weight", None, 0),
        ("j.qweight", None, 0),
        ("a.scales", None, 0),
    ],
)
def test_packed_layouts_are_recognized(name: str, style: str | None, elements: int) -> None:
    found = packing_of(name, PACKED)
    assert (found and found.style, found.elements if found else 0) == (style, elements)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.weight_scale", True),
        ("a.weight.absmax", True),
        ("a.SCB", True),
        ("a.scales", True),
        ("a.weight_scale_inv", True),
        ("a.weight.quant_state.bitsandbytes__nf4", True),
        ("a.weight", False),
        ("a.upscale.weight", False),
        ("rescales", False),
    ],
)
def test_scales_and_the_like_are_told_by_name(name: str, expected: bool) -> None:
    assert is_companion(name) is expected
