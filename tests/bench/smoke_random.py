"""Models with random weights of a given shape, written shard by shard so that no size needs memory of its own.

Run as a program it loads one such model as inference does, in a process of its own, and prints what that took:
`python tests/bench/smoke_random.py FOLDER PRECISION [BACKEND]`.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SHARD_BYTES = 512 << 20
NOISE = (1 << 22) + 3
"""Random numbers that are used over and over: drawing billions would take longer than what is measured."""


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
    noise = torch.randn(NOISE, generator=torch.Generator().manual_seed(0)).mul_(0.02).to(torch.bfloat16)
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
        count = parameter.numel()
        value = torch.ones(count, dtype=torch.bfloat16) if parameter.ndim == 1 else noise.repeat(-(-count // NOISE))
        shard[name] = value[:count].reshape(parameter.shape).contiguous()
        held, total = held + size, total + size
    flush()
    index = {"metadata": {"total_size": total}, "weight_map": places}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    _tokenizer(corpus()[0][:10]).save_pretrained(folder)
    return folder


def main(folder: str, quantization: str, backend: str = "native") -> None:
    """Loads, answers one prompt of the planned length and a few tokens after it, and prints private bytes."""
    import time

    import torch

    from smoke import loading
    from smoke.runner import Memory, private_bytes

    torch.set_num_threads(1)
    memory = Memory()
    memory.start()
    empty, begun = private_bytes(), time.process_time()
    loaded = loading.load(
        Path(folder), kind="decoder", quantization=quantization, device="cpu", dtype="bfloat16", backend=backend,
        progress=lambda *_: None,
    )  # fmt: skip
    spent, of_loading, held = time.process_time() - begun, memory.peak, private_bytes()
    with torch.inference_mode():
        cache = loaded.model(input_ids=torch.arange(3, 515)[None], use_cache=True).past_key_values
        loaded.model(input_ids=torch.tensor([[3]]), past_key_values=cache, use_cache=True)
    memory.ended.set()
    memory.join()
    facts = {
        "kernel": loaded.kernel,
        "load_cpu_seconds": spent,
        "process": empty,
        "load_peak": of_loading,
        "held": held,
        "peak": max(memory.peak, private_bytes()),
    }
    print(json.dumps(facts))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    main(*sys.argv[1:])
