"""Small models and what people make of them, as the comparison gets to see them: fingerprints of real files."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.unit.weights.makers import safetensors_bytes
from weights import TensorRecord, inspect_file
from weights.block_values import NF4

Array = np.ndarray[Any, Any]
Model = Mapping[str, Array]

HEADS, KEY_HEADS = 4, 2
_NAMES = {np.dtype("<f4"): "F32", np.dtype("<f2"): "F16", np.dtype("<f8"): "F64", np.dtype("i1"): "I8"}
_NAMES |= {np.dtype("u1"): "U8", np.dtype("<i4"): "I32", np.dtype("<i8"): "I64", np.dtype("<u2"): "BF16"}
_GGUF_NAMES = {
    "model.layers.": "blk.",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
    "post_attention_layernorm": "ffn_norm",
    "input_layernorm": "attn_norm",
    "model.embed_tokens": "token_embd",
    "model.norm": "output_norm",
    "lm_head": "output",
}


def llama(seed: int, *, hidden: int = 64, layers: int = 2, words: int = 300, norms: str = "ones") -> dict[str, Array]:
    """A decoder with independent weights; its norms are all ones unless `norms` is "trained"."""
    rng = np.random.default_rng(seed)
    keys = hidden // HEADS * KEY_HEADS

    def matrix(rows: int, columns: int) -> Array:
        return (rng.standard_normal((rows, columns)) * 0.02).astype("<f4")

    def norm() -> Array:
        ones = np.ones(hidden, dtype="<f4")
        return ones if norms == "ones" else (ones + 0.1 * rng.standard_normal(hidden)).astype("<f4")

    model = {"model.embed_tokens.weight": matrix(words, hidden)}
    for number in range(layers):
        layer = f"model.layers.{number}."
        model |= {
            layer + "self_attn.q_proj.weight": matrix(hidden, hidden),
            layer + "self_attn.k_proj.weight": matrix(keys, hidden),
            layer + "self_attn.v_proj.weight": matrix(keys, hidden),
            layer + "self_attn.o_proj.weight": matrix(hidden, hidden),
            layer + "mlp.gate_proj.weight": matrix(2 * hidden, hidden),
            layer + "mlp.up_proj.weight": matrix(2 * hidden, hidden),
            layer + "mlp.down_proj.weight": matrix(hidden, 2 * hidden),
            layer + "input_layernorm.weight": norm(),
            layer + "post_attention_layernorm.weight": norm(),
        }
    return model | {"model.norm.weight": norm(), "lm_head.weight": matrix(words, hidden)}


def records(model: Model, dtypes: Mapping[str, str] | None = None) -> list[TensorRecord]:
    """The records of a safetensors file; 16-bit unsigned numbers stand for bfloat16 unless `dtypes` says otherwise."""
    content = safetensors_bytes(
        {
            name: ((dtypes or {}).get(name, _NAMES.get(array.dtype, "")), list(array.shape), array.tobytes())
            for name, array in model.items()
        }
    )
    return inspect_file(lambda: io.BytesIO(content), "m.safetensors", len(content)).tensors


def gguf_records(model: Model, kind: str, folder: Path) -> list[TensorRecord]:
    """The records of a GGUF file as llama.cpp's converter writes it: its names, query and key rows permuted."""
    path = folder / f"{kind}.gguf"
    writer = gguf.GGUFWriter(path, "llama")
    for name, array in model.items():
        for ours, theirs in _GGUF_NAMES.items():
            name = name.replace(ours, theirs)
        if "attn_q" in name or "attn_k" in name:
            heads = HEADS if "attn_q" in name else KEY_HEADS
            array = array.reshape(heads, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
        if array.ndim == 1:
            writer.add_tensor(name, array)
        else:
            quant = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(name, gguf.quants.quantize(array, quant), raw_dtype=quant)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return inspect_file(path, "m.gguf").tensors


def each(change: Callable[[Array], Array]) -> Callable[[Model], dict[str, Array]]:
    """The same change for every tensor."""
    return lambda model: {name: change(array) for name, array in model.items()}


def bf16(array: Array) -> Array:
    """Rounded to the nearest bfloat16, as its bits."""
    bits = array.astype("<f4").view("<u4")
    rounded: Array = ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16).astype("<u2")
    return rounded


def from_bf16(array: Array) -> Array:
    """The numbers that bits of bfloat16 stand for."""
    found: Array = (array.astype("<u4") << 16).view("<f4")
    return found


def noisy(share: float, seed: int = 77) -> Callable[[Model], dict[str, Array]]:
    """Tuning: every matrix moves by `share` of its own spread."""
    rng = np.random.default_rng(seed)

    def change(array: Array) -> Array:
        if array.ndim < 2:
            return array
        return (array + share * array.std() * rng.standard_normal(array.shape)).astype(array.dtype)

    return each(change)


