"""The numbers of a GGUF file, one tensor at a time, in the form that transformers expects.

Owns: unpacking blocks a bounded number of rows at a time, undoing what the converter changed, tokenizer and scaled
positions from the metadata. Refuses to own: headers (`smoke.gguf_file`) and names (`smoke.gguf_layouts`).
Imports torch: only the confined process imports this module.
"""

from __future__ import annotations

import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers.integrations.gguf.dequant import dequantize

from smoke.gguf_file import BLOCKS, PLAIN, Gguf, Stored
from smoke.gguf_layouts import FLAT, JOINED, PERMUTED_K, PERMUTED_Q, PLUS_ONE, TRANSPOSED, Placed

CHUNK = 1 << 22
"""Elements unpacked at once: some tens of megabytes with every intermediate result."""

DTYPES = {0: torch.float32, 1: torch.float16, 30: torch.bfloat16, 24: torch.int8, 25: torch.int16, 26: torch.int32,
          27: torch.int64, 28: torch.float64}  # fmt: skip
Q5_0, Q5_1 = 6, 7


class Mapped:
    """One file in memory without being read: pages come when a tensor asks for them, and go when memory is needed."""

    def __init__(self, path: Path) -> None:
        with path.open("rb") as file:
            # a private map that torch may call writable; nothing writes to it
            self.bytes = torch.frombuffer(
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY), dtype=torch.uint8, requires_grad=False
            )

    def values(self, stored: Stored, dtype: torch.dtype) -> torch.Tensor:
        """This tensor; blocks come in `dtype`, what is stored plain comes as it is stored."""
        raw = self.bytes[stored.start : stored.start + stored.size_bytes]
        if stored.type in PLAIN:
            kind = DTYPES[stored.type]
            aligned = raw if stored.start % kind.itemsize == 0 else raw.clone()
            return aligned.view(kind).reshape(stored.shape)
        _, elements, width = BLOCKS[stored.type]
        out = torch.empty(stored.size_bytes // width * elements, dtype=dtype)
        step = CHUNK // elements
        for start in range(0, stored.size_bytes // width, step):
            blocks = raw[start * width : (start + step) * width].reshape(-1, width)
            part = _fifth_bit(blocks, stored.type) if stored.type in (Q5_0, Q5_1) else dequantize(blocks, stored.type)
            out[start * elements : start * elements + part.numel()] = part.reshape(-1)
        return out.reshape(stored.shape)


def _fifth_bit(blocks: torch.Tensor, kind: int) -> torch.Tensor:
    """Q5_0 and Q5_1, which transformers does not unpack: four bits in one place, the fifth in another."""
    at = 2 if kind == Q5_0 else 4
    scale = blocks[:, :2].contiguous().view(torch.float16).float()
    high = blocks[:, at : at + 4].unsqueeze(-1) >> torch.arange(8, dtype=torch.uint8)
    packed = blocks[:, at + 4 :]
    whole = torch.cat([packed & 15, packed >> 4], dim=1) | ((high.reshape(len(blocks), 32) & 1) << 4)
    if kind == Q5_0:
        return scale * (whole.float() - 16)
    return scale * whole.float() + blocks[:, 2:4].contiguous().view(torch.float16).float()


class Lazy:
    """One tensor of the model, read only when the loader asks for it."""

    def __init__(self, placed: Placed, files: Mapping[str, Mapped], config: Mapping[str, Any], dtype: torch.dtype):
        self.placed, self.files, self.config, self.dtype = placed, files, config, dtype
        self.shape = placed.shape

    def __getitem__(self, _: Any) -> torch.Tensor:
        placed = self.placed
        parts = [self.files[part.file].values(part, self.dtype) for part in placed.parts]
        if placed.change == JOINED:
            return torch.cat(parts, dim=1)
        value = parts[0]
        if placed.change == PLUS_ONE:
            return value.float() - 1
        if placed.change == TRANSPOSED:
            return value.T
        if placed.change in (PERMUTED_Q, PERMUTED_K):
            heads = int(self.config["num_attention_heads" if placed.change == PERMUTED_Q else "num_key_value_heads"])
            half = value.shape[0] // heads // 2
            return value.reshape(heads, half, 2, *value.shape[1:]).swapaxes(1, 2).reshape(value.shape)
        return value.reshape(placed.shape) if placed.change == FLAT else value


def tokenizer(path: Path) -> Any:
    """The tokenizer that the metadata describes, with its chat template. Raises what building it raises."""
    import transformers
    from transformers.integrations.gguf import convert_gguf_tokenizer, get_gguf_tokenizer

    architecture, described, settings = get_gguf_tokenizer(str(path))
    backend, _ = convert_gguf_tokenizer(architecture, described)
    backend = _as_declared(backend, set(described["tokens"]))
    named = {k: v for k, v in settings.items() if k.endswith("_token") and isinstance(v, str)}
    fast = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **named)
    _begin(fast, settings)
    fast.chat_template = settings.get("chat_template")
    return fast


def _as_declared(backend: Any, tokens: set[str]) -> Any:
    """Without the special tokens that a tokenizer class brings along and the file does not have."""
    from tokenizers import Tokenizer

    written = json.loads(backend.to_str())
    kept = [token for token in written["added_tokens"] if token["content"] in tokens]
    if len(kept) == len(written["added_tokens"]):
        return backend
    if written["model"].get("unk_token") not in tokens:
        written["model"]["unk_token"] = None
    return Tokenizer.from_str(json.dumps({**written, "added_tokens": kept}))


def _begin(fast: Any, settings: Mapping[str, Any]) -> None:
    """Puts the first and last token around a text where the file asks for them."""
    from tokenizers import processors

    begin = fast.bos_token if settings.get("add_bos_token") else None
    end = fast.eos_token if settings.get("add_eos_token") else None
    around = [(token, fast.convert_tokens_to_ids(token)) for token in (begin, end) if token]
    if around:
        single = " ".join(word for word in (begin, "$A", end) if word)
        fast.backend_tokenizer.post_processor = processors.TemplateProcessing(single=single, special_tokens=around)


def scale_positions(model: Any, gguf: Gguf, factors: torch.Tensor) -> None:
    """Divides the rotary frequencies by the factors that the file stores in place of the rule that made them."""
    rotary = next(m for n, m in model.named_modules() if n.endswith("rotary_emb") and hasattr(m, "inv_freq"))
    if factors.numel() == rotary.inv_freq.numel():
        rotary.inv_freq = rotary.inv_freq / factors.to(rotary.inv_freq)
        scaling = gguf.metadata.get(f"{gguf.text('general.architecture')}.rope.scaling.attn_factor")
        rotary.attention_scaling = scaling if isinstance(scaling, float) and scaling > 0 else rotary.attention_scaling
