"""Where a checkpoint can run, and at which precision: decided from its configuration and headers alone.

Owns: the bytes that weights, cache, activations and logits will take, and the choice of device and quantization with
its reasons. Refuses to own: measuring devices (`smoke.devices`), reading files (`smoke.checkpoint`), running.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from smoke.checkpoint import DECODER, OTHER, Checkpoint, CheckpointError, Source, Tensor, open_checkpoint
from smoke.devices import KINDS, Device, Inventory, discover

INT8, INT4, BF16 = "int8", "int4", "bf16"
QUANTIZATIONS = (INT8, INT4, BF16)
PREFERRED = (INT8, INT4)
"""In this order when nobody asks for another: int8 costs about a thousandth of the loss, int4 about a hundredth."""

COMMON = tuple(("cpu", size) for size in (8, 16, 32, 64, 256)) + tuple(
    ("cuda", size) for size in (8, 12, 16, 24, 48, 80, 141, 192)
)
USABLE = 0.9
"""Share of a machine's memory that is free when nothing else of weight runs on it."""

MARGIN = 1.15
CONTEXT = 512
GROUP = 32
BLOCK_ROWS = 4096
PROCESS_BYTES = {"cpu": 450 << 20}
ACCELERATOR_BYTES = 700 << 20
"""What torch and transformers hold before a weight is read: on a processor measured, on accelerators an allowance."""

KEPT = re.compile(
    r"(^|\.)(embed\w*|wte|wpe|lm_head|embed_out|shared|\w*_embeddings?|word_embeddings|relative_attention_bias"
    r"|\w*norm\w*|ln_\w+|pooler|classifier|score|cls|predictions|router|gate_inp)(\.|$)",
    re.IGNORECASE,
)
"""Names that stay in full precision: embeddings, output heads, norms and routers."""

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


@dataclass(frozen=True)
class Option:
    """One device at one precision, and whether it fits."""

    device: str
    quantization: str
    peak_bytes: int
    needed_bytes: int
    free_bytes: int
    fits: bool
    why: str


