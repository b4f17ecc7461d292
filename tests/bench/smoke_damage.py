"""Kinds of damage that are done to a checkpoint, whatever its layout calls its tensors.

Each kind is a function of a checkpoint and a random generator; it answers False where the layout has nothing that it
could be done to. Every kind is what some accident does: a converter, a merge script, a bad disk, a wrong file.
"""

from __future__ import annotations

import copy
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


def damaged(folder: Path, kind: str, seed: int, out: Path, other: Path | None = None) -> Path | None:
    """A damaged copy, or None where this kind cannot be done to this layout."""
    c = opened(folder, other)
    c.config = copy.deepcopy(c.config)
    if KINDS[kind](c, random.Random(f"{kind}{seed}")) is False:
        return None
    return c.write(out)


def kind(function: Kind) -> Kind:
    KINDS[function.__name__.replace("_", " ").strip()] = function
    return function


def _layer(c: Checkpoint, r: random.Random) -> int:
    return r.randrange(c.layers)


def _noise(shape: Any, r: random.Random) -> Any:
    import torch

    return torch.randn(shape, generator=torch.Generator().manual_seed(r.randrange(1 << 30)))


@kind
def one_layer_zeroed(c, r):
    i = _layer(c, r)
    for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
        c.tensors[n].zero_()


@kind
def attention_output_zeroed(c, r):
    i = _layer(c, r)
    c.put(i, "o", c.get(i, "o") * 0)


def _swap_layers(c, i, j):
    for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
        twin = c.prefix(j) + n[len(c.prefix(i)) :]
        if twin not in c.tensors or c.tensors[twin].shape != c.tensors[n].shape:
            continue  # the first layer of T5 alone holds the table of positions
        c.tensors[n], c.tensors[twin] = c.tensors[twin].clone(), c.tensors[n].clone()


@kind
def first_and_last_layer_swapped(c, r):
    _swap_layers(c, 0, c.layers - 1)


@kind
def adjacent_layers_swapped(c, r):
    i = r.randrange(c.layers - 1)
    _swap_layers(c, i, i + 1)


@kind
def layers_named_one_off(c, r):
    for i in range(c.layers - 1):
        _swap_layers(c, i, i + 1)


@kind
def one_layer_copied_over_another(c, r):
    i, j = r.sample(range(c.layers), 2)
    for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
        twin = c.prefix(j) + n[len(c.prefix(i)) :]
        if twin in c.tensors:
            c.tensors[twin] = c.tensors[n].clone()


@kind
def sign_of_o_flipped(c, r):
    i = _layer(c, r)
    c.put(i, "o", -c.get(i, "o"))


@kind
def sign_of_down_flipped(c, r):
    i = _layer(c, r)
    c.put(i, "down", -c.get(i, "down"))


@kind
def a_NaN_row(c, r):
    i, role = _layer(c, r), r.choice(("q", "o", "up"))
    m = c.get(i, role)
    m[r.randrange(len(m))] = float("nan")
    c.put(i, role, m)


@kind
def a_NaN_in_a_rare_token(c, r):
    c.tensors[c.names["embed"]][-1 - r.randrange(4), 0] = float("nan")


def _flip(c, names, bit, every, first=0):
    import torch

    for n in names:
        flat = c.tensors[n].to(torch.bfloat16).clone().view(torch.int16).reshape(-1)
        mask = 1 << bit if bit < 15 else -(1 << 15)
        flat[first::every] = flat[first::every] ^ mask
        c.tensors[n] = flat.view(torch.bfloat16).reshape(c.tensors[n].shape)


@kind
def top_exponent_bit_of_one_weight(c, r):
    n = r.choice(c.matrices())
    _flip(c, [n], 14, 1 << 30, r.randrange(c.tensors[n].numel()))


@kind
def low_exponent_bit_of_1_in_100(c, r):
    _flip(c, c.matrices(), 7, 100, r.randrange(100))


@kind
def low_exponent_bit_of_1_in_10000(c, r):
    _flip(c, c.matrices(), 7, 10_000, r.randrange(10_000))


@kind
def third_exponent_bit_of_1_in_1000(c, r):
    _flip(c, c.matrices(), 9, 1000, r.randrange(1000))


@kind
def signs_of_1_in_20_flipped(c, r):
    _flip(c, [c.name(_layer(c, r), "down")], 15, 20, r.randrange(20))


@kind
def bytes_swapped_in_one_tensor(c, r):
    import torch

    n = r.choice(c.matrices())
    raw = c.tensors[n].contiguous().view(torch.uint8).reshape(-1, 2).flip(1).contiguous()
    c.tensors[n] = raw.view(c.tensors[n].dtype).reshape(c.tensors[n].shape)


def _transposed(c, r, role):
    i = _layer(c, r)
    m = c.get(i, role)
    if m.shape[0] != m.shape[1]:
        return False
    c.put(i, role, m.T)
    return None


@kind
def q_transposed(c, r):
    return _transposed(c, r, "q")


@kind
def o_transposed(c, r):
    return _transposed(c, r, "o")


