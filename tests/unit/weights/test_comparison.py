"""Comparing checkpoints: every copy is known again as what it is, and strangers stay strangers."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.weights import families as make
from tests.unit.weights.families import Model, gguf_records, llama, records
from weights import FileReport, Relation, TensorRecord, compare

BASE = llama(1)
OTHER = llama(2)
BASE_RECORDS = records(BASE)


def relations(found: Any) -> set[str]:
    return {tensor.relation.value for tensor in found.tensors if tensor.proves}


def half(model: Model) -> dict[str, Any]:
    return dict(itertools.islice(model.items(), 0, None, 2))


SAFETENSORS: list[tuple[str, Callable[[Model], Any], str, set[str]]] = [
    ("the same", dict, "same", {"same"}),
    ("renamed", make.renamed, "same", {"same"}),
    ("bfloat16", make.each(make.bf16), "cast", {"cast"}),
    ("bfloat16, cut off", make.each(lambda a: (a.view("<u4") >> 16).astype("<u2")), "cast", {"cast"}),
    ("renamed and half", lambda m: make.renamed(make.each(lambda a: a.astype("<f2"))(m)), "cast", {"cast"}),
    ("double", make.each(lambda a: a.astype("<f8")), "cast", {"cast"}),
    ("to bfloat16 and back", make.each(lambda a: make.from_bf16(make.bf16(a))), "cast", {"cast"}),
    ("to half and back", make.each(lambda a: a.astype("<f2").astype("<f4")), "cast", {"cast"}),
    ("eight bits by row", make.int8_rows, "quantized", {"quantized"}),
    ("eight bits by tensor", make.int8_tensor, "quantized", {"quantized"}),
    ("eight bits with zero points", make.uint8_rows, "quantized", {"quantized"}),
    ("GPTQ", make.gptq, "quantized", {"quantized", "cast"}),
    ("AWQ", make.awq, "quantized", {"quantized", "cast"}),
    ("bitsandbytes", make.nf4, "quantized", {"quantized", "cast"}),
    ("tuned very little", make.noisy(0.001), "fine-tuned", {"fine-tuned"}),
    ("tuned", make.noisy(0.05), "fine-tuned", {"fine-tuned"}),
    ("tuned, bfloat16", lambda m: make.each(make.bf16)(make.noisy(0.02)(m)), "fine-tuned", {"fine-tuned"}),
    ("tuned much", make.noisy(0.5), "fine-tuned", {"fine-tuned"}),
    ("tuned, eight bits", lambda m: make.int8_rows(make.noisy(0.1)(m)), "fine-tuned", {"fine-tuned"}),
    ("rescaled", make.each(lambda a: a * 37 if a.ndim > 1 else a), "fine-tuned", {"fine-tuned"}),
    ("adapter merged", make.with_adapter, "fine-tuned", {"fine-tuned", "same"}),
    ("pruned", make.pruned, "fine-tuned", {"fine-tuned"}),
    ("merged with another", lambda m: {n: (m[n] + OTHER[n]) / 2 for n in m}, "fine-tuned", {"fine-tuned"}),
    ("fused", make.fused, "same", {"same"}),
    ("fused, bfloat16", lambda m: make.each(make.bf16)(make.fused(m)), "cast", {"cast"}),
    ("fused, tuned", lambda m: make.fused(make.noisy(0.05)(m)), "fine-tuned", {"fine-tuned"}),
    ("cut in two", make.cut, "same", {"same"}),
    ("cut in four, half", lambda m: make.each(lambda a: a.astype("<f2"))(make.cut(m, 4)), "cast", {"cast"}),
    ("cut, eight bits", lambda m: make.int8_rows(make.cut(m)), "quantized", {"quantized"}),
    ("transposed", make.transposed, "same", {"same"}),
    ("transposed, half", lambda m: make.each(lambda a: a.astype("<f2"))(make.transposed(m)), "cast", {"cast"}),
    ("transposed, tuned", lambda m: make.transposed(make.noisy(0.03)(m)), "fine-tuned", {"fine-tuned"}),
    ("transposed stranger", lambda m: make.transposed(OTHER), "unrelated", {"unrelated"}),
    ("cut beside", make.cut_beside, "same", {"same"}),
    ("cut beside, bfloat16", lambda m: make.each(make.bf16)(make.cut_beside(m)), "cast", {"cast"}),
    ("cut beside, tuned", lambda m: make.cut_beside(make.noisy(0.03)(m)), "fine-tuned", {"fine-tuned"}),
    ("in another order", make.shuffled, "same", {"same"}),
    ("a part of each, beside", lambda m: dict(list(make.cut_beside(m).items())[::2]), "partial", {"same"}),
    ("more words", make.extended, "fine-tuned", {"fine-tuned", "same"}),
    ("more words, tuned", lambda m: make.extended(make.noisy(0.03)(m)), "fine-tuned", {"fine-tuned"}),
    ("half of the tensors", half, "partial", {"same"}),
    ("half of each", lambda m: OTHER | half(m), "partial", {"same", "unrelated"}),
    ("half of each, bfloat16", lambda m: make.each(make.bf16)(OTHER | half(m)), "partial", {"cast", "unrelated"}),
    ("within a larger model", make.embedded, "partial", {"same", "unrelated"}),
    ("one matrix of it", lambda m: OTHER | dict([list(m.items())[5]]), "partial", {"same", "unrelated"}),
    ("another model", lambda m: OTHER, "unrelated", {"unrelated"}),
    ("another model, eight bits", lambda m: make.int8_rows(OTHER), "unrelated", {"unrelated"}),
    ("another model, cut", lambda m: make.cut(OTHER), "unrelated", {"unrelated"}),
]


@pytest.mark.parametrize(
    ("change", "whole", "parts"), [row[1:] for row in SAFETENSORS], ids=[r[0] for r in SAFETENSORS]
)
def test_relations(change: Callable[[Model], Any], whole: str, parts: set[str]) -> None:
    made = records(change(BASE))
    found = compare(made, BASE_RECORDS)
    assert (found.relation, relations(found)) == (whole, parts)
    assert compare(BASE_RECORDS, made).relation == whole


@pytest.mark.parametrize(
    ("kind", "whole"),
    [
        ("F32", "same"),
        ("F16", "cast"),
        ("BF16", "cast"),
        ("Q8_0", "quantized"),
        ("Q4_0", "quantized"),
        ("Q4_1", "quantized"),
        ("Q5_0", "quantized"),
        ("Q5_1", "quantized"),
    ],
)
def test_a_conversion_is_seen_through(kind: str, whole: str, tmp_path: Path) -> None:
    made = gguf_records(BASE, kind, tmp_path)
    found = compare(made, BASE_RECORDS)
    assert (found.relation, relations(found), found.missing) == (whole, {whole}, [])
    partners = {tensor.name: tensor.other for tensor in found.tensors}
    assert partners["blk.1.attn_k.weight"] == "model.layers.1.self_attn.k_proj.weight"
    assert compare(BASE_RECORDS, made).relation == whole


def test_a_conversion_of_a_tune_is_a_tune(tmp_path: Path) -> None:
    assert compare(gguf_records(make.noisy(0.05)(BASE), "Q8_0", tmp_path), BASE_RECORDS).relation == "fine-tuned"
    assert compare(gguf_records(OTHER, "Q4_0", tmp_path), BASE_RECORDS).relation == "unrelated"


def test_eight_bit_floats_with_scales_are_quantized() -> None:
    model, dtypes = make.eight_bit_floats(BASE)
    assert compare(records(model, dtypes), BASE_RECORDS).relation == "quantized"


def test_two_ways_of_quantizing_one_model(tmp_path: Path) -> None:
    found = compare(gguf_records(BASE, "Q8_0", tmp_path), gguf_records(BASE, "Q4_0", tmp_path))
    assert found.relation == "quantized"


def test_simulated_quantization_is_quantization() -> None:
    def simulate(array: Any) -> Any:
        if array.ndim < 2:
            return array
        blocks = array.reshape(-1, 32)
        scale = np.abs(blocks).max(axis=1, keepdims=True) / 7
        return (np.rint(blocks / scale) * scale).reshape(array.shape)

    assert compare(records(make.each(simulate)(BASE)), BASE_RECORDS).relation == "quantized"


def test_experts_in_one_stack_are_found() -> None:
    rng = np.random.default_rng(3)
    single = {f"experts.{n}.w.weight": rng.standard_normal((48, 64)).astype("<f4") for n in range(16)}
    stacked = {"experts.w": np.stack(list(single.values()))}
    for left, right in ((single, stacked), (stacked, single)):
        assert compare(records(left), records(right)).relation == "same"
        assert compare(records(make.each(make.bf16)(left)), records(right)).relation == "cast"
        assert compare(records(make.noisy(0.05)(left)), records(right)).relation == "fine-tuned"
    others = {"experts.w": rng.standard_normal((16, 48, 64)).astype("<f4")}
    assert compare(records(others), records(single)).relation == "unrelated"


def test_an_adapter_is_no_relative_of_its_base() -> None:
    rng = np.random.default_rng(4)
    adapter: dict[str, Any] = {}
    for name, array in BASE.items():
        if "proj" in name:
            adapter[f"{name}.lora_A"] = (rng.standard_normal((8, array.shape[1])) * 0.02).astype("<f4")
            adapter[f"{name}.lora_B"] = np.zeros((array.shape[0], 8), dtype="<f4")
    assert compare(records(adapter), BASE_RECORDS).relation == "unrelated"
    held = adapter | {"base.lm_head.weight": BASE["lm_head.weight"]}
    found = compare(records(held), BASE_RECORDS)
    assert (found.relation, found.shared) == ("partial", 1)


def test_a_tied_head_may_be_written_or_left_out() -> None:
    tied = dict(BASE) | {"lm_head.weight": BASE["model.embed_tokens.weight"]}
    single = {name: array for name, array in tied.items() if name != "lm_head.weight"}
    assert compare(records(tied), records(single)).relation == "same"
    assert compare(records(single), records(tied)).relation == "same"
    assert compare(records(make.each(make.bf16)(single)), records(tied)).relation == "cast"


TRIVIAL = {
    "ones": np.ones((64, 64), dtype="<f4"),
    "zeros": np.zeros((64, 64), dtype="<f4"),
    "norm.weight": np.ones(4096, dtype="<f4"),
    "position_ids": np.arange(4096, dtype="<i8"),
    "index": np.arange(4096, dtype="<i4").reshape(64, 64),
    "range": np.linspace(0, 1, 4096, dtype="<f4").reshape(64, 64),
    "mask": np.tril(np.ones((64, 64), dtype="<f4")),
    "inv_freq": (1 / 10000 ** (np.arange(0, 256, 2) / 256)).astype("<f4"),
    "sinusoid": np.sin(np.arange(512)[:, None] / 10000 ** (np.arange(128) / 128)).astype("<f4"),
    "eye": np.eye(64, dtype="<f4"),
    "tiny": np.array([0.3, 0.7], dtype="<f4"),
}


def test_what_any_model_has_proves_nothing() -> None:
    ours, theirs = records(TRIVIAL | llama(3)), records(TRIVIAL | llama(4))
    found = compare(ours, theirs)
    assert (found.relation, found.shared, found.shared_share) == ("unrelated", 0, 0.0)
    assert {tensor.relation for tensor in found.tensors} == {Relation.UNRELATED}
    assert compare(records(TRIVIAL), records(TRIVIAL)).relation == "unrelated"


def test_what_proves_nothing_goes_with_its_company() -> None:
    found = compare(records(TRIVIAL | BASE), records(TRIVIAL | BASE))
    assert found.relation == "same"
    assert {tensor.relation for tensor in found.tensors} == {Relation.SAME}
    assert not any(tensor.proves for tensor in found.tensors if tensor.name in TRIVIAL)
    cast = compare(records(make.each(lambda a: a.astype("<f2"))(BASE)), BASE_RECORDS)
    assert {tensor.relation for tensor in cast.tensors} == {Relation.CAST}


def test_trained_norms_count() -> None:
    trained = llama(1, norms="trained")
    matrices = dict(BASE) | {name: array for name, array in trained.items() if array.ndim > 1}
    norms = matrices | {name: array for name, array in trained.items() if array.ndim == 1}
    assert compare(records(norms), records(matrices)).relation == "fine-tuned"
    assert compare(records(make.each(make.bf16)(trained)), records(trained)).relation == "cast"
    assert compare(records(llama(5, norms="trained")), records(trained)).relation == "unrelated"


def test_norms_that_a_format_keeps_less_one_are_casts() -> None:
    trained = llama(1, norms="trained")
    moved = {name: array + np.float32(1) if array.ndim == 1 else array.astype("<f2") for name, array in trained.items()}
    assert compare(records(moved), records(make.each(make.bf16)(trained))).relation == "cast"


def test_nothing_is_unrelated_to_anything() -> None:
    found = compare([], BASE_RECORDS)
    assert (found.relation, found.shared, found.tensors) == ("unrelated", 0, [])
    assert compare(BASE_RECORDS, []).relation == "unrelated"


def test_without_fingerprints_equal_tensors_are_found() -> None:
    def bare(found: list[TensorRecord]) -> list[TensorRecord]:
        return [TensorRecord.from_json(record.to_json() | {"sample": None}) for record in found]

    assert compare(bare(records(make.renamed(BASE))), bare(BASE_RECORDS)).relation == "same"
    old = [TensorRecord.from_json(record.to_json() | {"sample": "AAAA"}) for record in BASE_RECORDS]
    assert compare(old, BASE_RECORDS).relation == "same"


def test_stored_reports_compare_like_fresh_ones() -> None:
    report = FileReport("m.safetensors", 1, "0" * 64, "safetensors", tensors=records(make.noisy(0.1)(BASE)))
    stored = FileReport.from_json(report.to_json()).tensors
    assert compare(stored, BASE_RECORDS).to_json() == compare(report.tensors, BASE_RECORDS).to_json()


def test_a_light_sample_meets_a_full_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weights.tensor_walk.SAMPLES_LIMIT", 0)
    monkeypatch.setattr("weights.tensor_walk.SAMPLES_OF_MANY", 0)
    light = records(make.each(make.bf16)(make.renamed(BASE)))
    assert compare(light, BASE_RECORDS).relation == "cast"
    assert compare(BASE_RECORDS, light).relation == "cast"


def test_the_answer_as_json() -> None:
    found = compare(records(make.fused(BASE)), BASE_RECORDS).to_json()
    assert {key: found[key] for key in ("relation", "shared", "shared_share", "other_share", "missing")} == {
        "relation": "same",
        "shared": len(make.fused(BASE)),
        "shared_share": 1.0,
        "other_share": 1.0,
        "missing": [],
    }
    (qkv,) = [tensor for tensor in found["tensors"] if tensor["name"] == "model.layers.0.self_attn.qkv_proj.weight"]
    assert qkv["relation"] == "same"
    assert {name.rpartition(".")[0][-6:] for name in qkv["others"]} == {"q_proj", "k_proj", "v_proj"}


@pytest.mark.parametrize(
    ("change", "whole", "widths"),
    [
        (make.each(make.bf16), "cast", (16, 24, 32, 48)),
        (make.int8_rows, "quantized", (16, 24, 32, 48)),
        (make.noisy(0.01), "fine-tuned", (16, 24, 32, 48)),
        (make.cut, "same", (32, 48)),
        (lambda model: make.each(make.bf16)(make.cut(model)), "cast", (32, 48)),
    ],
    ids=["cast", "quantized", "tuned", "cut", "cut and cast"],
)
def test_narrow_models_are_known_too(change: Callable[[Model], Any], whole: str, widths: tuple[int, ...]) -> None:
    for hidden in widths:
        narrow = llama(1, hidden=hidden)
        assert compare(records(change(narrow)), records(narrow)).relation == whole
        assert compare(records(change(llama(2, hidden=hidden))), records(narrow)).relation == "unrelated"
