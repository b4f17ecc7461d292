"""What a confined process is given: the view of the checkpoint, its policy, its environment and its request.

Owns: which files it sees, which paths and device nodes it may open, how much it may use, what it inherits.
Refuses to own: applying the policy (`smoke.sandbox`, inside) and watching it (`smoke.supervise`, outside).
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

from smoke import sandbox
from smoke.checkpoint import DECODER, Checkpoint
from smoke.devices import cpu_count
from smoke.plan import BF16, STORED, Plan, size
from smoke.probes import Probe
from smoke.supervise import Limits

COMPARED_BYTES = 1 << 30

SYSTEM = (
    "/usr/lib", "/usr/lib64", "/usr/share/zoneinfo", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime",
    "/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/sys/devices/system", "/sys/fs/cgroup",
    "/dev/urandom", "/dev/zero",
)  # fmt: skip
ACCELERATOR_SYSTEM = ("/proc/driver/nvidia", "/sys/bus/pci", "/sys/class", "/sys/devices", "/proc/modules", "/opt/rocm")
ACCELERATOR_NODES = ("/dev/nvidia*", "/dev/dri/*", "/dev/kfd", "/dev/nvidia-caps/*")
PASSED_ON = (
    "CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "ZE_AFFINITY_MASK", "LD_LIBRARY_PATH",
)  # fmt: skip


@dataclass(frozen=True)
class Prepared:
    """Everything that a start needs; each start writes its own request."""

    base: Path
    request: dict[str, Any]
    environment: dict[str, str]
    limits: Limits
    scratch: Path

    def command(self, start: int) -> list[str]:
        """The command of this start, its request written."""
        path = self.base / "request.json"
        path.write_text(json.dumps({**self.request, "start": start}))
        return [sys.executable, "-I", "-B", str(Path(sandbox.__file__).resolve()), str(path)]


def prepare(
    base: Path,
    checkpoint: Checkpoint,
    plan: Plan,
    probe: Probe,
    limits: Limits,
    *,
    required: tuple[str, ...],
    agreement: bool | None,
    seed: int,
) -> Prepared:
    """Fills the folder `base` with what every start of this run is given."""
    view, scratch = base / "checkpoint", base / "scratch"
    scratch.mkdir()
    targets = show(checkpoint, view)
    threads = limits.threads or cpu_count()
    memory = limits.memory_bytes or int(plan.peak_bytes * 1.5) + (512 << 20)
    is_accelerated = plan.torch_device != "cpu"
    if is_accelerated:  # there the plan counts device memory; the host holds the runtime and one shard's worth
        memory = limits.memory_bytes or (8 << 30) + plan.stored_bytes
    compared = is_compared(plan) if agreement is None else agreement and is_comparable(plan)
    memory += plan.weights_bytes[BF16] * 2 if compared else 0
    request = {
        "folder": str(view),
        "architecture": plan.kind,
        "quantization": plan.quantization,
        "backend": plan.backend,
        "stored_as": plan.stored_as,
        "torch_device": plan.torch_device,
        "dtype": plan.dtype,
        "context": plan.context,
        "planned_bytes": plan.peak_bytes,
        "agreement": compared,
        "blocks_seconds": limits.blocks_seconds,
        "threads": threads,
        "seed": seed,
        "probe": replace(probe, window=min(probe.window, plan.context), token_losses=None).to_json(),
        "policy": _policy(base, targets, memory, plan, limits, threads, required),
    }
    given = environment(scratch, threads, is_accelerated)
    return Prepared(base, request, given, replace(limits, memory_bytes=memory), scratch)


def is_compared(plan: Plan) -> bool:
    """Whether loading the weights a second time, in full precision, is cheap enough to be done unasked."""
    return is_comparable(plan) and plan.quantization != BF16 and plan.weights_bytes[BF16] <= COMPARED_BYTES


def is_comparable(plan: Plan) -> bool:
    """Whether there is anything in full precision to compare with: what is stored quantized has nothing."""
    return plan.kind == DECODER and plan.quantization != STORED


def show(checkpoint: Checkpoint, view: Path) -> list[str]:
    """Fills `view` with links to the files that inference may see, copying nothing; returns the real paths."""
    targets = []
    for name, path in checkpoint.files.items():
        place = view / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path.resolve())
        targets.append(str(path.resolve()))
    return targets


def _policy(
    base: Path, targets: list[str], memory: int, plan: Plan, limits: Limits, threads: int, required: tuple[str, ...]
) -> dict[str, Any]:
    code = {str(Path(__file__).resolve().parent), sys.prefix, sys.base_prefix, str(base / "checkpoint")}
    code |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    readable = [*SYSTEM, *sorted(code), str(base / "request.json"), *targets]
    nodes = ["/dev/null"]
    data = memory + plan.stored_bytes + threads * (16 << 20) + (1 << 30)
    if plan.torch_device != "cpu":
        readable += ACCELERATOR_SYSTEM
        nodes += accelerator_nodes()
        data += 64 << 30
    return {
        "readable": readable,
        "writable": [str(base / "scratch")],
        "devices": nodes,
        "data_bytes": data,
        "file_bytes": limits.scratch_bytes,
        "cpu_seconds": limits.cpu_seconds or int(limits.wall_seconds * threads * 1.2) + 10,
        "required": list(required),
        "parent": os.getpid(),
    }


def accelerator_nodes(root: Path = Path("/")) -> list[str]:
    """Device nodes that an accelerator's driver opens, those that exist."""
    return sorted(str(path) for pattern in ACCELERATOR_NODES for path in root.glob(pattern.lstrip("/")))


def environment(scratch: Path, threads: int, is_accelerated: bool) -> dict[str, str]:
    """All that the confined process inherits: no secret, no path of ours, no way to the network."""
    given = {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "HOME": str(scratch),
        "TMPDIR": str(scratch),
        "HF_HOME": str(scratch),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": str(threads),
        "OMP_WAIT_POLICY": "PASSIVE",  # threads that spin while they wait multiply the time on a busy machine
        "TORCHINDUCTOR_CACHE_DIR": str(scratch),
        "CUDA_CACHE_PATH": str(scratch),
        # without these the heap keeps up to twice the memory of an int4 model after loading
        "MALLOC_MMAP_THRESHOLD_": "1048576",
        "MALLOC_TRIM_THRESHOLD_": "1048576",
        "MALLOC_ARENA_MAX": "2",
    }
    if is_accelerated:
        given |= {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    return given


def describer(checkpoint: Checkpoint) -> Callable[[str, int, int], str]:
    """Says about how many bytes of the weights are loaded: loaders go through tensors in natural order."""
    total = checkpoint.stored_bytes
    counts = [t.count for t in sorted(checkpoint.tensors, key=lambda t: _natural(t.name))]
    reached = list(accumulate(counts))

    def describe(stage: str, done: int, most: int) -> str:
        if not most or not done or not reached or not reached[-1]:
            return ""
        if stage == "tensors":  # counted in bytes already
            return f"{size(done)} of {size(most)}"
        if stage not in ("load", "agreement"):
            return ""
        at = reached[min(len(reached), max(1, done * len(reached) // most)) - 1]
        return f"{size(at * total // reached[-1])} of {size(total)}"

    return describe


def _natural(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]