@kind
def every_square_matrix_transposed(c, r):
    for i in range(c.layers):
        for role in ("q", "o"):
            m = c.get(i, role)
            if m.shape[0] == m.shape[1]:
                c.put(i, role, m.T)


@kind
def down_times_3(c, r):
    i = _layer(c, r)
    c.put(i, "down", c.get(i, "down") * 3)


@kind
def down_times_10(c, r):
    i = _layer(c, r)
    c.put(i, "down", c.get(i, "down") * 10)


@kind
def every_o_halved(c, r):
    for i in range(c.layers):
        c.put(i, "o", c.get(i, "o") * 0.5)


@kind
def a_norm_zeroed(c, r):
    c.tensors[c.name(_layer(c, r), r.choice(("norm", "norm2")))].zero_()


@kind
def a_norm_reset_to_ones(c, r):
    c.tensors[c.name(_layer(c, r), r.choice(("norm", "norm2")))].fill_(1.0)


@kind
def norms_exchanged(c, r):
    i = _layer(c, r)
    a, b = c.name(i, "norm"), c.name(i, "norm2")
    c.tensors[a], c.tensors[b] = c.tensors[b].clone(), c.tensors[a].clone()


@kind
def fp16_bytes_read_as_bf16(c, r):
    import torch

    n = r.choice(c.matrices())
    c.tensors[n] = c.tensors[n].to(torch.float16).view(torch.bfloat16)


