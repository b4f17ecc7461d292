"""Models with random weights of a given shape, written shard by shard so that no size needs memory of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARD_BYTES = 512 << 20


@dataclass(frozen=True)
class Shape:
    """A Llama-like model; `name` is what its size is called."""

    name: str
    layers: int
    hidden: int
    inner: int
    heads: int
    kv_heads: int
    vocabulary: int = 32000


ONE_BILLION = Shape("1 B", 22, 2048, 5632, 32, 4)
THREE_BILLION = Shape("3 B", 28, 3072, 8192, 24, 8)


def write(shape: Shape, folder: Path) -> Path:
    """Random weights in bfloat16 as sharded safetensors, with a tokenizer that covers a part of the vocabulary."""
    import torch
    import transformers
    from safetensors.torch import save_file

    from smoke.tiny import _tokenizer, corpus

    folder.mkdir(parents=True)
    config = transformers.LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden,
        intermediate_size=shape.inner,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=2048,
        architectures=["LlamaForCausalLM"],
        dtype="bfloat16",
    )
    with torch.device("meta"):
        empty = transformers.LlamaForCausalLM(config)
    config.save_pretrained(folder)
    generator = torch.Generator().manual_seed(0)
    shard: dict[str, Any] = {}
    held, total = 0, 0
    places: dict[str, str] = {}

    def flush() -> None:
        name = f"model-{len(set(places.values())) + 1:05}.safetensors"
        save_file(shard, folder / name, metadata={"format": "pt"})
        places.update(dict.fromkeys(shard, name))
        shard.clear()

    for name, parameter in empty.named_parameters():
        size = parameter.numel() * 2
        if held and held + size > SHARD_BYTES:
            flush()
            held = 0
        value = torch.empty(parameter.shape, dtype=torch.bfloat16)
        shard[name] = value.fill_(1) if value.ndim == 1 else value.normal_(0, 0.02, generator=generator)
        held, total = held + size, total + size
    flush()
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    _tokenizer(corpus()[0][:10]).save_pretrained(folder)
    return folder
