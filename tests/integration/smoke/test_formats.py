"""GGUF files and adapters: what is loaded from them is what was put in, and what cannot be is refused by name."""

import json
import re
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs the smoke requirements")

import gguf
import numpy as np
import torch
import transformers as T

from smoke import gguf_layouts, gguf_values, loading
from smoke.checkpoint import DECODER, open_checkpoint
from smoke.gguf_file import BLOCKS, read_gguf
from smoke.plan import make_plan
from smoke.preparing import show
from smoke.report import Outcome
from smoke.stored import each as stored_tensors
from tests.integration.smoke import gguf_writing as writing

pytestmark = pytest.mark.torch

SMALL = {"vocab_size": 96, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip
EXPERTS = {"num_experts_per_tok": 2, "moe_intermediate_size": 32}
CONFIGS = {
    "llama": (T.LlamaConfig, {"rope_theta": 5e5}, "llama"),
    "llama with biases": (T.LlamaConfig, {"attention_bias": True, "mlp_bias": True}, "llama"),
    "mistral": (T.MistralConfig, {"sliding_window": 16}, "llama"),
    "mixtral": (T.MixtralConfig, {"num_local_experts": 4, "num_experts_per_tok": 2}, "llama"),
    "qwen2": (T.Qwen2Config, {"tie_word_embeddings": True}, "qwen2"),
    "qwen3": (T.Qwen3Config, {"head_dim": 16}, "qwen3"),
    "qwen2 with experts": (
        T.Qwen2MoeConfig, {**EXPERTS, "num_experts": 4, "shared_expert_intermediate_size": 64}, "qwen2moe"),
    "qwen3 with experts": (
        T.Qwen3MoeConfig, {**EXPERTS, "num_experts": 4, "norm_topk_prob": True, "head_dim": 8}, "qwen3moe"),
    "gemma": (T.GemmaConfig, {"head_dim": 16}, "gemma"),
    "gemma 2": (T.Gemma2Config, {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 16}, "gemma2"),
    "gemma 3": (T.Gemma3TextConfig, {"head_dim": 16, "query_pre_attn_scalar": 16, "sliding_window": 16}, "gemma3"),
    "phi 2": (T.PhiConfig, {"num_key_value_heads": 4}, "phi2"),
    "phi 3": (T.Phi3Config, {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}, "phi3"),
    "phi 3 that turns half of each head": (
        T.Phi3Config, {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "partial_rotary_factor": 0.5}, "phi3"),
    "starcoder2": (T.Starcoder2Config, {"bos_token_id": 1, "eos_token_id": 2}, "starcoder2"),
    "gpt2": (T.GPT2Config, {"n_inner": 64, "bos_token_id": 1, "eos_token_id": 2}, "gpt2"),
}  # fmt: skip


def built(name: str):
    kind, extra, arch = CONFIGS[name]
    torch.manual_seed(0)
    model = T.AutoModelForCausalLM.from_config(kind(**{**SMALL, **extra})).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:  # norms at one and biases at zero would hide what is done to them
                parameter += 0.3 * torch.randn_like(parameter)
    return model, arch


def logits(model) -> torch.Tensor:
    with torch.inference_mode():
        return model(torch.arange(3, 43)[None]).logits


def load(folder: Path, quantization="bf16", base=None, view=None):
    if base is not None:
        show(open_checkpoint(folder, base), view)
        folder = view
    return loading.load(
        folder, kind=DECODER, quantization=quantization, device="cpu", dtype="float32", progress=lambda *_: None
    )


def near(a: torch.Tensor, b: torch.Tensor) -> float:
    return float((a - b).abs().max() / b.abs().max())


@pytest.mark.parametrize("name", CONFIGS)
def test_a_gguf_file_computes_what_its_model_does(name, tmp_path):
    model, arch = built(name)
    writing.write(model, None, tmp_path / "m.gguf", arch, writing.namer(arch, model.config))
    loaded = load(tmp_path)
    assert loaded.keys == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []}
    assert near(logits(loaded.model), logits(model)) < 1e-5


