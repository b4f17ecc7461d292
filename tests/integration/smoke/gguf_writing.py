"""Writes models of transformers as GGUF files, changing the values as the converter of llama.cpp does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from gguf.quants import quantize

KINDS = gguf.GGMLQuantizationType


def permuted(weight: torch.Tensor, heads: int) -> torch.Tensor:
    """Rows of each head as llama.cpp wants them: the two halves interleaved."""
    rest = weight.shape[1:]
    return weight.reshape(heads, 2, weight.shape[0] // heads // 2, *rest).swapaxes(1, 2).reshape(weight.shape)


def metadata(writer: gguf.GGUFWriter, config: Any, arch: str) -> None:
    """What the file says of the model's shape."""
    get = lambda *names: next((v for v in (getattr(config, n, None) for n in names) if v is not None), None)  # noqa: E731
    heads, hidden = get("num_attention_heads"), get("hidden_size")
    writer.add_context_length(get("max_position_embeddings"))
    writer.add_embedding_length(hidden)
    writer.add_block_count(get("num_hidden_layers"))
    writer.add_feed_forward_length(get("intermediate_size", "n_inner") or 4 * hidden)
    writer.add_head_count(heads)
    writer.add_head_count_kv(get("num_key_value_heads") or heads)
    head = get("head_dim") or hidden // heads
    writer.add_key_length(head)
    writer.add_rope_dimension_count(int(head * (get("rope_parameters") or {}).get("partial_rotary_factor", 1)))
    if get("rms_norm_eps"):
        writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    if get("layer_norm_epsilon", "norm_epsilon", "layer_norm_eps"):
        writer.add_layer_norm_eps(get("layer_norm_epsilon", "norm_epsilon", "layer_norm_eps"))
    rope = get("rope_parameters") or {}
    rope = rope.get("full_attention", rope)
    if rope.get("rope_theta"):
        writer.add_rope_freq_base(rope["rope_theta"])
    if get("sliding_window"):
        writer.add_sliding_window(config.sliding_window)
    if get("attn_logit_softcapping"):
        writer.add_attn_logit_softcapping(config.attn_logit_softcapping)
        writer.add_final_logit_softcapping(config.final_logit_softcapping)
    if get("num_experts", "num_local_experts"):
        writer.add_expert_count(get("num_experts", "num_local_experts"))
        writer.add_expert_used_count(config.num_experts_per_tok)
    if get("moe_intermediate_size"):
        writer.add_expert_feed_forward_length(config.moe_intermediate_size)
    if get("shared_expert_intermediate_size"):
        writer.add_expert_shared_feed_forward_length(config.shared_expert_intermediate_size)


def vocabulary(writer: gguf.GGUFWriter, tokenizer: Any) -> None:
    """Tokens and merges of a byte-level tokenizer."""
    import json

    raw = json.loads(tokenizer.backend_tokenizer.to_str())
    tokens = [t for t, _ in sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])]
    special = {t["content"] for t in raw["added_tokens"]}
    merges = [" ".join(m) if isinstance(m, list) else m for m in raw["model"]["merges"]]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([3 if token in special else 1 for token in tokens])
    writer.add_token_merges(merges)
    for name in ("bos", "eos", "pad"):
        if getattr(tokenizer, f"{name}_token_id") is not None:
            getattr(writer, f"add_{name}_token_id")(getattr(tokenizer, f"{name}_token_id"))
    writer.add_add_bos_token(True)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def write(model: Any, tokenizer: Any, path: Path, arch: str, names: Any, kind: KINDS = KINDS.F32,
          say: Any = None, **split: Any) -> Path:  # fmt: skip
    """One file, or parts. `names` gives for a parameter each name in the file with the value that stands there."""
    writer = gguf.GGUFWriter(path, arch, **split)
    metadata(writer, model.config, arch)
    if say is not None:
        say(writer)
    if tokenizer is not None:
        vocabulary(writer, tokenizer)
    for name, value in model.state_dict().items():
        for target, tensor in names(name, value.float()):
            array = np.ascontiguousarray(tensor.numpy())
            stored = kind if array.ndim >= 2 and array.shape[-1] % block(kind) == 0 else KINDS.F32
            writer.add_tensor(target, array if stored == KINDS.F32 else quantize(array, stored), raw_dtype=stored)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def block(kind: KINDS) -> int:
    """Elements of one block."""
    return gguf.GGML_QUANT_SIZES[kind][0]


def namer(arch: str, config: Any):
    """The names and changes of one architecture, from the format library's own table of names."""
    key = {v: k for k, v in gguf.MODEL_ARCH_NAMES.items()}[arch]
    table = gguf.get_tensor_name_map(key, config.num_hidden_layers)
    heads = config.num_attention_heads
    kv = getattr(config, "num_key_value_heads", None) or heads

    def names(name: str, value: torch.Tensor):
        stem, _, suffix = name.rpartition(".")
        if name == "lm_head.weight" and config.tie_word_embeddings:
            return
        if name.endswith("experts.gate_up_proj"):
            at = f"blk.{name.split('.')[2]}"
            gate, up = value.chunk(2, dim=1)
            yield f"{at}.ffn_gate_exps.weight", gate
            yield f"{at}.ffn_up_exps.weight", up
            return
        if name.endswith("experts.down_proj"):
            yield f"blk.{name.split('.')[2]}.ffn_down_exps.weight", value
            return
        stem = stem.replace("mlp.gate", "block_sparse_moe.gate") if stem.endswith("mlp.gate") else stem
        target = table.get_name(stem)
        assert target, name
        if arch == "llama" and ".attn_q" in target:
            value = permuted(value, heads)
        elif arch == "llama" and ".attn_k" in target:
            value = permuted(value, kv)
        elif arch.startswith("gemma") and "norm" in target:
            value = value + 1
        elif arch == "gpt2" and value.ndim == 2 and target.startswith("blk."):
            value = value.T
        elif "ffn_gate_inp_shexp" in target:
            value = value.reshape(-1)
        yield f"{target}.{suffix}", value

    return names