def with_adapter(model: Model, rank: int = 4, strength: float = 0.3) -> dict[str, Array]:
    """A low-rank change merged into some of the matrices."""
    rng = np.random.default_rng(5)
    merged = dict(model)
    for name, array in model.items():
        if "q_proj" in name or "v_proj" in name or "up_proj" in name:
            delta = rng.standard_normal((array.shape[0], rank)) @ rng.standard_normal((rank, array.shape[1]))
            merged[name] = (array + strength * array.std() * delta / delta.std()).astype("<f4")
    return merged


def renamed(model: Model) -> dict[str, Array]:
    """Other names in another order."""
    return {f"x.{number}": array for number, (_, array) in enumerate(sorted(model.items(), reverse=True))}


def fused(model: Model) -> dict[str, Array]:
    """Query, key and value in one matrix, gate and up in another."""
    made = {}
    for name, array in model.items():
        if "q_proj" in name:
            parts = [model[name.replace("q_proj", part)] for part in ("q_proj", "k_proj", "v_proj")]
            made[name.replace("q_proj", "qkv_proj")] = np.concatenate(parts)
        elif "gate_proj" in name:
            made[name.replace("gate", "gate_up")] = np.concatenate([array, model[name.replace("gate", "up")]])
        elif not any(part in name for part in ("k_proj", "v_proj", "up_proj")):
            made[name] = array
    return made


def cut(model: Model, pieces: int = 2) -> dict[str, Array]:
    """Every matrix in pieces of whole rows, as for several devices."""
    made = {}
    for name, array in model.items():
        if array.ndim < 2:
            made[name] = array
        else:
            made |= {f"{name}.rank{n}": part for n, part in enumerate(np.array_split(array, pieces))}
    return made


def transposed(model: Model) -> dict[str, Array]:
    """Every matrix turned."""
    return {name: np.ascontiguousarray(array.T) for name, array in model.items()}


def cut_beside(model: Model, pieces: int = 2) -> dict[str, Array]:
    """Every matrix in pieces that stood beside each other."""
    parts: dict[str, Array] = {}
    for name, array in model.items():
        if array.ndim < 2:
            parts[name] = array
            continue
        for number, piece in enumerate(np.split(array, pieces, axis=1)):
            parts[f"{name}.{number}"] = np.ascontiguousarray(piece)
    return parts


def shuffled(model: Model) -> dict[str, Array]:
    """The inner dimension of every feed-forward part in another order, which computes the same."""
    order = np.random.default_rng(5).permutation(next(len(a) for n, a in model.items() if "up_proj" in n))
    return {
        name: np.ascontiguousarray(array[:, order] if "down_proj" in name else array[order]) if "mlp" in name else array
        for name, array in model.items()
    }


def extended(model: Model, words: int = 16) -> dict[str, Array]:
    """A few words more."""
    rng = np.random.default_rng(6)
    made = dict(model)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        more = rng.standard_normal((words, model[name].shape[1])) * 0.02
        made[name] = np.concatenate([model[name], more.astype(model[name].dtype)])
    return made


def embedded(model: Model) -> dict[str, Array]:
    """The language part of a model that sees, too."""
    rng = np.random.default_rng(7)
    tower = {f"vision.{n}.weight": (rng.standard_normal((256, 192)) * 0.02).astype("<f4") for n in range(4)}
    return {f"language_model.{name}": array for name, array in model.items()} | tower


def pruned(model: Model, share: float = 0.5) -> dict[str, Array]:
    """The smallest values of every matrix set to zero."""
    cut_off = each(
        lambda a: np.where(np.abs(a) > np.quantile(np.abs(a), share), a, 0).astype(a.dtype) if a.ndim > 1 else a
    )
    return cut_off(model)


def _by_rows(model: Model, store: Callable[[str, Array], dict[str, Array]]) -> dict[str, Array]:
    made: dict[str, Array] = {}
    for name, array in model.items():
        made |= store(name, array) if array.ndim > 1 else {name: array}
    return made


def int8_rows(model: Model) -> dict[str, Array]:
    """Eight bits with a scale for each row."""

    def store(name: str, array: Array) -> dict[str, Array]:
        scale = np.abs(array).max(axis=1, keepdims=True) / 127
        return {name: np.rint(array / scale).astype("i1"), f"{name}_scale": scale[:, 0]}

    return _by_rows(model, store)


def int8_tensor(model: Model) -> dict[str, Array]:
    """Eight bits with one scale."""

    def store(name: str, array: Array) -> dict[str, Array]:
        scale = np.abs(array).max() / 127
        return {name: np.rint(array / scale).astype("i1"), f"{name[:-6]}scales": np.array([scale], dtype="<f4")}

    return _by_rows(model, store)


