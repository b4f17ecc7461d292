"""Configuration, tokenizer, adapters and tensors: do they speak of one model?"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.weights.makers import bf16, checks, f32, safetensors_bytes, write_companions
from weights import FileReport, inspect_folder
from weights.architectures import STACKS
from weights.stacks import LISTED_LIMIT

DECODERS = ("gemma2", "gpt2", "gpt_neox", "llama", "mixtral", "opt", "phi3", "qwen2", "qwen3_moe")
assert set(DECODERS) <= STACKS.keys()

Inspect = Callable[..., FileReport]

CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 16,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "intermediate_size": 24,
    "vocab_size": 100,
    "dtype": "bfloat16",
}
SHAPES = {
    "self_attn.q_proj": (16, 16),
    "self_attn.k_proj": (8, 16),
    "self_attn.v_proj": (8, 16),
    "self_attn.o_proj": (16, 16),
    "mlp.gate_proj": (24, 16),
    "mlp.up_proj": (24, 16),
    "mlp.down_proj": (16, 24),
    "input_layernorm": (16,),
    "post_attention_layernorm": (16,),
}


def tensors(layers: int = 2, prefix: str = "model.") -> dict[str, Any]:
    made = {
        f"{prefix}layers.{layer}.{part}.weight": bf16(*shape, seed=97 * layer + number)
        for layer in range(layers)
        for number, (part, shape) in enumerate(SHAPES.items())
    }
    return made | {
        f"{prefix}embed_tokens.weight": bf16(100, 16, seed=500),
        f"{prefix}norm.weight": bf16(16, seed=501),
        "lm_head.weight": bf16(100, 16, seed=502),
    }


def judge(root: Path, made: dict[str, Any], **config: Any) -> list[tuple[str, str | None]]:
    root.mkdir(exist_ok=True)
    write_companions(root)
    (root / "config.json").write_text(json.dumps({k: v for k, v in (CONFIG | config).items() if v is not None}))
    ordered = dict(sorted(made.items(), key=lambda item: -{"F32": 4}.get(item[1][0], 2)))
    (root / "model.safetensors").write_bytes(safetensors_bytes(ordered))
    return [(finding.check, finding.tensor) for finding in inspect_folder(root).findings]


def without(*names: str) -> dict[str, Any]:
    return {name: value for name, value in tensors().items() if name not in names}


Q0 = "model.layers.0.self_attn.q_proj.weight"
EMBEDDING = "model.embed_tokens.weight"


def test_a_coherent_model_has_no_finding(tmp_path: Path) -> None:
    assert judge(tmp_path, tensors()) == []
    assert judge(tmp_path, tensors(prefix="")) == []
    assert judge(tmp_path, without("lm_head.weight"), tie_word_embeddings=True) == []
    assert judge(tmp_path, tensors() | {"lm_head.weight": tensors()[EMBEDDING]}, tie_word_embeddings=True) == []


@pytest.mark.parametrize(
    ("expected", "made", "config"),
    [
        ([("CT-MISSING", "model.layers.1.mlp.up_proj")], without("model.layers.1.mlp.up_proj.weight"), {}),
        ([("CT-MISSING", "model.norm")], without("model.norm.weight"), {}),
        ([("CT-MISSING", "lm_head.weight")], without("lm_head.weight"), {}),
        ([("CT-TIED", "lm_head.weight")], tensors(), {"tie_word_embeddings": True}),
        ([("CT-EXTRA", None)], tensors(3), {}),
        ([("CT-SHAPE", Q0)], tensors() | {Q0: bf16(8, 16)}, {}),
        ([("CT-SHAPE", EMBEDDING)], tensors() | {EMBEDDING: bf16(100, 8)}, {}),
        ([("CT-VOCAB", EMBEDDING), ("CT-VOCAB", "lm_head.weight")], tensors(), {"vocab_size": 101}),
        ([("CT-VOCAB", None), ("CT-VOCAB", EMBEDDING)], tensors() | {EMBEDDING: bf16(90, 16)}, {}),
        ([("CT-DTYPE", None)], tensors(), {"dtype": "float32"}),
        ([("CT-DTYPE", None)], tensors(), {"dtype": None, "torch_dtype": "torch.float16"}),
        ([("CT-DTYPE", EMBEDDING)], tensors() | {EMBEDDING: f32(np.random.default_rng(1).random((100, 16)))}, {}),
        ([("TK-RANGE", None)], tensors(), {"eos_token_id": [2, 100]}),
        ([("CT-MISSING", None)], {}, {}),
        ([("CT-EXTRA", Q0.replace("q_proj", "x"))], tensors() | {Q0.replace("q_proj", "x"): bf16(16, 16, seed=77)}, {}),
        ([("CT-SHAPE", None)], tensors(), {"num_hidden_layers": "2"}),
        ([("CT-SHAPE", None)], tensors(), {"num_attention_heads": 0}),
        ([("CT-SHAPE", None)], tensors(), {"num_hidden_layers": -1}),
        ([("CT-MISSING", None)], tensors(), {"model_type": "bert", "architectures": ["BertModel"]}),
        ([("CT-ARCH", None)], tensors(), {"architectures": ["Qwen2ForCausalLM"]}),
        ([], tensors(), {"architectures": ["MistralForCausalLM"]}),
        ([("TK-SPECIAL", None)], tensors(), {"eos_token_id": 7}),
        ([("TK-SPECIAL", None)], tensors(), {"bos_token_id": 7}),
        ([], tensors(), {"eos_token_id": [2, 7]}),
        ([], tensors(), {"text_config": {"eos_token_id": 2}, "bos_token_id": None}),
        ([], tensors(), {"dtype": "nonsense"}),
        ([], tensors(), {"dtype": None}),
        ([], without(Q0), {"model_type": "unheard_of"}),
        ([], without("lm_head.weight"), {"architectures": ["LlamaModel"]}),
        ([], without("lm_head.weight"), {"architectures": None}),
        ([], tensors(), {"hidden_size": None}),
        ([], tensors(), {"intermediate_size": None}),
        ([], tensors() | {"extra.linear.weight": bf16(4, 4)}, {}),
        ([], tensors() | {Q0: bf16(8, 16)}, {"quantization_config": {"quant_method": "x"}}),
        (
            [],
            {"some.layers.0.weight": bf16(4, 4, seed=1), "other.weight": bf16(4, 4, seed=2)},
            {"model_type": "llama4"},
        ),
        ([], {"blob.weight": bf16(4, 4)}, {}),
    ],
)
def test_configuration_against_tensors(
    tmp_path: Path, expected: list[tuple[str, str | None]], made: dict[str, Any], config: dict[str, Any]
) -> None:
    assert sorted(judge(tmp_path, made, **config), key=str) == sorted(expected, key=str)


def test_a_gap_between_layers_is_found_in_any_architecture(tmp_path: Path) -> None:
    made = {f"transformer.h.{layer}.w.weight": bf16(4, 4, seed=layer) for layer in (0, 1, 3)}
    assert judge(tmp_path, made, model_type="unheard_of") == [("CT-MISSING", None)]
    sparse = {f"bank.blocks.{number}.w.weight": bf16(4, 4, seed=number) for number in (7, 900)}
    assert judge(tmp_path, sparse, model_type="unheard_of") == []


def test_layers_are_not_counted_beyond_what_is_listed(tmp_path: Path) -> None:
    found = judge(tmp_path, tensors(), num_hidden_layers=10**15)
    assert len(found) == LISTED_LIMIT
    assert {check for check, _ in found} == {"CT-MISSING"}


def test_biases_that_the_configuration_chooses(tmp_path: Path) -> None:
    found = judge(tmp_path, tensors(), attention_bias=True)
    assert {tensor.rpartition(".")[2] for _, tensor in found if tensor} == {"bias"}


@pytest.mark.parametrize("config", ["[]", "3"])
def test_a_configuration_that_is_no_object_is_refused(release: Path, config: str) -> None:
    (release / "config.json").write_text(config)
    assert checks(inspect_folder(release)) == ["CT-JSON"]


def test_files_without_configuration_are_not_judged(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(tokenizer({"a": 0})))
    assert checks(inspect_folder(tmp_path)) == []


def tokenizer(vocabulary: Any, **more: Any) -> dict[str, Any]:
    return {"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": vocabulary}} | more


def replace(pattern: dict[str, str], content: str) -> dict[str, Any]:
    return {"type": "Sequence", "normalizers": [{"type": "Replace", "pattern": pattern, "content": content}]}


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        (["TK-DUP"], tokenizer({"a": 0, "b": 0})),
        (["TK-FORM"], tokenizer({"a": 0, "b": -1})),
        (["TK-FORM"], tokenizer({"a": 0, "b": True})),
        (["TK-FORM"], tokenizer(None) | {"model": {"vocab": {"a": 0, "b": 1}, "merges": ["a b"]}}),
        (["TK-FORM"], tokenizer(None) | {"model": {"vocab": {"a": 0}, "merges": [["a"]]}}),
        ([], tokenizer(None) | {"model": {"vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b", ["a", "b"]]}}),
        (
            [],
            tokenizer(None)
            | {"model": {"vocab": {"a": 0, "##b": 1, "ab": 2}, "merges": ["a ##b"], "continuing_subword_prefix": "##"}},
        ),
        (["TK-DUP"], tokenizer({"a": 0, "b": 1}, added_tokens=[{"id": 1, "content": "<x>"}])),
        ([], tokenizer({"a": 0, "<x>": 1}, added_tokens=[{"id": 1, "content": "<x>"}, {"id": 2, "content": "<y>"}, 3])),
        ([], tokenizer([["a", -1.0], ["b", -2.0], "odd"])),
        ([], tokenizer(None)),
        (["TK-REWRITE"], tokenizer({}, normalizer=replace({"String": "bank"}, "evil"))),
        (["TK-REWRITE"], tokenizer({}, normalizer=replace({"Regex": "https?://\\S+"}, ""))),
        (["TK-REWRITE"], tokenizer({}, decoder=replace({"String": " "}, "x"))),
        ([], tokenizer({}, normalizer=replace({"String": " "}, "▁"))),
        ([], tokenizer({}, normalizer=replace({"Regex": "\\s+"}, " "))),
        ([], tokenizer({}, normalizer=replace({"Regex": " {2,}"}, "▁"))),
        ([], tokenizer({}, normalizer=replace({"Regex": "\\p{Cc}"}, ""))),
        ([], tokenizer({}, normalizer={"type": "Replace", "pattern": "odd", "content": "x"})),
        ([], tokenizer({}, decoder={"type": "ByteLevel"})),
    ],
)
def test_tokenizers(tmp_path: Path, expected: list[str], content: Any) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert checks(inspect_folder(tmp_path)) == expected


@pytest.mark.parametrize(
    ("expected", "settings", "config"),
    [
        (["TK-ADDED"], {"added_tokens_decoder": {"5": {"content": "<x>"}}}, {}),
        (
            [],
            {
                "added_tokens_decoder": {
                    "9": {"content": "<x>"},
                    "1": "odd",
                    "2": {"content": 3},
                    "3": {"content": "<z>"},
                }
            },
            {},
        ),
        (["TK-SPECIAL"], {"eos_token": "<x>"}, {"eos_token_id": 1}),
        (["TK-SPECIAL"], {"eos_token": {"content": "<s>"}}, {"eos_token_id": 1}),
        ([], {"eos_token": "<x>"}, {"eos_token_id": 9}),
        ([], {"eos_token": "unknown"}, {"eos_token_id": 1}),
        ([], {"eos_token": "<x>"}, {}),
        ([], {"eos_token": None}, {"eos_token_id": None}),
    ],
)
def test_tokenizer_against_settings(tmp_path: Path, expected: list[str], settings: Any, config: Any) -> None:
    content = tokenizer({"a": 0, "<s>": 3}, added_tokens=[{"id": 9, "content": "<x>"}])
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert checks(inspect_folder(tmp_path)) == expected


A, B = "base_model.model.l.q_proj.lora_A.weight", "base_model.model.l.q_proj.lora_B.weight"


@pytest.mark.parametrize(
    ("expected", "made", "config"),
    [
        ([], {A: bf16(4, 16, seed=1), B: bf16(16, 4, seed=2)}, {"r": 4}),
        ([], {A: bf16(4, 16, seed=1), B: bf16(16, 4, seed=2)}, {}),
        ([], {A: bf16(8, 16, seed=1), B: bf16(16, 8, seed=2)}, {"r": 4, "rank_pattern": {"q_proj": 8}}),
        ([], {"e.lora_embedding_A": bf16(4, 100, seed=1), "e.lora_embedding_B": bf16(16, 4, seed=2)}, {"r": 4}),
        (["LR-RANK"], {A: bf16(8, 16, seed=1), B: bf16(16, 8, seed=2)}, {"r": 4}),
        (["LR-PAIR"], {A: bf16(4, 16)}, {"r": 4}),
        (["LR-PAIR"], {A: bf16(4, 16, seed=1), B: bf16(16, 8, seed=2)}, {"r": 4}),
        (["LR-PAIR"], {A: bf16(4, 16, seed=1), B: bf16(16, seed=2)}, {"r": 4}),
        (["LR-BASE"], {A: bf16(4, 16, seed=1), B: bf16(16, 4, seed=2), "model.lm_head.weight": bf16(9, 16)}, {"r": 4}),
        ([], {A: bf16(4, 16, seed=1), B: bf16(16, 4, seed=2), "q.lora_magnitude_vector": bf16(16, 2)}, {"r": 4}),
        ([], {A: bf16(4, 16, seed=1), B: bf16(16, 4, seed=2), "q.bias": bf16(16)}, {"r": 4}),
    ],
)
def test_adapters(tmp_path: Path, expected: list[str], made: dict[str, Any], config: dict[str, Any]) -> None:
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors_bytes(made))
    assert checks(inspect_folder(tmp_path)) == expected


@pytest.mark.torch
@pytest.mark.parametrize("model_type", DECODERS)
def test_what_the_library_saves_is_coherent(tmp_path: Path, model_type: str) -> None:
    torch = pytest.importorskip("torch")
    transformers = pytest.importorskip("transformers")
    sizes = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
    sizes |= {"intermediate_size": 96, "vocab_size": 128, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0}
    sizes |= {"head_dim": 16, "num_local_experts": 2, "num_experts": 4, "moe_intermediate_size": 16}
    config = transformers.AutoConfig.for_model(model_type, **sizes)
    transformers.AutoModelForCausalLM.from_config(config).to(torch.bfloat16).save_pretrained(tmp_path)
    assert checks(inspect_folder(tmp_path)) == []
    names = sorted(path.name for path in tmp_path.iterdir())
    assert "config.json" in names
