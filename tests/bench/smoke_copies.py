"""A checkpoint that damage is done to: its tensors and settings by what they are, whatever its layout calls them."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Kind = Callable[["Checkpoint", random.Random], bool | None]
KINDS: dict[str, Kind] = {}

LLAMA = {
    "layer": "model.layers.{}.", "q": "self_attn.q_proj.weight", "k": "self_attn.k_proj.weight",
    "v": "self_attn.v_proj.weight", "o": "self_attn.o_proj.weight", "gate": "mlp.gate_proj.weight",
    "up": "mlp.up_proj.weight", "down": "mlp.down_proj.weight", "norm": "input_layernorm.weight",
    "norm2": "post_attention_layernorm.weight", "embed": "model.embed_tokens.weight", "head": "lm_head.weight",
}  # fmt: skip
NAMES: dict[str, dict[str, str]] = {
    "llama": LLAMA,
    "qwen3": LLAMA,
    "gemma2": LLAMA,
    "gpt2": {
        "layer": "transformer.h.{}.", "q": "attn.c_attn.weight", "k": "attn.c_attn.weight", "v": "attn.c_attn.weight",
        "o": "attn.c_proj.weight", "up": "mlp.c_fc.weight", "down": "mlp.c_proj.weight", "norm": "ln_1.weight",
        "norm2": "ln_2.weight", "embed": "transformer.wte.weight",
    },
    "gpt_neox": {
        "layer": "gpt_neox.layers.{}.", "q": "attention.query_key_value.weight",
        "k": "attention.query_key_value.weight", "v": "attention.query_key_value.weight",
        "o": "attention.dense.weight", "up": "mlp.dense_h_to_4h.weight", "down": "mlp.dense_4h_to_h.weight",
        "norm": "input_layernorm.weight", "norm2": "post_attention_layernorm.weight",
        "embed": "gpt_neox.embed_in.weight", "head": "embed_out.weight",
    },
    "t5": {
        "layer": "decoder.block.{}.", "q": "layer.0.SelfAttention.q.weight", "k": "layer.0.SelfAttention.k.weight",
        "v": "layer.0.SelfAttention.v.weight", "o": "layer.0.SelfAttention.o.weight",
        "gate": "layer.2.DenseReluDense.wi_0.weight", "up": "layer.2.DenseReluDense.wi_1.weight",
        "down": "layer.2.DenseReluDense.wo.weight", "norm": "layer.0.layer_norm.weight",
        "norm2": "layer.2.layer_norm.weight", "embed": "shared.weight",
    },
}  # fmt: skip


@dataclass
class Checkpoint:
    """The tensors and the settings of one model, and where its parts are among them."""

    folder: Path
    tensors: dict[str, Any]
    config: dict[str, Any]
    other: Callable[[], dict[str, Any]]
    """Tensors of another run of the same recipe."""
    files: dict[str, str] = field(default_factory=dict)
    """Other files that were changed."""

    @property
    def names(self) -> dict[str, str]:
        return NAMES[self.config["model_type"]]

    @property
    def layers(self) -> int:
        return next(i for i in range(1000) if self.name(i, "o") not in self.tensors)

    @property
    def heads(self) -> tuple[int, int, int]:
        """Heads of queries, of keys, and the width of one."""
        c = self.config
        query = c.get("num_attention_heads") or c.get("n_head") or c.get("num_heads")
        hidden = c.get("hidden_size") or c.get("n_embd") or c.get("d_model")
        return query, c.get("num_key_value_heads") or query, c.get("head_dim") or c.get("d_kv") or hidden // query

    def name(self, layer: int, role: str) -> str:
        return self.names["layer"].format(layer) + self.names[role]

    def prefix(self, layer: int) -> str:
        return self.names["layer"].format(layer)

    def has(self, role: str) -> bool:
        return role in self.names and (role in ("embed", "head") or self.name(0, role) in self.tensors)

    def rows(self, role: str) -> Any:
        """Which rows of a fused matrix, outputs by inputs, belong to this role; None: all of them."""
        import torch

        query, _, width = self.heads
        if role not in ("q", "k", "v") or self.config["model_type"] not in ("gpt2", "gpt_neox"):
            return None
        place, every = "qkv".index(role), torch.arange(3 * query * width)
        if self.config["model_type"] == "gpt_neox":
            return every.reshape(query, 3, width)[:, place].reshape(-1)
        return every.chunk(3)[place]

    def get(self, layer: int, role: str) -> Any:
        """A copy of a matrix, outputs by inputs."""
        matrix = self.tensors[self.name(layer, role)]
        matrix = matrix.T if self.config["model_type"] == "gpt2" else matrix
        rows = self.rows(role)
        return matrix.clone() if rows is None else matrix[rows].clone()

    def put(self, layer: int, role: str, matrix: Any) -> None:
        rows, name = self.rows(role), self.name(layer, role)
        is_turned = self.config["model_type"] == "gpt2"
        if rows is not None:
            whole = (self.tensors[name].T if is_turned else self.tensors[name]).clone()
            whole[rows] = matrix.to(whole.dtype)
            matrix = whole
        self.tensors[name] = (matrix.T if is_turned else matrix).to(self.tensors[name].dtype).contiguous()

    def matrices(self) -> list[str]:
        """Names of all matrices inside layers."""
        marks = self.prefix(0).split("0")[0]
        return [n for n, t in self.tensors.items() if t.ndim == 2 and n.startswith(marks)]

    def write(self, out: Path) -> Path:
        """A complete copy, tensors and settings as they are now."""
        from safetensors.torch import save_file

        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        for path in self.folder.iterdir():
            if path.name not in ("model.safetensors", "config.json", *self.files):
                (out / path.name).symlink_to(path)
        for name, text in self.files.items():
            (out / name).write_text(text)
        (out / "config.json").write_text(json.dumps(self.config))
        whole = {n: t.contiguous().clone() for n, t in self.tensors.items()}
        save_file(whole, out / "model.safetensors", metadata={"format": "pt"})
        return out


def opened(folder: Path, other: Path | None = None) -> Checkpoint:
    """The checkpoint in a folder."""
    from safetensors.torch import load_file

    config = json.loads((folder / "config.json").read_text())
    return Checkpoint(folder, load_file(folder / "model.safetensors"), config,
                      lambda: load_file((other or folder) / "model.safetensors"))  # fmt: skip


def kind(function: Kind) -> Kind:
    """Enters a kind of damage under the words of its name."""
    KINDS[function.__name__.replace("_", " ").strip()] = function
    return function


def some_layer(c: Checkpoint, r: random.Random) -> int:
    return r.randrange(c.layers)


def noise_of(shape: Any, r: random.Random) -> Any:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(r.randrange(1 << 30)))