def uint8_rows(model: Model) -> dict[str, Array]:
    """Eight bits without sign, with a scale and a zero point for each row."""

    def store(name: str, array: Array) -> dict[str, Array]:
        low = array.min(axis=1, keepdims=True)
        scale = (array.max(axis=1, keepdims=True) - low) / 255
        codes = np.rint((array - low) / scale).astype("u1")
        return {name: codes, f"{name}.scale": scale, f"{name}.zero_point": np.rint(-low / scale)}

    return _by_rows(model, store)


def gptq(model: Model) -> dict[str, Array]:
    """Four bits in words along the inputs, with scales by group of 32."""

    def store(name: str, array: Array) -> dict[str, Array]:
        if "proj" not in name:
            return {name: array.astype("<f2")}
        outputs, inputs = array.shape
        grouped = array.T.reshape(inputs // 32, 32, outputs)
        scale = np.abs(grouped).max(axis=1, keepdims=True) / 7
        codes = (np.clip(np.rint(grouped / scale), -8, 7) + 8).astype("<u4").reshape(inputs // 8, 8, outputs)
        words = sum(codes[:, place] << np.uint32(4 * place) for place in range(8))
        stem = name.removesuffix(".weight")
        return {
            f"{stem}.qweight": np.asarray(words, dtype="<u4").view("<i4"),
            f"{stem}.scales": scale[:, 0].astype("<f2"),
            f"{stem}.g_idx": (np.arange(inputs) // 32).astype("<i4"),
            f"{stem}.qzeros": np.full((inputs // 32, outputs // 8), 0x77777777, dtype="<i4"),
        }

    return _by_rows(model, store)


def awq(model: Model) -> dict[str, Array]:
    """Four bits in words along the outputs, in AWQ's order, with zero points."""

    def store(name: str, array: Array) -> dict[str, Array]:
        if "proj" not in name:
            return {name: array.astype("<f2")}
        outputs, inputs = array.shape
        grouped = array.T.reshape(inputs // 32, 32, outputs)
        low = grouped.min(axis=1, keepdims=True)
        scale = (grouped.max(axis=1, keepdims=True) - low) / 15
        codes = np.clip(np.rint((grouped - low) / scale), 0, 15).astype("<u4").reshape(inputs, outputs // 8, 8)
        words = sum(
            codes[:, :, column] << np.uint32(4 * place) for place, column in enumerate((0, 2, 4, 6, 1, 3, 5, 7))
        )
        stem = name.removesuffix(".weight")
        zeros = np.random.default_rng(8).integers(0, 1 << 31, (inputs // 32, outputs // 8))
        return {
            f"{stem}.qweight": np.asarray(words, dtype="<u4").view("<i4"),
            f"{stem}.scales": scale[:, 0].astype("<f2"),
            f"{stem}.qzeros": zeros.astype("<i4"),
        }

    return _by_rows(model, store)


def nf4(model: Model) -> dict[str, Array]:
    """Four bits of bitsandbytes, with a scale for each 64 values."""

    def store(name: str, array: Array) -> dict[str, Array]:
        if "proj" not in name:
            return {name: array.astype("<f2")}
        blocks = array.reshape(-1, 64)
        scale = np.abs(blocks).max(axis=1, keepdims=True)
        codes = np.abs((blocks / scale)[:, :, None] - NF4).argmin(axis=2).reshape(-1).astype("u1")
        return {
            name: (codes[0::2] << 4 | codes[1::2]).reshape(-1, 1),
            f"{name}.absmax": scale[:, 0],
            f"{name}.quant_map": NF4,
            f"{name}.quant_state.bitsandbytes__nf4": np.zeros(80, dtype="u1"),
        }

    return _by_rows(model, store)


def eight_bit_floats(model: Model) -> tuple[dict[str, Array], dict[str, str]]:
    """E4M3 with a scale for each matrix, and the types by name."""
    codes = np.arange(256, dtype="u1")
    exponent, fraction = (codes >> 3 & 15).astype(int), (codes & 7).astype(int)
    values = np.where(exponent > 0, (8 + fraction) * 2.0 ** (exponent - 10), fraction * 2.0**-9)
    positive = np.where((codes & 127) == 127, np.inf, values)[:128]

    def store(name: str, array: Array) -> dict[str, Array]:
        scale = np.abs(array).max() / 448
        near = np.abs((np.abs(array) / scale)[:, :, None] - positive).argmin(axis=2).astype("u1")
        return {name: near | (array < 0).astype("u1") << 7, f"{name}_scale_inv": np.array([scale], dtype="<f4")}

    made = _by_rows(model, store)
    return made, {name: "F8_E4M3" for name, array in made.items() if array.dtype == np.dtype("u1")}