def test_a_gguf_file_is_quantized_tensor_by_tensor(tmp_path):
    model, arch = built("llama")
    writing.write(model, None, tmp_path / "m.gguf", arch, writing.namer(arch, model.config), writing.KINDS.Q8_0)
    loaded = load(tmp_path, "int8")
    assert loaded.quantized == 14
    assert near(logits(loaded.model), logits(model)) < 0.03


def test_every_kind_of_block_is_unpacked_as_its_library_does(tmp_path):
    """Random bytes; scales are halves of usual size, so that no value is infinite."""
    rng, wanted = np.random.default_rng(0), {}
    writer = gguf.GGUFWriter(tmp_path / "m.gguf", "llama")
    scales = {"Q2_K": (80, 82), "Q3_K": (108,), "Q6_K": (208,), "Q4_1": (0, 2), "Q5_1": (0, 2), "Q4_K": (0, 2),
              "Q5_K": (0, 2), "IQ1_M": ()}  # fmt: skip
    for name, _, size in BLOCKS.values():
        blocks = rng.integers(0, 256, (16, size), dtype=np.uint8)
        for at in scales.get(name, (0,)):
            blocks[:, at : at + 2] = np.float16(rng.normal(0.02, 0.005, 16)).view(np.uint8).reshape(-1, 2)
        kind = writing.KINDS[name]
        wanted[name] = gguf.quants.dequantize(blocks.reshape(8, -1), kind)
        writer.add_tensor(name, blocks.reshape(8, -1), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    mapped = gguf_values.Mapped(tmp_path / "m.gguf")
    for name, stored in read_gguf(tmp_path / "m.gguf").tensors.items():
        np.testing.assert_array_equal(mapped.values(stored, torch.float32).numpy(), wanted[name], err_msg=name)


def test_a_gguf_file_in_parts_speaks_in_the_sandbox_with_its_own_tokenizer(smoke, tiny, tmp_path):
    """The first part holds the metadata and no tensor, as splitting tools leave it on request."""
    model = T.AutoModelForCausalLM.from_pretrained(tiny[0], dtype=torch.float32)
    tokenizer = T.AutoTokenizer.from_pretrained(tiny[0])
    names, parts = writing.namer("llama", model.config), {"split_max_tensors": 20, "small_first_shard": True}
    writing.write(model, tokenizer, tmp_path / "m.gguf", "llama", names, writing.KINDS.Q8_0, **parts)
    checkpoint = open_checkpoint(tmp_path)
    first, *rest = sorted(path.name for path in tmp_path.glob("*.gguf"))
    assert (checkpoint.weight_files, not read_gguf(tmp_path / first).tensors) == (rest, True)
    own = gguf_values.tokenizer(tmp_path / first)
    assert own(tiny[1].text)["input_ids"] == tokenizer(tiny[1].text)["input_ids"]
    assert own.get_vocab() == tokenizer.get_vocab()
    report = smoke(tmp_path, probe=tiny[1])
    assert report.outcome in (Outcome.PASS, Outcome.WARN), report.reason
    measured = report.measurements["bits_per_byte"]
    assert measured == pytest.approx(tiny[1].bits_per_byte, rel=0.005)
    static = report.measurements["static"]
    assert (static["tensors"], static["findings"]) == (len(checkpoint.tensors), [])
    assert set(static["sketch"]) == {t.name for t in checkpoint.tensors}


def test_positions_are_scaled_as_the_file_says(tmp_path):
    """Angles divided by factors that the file stores, and attention by the number that goes with them."""
    model, arch = built("phi 3")
    factors, usual = torch.linspace(1, 3, model.model.rotary_emb.inv_freq.numel()), writing.namer(arch, model.config)

    def names(name, value):
        yield from usual(name, value)
        if name == "model.norm.weight":
            yield from (("rope_factors_short.weight", factors), ("rope_factors_long.weight", 9 * factors))

    def say(writer):
        writer.add_rope_scaling_attn_factors(1.25)

    writing.write(model, None, tmp_path / "m.gguf", arch, names, say=say)
    rotary = load(tmp_path).model.model.rotary_emb
    model.model.rotary_emb.inv_freq /= factors
    assert rotary.attention_scaling == 1.25
    assert near(rotary.inv_freq, model.model.rotary_emb.inv_freq) < 1e-6


def test_yarn_is_read_as_the_file_states_it(tmp_path):
    model, arch = built("qwen2")

    def say(writer):
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(4.0)
        writer.add_rope_scaling_orig_ctx_len(32)
        writer.add_rope_scaling_yarn_attn_factor(1.5)
        writer.add_rope_scaling_yarn_beta_fast(16.0)

    writing.write(model, None, tmp_path / "m.gguf", arch, writing.namer(arch, model.config), say=say)
    found = load(tmp_path).model
    expected = {"rope_type": "yarn", "factor": 4.0, "beta_fast": 16.0, "original_max_position_embeddings": 32}
    assert expected.items() <= found.config.rope_parameters.items()
    assert found.model.rotary_emb.attention_scaling == 1.5


def test_every_key_of_the_metadata_is_one_of_the_format():
    """By the names that the format's own library writes."""
    known: set[str] = set()
    todo = [gguf.constants.Keys]
    while todo:
        for value in vars(todo.pop()).values():
            todo += [value] if isinstance(value, type) else []
            known |= {value} if isinstance(value, str) else set()
    source = "".join(Path(module.__file__).read_text() for module in (gguf_layouts, gguf_values, loading))
    asked = set(re.findall(r'meta\("([\w.]+)"\)', source)) - {"architecture"}
    asked |= {f"rope.scaling.{key}" for key in (*gguf_layouts.SCALING, "attn_factor")} | set(gguf_layouts.STATED)
    assert len(asked) >= 25
    assert not {key for key in asked if f"{{arch}}.{key}" not in known}
    assert {f"tokenizer.ggml.{key}_token_id" for key in ("bos", "eos", "padding")} <= known


@pytest.fixture
def adapted(tmp_path):
    """A base, an adapter as PEFT writes it, and the weights that putting it on by hand gives."""

    def make(name="llama", rank=4, **settings):
        model, _ = built(name)
        base, folder = tmp_path / "base", tmp_path / "adapter"
        model.save_pretrained(base)
        folder.mkdir()
        targets = [n for n, p in model.named_parameters() if p.ndim == 2 and ("q_proj" in n or "attn.c_" in n)]
        own, state = {}, model.state_dict()
        scale = 8 / (rank**0.5 if settings.get("use_rslora") else rank)
        for target in targets:
            rows, columns = state[target].shape if name != "gpt2" else reversed(state[target].shape)
            a, b = torch.randn(rank, columns), torch.randn(rows, rank)
            at = f"base_model.model.{target.removesuffix('.weight')}"
            own |= {f"{at}.lora_A.weight": a, f"{at}.lora_B.weight": b}
            change = scale * (b @ a)
            state[target] = state[target] + (change.T if name == "gpt2" else change)
            if settings.get("use_dora"):
                own[f"{at}.lora_magnitude_vector"] = torch.rand(rows) + 0.5
                norms = torch.linalg.vector_norm(state[target], dim=1)
                state[target] *= (own[f"{at}.lora_magnitude_vector"] / norms)[:, None]
        own["base_model.model.lm_head.weight"] = state["lm_head.weight"] = torch.randn_like(state["lm_head.weight"])
        config = {"peft_type": "LORA", "lora_alpha": 8, "r": rank, "base_model_name_or_path": "acme/base", **settings}
        (folder / "adapter_config.json").write_text(json.dumps(config))
        from safetensors.torch import save_file

        save_file(own, folder / "adapter_model.safetensors", metadata={"format": "pt"})
        if name != "gpt2":
            model.load_state_dict(state)
        else:
            model.lm_head.weight = torch.nn.Parameter(state.pop("lm_head.weight"))
            state.pop("transformer.wte.weight")
            model.load_state_dict(state, strict=False)
        return base, folder, model

    return make


@pytest.mark.parametrize("settings", [{}, {"use_rslora": True}, {"use_dora": True}])
@pytest.mark.parametrize("quantization", ["bf16", "int8"])
def test_an_adapter_is_put_on_its_base(adapted, tmp_path, settings, quantization):
    base, folder, wanted = adapted(**settings)
    loaded = load(folder, quantization, base, tmp_path / "view")
    assert not loaded.keys["missing_keys"] + loaded.keys["unexpected_keys"] + loaded.keys["mismatched_keys"]
    assert near(logits(loaded.model), logits(wanted)) < (1e-5 if quantization == "bf16" else 0.05)


def test_an_adapter_on_matrices_that_are_kept_the_other_way_round(adapted, tmp_path):
    base, folder, wanted = adapted("gpt2", fan_in_fan_out=True)
    config = json.loads((base / "config.json").read_text()) | {"tie_word_embeddings": False}
    (base / "config.json").write_text(json.dumps(config))
    assert near(logits(load(folder, "bf16", base, tmp_path / "view").model), logits(wanted)) < 1e-5


def test_an_adapter_beside_its_base_is_put_on_it(adapted, inventory):
    base, folder, _ = adapted()
    for path in folder.iterdir():
        shutil.copy(path, base)
    checkpoint = open_checkpoint(base)
    assert len(checkpoint.adapter.changes) == 2
    assert checkpoint.parameters == sum(t.count for t in checkpoint.tensors)
    assert make_plan(base, inventory=inventory, device="cpu").runnable


def test_an_adapter_without_its_base_is_not_run(adapted, smoke):
    _, folder, _ = adapted()
    report = smoke(folder)
    assert (report.outcome, report.code) == (Outcome.NOT_RUN, "missing_base")
    assert "acme/base" in report.reason


@pytest.mark.parametrize("is_apart", [False, True], ids=["in one file", "scales in a file of their own"])
def test_weights_in_scaled_eight_bit_floats_are_multiplied_out_as_they_are_read(tmp_path, is_apart):
    """Blocks of 24 by 20 divide neither side of these matrices."""
    from safetensors.torch import load_file, save_file

    model, _ = built("qwen3")
    model.save_pretrained(tmp_path)
    stored, state, block = {}, model.state_dict(), (24, 20)
    for name, weight in load_file(tmp_path / "model.safetensors").items():
        if "_proj" not in name:
            stored[name] = weight
            continue
        scale = torch.rand([-(-size // step) for size, step in zip(weight.shape, block, strict=True)]) + 0.5
        stored[name], stored[f"{name}_scale_inv"] = weight.to(torch.float8_e4m3fn), scale
        whole = scale.repeat_interleave(block[0], 0).repeat_interleave(block[1], 1)
        state[name] = stored[name].float() * whole[: weight.shape[0], : weight.shape[1]]
    places = {n: "scales.safetensors" if is_apart and "_inv" in n else "model.safetensors" for n in stored}
    for file in set(places.values()):
        save_file({n: stored[n] for n in stored if places[n] == file}, tmp_path / file, metadata={"format": "pt"})
    if is_apart:
        (tmp_path / "model.safetensors").rename(tmp_path / "weights.safetensors")
        index = {"weight_map": {n: f.replace("model", "weights") for n, f in places.items()}}
        (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    settings = {"quantization_config": {"quant_method": "fp8", "weight_block_size": list(block)}}
    config = json.loads((tmp_path / "config.json").read_text()) | settings
    (tmp_path / "config.json").write_text(json.dumps(config))
    model.load_state_dict(state)
    loaded = load(tmp_path)
    assert not any(loaded.keys.values())
    assert near(logits(loaded.model), logits(model)) < 1e-5
    assert load(tmp_path, "int8").quantized == 14
    checkpoint = open_checkpoint(tmp_path)
    assert len(checkpoint.weight_files) == 1 + is_apart
    for name, value, _ in stored_tensors(checkpoint, tmp_path):
        assert near(value.float(), state[name]) < 0.01, name


def words_of(columns: torch.Tensor, bits: int, order=range(32)) -> torch.Tensor:
    """Neighboring columns in words of 32 bits: at each place of a word the column that the order names."""
    fill = 32 // bits
    out = torch.zeros(columns.shape[0], columns.shape[1] // fill, dtype=torch.int64)
    for place in range(fill):
        out |= columns[:, order[place] :: fill].long() << (place * bits)
    return torch.where(out >= 1 << 31, out - (1 << 32), out).to(torch.int32)


@pytest.mark.parametrize(
    ("method", "bits", "is_mixed", "settings"),
    [
        ("gptq", 4, False, {}),
        ("gptq", 8, True, {"desc_act": True}),
        ("gptq", 4, False, {"checkpoint_format": "gptq_v2"}),
        ("gptq", 2, False, {"group_size": -1}),
        ("awq", 4, False, {"version": "gemm"}),
    ],
)
def test_packed_weights_are_unpacked_as_they_are_read(tmp_path, method, bits, is_mixed, settings):
    from safetensors.torch import load_file, save_file

    model, _ = built("qwen3")
    model.save_pretrained(tmp_path)
    stored, state, size = {}, model.state_dict(), settings.get("group_size", 16)
    for name, weight in load_file(tmp_path / "model.safetensors").items():
        if "_proj" not in name:
            stored[name] = weight
            continue
        outputs, inputs = weight.shape
        groups, at = (1 if size < 0 else inputs // size), name.removesuffix("weight")
        group = torch.arange(inputs) * groups // inputs
        group = group[torch.randperm(inputs)] if is_mixed else group
        whole, zero = (torch.randint(low, 2**bits, (rows, outputs)) for low, rows in ((0, inputs), (1, groups)))
        scale = (torch.rand(groups, outputs) + 0.5).half() * 0.1
        state[name] = ((whole - zero[group]) * scale.float()[group]).T.contiguous()
        order = (0, 2, 4, 6, 1, 3, 5, 7) if method == "awq" else range(32)
        kept = zero if method == "awq" or "checkpoint_format" in settings else zero - 1
        words = words_of(whole, bits, order) if method == "awq" else words_of(whole.T, bits).T
        stored |= {f"{at}qweight": words.contiguous(), f"{at}qzeros": words_of(kept, bits, order), f"{at}scales": scale}
        stored |= {f"{at}g_idx": group.int()} if method == "gptq" else {}
    save_file(stored, tmp_path / "model.safetensors", metadata={"format": "pt"})
    given = {"quantization_config": {"quant_method": method, "bits": bits, "group_size": size, **settings}}
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps(config | given))
    model.load_state_dict(state)
    loaded = load(tmp_path)
    assert not any(loaded.keys.values())
    assert near(logits(loaded.model), logits(model)) < 1e-4
    assert load(tmp_path, "int8").quantized == 14
    checkpoint = open_checkpoint(tmp_path)
    assert checkpoint.stored_as == f"{method}-{bits}"
    assert sum(size for *_, size in stored_tensors(checkpoint, tmp_path)) == sum(t.nbytes for t in stored.values())


def test_loading_tells_which_shard_it_works_through(tmp_path):
    model, _ = built("llama")
    model.save_pretrained(tmp_path, max_shard_size="30KB")
    shards = len(list(tmp_path.glob("*.safetensors")))
    told = []
    loading.load(
        tmp_path, kind=DECODER, quantization="int8", device="cpu", dtype="float32", progress=lambda *a: told.append(a)
    )
    assert shards > 2
    assert told[-1] == (len(told), len(told), f"shard {shards} of {shards}")
    assert [detail for _, _, detail in told] == sorted(detail for _, _, detail in told)
