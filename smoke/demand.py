"""Bytes that a checkpoint takes in memory, at each precision: from its configuration and headers alone.

Owns: weights, cache, activations, logits and what loading needs on top. Refuses to own: devices and the choice among
them (`smoke.plan`). Nothing here imports torch.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from smoke.checkpoint import BYTES, DECODER, Checkpoint, CheckpointError, Tensor

INT8, INT4, BF16 = "int8", "int4", "bf16"
QUANTIZATIONS = (INT8, INT4, BF16)
STORED = "stored"
"""As the checkpoint stores it: only for those that are quantized already, by the library that made them."""

CONTEXT = 512
GROUP = 32
BLOCK_ROWS = 4096

KEPT = re.compile(
    r"(^|\.)(embed\w*|wte|wpe|lm_head|embed_out|shared|\w*_embeddings?|word_embeddings|relative_attention_bias"
    r"|\w*norm\w*|ln_\w+|pooler|classifier|score|cls|predictions|router|gate_inp)(\.|$)",
    re.IGNORECASE,
)
"""Names that stay in full precision: embeddings, output heads, norms and routers."""

STACKS = ("gate_up_proj", "up_proj", "down_proj")
"""Names of the stacks of matrices in fused experts."""

WHOLE_EXPERTS = ("llama4", "llama4_text", "dbrx", "jetmoe", "step3p7")
"""Architectures whose experts are laid out in ways of their own: they stay in two bytes an element."""

EXPERT_KERNELS_BYTES = 128 << 20
"""Each expert is given another number of tokens each time, and a kernel is made and kept for every number: 71 MiB more
than was planned for a model of 1 million parameters."""

_EXPERT = re.compile(r"(.*\.experts)\.\d+\.(\w+)")

BOUNDS = {"num_hidden_layers": 4096, "hidden_size": 1 << 20, "vocab_size": 1 << 24, "num_attention_heads": 1 << 14}


@dataclass(frozen=True)
class Demand:
    """Bytes that one checkpoint needs at one precision."""

    quantization: str
    weights: int
    cache: int
    activations: int
    logits: int
    load_spike: int

    @property
    def bytes_without_process(self) -> int:
        """Peak, the runtime itself left out: loading and computing do not happen at the same time."""
        return self.weights + max(self.load_spike, self.cache + self.activations + self.logits)


def demand(checkpoint: Checkpoint, quantization: str, context: int) -> Demand:
    """Bytes by purpose. Everything that is not a quantized matrix is held in two bytes an element."""
    config = text_config(checkpoint.config)
    is_whole = config.get("model_type") in WHOLE_EXPERTS
    weights = sum(stored(t, quantization, is_whole=is_whole) for t in checkpoint.tensors)
    hidden, layers = number(config, "hidden_size", "d_model", "n_embd"), number(
        config, "num_hidden_layers", "n_layer", "num_layers"
    )  # fmt: skip
    heads = number(config, "num_attention_heads", "n_head", "num_heads") or 1
    kv_heads = number(config, "num_key_value_heads") or heads
    head = number(config, "head_dim", "d_kv") or hidden // heads
    inner = number(config, "intermediate_size", "d_ff", "n_inner", "ffn_dim") or 4 * hidden
    vocabulary = number(config, "vocab_size")
    window = number(config, "sliding_window") if config.get("use_sliding_window", True) else 0
    kernels = EXPERT_KERNELS_BYTES if any(".experts." in t.name for t in checkpoint.tensors) else 0
    return Demand(
        quantization=quantization,
        weights=weights,
        cache=0 if checkpoint.kind != DECODER else 4 * layers * kv_heads * head * min(context, window or context),
        activations=context * (4 * hidden + 2 * inner + 2 * kv_heads * head) * 4 + kernels,
        logits=context * vocabulary * 6,
        load_spike=_spike(checkpoint, quantization, is_whole),
    )


def _spike(checkpoint: Checkpoint, quantization: str, is_whole: bool) -> int:
    """What loading holds for a moment: one matrix as it is read, in float32 at worst, and a block of its rows.

    Experts that are stored one by one are stacked first, which takes their layer's matrices several times over.
    """
    stack = _largest_stack(checkpoint)
    if quantization == STORED:
        return 2 * max((t.count * BYTES.get(t.dtype, 4) for t in checkpoint.tensors), default=0)
    if quantization == BF16:
        return 4 * stack
    quantized = [t for t in checkpoint.tensors if is_quantized(t, is_whole=is_whole)]
    largest = max(quantized, key=lambda t: t.count, default=None)
    if largest is None:
        return 6 * stack
    *_, rows, columns = largest.shape
    copies = 4 if len(largest.shape) == 2 else 6
    return max(copies * largest.count + 16 * min(rows, BLOCK_ROWS) * columns, 6 * stack)


def _largest_stack(checkpoint: Checkpoint) -> int:
    """Elements of the largest two stacks of one layer that experts stored one by one become together."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for tensor in checkpoint.tensors:
        match = _EXPERT.match(tensor.name)
        if match:
            found[match[1]][match[2]] += tensor.count
    return max((sum(sorted(parts.values())[-2:]) for parts in found.values()), default=0)


def stored(tensor: Tensor, quantization: str, *, is_whole: bool = False) -> int:
    """Bytes that this tensor takes in memory at this precision; `is_whole` where experts are not quantized."""
    if quantization == STORED:
        return tensor.count * BYTES.get(tensor.dtype, 2)
    if quantization == BF16 or not is_quantized(tensor, is_whole=is_whole):
        return 2 * tensor.count
    *_, columns = tensor.shape
    rows = tensor.count // columns if columns else 0
    if quantization == INT8:
        return tensor.count + 4 * rows
    return rows * ((columns + 1) // 2 + 4 * -(-columns // GROUP))


def is_quantized(tensor: Tensor, *, is_whole: bool = False) -> bool:
    """Whether this will be held in integers, judged by name and shape as the loader will judge by module."""
    if ".experts." in tensor.name and is_whole:
        return False
    if len(tensor.shape) == 3:
        return ".experts." in tensor.name and tensor.name.rpartition(".")[2] in STACKS
    return len(tensor.shape) == 2 and tensor.name.endswith(".weight") and not KEPT.search(tensor.name)


def context_of(config: Mapping[str, Any]) -> int:
    """Tokens of the longest window and prompt that a run uses."""
    longest = number(text_config(config), "max_position_embeddings", "n_positions")
    return min(CONTEXT, longest) if longest else CONTEXT


def text_config(config: Mapping[str, Any]) -> Mapping[str, Any]:
    """The part of a configuration that describes the language model."""
    nested = config.get("text_config")
    return nested if isinstance(nested, dict) else config


def number(config: Mapping[str, Any], *names: str) -> int:
    """The first of these fields that is a positive whole number, else 0."""
    for name in names:
        value = config.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
    return 0


def bounded(config: Mapping[str, Any]) -> None:
    """Refuses a configuration whose numbers would keep the builder busy before a single weight is read."""
    for name, most in BOUNDS.items():
        if number(text_config(config), name) > most:
            raise CheckpointError("bad_config", f"config.json: {name} is larger than {most}.")


def size(count: int) -> str:
    """Bytes for people."""
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{count / (1 << 20):.0f} MiB"
