"""What a GGUF file means for a model: the configuration that its metadata states, and each tensor's name and form.

Owns: for each architecture the names that transformers uses, and how the converter of llama.cpp changed the values that
have to be changed back. Refuses to own: the container (`smoke.gguf_file`) and applying a change (`smoke.gguf_values`).
Source: llama.cpp, convert_hf_to_gguf.py and gguf-py's constants, as of version 0.19 of the gguf package.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from smoke.gguf_file import Gguf, Stored

PERMUTED_Q, PERMUTED_K, PLUS_ONE, TRANSPOSED, FLAT, JOINED = (
    "permuted_q",
    "permuted_k",
    "plus_one",
    "t",
    "flat",
    "joined",
)
"""Rows of each head interleaved; one added to a norm; transposed; a row stored as a vector; two files' halves."""

Meta = Callable[..., Any]


@dataclass(frozen=True)
class Placed:
    """One tensor under the name and in the shape that transformers gives it, and what has to be undone."""

    name: str
    shape: tuple[int, ...]
    change: str
    parts: tuple[Stored, ...]


@dataclass(frozen=True)
class Layout:
    """How one architecture is called and laid out. `blocks` maps names inside a block, `outer` the others."""

    model_type: str
    architecture: str
    blocks: Mapping[str, str]
    outer: Mapping[str, str]
    changes: Mapping[str, str]
    """Change by the file's name, without its block."""
    settings: Callable[[Meta, Gguf], dict[str, Any]]
    prefix: str = "model.layers."


