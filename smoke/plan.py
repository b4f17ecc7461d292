"""Where a checkpoint can run, and at which precision: decided from its configuration and headers alone.

Owns: the choice of device and quantization with its reasons, what would be needed where nothing fits, and which common
hardware has room. Refuses to own: bytes by purpose (`smoke.demand`), measuring devices (`smoke.devices`), reading files
(`smoke.checkpoint`), running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from smoke.checkpoint import OTHER, Checkpoint, CheckpointError, Source, open_checkpoint
from smoke.demand import (
    BF16,
    BLOCK_ROWS,
    GROUP,
    INT4,
    INT8,
    QUANTIZATIONS,
    STORED,
    Demand,
    bounded,
    context_of,
    demand,
    is_quantized,
    size,
    stored,
)
from smoke.devices import KINDS, Device, Inventory, discover
from smoke.engines import NATIVE, engine_refusal, stored_refusal

__all__ = [
    "BF16", "BLOCK_ROWS", "COMMON", "GROUP", "INT4", "INT8", "MARGIN", "QUANTIZATIONS", "STORED", "USABLE", "Demand",
    "Option", "Plan", "bounded", "choose", "context_of", "demand", "hardware_fit", "is_quantized",
    "make_plan", "option", "size", "stored",
]  # fmt: skip

PREFERRED = (INT8, INT4)
"""In this order when nobody asks for another: int8 costs about a thousandth of the loss, int4 about a hundredth."""

COMMON = tuple(("cpu", size) for size in (8, 16, 32, 64, 128, 256)) + tuple(
    ("cuda", size) for size in (8, 12, 16, 24, 32, 40, 48, 80, 141, 192)
)
UNIFIED = tuple(("mps", size) for size in (16, 32, 64, 128))
"""Memory that an Apple processor and its accelerator share."""

USABLE = 0.9
"""Share of a machine's memory that is free when nothing else of weight runs on it."""

USABLE_UNIFIED = 0.7
"""Of shared memory the system lets the accelerator have about three quarters, and needs some itself."""

MACHINES = {"cpu": "{} GB of memory", "cuda": "{} GB accelerator", "mps": "{} GB Apple, shared"}
MARGIN = 1.15
PROCESS_BYTES = {"cpu": 450 << 20}
ACCELERATOR_BYTES = 700 << 20
"""What torch and transformers hold before a weight is read: on a processor measured, on accelerators an allowance."""


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
    format: str = ""
    stored_as: str = ""
    """How the weights were rounded before they were stored; empty where they were not."""
    backend: str = NATIVE
    """Which quantizer holds the weights."""
    base: Mapping[str, str] = field(default_factory=dict)
    """Of an adapter: the base that it names, and the digest of the base that it is put on."""
    bytes_without_process: Mapping[str, int] = field(default_factory=dict)
    """Peak at each precision, without the runtime, which is not the same on every kind of device."""

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
    backend: str = NATIVE,
) -> Plan:
    """The plan for a folder or mapping; never raises for a bad checkpoint, but says why it cannot be planned for."""
    try:
        checkpoint = open_checkpoint(source, base)
        bounded(checkpoint.config)
        return choose(checkpoint, inventory or discover(), device=device, quantization=quantization, backend=backend)
    except CheckpointError as error:
        return Plan(False, error.code, str(error))
    except OSError as error:
        return Plan(False, "unreadable", f"A file could not be read: {error.strerror or error}")


def choose(
    checkpoint: Checkpoint,
    inventory: Inventory,
    *,
    device: str | None,
    quantization: str | None,
    backend: str = NATIVE,
) -> Plan:
    """The first option that fits, devices in order of preference, precision as asked or int8 before int4."""
    context = context_of(checkpoint.config)
    wanted = [STORED] if checkpoint.config.get("quantization_config") else list(PREFERRED)
    needs = {q: demand(checkpoint, q, context) for q in (*QUANTIZATIONS, *wanted[: wanted[0] == STORED])}
    facts: dict[str, Any] = {
        "kind": checkpoint.kind,
        "context": context,
        "parameters": checkpoint.parameters,
        "stored_bytes": checkpoint.stored_bytes,
        "weights_bytes": {q: need.weights for q, need in needs.items()},
        "bytes_without_process": {q: need.bytes_without_process for q, need in needs.items()},
        "format": checkpoint.format,
        "stored_as": checkpoint.stored_as,
        "backend": backend,
    }
    if checkpoint.adapter is not None:
        facts["base"] = {"named": checkpoint.adapter.declared_base, "digest": checkpoint.identity()}
    refusal = _refusal(checkpoint, inventory, device, quantization, backend)
    if refusal:
        return Plan(False, *refusal, **facts)
    wanted = [quantization] if quantization else wanted
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
    checkpoint: Checkpoint, inventory: Inventory, device: str | None, quantization: str | None, backend: str
) -> tuple[str, str] | None:
    config = checkpoint.config
    if inventory.torch is None:
        return "no_torch", f"Inference is not possible here: {inventory.reason}. Install requirements-smoke.txt."
    if quantization is not None and quantization not in QUANTIZATIONS:
        return "unknown_quantization", f"There is no quantization {quantization!r}: {', '.join(QUANTIZATIONS)}."
    if device is not None and inventory.find(device) is None:
        attached = ", ".join(d.id for d in inventory.devices)
        return "no_such_device", f"No device {device!r} is attached; there is {attached}."
    if config.get("auto_map"):
        return "remote_code", "The configuration asks for code from the checkpoint, which is never run."
    if checkpoint.kind == OTHER:
        named = ", ".join(str(a) for a in config.get("architectures") or ()) or "none"
        return "unsupported_architecture", f"No way to ask this architecture a question: {named}."
    if config.get("quantization_config"):
        return stored_refusal(checkpoint, quantization, backend)
    return engine_refusal(backend, quantization)


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


def _machine(kind: str, gigabytes: int) -> Device:
    share = USABLE_UNIFIED if kind == "mps" else USABLE
    return Device(kind, 0, MACHINES[kind].format(gigabytes), gigabytes * 10**9, int(gigabytes * 10**9 * share))


def hardware_fit(plan: Plan) -> list[dict[str, Any]]:
    """What fits on machines of common sizes, as plain data for pages and cards; empty where nothing was planned.

    One row for each machine: `machine` for people, `kind`, `gigabytes`, `quantization` the highest precision that fits
    or empty, `needs` with the free bytes that each precision needs there, `fits` with whether it has them.
    """
    rows = []
    in_order = [q for q in (STORED, BF16, INT8, INT4) if q in plan.bytes_without_process]
    if STORED in in_order:
        in_order = [STORED]
    for kind, gigabytes in (*COMMON, *UNIFIED) if in_order else ():
        device = _machine(kind, gigabytes)
        process = PROCESS_BYTES.get(kind, ACCELERATOR_BYTES)
        needs = {q: int((plan.bytes_without_process[q] + process) * MARGIN) for q in in_order}
        fits = {q: need <= device.free_bytes for q, need in needs.items()}
        rows.append(
            {
                "machine": device.name,
                "kind": kind,
                "gigabytes": gigabytes,
                "quantization": next((q for q in in_order if fits[q]), ""),
                "needs": needs,
                "fits": fits,
            }
        )
    return rows
