"""Devices as workers register them, and checkpoints that can be planned for: real headers, few bytes."""

from __future__ import annotations

import json
import struct

from jobs import device_register
from jobs.models import Device

GIB = 1 << 30
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 256,
    "max_position_embeddings": 256,
}


def tensors() -> dict[str, tuple[int, ...]]:
    """The names and shapes of a very small Llama."""
    hidden, inner, kv = CONFIG["hidden_size"], CONFIG["intermediate_size"], 32
    shapes = {
        "model.embed_tokens.weight": (256, hidden),
        "lm_head.weight": (256, hidden),
        "model.norm.weight": (hidden,),
    }
    for layer in range(CONFIG["num_hidden_layers"]):
        at = f"model.layers.{layer}"
        shapes |= {f"{at}.self_attn.{part}_proj.weight": (hidden, hidden) for part in "qo"}
        shapes |= {f"{at}.self_attn.{part}_proj.weight": (kv, hidden) for part in "kv"}
        shapes |= {f"{at}.mlp.{part}_proj.weight": (inner, hidden) for part in ("gate", "up")}
        shapes |= {f"{at}.mlp.down_proj.weight": (hidden, inner)}
        shapes |= {f"{at}.{norm}_layernorm.weight": (hidden,) for norm in ("input", "post_attention")}
    return shapes


def files(*, leave_out: str = "", **config: object) -> dict[str, bytes]:
    """A checkpoint of zeros; `leave_out` names a tensor that is missing."""
    header, offset = {}, 0
    for name, shape in tensors().items():
        if name == leave_out:
            continue
        size = 2
        for side in shape:
            size *= side
        header[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + size]}
        offset += size
    raw = json.dumps(header).encode()
    raw += b" " * (-len(raw) % 8)
    weights = struct.pack("<Q", len(raw)) + raw + bytes(offset)
    return {"config.json": json.dumps(CONFIG | config).encode(), "model.safetensors": weights}


def attach(worker: str = "one@lab", kind: str = "cpu", *, free: int = 16 * GIB, **said: object) -> Device:
    """A device as a living worker registers it."""
    name = "cpu" if kind == "cpu" else f"{kind}:0"
    described = {
        "id": name,
        "kind": kind,
        "index": 0,
        "name": {"cpu": "A Processor"}.get(kind, "An Accelerator"),
        "queue": f"smoke.{kind}",
        "total_bytes": 2 * free,
        "free_bytes": free,
        "dtypes": ["bfloat16", "float32"],
        "detail": {"cores": "2"},
        "torch": "2.13.0",
        "reason": "",
        **said,
    }
    device_register.register(worker, [described])
    return Device.objects.get(worker=worker, name=name)