OUTER = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
BLOCKS = {
    "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm", "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
EXPERTS = {
    "ffn_gate_inp": "mlp.gate", "ffn_gate_inp_shexp": "mlp.shared_expert_gate",
    "ffn_gate_shexp": "mlp.shared_expert.gate_proj", "ffn_up_shexp": "mlp.shared_expert.up_proj",
    "ffn_down_shexp": "mlp.shared_expert.down_proj",
}  # fmt: skip
GEMMA = {"post_attention_norm": "post_attention_layernorm", "ffn_norm": "pre_feedforward_layernorm",
         "post_ffw_norm": "post_feedforward_layernorm"}  # fmt: skip
NORMS = dict.fromkeys(
    ("attn_norm", "ffn_norm", "output_norm", "post_attention_norm", "post_ffw_norm", "attn_q_norm", "attn_k_norm"),
    PLUS_ONE,
)
HEADS = {"attn_q": PERMUTED_Q, "attn_k": PERMUTED_K}
CONV1D = dict.fromkeys(("attn_qkv", "attn_output", "ffn_up", "ffn_down"), TRANSPOSED)
STATED = ("embedding_length", "block_count", "attention.head_count", "context_length")
"""What every file has to say of its model: a default of the architecture would describe another one."""

SCALING = {"yarn_attn_factor": "attention_factor", "yarn_beta_fast": "beta_fast", "yarn_beta_slow": "beta_slow"}
"""What scaled rotary angles may state beside their factor, and how transformers calls it."""

ROPE = re.compile(r"rope_(freqs|factors_long|factors_short)\.weight")
_BLOCK = re.compile(r"blk\.(\d{1,4})\.(\w+)\.(weight|bias)")
_OUTER = re.compile(r"(\w+)\.(weight|bias)")
_EXPERT = re.compile(r"blk\.(\d{1,4})\.ffn_(gate|up|down)_exps\.weight")


def _decoder(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    """The fields that every decoder of this family has."""
    heads, hidden = meta("attention.head_count"), meta("embedding_length")
    head = meta("attention.key_length") or meta("rope.dimension_count")
    kv_heads = meta("attention.head_count_kv") or heads
    found = {
        "hidden_size": hidden,
        "num_hidden_layers": meta("block_count"),
        "intermediate_size": meta("feed_forward_length"),
        "num_attention_heads": heads,
        "num_key_value_heads": max(kv_heads) if isinstance(kv_heads, list) else kv_heads,
        "head_dim": head or (hidden // heads if _is_count(hidden) and _is_count(heads) else None),
        "max_position_embeddings": meta("context_length"),
        "rms_norm_eps": meta("attention.layer_norm_rms_epsilon"),
        "rope_theta": meta("rope.freq_base"),
    }
    scaling, factor = meta("rope.scaling.type"), meta("rope.scaling.factor")
    if scaling in ("linear", "yarn") and factor:
        found["rope_scaling"] = {"rope_type": scaling, "factor": factor}
        for key, name in SCALING.items() if scaling == "yarn" else ():
            if meta(f"rope.scaling.{key}"):
                found["rope_scaling"][name] = meta(f"rope.scaling.{key}")
        if meta("rope.scaling.original_context_length"):
            found["rope_scaling"]["original_max_position_embeddings"] = meta("rope.scaling.original_context_length")
    return found


def _llama(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    biases = {"attention_bias": "blk.0.attn_q.bias" in gguf.tensors, "mlp_bias": "blk.0.ffn_up.bias" in gguf.tensors}
    return {**_decoder(meta, gguf), **biases}


def _mistral(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    return {**_decoder(meta, gguf), "sliding_window": meta("attention.sliding_window")}


def _mixtral(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    chosen = {"num_local_experts": meta("expert_count"), "num_experts_per_tok": meta("expert_used_count")}
    return {**_decoder(meta, gguf), **chosen}


def _qwen_moe(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    return {
        **_decoder(meta, gguf),
        "num_experts": meta("expert_count"),
        "num_experts_per_tok": meta("expert_used_count"),
        "moe_intermediate_size": meta("expert_feed_forward_length"),
        "shared_expert_intermediate_size": meta("expert_shared_feed_forward_length"),
        "norm_topk_prob": meta("architecture") == "qwen3moe",
        "decoder_sparse_step": 1,
        "mlp_only_layers": [],
    }


def _gemma2(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    found = {**_decoder(meta, gguf), "sliding_window": meta("attention.sliding_window")}
    # the file does not say by what attention is scaled: by the head, but in the 27 B models by width over heads
    is_largest = meta("block_count") in (46, 62)
    found["query_pre_attn_scalar"] = (
        found["hidden_size"] // found["num_attention_heads"] if is_largest else found["head_dim"]
    )
    found["attn_logit_softcapping"] = meta("attn_logit_softcapping")
    found["final_logit_softcapping"] = meta("final_logit_softcapping")
    return found


def _gemma3(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    found = {**_gemma2(meta, gguf), "rope_theta": meta("rope.freq_base") or 1e6}
    return {k: v for k, v in found.items() if not k.endswith("softcapping")}


def _phi3(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    found = {**_partly_rotary(meta, gguf), "sliding_window": meta("attention.sliding_window")}
    found.pop("rope_scaling", None)  # it comes as factors, stored among the tensors
    original = meta("rope.scaling.original_context_length")
    return {**found, "original_max_position_embeddings": original or found["max_position_embeddings"]}


def _layer_normed(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    return {**_decoder(meta, gguf), "norm_epsilon": meta("attention.layer_norm_epsilon")}


def _phi2(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    return {**_partly_rotary(meta, gguf), "layer_norm_eps": meta("attention.layer_norm_epsilon")}


def _partly_rotary(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    """Where only some dimensions of a head turn, their number is not the width of the head."""
    found = _decoder(meta, gguf)
    head = found["hidden_size"] // found["num_attention_heads"]
    return {**found, "head_dim": head, "partial_rotary_factor": (meta("rope.dimension_count") or head) / head}


def _gpt2(meta: Meta, gguf: Gguf) -> dict[str, Any]:
    return {
        "n_embd": meta("embedding_length"),
        "n_layer": meta("block_count"),
        "n_head": meta("attention.head_count"),
        "n_inner": meta("feed_forward_length"),
        "n_positions": meta("context_length"),
        "layer_norm_epsilon": meta("attention.layer_norm_epsilon"),
    }


LAYOUTS: dict[str, Layout] = {
    "llama": Layout("llama", "LlamaForCausalLM", BLOCKS, OUTER, HEADS, _llama),
    "mistral": Layout("mistral", "MistralForCausalLM", BLOCKS, OUTER, HEADS, _mistral),
    "mixtral": Layout("mixtral", "MixtralForCausalLM", BLOCKS | EXPERTS, OUTER, HEADS, _mixtral),
    "qwen2": Layout("qwen2", "Qwen2ForCausalLM", BLOCKS, OUTER, {}, _decoder),
    "qwen3": Layout("qwen3", "Qwen3ForCausalLM", BLOCKS, OUTER, {}, _llama),
    "qwen2moe": Layout("qwen2_moe", "Qwen2MoeForCausalLM", BLOCKS | EXPERTS, OUTER,
                       {"ffn_gate_inp_shexp": FLAT}, _qwen_moe),
    "qwen3moe": Layout("qwen3_moe", "Qwen3MoeForCausalLM", BLOCKS | EXPERTS, OUTER, {}, _qwen_moe),
    "gemma": Layout("gemma", "GemmaForCausalLM", BLOCKS, OUTER, NORMS, _decoder),
    "gemma2": Layout("gemma2", "Gemma2ForCausalLM", BLOCKS | GEMMA, OUTER, NORMS, _gemma2),
    "gemma3": Layout("gemma3_text", "Gemma3ForCausalLM", BLOCKS | GEMMA, OUTER, NORMS, _gemma3),
    "phi3": Layout("phi3", "Phi3ForCausalLM", BLOCKS | {"attn_qkv": "self_attn.qkv_proj", "ffn_up": "mlp.gate_up_proj"},
                   OUTER, {}, _phi3),
    "phi2": Layout("phi", "PhiForCausalLM",
                   BLOCKS | {"attn_output": "self_attn.dense", "ffn_up": "mlp.fc1", "ffn_down": "mlp.fc2"},
                   OUTER | {"output_norm": "model.final_layernorm"}, {}, _phi2),
    "starcoder2": Layout("starcoder2", "Starcoder2ForCausalLM",
                         BLOCKS | {"ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"}, OUTER, {}, _layer_normed),
    "gpt2": Layout(
        "gpt2", "GPT2LMHeadModel",
        {"attn_norm": "ln_1", "ffn_norm": "ln_2", "attn_qkv": "attn.c_attn", "attn_output": "attn.c_proj",
         "ffn_up": "mlp.c_fc", "ffn_down": "mlp.c_proj"},
        {"token_embd": "transformer.wte", "position_embd": "transformer.wpe", "output_norm": "transformer.ln_f",
         "output": "lm_head"}, CONV1D, _gpt2, "transformer.h."),
}  # fmt: skip


def layout_of(gguf: Gguf) -> tuple[str, Layout | None]:
    """The file's name for its architecture, and what is known of it; Mistral and Mixtral call themselves llama."""
    name = gguf.text("general.architecture")
    key = name
    if name == "llama":
        experts = gguf.metadata.get("llama.expert_count")
        is_windowed = _is_count(gguf.metadata.get("llama.attention.sliding_window"))
        key = "mixtral" if _is_count(experts) else "mistral" if is_windowed else "llama"
    return name, LAYOUTS.get(key)


def config_of(gguf: Gguf, name: str, layout: Layout) -> dict[str, Any]:
    """What a config.json would say; ValueError where the file does not state the shape of its model.

    Other things that it does not state are left to the architecture's own defaults.
    """

    def meta(key: str) -> Any:
        return name if key == "architecture" else gguf.metadata.get(f"{name}.{key}")

    absent = [key for key in STATED if not _is_count(meta(key))]
    if absent:
        raise ValueError(f"The metadata do not state {', '.join(absent)}.")
    found = layout.settings(meta, gguf)
    embedding = gguf.tensors.get("token_embd.weight")
    ids = {f"{word}_token_id": gguf.metadata.get(f"tokenizer.ggml.{key}_token_id")
           for word, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"))}  # fmt: skip
    return {
        "model_type": layout.model_type,
        "architectures": [layout.architecture],
        "tie_word_embeddings": "output.weight" not in gguf.tensors,
        **{key: value for key, value in found.items() if value is not None},
        **ids,  # also where there is none, for the defaults name tokens that this vocabulary may not have
        **({"vocab_size": embedding.shape[0]} if embedding else {}),
    }


def place(gguf: Gguf, layout: Layout) -> Iterator[Placed]:
    """Every tensor where the model expects it; one that the architecture does not have keeps its name."""
    experts: dict[str, dict[str, Stored]] = {}
    for name, stored in gguf.tensors.items():
        expert = _EXPERT.fullmatch(name)
        if expert and "ffn_gate_inp" in layout.blocks:
            experts.setdefault(expert[1], {})[expert[2]] = stored
            continue
        if not ROPE.fullmatch(name):
            yield _placed(name, stored, layout)
    for block, found in experts.items():
        at = f"{layout.prefix}{block}.mlp.experts"
        if "down" in found:
            yield Placed(f"{at}.down_proj", found["down"].shape, "", (found["down"],))
        gate, up = found.get("gate"), found.get("up")
        if gate and up and gate.shape == up.shape and len(gate.shape) == 3:
            count, rows, columns = gate.shape
            yield Placed(f"{at}.gate_up_proj", (count, 2 * rows, columns), JOINED, (gate, up))


def _placed(name: str, stored: Stored, layout: Layout) -> Placed:
    inner, outer = _BLOCK.fullmatch(name), _OUTER.fullmatch(name)
    if inner and inner[2] in layout.blocks:
        leaf, new = inner[2], f"{layout.prefix}{inner[1]}.{layout.blocks[inner[2]]}.{inner[3]}"
    elif outer and outer[1] in layout.outer:
        leaf, new = outer[1], f"{layout.outer[outer[1]]}.{outer[2]}"
    else:
        return Placed(name, stored.shape, "", (stored,))
    change = layout.changes.get(leaf, "")
    if change == PLUS_ONE and not name.endswith(".weight"):
        change = ""
    if change == TRANSPOSED:
        return Placed(new, tuple(reversed(stored.shape)), change if len(stored.shape) == 2 else "", (stored,))
    return Placed(new, (1, *stored.shape) if change == FLAT and len(stored.shape) == 1 else stored.shape,
                  change, (stored,))  # fmt: skip


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
