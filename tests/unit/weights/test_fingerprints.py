"""Fingerprints: known again after casts, noise and tuning; never mistaken for another model's."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

from tests.unit.weights.makers import safetensors_bytes
from weights import FileReport, Kinship, TensorRecord, compare, inspect_file, tensor_walk
from weights.fingerprints import RUN_LENGTH, RUNS, Sampler, read_sample, sampler_for
from weights.tensor_values import decode_floats

SHAPE = (96, 64)


def model(seed: int, count: int = 6) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {f"model.layers.{number}.w.weight": rng.standard_normal(SHAPE) * 0.02 for number in range(count)}


def raw(array: Any, dtype: str) -> bytes:
    if dtype == "BF16":
        return (array.astype("<f4").view("<u4") >> 16).astype("<u2").tobytes()
    return array.astype({"F64": "<f8", "F32": "<f4", "F16": "<f2"}[dtype]).tobytes()


def records(weights: dict[str, Any], dtype: str = "BF16") -> list[TensorRecord]:
    content = safetensors_bytes(
        {name: (dtype, list(array.shape), raw(array, dtype)) for name, array in weights.items()}
    )
    report = inspect_file(lambda: io.BytesIO(content), "m.safetensors", len(content))
    return FileReport.from_json(report.to_json()).tensors


def changed(weights: dict[str, Any], share: float, seed: int = 77) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    return {name: array + share * array.std() * rng.standard_normal(array.shape) for name, array in weights.items()}


HELD = model(1)


def test_equal_tensors_are_the_same_under_any_name() -> None:
    renamed = {f"x.{number}": array for number, array in enumerate(HELD.values())}
    found = compare(records(renamed), records(HELD))
    assert found.kinship is Kinship.SAME
    assert len(found.matches) == len(HELD)
    assert all(match.is_exact and match.cosine == 1 for match in found.matches)


@pytest.mark.parametrize("dtype", ["F16", "F32", "F64"])
def test_a_cast_is_the_same(dtype: str) -> None:
    found = compare(records(HELD, dtype), records(HELD, "BF16"))
    assert found.kinship is Kinship.SAME
    assert min(match.cosine for match in found.matches) > 0.999
    assert not any(match.is_exact for match in found.matches)


@pytest.mark.parametrize(("share", "kinship"), [(0.01, "same"), (0.2, "same"), (0.8, "related"), (1.5, "related")])
def test_noise_makes_a_relative_of_a_copy(share: float, kinship: str) -> None:
    assert compare(records(changed(HELD, share)), records(HELD)).kinship == kinship


def test_rescaling_is_seen_through() -> None:
    scaled = {name: array * 37.0 for name, array in HELD.items()}
    assert compare(records(scaled), records(HELD)).kinship is Kinship.SAME


@pytest.mark.parametrize("seed", range(2, 12))
def test_another_model_is_unrelated(seed: int) -> None:
    found = compare(records(model(seed, 12)), records(HELD))
    assert (found.kinship, found.matches, found.compared) == (Kinship.UNRELATED, [], 12)


def test_nothing_to_compare_is_not_unrelated() -> None:
    other = {"w": np.random.default_rng(1).standard_normal((80, 80))}
    assert compare(records(other), records(HELD)).kinship is Kinship.UNKNOWN
    assert compare([], []).kinship is Kinship.UNKNOWN


PARENT = model(3)
TUNED = changed(PARENT, 0.1, seed=4)


@pytest.mark.parametrize(
    ("candidate", "kinship"),
    [
        (changed(TUNED, 0.02, seed=5), "same"),
        ({name: (PARENT[name] + TUNED[name]) / 2 for name in PARENT}, "same"),
        (changed(PARENT, 0.1, seed=6), "unrelated"),
        ({name: PARENT[name] + 0.4 * (TUNED[name] - PARENT[name]) for name in PARENT}, "same"),
        (
            changed({name: PARENT[name] + 0.5 * (TUNED[name] - PARENT[name]) for name in PARENT}, 0.12, seed=8),
            "related",
        ),
    ],
    ids=["tuned further", "merge", "other tune of the parent", "part of the way", "part of the way, much changed"],
)
def test_a_known_parent_tells_copies_from_siblings(candidate: dict[str, Any], kinship: str) -> None:
    found = compare(records(candidate, "F32"), records(TUNED, "F32"), records(PARENT, "F32"))
    assert found.kinship == kinship
    assert found.difference is not None


def test_what_the_parent_has_too_proves_nothing() -> None:
    half = dict(list(PARENT.items())[:3])
    held = TUNED | half
    found = compare(records(changed(PARENT, 0.1, seed=9) | half), records(held), records(PARENT))
    assert (found.kinship, any(match.is_exact for match in found.matches)) == (Kinship.UNRELATED, False)


def test_a_parent_of_other_shapes_is_no_help() -> None:
    other = {"w": np.random.default_rng(1).standard_normal((80, 80))}
    found = compare(records(TUNED, "F32"), records(TUNED, "F16"), records(other))
    assert (found.kinship, found.difference) == (Kinship.SAME, None)


@pytest.mark.parametrize("dtype", ["F64", "F16", "BF16"])
def test_a_cast_of_the_parent_is_no_copy_of_its_tune(dtype: str) -> None:
    parent = {name: array.astype("<f4").astype("<f8") for name, array in PARENT.items()}
    found = compare(records(parent, dtype), records(TUNED, "F32"), records(parent, "F32"))
    assert found.kinship is Kinship.UNRELATED
    assert found.difference is not None
    assert abs(found.difference) < 0.3


@pytest.mark.parametrize("dtype", ["F32", "BF16", "F16"])
@pytest.mark.parametrize("step", [4, 4 * 1000, 1 << 20])
def test_the_sample_does_not_depend_on_the_blocks(dtype: str, step: int) -> None:
    array = np.random.default_rng(2).standard_normal(10_000)
    content = raw(array, dtype)
    sampler = Sampler(dtype, array.size)
    for start in range(0, len(content), step):
        sampler.update(memoryview(content)[start : start + step])
    text = sampler.finish()
    assert text is not None
    starts = [number * (array.size - RUN_LENGTH) // (RUNS - 1) for number in range(RUNS)]
    expected = np.concatenate([decode_floats(dtype, content)[start : start + RUN_LENGTH] for start in starts])
    assert np.abs(read_sample(text) - expected).max() < 1e-3 * np.abs(expected).max()


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_no_sample_of_what_is_not_finite_or_zero(value: float) -> None:
    (record,) = records({"w": np.full(SHAPE, value)}, "F32")
    assert record.sample is None


@pytest.mark.parametrize(
    ("dtype", "shape", "elements"),
    [
        ("I8", (64, 64), 4096),
        ("F32", (4096,), 4096),
        ("F32", (4, 4), 16),
        ("C64", (64, 64), 4096),
        ("F8_E8M0", (64, 64), 4096),
    ],
)
def test_no_sample_of_what_says_nothing(dtype: str, shape: tuple[int, ...], elements: int) -> None:
    assert sampler_for(dtype, shape, elements) is None


def test_eight_bit_floats_are_decoded() -> None:
    assert decode_floats("F8_E4M3", b"\x38\xb8\x7e\x00\x08").tolist() == [1.0, -1.0, 448.0, 0.0, 2.0**-6]
    assert decode_floats("F8_E5M2", b"\x3c").tolist() == [1.0]
    assert np.isnan(decode_floats("F8_E4M3", b"\x7f\xff")).all()
    assert np.isnan(decode_floats("F8_E4M3FNUZ", b"\x80")).all()


def test_the_number_of_samples_in_a_file_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensor_walk, "SAMPLES_LIMIT", 1)
    monkeypatch.setattr(tensor_walk, "STEP_BYTES", 1 << 12)
    assert [record.sample is not None for record in records(model(1, 3))] == [True, False, False]


@pytest.mark.parametrize("text", ["", "AAAA", "not base64!"])
def test_what_is_no_fingerprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a fingerprint"):
        read_sample(text)