@dataclass(frozen=True)
class Plan:
    """What will be run where; `runnable` false carries a stable code and what would be needed."""

    runnable: bool
    code: str
    reason: str
    kind: str = OTHER
    device: str = ""
    torch_device: str = ""
    quantization: str = ""
    dtype: str = ""
    context: int = 0
    parameters: int = 0
    stored_bytes: int = 0
    peak_bytes: int = 0
    weights_bytes: Mapping[str, int] = field(default_factory=dict)
    options: tuple[Option, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return asdict(self)


def make_plan(
    source: Source,
    *,
    base: Source | None = None,
    inventory: Inventory | None = None,
    device: str | None = None,
    quantization: str | None = None,
) -> Plan:
    """The plan for a folder or mapping; never raises for a bad checkpoint, but says why it cannot be planned for."""
    try:
        checkpoint = open_checkpoint(source, base)
        bounded(checkpoint.config)
    except CheckpointError as error:
        return Plan(False, error.code, str(error))
    except OSError as error:
        return Plan(False, "unreadable", f"A file could not be read: {error.strerror or error}")
    return choose(checkpoint, inventory or discover(), device=device, quantization=quantization)


def choose(checkpoint: Checkpoint, inventory: Inventory, *, device: str | None, quantization: str | None) -> Plan:
    """The first option that fits, devices in order of preference, precision as asked or int8 before int4."""
    context = context_of(checkpoint.config)
    facts: dict[str, Any] = {
        "kind": checkpoint.kind,
        "context": context,
        "parameters": checkpoint.parameters,
        "stored_bytes": checkpoint.stored_bytes,
        "weights_bytes": {q: demand(checkpoint, q, context).weights for q in QUANTIZATIONS},
    }
    refusal = _refusal(checkpoint, inventory, device, quantization)
    if refusal:
        return Plan(False, *refusal, **facts)
    wanted = [quantization] if quantization else PREFERRED
    devices = _ordered(inventory.devices, device)
    options = tuple(option(checkpoint, d, q, context) for d in devices for q in wanted)
    facts["options"] = options
    chosen = next((o for o in options if o.fits), None)
    if chosen is None:
        least = min(options, key=lambda o: o.needed_bytes)
        reason = f"Nothing attached has room: {least.quantization} needs {size(least.needed_bytes)} free. " + " ".join(
            f"{o.device} {o.quantization}: {o.why}." for o in options
        )
        return Plan(False, "does_not_fit", reason, **facts)
    place = next(d for d in devices if d.id == chosen.device)
    skipped = [o for o in options[: options.index(chosen)] if not o.fits]
    reason = f"{chosen.quantization} on {chosen.device}: {chosen.why}."
    reason += "".join(f" Not {o.quantization} on {o.device}: {o.why}." for o in skipped)
    return Plan(
        True,
        "planned",
        reason,
        device=chosen.device,
        torch_device=place.torch_name,
        quantization=chosen.quantization,
        dtype="bfloat16" if "bfloat16" in place.dtypes else "float16" if place.kind != "cpu" else "float32",
        peak_bytes=chosen.peak_bytes,
        **facts,
    )


def _refusal(
    checkpoint: Checkpoint, inventory: Inventory, device: str | None, quantization: str | None
) -> tuple[str, str] | None:
    config = checkpoint.config
    if inventory.torch is None:
        return "no_torch", f"Inference is not possible here: {inventory.reason}. Install requirements-smoke.txt."
    if quantization is not None and quantization not in QUANTIZATIONS:
        return "unknown_quantization", f"There is no quantization {quantization!r}: {', '.join(QUANTIZATIONS)}."
    if device is not None and inventory.find(device) is None:
        attached = ", ".join(d.id for d in inventory.devices)
        return "no_such_device", f"No device {device!r} is attached; there is {attached}."
    if config.get("quantization_config"):
        return "already_quantized", "The checkpoint is stored quantized; smoke quantizes from full precision itself."
    if config.get("auto_map"):
        return "remote_code", "The configuration asks for code from the checkpoint, which is never run."
    if checkpoint.kind == OTHER:
        named = ", ".join(str(a) for a in config.get("architectures") or ()) or "none"
        return "unsupported_architecture", f"No way to ask this architecture a question: {named}."
    return None


def _ordered(devices: Iterable[Device], name: str | None) -> list[Device]:
    chosen = [d for d in devices if name is None or name in (d.id, d.kind)]
    return sorted(chosen, key=lambda d: (KINDS.index(d.kind) if d.kind in KINDS else len(KINDS), -d.free_bytes))


def option(checkpoint: Checkpoint, device: Device, quantization: str, context: int) -> Option:
    """Whether this precision fits on this device, with a margin for what no formula knows."""
    need = demand(checkpoint, quantization, context)
    process = PROCESS_BYTES.get(device.kind, ACCELERATOR_BYTES)
    peak = need.bytes_without_process + process
    with_margin = int(peak * MARGIN)
    fits = with_margin <= device.free_bytes
    why = f"needs {size(with_margin)} of {size(device.free_bytes)} free"
    return Option(device.id, quantization, peak, with_margin, device.free_bytes, fits, why)


def elsewhere(checkpoint: Checkpoint) -> list[Option]:
    """The best option on machines of common sizes, none of which need be attached: what to rent, or to borrow."""
    context, found = context_of(checkpoint.config), []
    for kind, gigabytes in COMMON:
        free = int(gigabytes * 10**9 * USABLE)
        name = f"{gigabytes} GB {'of memory' if kind == 'cpu' else 'accelerator'}"
        device = Device(kind, 0, name, gigabytes * 10**9, free)
        tried = [replace(option(checkpoint, device, q, context), device=name) for q in QUANTIZATIONS]
        best = next((o for q in (BF16, INT8, INT4) for o in tried if o.quantization == q and o.fits), None)
        found.append(best or min(tried, key=lambda o: o.needed_bytes))
    return found


def demand(checkpoint: Checkpoint, quantization: str, context: int) -> Demand:
    """Bytes by purpose. Everything that is not a quantized matrix is held in two bytes an element."""
    quantized = [t for t in checkpoint.tensors if is_quantized(t)]
    weights = sum(stored(t, quantization) for t in checkpoint.tensors)
    largest = max(quantized, key=lambda t: t.count, default=None)
    config = text_config(checkpoint.config)
    hidden, layers = number(config, "hidden_size", "d_model", "n_embd"), number(
        config, "num_hidden_layers", "n_layer", "num_layers"
    )  # fmt: skip
    heads = number(config, "num_attention_heads", "n_head", "num_heads") or 1
    kv_heads = number(config, "num_key_value_heads") or heads
    head = number(config, "head_dim", "d_kv") or hidden // heads
    inner = number(config, "intermediate_size", "d_ff", "n_inner", "ffn_dim") or 4 * hidden
    vocabulary = number(config, "vocab_size")
    window = number(config, "sliding_window") if config.get("use_sliding_window", True) else 0
    return Demand(
        quantization=quantization,
        weights=weights,
        cache=0 if checkpoint.kind != DECODER else 4 * layers * kv_heads * head * min(context, window or context),
        activations=context * (4 * hidden + 2 * inner + 2 * kv_heads * head) * 4,
        logits=context * vocabulary * 6,
        load_spike=0 if quantization == BF16 or largest is None else _spike(largest),
    )


def _spike(largest: Tensor) -> int:
    """One matrix as it is read, in float32 at worst, and a block of its rows while these become integers."""
    rows, columns = largest.shape
    return 4 * largest.count + 16 * min(rows, BLOCK_ROWS) * columns


def stored(tensor: Tensor, quantization: str) -> int:
    """Bytes that this tensor takes in memory at this precision."""
    if quantization == BF16 or not is_quantized(tensor):
        return 2 * tensor.count
    rows, columns = tensor.shape
    if quantization == INT8:
        return tensor.count + 4 * rows
    return rows * ((columns + 1) // 2 + 4 * -(-columns // GROUP))


def is_quantized(tensor: Tensor) -> bool:
    """Whether this will be a quantized matrix, judged by name and shape as the loader will judge by module."""
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