@kind
def quarter_of_a_tensor_zero(c, r):
    i, role = _layer(c, r), r.choice(("up", "q", "o", "down"))
    m = c.get(i, role)
    m[: len(m) // 4] = 0
    c.put(i, role, m)


@kind
def one_layer_re_initialized(c, r):
    i = _layer(c, r)
    for n in [n for n in c.matrices() if n.startswith(c.prefix(i))]:
        t = c.tensors[n]
        c.tensors[n] = (_noise(t.shape, r) * t.float().std()).to(t.dtype)


@kind
def one_matrix_re_initialized(c, r):
    n = r.choice(c.matrices())
    t = c.tensors[n]
    c.tensors[n] = (_noise(t.shape, r) * t.float().std()).to(t.dtype)


@kind
def untrained(c, r):
    for n, t in c.tensors.items():
        if t.ndim == 2:
            c.tensors[n] = (_noise(t.shape, r) * 0.02).to(t.dtype)


@kind
def embedding_rows_shifted(c, r):
    n = c.names["embed"]
    c.tensors[n] = c.tensors[n].roll(r.choice((-1, 1, 5)), 0)


@kind
def tokens_permuted(c, r):
    import torch

    n = c.names["embed"]
    order = list(range(len(c.tensors[n])))
    r.shuffle(order)
    c.tensors[n] = c.tensors[n][torch.tensor(order)]


@kind
def a_tenth_of_the_tokens_permuted(c, r):
    import torch

    n = c.names["embed"]
    order = list(range(len(c.tensors[n])))
    some = r.sample(order, len(order) // 10)
    for a, b in zip(some, some[1:] + some[:1], strict=True):
        order[a] = b
    c.tensors[n] = c.tensors[n][torch.tensor(order)]


@kind
def embedding_scaled(c, r):
    n = c.names["embed"]
    c.tensors[n] = (c.tensors[n].float() * r.choice((0.25, 4.0, 11.3))).to(c.tensors[n].dtype)


@kind
def other_tokenizer(c, r):
    """The same vocabulary in another order, as of a tokenizer trained on other text."""
    text = json.loads((c.folder / "tokenizer.json").read_text())
    vocab = text["model"]["vocab"]
    special = {t["content"] for t in text.get("added_tokens", [])}
    words = [w for w in vocab if w not in special]
    ids = [vocab[w] for w in words]
    r.shuffle(ids)
    text["model"]["vocab"] = {**vocab, **dict(zip(words, ids, strict=True))}
    c.files["tokenizer.json"] = json.dumps(text)


@kind
def gate_and_up_swapped(c, r):
    if not c.has("gate"):
        return False
    i = _layer(c, r)
    a, b = c.get(i, "gate"), c.get(i, "up")
    c.put(i, "gate", b)
    c.put(i, "up", a)
    return None


@kind
def k_and_v_swapped(c, r):
    i = _layer(c, r)
    a, b = c.get(i, "k"), c.get(i, "v")
    c.put(i, "k", b)
    c.put(i, "v", a)


@kind
def heads_in_the_other_rotary_layout(c, r):
    if c.config["model_type"] in ("gpt2", "t5"):
        return False
    width = c.heads[2]
    for i in range(c.layers):
        for role in ("q", "k"):
            m = c.get(i, role)
            c.put(i, role, m.view(-1, 2, width // 2, m.shape[1]).transpose(1, 2).reshape(m.shape))
    return None


@kind
def kv_heads_rotated(c, r):
    i, width = _layer(c, r), c.heads[2]
    for role in ("k", "v"):
        c.put(i, role, c.get(i, role).roll(width, 0))


@kind
def one_head_zeroed(c, r):
    i, (query, _, width) = _layer(c, r), c.heads
    m, h = c.get(i, "o"), r.randrange(query)
    m[:, h * width : (h + 1) * width] = 0
    c.put(i, "o", m)


@kind
def noise_of_10_percent(c, r):
    for n, t in c.tensors.items():
        if t.ndim == 2:
            c.tensors[n] = (t.float() + _noise(t.shape, r) * t.float().std() * 0.1).to(t.dtype)


@kind
def noise_of_50_percent(c, r):
    for n, t in c.tensors.items():
        if t.ndim == 2:
            c.tensors[n] = (t.float() + _noise(t.shape, r) * t.float().std() * 0.5).to(t.dtype)


@kind
def three_bits_of_mantissa(c, r):
    import torch

    for n, t in c.tensors.items():
        if t.ndim == 2:
            raw = t.to(torch.bfloat16).view(torch.int16) & -16
            c.tensors[n] = raw.view(torch.bfloat16)


def _rope(c, factor):
    found = c.config.get("rope_parameters")
    if isinstance(found, dict) and "rope_theta" in found:
        found["rope_theta"] = found["rope_theta"] * factor
        return None
    if "rope_theta" in c.config:
        c.config["rope_theta"] *= factor
        return None
    return False


@kind
def rotary_base_times_100(c, r):
    return _rope(c, 100.0)


@kind
def rotary_base_by_100(c, r):
    return _rope(c, 0.01)


@kind
def norm_epsilon_1(c, r):
    for n in ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps"):
        if n in c.config:
            c.config[n] = 1.0
            return None
    return False


@kind
def activation_of_another_family(c, r):
    for n in ("hidden_act", "hidden_activation", "activation_function"):
        if c.config.get(n):
            c.config[n] = "relu" if "relu" not in c.config[n] else "silu"
            return None
    if c.config["model_type"] == "t5":
        c.config["feed_forward_proj"] = "gated-relu"
        c.config.pop("dense_act_fn", None)
        return None
    return False


@kind
def half_of_the_layers_from_another_run(c, r):
    theirs = c.other()
    for i in range(c.layers // 2):
        for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
            if n in theirs and theirs[n].shape == c.tensors[n].shape:
                c.tensors[n] = theirs[n].to(c.tensors[n].dtype)


@kind
def a_shard_from_another_run(c, r):
    theirs, names = c.other(), sorted(c.tensors)
    cut = r.randrange(len(names) // 3, 2 * len(names) // 3)
    for n in names[cut:]:
        if n in theirs and theirs[n].shape == c.tensors[n].shape:
            c.tensors[n] = theirs[n].to(c.tensors[n].dtype)


@kind
def a_tensor_missing(c, r):
    del c.tensors[c.name(_layer(c, r), r.choice(("up", "o", "norm")))]


@kind
def vocabulary_cut(c, r):
    n = c.names["embed"]
    c.tensors[n] = c.tensors[n][: len(c.tensors[n]) * 9 // 10]
    c.config["vocab_size"] = len(c.tensors[n])
    for h in (c.names.get("head"), "lm_head.weight", "cls.predictions.decoder.weight"):
        if h in c.tensors and h != n:
            c.tensors[h] = c.tensors[h][: c.config["vocab_size"]]
    for b in ("cls.predictions.bias", "cls.predictions.decoder.bias"):
        if b in c.tensors:
            c.tensors[b] = c.tensors[b][: c.config["vocab_size"]]


@kind
def int8_scales_dropped(c, r):
    i, role = _layer(c, r), r.choice(("q", "up", "down"))
    m = c.get(i, role).float()
    c.put(i, role, (m / (m.abs().amax(dim=1, keepdim=True) / 127)).round())


@kind
def int8_scales_of_the_wrong_rows(c, r):
    """As if the scales had been stored one row off."""
    for role in ("q", "up", "down", "o"):
        for i in range(c.layers):
            m = c.get(i, role).float()
            scale = m.abs().amax(dim=1, keepdim=True)
            c.put(i, role, m / scale.clamp_min(1e-9) * scale.roll(1, 0))


@kind
def one_scale_for_the_whole_matrix_at_4_bits(c, r):
    for n in c.matrices():
        t = c.tensors[n].float()
        scale = t.abs().max() / 7
        c.tensors[n] = ((t / scale).round() * scale).to(c.tensors[n].dtype)


@kind
def head_tied_by_mistake(c, r):
    if not c.names.get("head") or c.names["head"] not in c.tensors:
        return False
    c.config["tie_word_embeddings"] = True
    return None


@kind
def special_tokens_wrong(c, r):
    """The token that ends a text is another one in the configuration than in the tokenizer."""
    for n in ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"):
        if isinstance(c.config.get(n), int):
            c.config[n] += 40
    found = c.folder / "generation_config.json"
    if found.exists():
        generation = json.loads(found.read_text())
        for n in ("bos_token_id", "eos_token_id", "pad_token_id"):
            if isinstance(generation.get(n), int):
                generation[n] += 40
        c.files["generation_config.json"] = json.dumps(generation)


@kind
def rows_of_a_matrix_shifted(c, r):
    i, role = _layer(c, r), r.choice(("up", "o", "q"))
    c.put(i, role, c.get(i, role).roll(1, 0))
