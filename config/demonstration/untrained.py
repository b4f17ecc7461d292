"""A well-formed model with random weights, for installations without torch: numpy, safetensors and a plain alphabet."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

HIDDEN, HEADS, KV_HEADS, INTERMEDIATE, VOCABULARY = 64, 4, 2, 128, 260
CHANGE = 0.05


def write_untrained(place: Path, *, layers: int, seed: int, parent: Path | None = None) -> int:
    """Write a Llama-architecture checkpoint with random weights, or a parent's with small changes where it has them.

    Returns its number of parameters.
    """
    inherited = load_file(parent / "model.safetensors") if parent else {}
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    random = np.random.default_rng(seed + layers)
    head = HIDDEN // HEADS
    shapes = {"model.embed_tokens.weight": (VOCABULARY, HIDDEN), "model.norm.weight": (HIDDEN,)}
    for layer in range(layers):
        name = f"model.layers.{layer}"
        shapes |= {
            f"{name}.input_layernorm.weight": (HIDDEN,),
            f"{name}.post_attention_layernorm.weight": (HIDDEN,),
            f"{name}.self_attn.q_proj.weight": (HIDDEN, HIDDEN),
            f"{name}.self_attn.k_proj.weight": (KV_HEADS * head, HIDDEN),
            f"{name}.self_attn.v_proj.weight": (KV_HEADS * head, HIDDEN),
            f"{name}.self_attn.o_proj.weight": (HIDDEN, HIDDEN),
            f"{name}.mlp.gate_proj.weight": (INTERMEDIATE, HIDDEN),
            f"{name}.mlp.up_proj.weight": (INTERMEDIATE, HIDDEN),
            f"{name}.mlp.down_proj.weight": (HIDDEN, INTERMEDIATE),
        }
    tensors = {
        name: np.ones(shape, np.float32) if len(shape) == 1 else random.normal(0, 0.02, shape).astype(np.float32)
        for name, shape in shapes.items()
    }
    for name, tensor in inherited.items():
        tensors[name] = tensor + tensors[name] * CHANGE if tensor.ndim > 1 else tensor
    save_file(tensors, place / "model.safetensors", metadata={"format": "pt"})
    _write(place / "config.json", _config(layers, head))
    _write(place / "generation_config.json", {"bos_token_id": 256, "eos_token_id": 257, "pad_token_id": 258})
    return sum(tensor.size for tensor in tensors.values())


def _config(layers: int, head: int) -> dict[str, object]:
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": HIDDEN,
        "intermediate_size": INTERMEDIATE,
        "num_attention_heads": HEADS,
        "num_key_value_heads": KV_HEADS,
        "head_dim": head,
        "num_hidden_layers": layers,
        "vocab_size": VOCABULARY,
        "max_position_embeddings": 256,
        "tie_word_embeddings": True,
        "bos_token_id": 256,
        "eos_token_id": 257,
        "pad_token_id": 258,
        "dtype": "float32",
    }


def _write(place: Path, content: dict[str, object]) -> None:
    place.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
