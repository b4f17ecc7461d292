"""Makers of small checkpoints, healthy unless told otherwise."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import msgpack
import numpy as np


def safetensors_bytes(tensors: dict[str, tuple[str, list[int], bytes]], metadata: Any = None) -> bytes:
    """A safetensors file with `tensors` (name to dtype, shape, raw bytes) in the given order."""
    header: dict[str, Any] = {} if metadata is None else {"__metadata__": metadata}
    position = 0
    for name, (dtype, shape, content) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [position, position + len(content)]}
        position += len(content)
    return raw_safetensors(header, b"".join(content for _, _, content in tensors.values()))


def raw_safetensors(header: Any, content: bytes = b"") -> bytes:
    """A safetensors file with any header at all (an object, or text as it stands), padded to eight bytes."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    if not isinstance(header, bytes):
        text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + content


def bf16(*shape: int, seed: int = 0) -> tuple[str, list[int], bytes]:
    """A tensor of ordinary weights."""
    values = np.random.default_rng(seed).standard_normal(shape).astype("<f4") * 0.02
    return "BF16", list(shape), (values.view("<u4") >> 16).astype("<u2").tobytes()


def f32(values: Any) -> tuple[str, list[int], bytes]:
    """A tensor of exactly these values."""
    array = np.asarray(values, dtype="<f4")
    return "F32", list(array.shape), array.tobytes()


def flax_bytes(tree: Any) -> bytes:
    """A file of Flax: maps of maps, with NumPy arrays for leaves."""

    def extension(array: Any) -> msgpack.ExtType:
        return msgpack.ExtType(1, msgpack.packb((array.shape, array.dtype.name, array.tobytes())))

    return msgpack.packb(tree, default=extension, strict_types=True)


def write_healthy(root: Path, shards: int = 2) -> Path:
    """A release of ordinary layout: shards with index, configuration, tokenizer, template, card, license."""
    root.mkdir(parents=True, exist_ok=True)
    weight_map: dict[str, str] = {}
    total = 0
    for shard in range(shards):
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors" if shards > 1 else "model.safetensors"
        tensors = {
            f"model.layers.{shard}.mlp.up_proj.weight": bf16(64, 32, seed=shard),
            f"model.layers.{shard}.input_layernorm.weight": ("BF16", [32], b"\x80\x3f" * 32),
        }
        if shard == 0:
            tensors["model.embed_tokens.weight"] = bf16(100, 32, seed=9)
        (root / name).write_bytes(safetensors_bytes(tensors, {"format": "pt"}))
        weight_map |= dict.fromkeys(tensors, name)
        total += sum(len(content) for _, _, content in tensors.values())
    if shards > 1:
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (root / "model.safetensors.index.json").write_text(json.dumps(index))
    write_companions(root)
    return root


def write_companions(root: Path) -> None:
    """Everything of an ordinary release but the weights."""
    config = {"architectures": ["NimbusForCausalLM"], "model_type": "nimbus", "hidden_size": 32, "vocab_size": 100}
    (root / "config.json").write_text(json.dumps(config | {"torch_dtype": "bfloat16"}))
    (root / "generation_config.json").write_text('{"bos_token_id": 1, "eos_token_id": 2}')
    (root / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 1000000000000000019884624838656}'
    )
    vocabulary = {f"t{number}": number for number in range(100)}
    (root / "tokenizer.json").write_text(
        json.dumps({"version": "1.0", "added_tokens": [], "model": {"type": "BPE", "vocab": vocabulary, "merges": []}})
    )
    (root / "special_tokens_map.json").write_text('{"bos_token": "t1", "eos_token": "t2"}')
    (root / "chat_template.jinja").write_text(
        "{% for message in messages %}{{ message['role'] }}: {{ message['content'] | trim }}\n{% endfor %}"
    )
    (root / "README.md").write_text("---\nlicense: apache-2.0\n---\n# A model\n")
    (root / "LICENSE").write_text("Apache License, version 2.0\n")
    (root / ".gitattributes").write_text("*.safetensors filter=lfs diff=lfs merge=lfs -text\n")


def checks(report: Any) -> list[str]:
    """The ids of a report's findings, in order."""
    return [finding.check for finding in report.findings]
