"""Which devices are attached, and what they have free.

Owns: the description of processors and accelerators, through torch where it is installed and through the operating
system alone where it is not. Refuses to own: choosing among them (`smoke.plan`).
`discover()` never imports torch into the calling process: it asks a short-lived child, because a worker that has once
touched an accelerator can no longer fork safely.
"""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

DISCOVERY_SECONDS = 120
KINDS = ("cuda", "rocm", "xpu", "mtia", "mps", "cpu")
"""In the order of preference: accelerators with memory of their own first."""

INSTRUCTIONS = (
    "avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_fp16", "avx_vnni", "amx_tile", "amx_int8",
    "amx_bf16", "asimd", "asimddp", "i8mm", "bf16", "sve", "sve2",
)  # fmt: skip
Trial = Callable[[str, Any], Sequence[str]]
"""Given torch's name of a device and a type, names the products with small integers that work there."""


@dataclass(frozen=True)
class Device:
    """One place where a model can run. Bytes are measured at the moment of discovery."""

    kind: str
    index: int
    name: str
    total_bytes: int
    free_bytes: int
    dtypes: tuple[str, ...] = ()
    """Floating types in which it really multiplied."""
    detail: dict[str, str] = field(default_factory=dict)
    """For people: cores, capability, driver, versions, instruction sets, limits of the group it runs in."""
    uuid: str = ""
    """The device's own number where it tells one: the same device again, whatever its index is today."""
    kernels: tuple[str, ...] = ()
    """Products with small integers that a trial showed to work here; names without `pack` are portable ones."""
    quantizations: tuple[str, ...] = ()
    """Precisions at which it can run a model."""

    @property
    def id(self) -> str:
        """`cpu`, `cuda:0`: how people name it."""
        return self.kind if self.kind in ("cpu", "mps") else f"{self.kind}:{self.index}"

    @property
    def torch_name(self) -> str:
        """How torch names it: ROCm answers to the name cuda."""
        return self.id.replace("rocm", "cuda")

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "id": self.id}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Device:
        """The device that `to_json` described; what a newer version added is left out."""
        known = {f.name for f in fields(cls)}
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known}
        return cls(**given)


@dataclass(frozen=True)
class Inventory:
    """What is attached to this machine, and whether inference is possible at all."""

    devices: tuple[Device, ...]
    torch: str | None
    """Version of torch, or None where it is not installed."""
    reason: str = ""
    """Why inference is impossible, or what could not be looked at."""

    def find(self, name: str) -> Device | None:
        """The device of this id, or the first of this kind."""
        return next((d for d in self.devices if name in (d.id, d.kind)), None)

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {"devices": [d.to_json() for d in self.devices], "torch": self.torch, "reason": self.reason}


def is_installed() -> bool:
    """Whether the packages of smoke inference are there, without importing them."""
    return all(importlib.util.find_spec(name) is not None for name in ("torch", "transformers", "safetensors"))


def discover(timeout_seconds: float = DISCOVERY_SECONDS) -> Inventory:
    """Everything attached; falls back to the processor alone, with the reason, where torch is absent or fails."""
    if not is_installed():
        return Inventory((_processor(()),), None, "torch, transformers or safetensors is not installed")
    command = [sys.executable, "-m", "smoke.devices"]
    root = str(Path(__file__).resolve().parent.parent)
    try:
        done = subprocess.run(
            command, capture_output=True, timeout=timeout_seconds, cwd=root, stdin=subprocess.DEVNULL, check=True
        )
        found = json.loads(done.stdout.splitlines()[-1])
    except (subprocess.SubprocessError, ValueError, IndexError, OSError) as error:
        return Inventory((_processor(()),), None, f"torch could not be asked: {_brief(error)}")
    return Inventory(tuple(Device.from_json(d) for d in found["devices"]), found["torch"], found["reason"])


def _brief(error: Exception) -> str:
    stderr = getattr(error, "stderr", None) or b""
    last = stderr.decode(errors="replace").strip().splitlines()[-1:]
    return last[0] if last else f"{type(error).__name__}: {error}"


def _processor(
    dtypes: tuple[str, ...], kernels: tuple[str, ...] = (), versions: Mapping[str, str] | None = None
) -> Device:
    total, free = memory()
    limits = [limit for limit, _ in _cgroup_limits() if limit < 1 << 60]  # version 1 writes a huge number for none
    detail = {"cores": str(cpu_count()), "arch": platform.machine(), "instructions": ", ".join(instruction_sets())}
    if limits:
        detail["memory_limit_bytes"] = str(min(limits))
    quota = _read("/sys/fs/cgroup/cpu.max").strip()
    if quota and not quota.startswith("max"):
        detail["cpu_quota"] = quota
    detail |= versions or {}
    return Device(
        kind="cpu",
        index=0,
        name=_processor_name(),
        total_bytes=total,
        free_bytes=free,
        dtypes=dtypes,
        detail=detail,
        kernels=kernels,
        quantizations=_precisions(dtypes, kernels),
    )


def _precisions(dtypes: tuple[str, ...], kernels: tuple[str, ...]) -> tuple[str, ...]:
    """What a model can be held in: integers where a product with them works, full precision where types multiply."""
    return (*(name for name in ("int8", "int4") if name in kernels), *(("bf16",) if dtypes else ()))


def instruction_sets() -> list[str]:
    """Those instructions of the processor that matter for matrices."""
    for line in _read("/proc/cpuinfo").splitlines():
        name, _, words = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return [word for word in INSTRUCTIONS if word in words.split()]
    return []


def cpu_count() -> int:
    """Cores this process may use: affinity and cgroup quota both count."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _read("/sys/fs/cgroup/cpu.max").split()
    if len(quota) == 2 and quota[0].isdigit() and int(quota[1]) > 0:
        cores = min(cores, max(1, round(int(quota[0]) / int(quota[1]))))
    return cores


def memory() -> tuple[int, int]:
    """Total and free bytes of main memory that this process may use, the smallest enclosing cgroup counted in."""
    lines = dict(line.split(":", 1) for line in _read("/proc/meminfo").splitlines() if ":" in line)
    try:
        total = int(lines["MemTotal"].split()[0]) * 1024
        free = int(lines["MemAvailable"].split()[0]) * 1024
    except (KeyError, IndexError, ValueError):
        return _memory_elsewhere()
    for limit, used in _cgroup_limits():
        if 0 < limit < total:
            total = limit
        free = min(free, max(0, limit - used))
    return total, free


def _cgroup_limits() -> list[tuple[int, int]]:
    """Limit and use, in bytes, of every memory cgroup around this process, version 2 and version 1."""
    found = []
    for line in _read("/proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            root, names = Path("/sys/fs/cgroup"), ("memory.max", "memory.current", "memory.stat")
        elif "memory" in controllers.split(","):
            root, names = (
                Path("/sys/fs/cgroup/memory"),
                ("memory.limit_in_bytes", "memory.usage_in_bytes", "memory.stat"),
            )
        else:
            continue
        folder = root / path.strip("/")
        for place in [folder, *folder.parents]:
            limit, used = _read(place / names[0]).strip(), _read(place / names[1]).strip()
            if limit.isdigit() and used.isdigit():
                cache = dict(pair.split()[:2] for pair in _read(place / names[2]).splitlines() if len(pair.split()) > 1)
                reclaimable = int(cache.get("inactive_file", "0"))
                found.append((int(limit), max(0, int(used) - reclaimable)))
            if place == root:
                break
    return found


def _memory_elsewhere() -> tuple[int, int]:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return 0, 0
    return total, total // 2  # without a figure for what is free, half is what we dare to count on


def _processor_name() -> str:
    for line in _read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def _read(path: str | Path) -> str:
    try:
        return Path(path).read_text()
    except (OSError, UnicodeDecodeError):
        return ""


def probe() -> Inventory:
    """The inventory as torch sees it. Imports torch: only for the short-lived child."""
    import torch

    from smoke.packing import working_kernels

    return inventory_of(torch, working_kernels)


def inventory_of(torch: Any, trial: Trial) -> Inventory:
    """What this torch has, each device asked on its own and tried out; the processor is always among them."""
    devices: list[Device] = []
    reasons: list[str] = []
    for kind in ("cuda", "xpu", "mtia", "mps"):
        module = getattr(torch, kind, None)
        try:
            count = module.device_count() if module is not None and module.is_available() else 0
        except Exception as error:  # a broken driver must not hide the devices that work
            reasons.append(f"{kind}: {_line(error)}")
            continue
        for index in range(count):
            try:
                devices.append(_accelerator(torch, trial, kind, index))
            except Exception as error:
                reasons.append(f"{kind}:{index}: {_line(error)}")
    dtypes = _working_dtypes(torch, "cpu")
    kernels = _kernels(torch, trial, "cpu", dtypes)
    devices.append(_processor(dtypes, kernels, {"torch": str(torch.__version__)}))
    return Inventory(tuple(devices), str(torch.__version__), "; ".join(reasons))


def _line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]


def _accelerator(torch: Any, trial: Trial, kind: str, index: int) -> Device:
    """One accelerator; what it does not tell stays empty, but its memory it has to tell."""
    module = getattr(torch, kind)
    properties = _asked(lambda: module.get_device_properties(index), None)
    if kind == "mps":
        total = int(module.recommended_max_memory())
        free = total - int(_asked(module.driver_allocated_memory, 0))
        name = "Apple GPU"
    elif kind == "mtia":  # no mem_get_info there: the total is what its properties declare, if anything
        total = int(getattr(properties, "total_memory", 0))
        free = total - int(_asked(lambda: module.memory_allocated(index), 0))
        name = str(getattr(properties, "name", "MTIA"))
    else:
        free, total = (int(n) for n in module.mem_get_info(index))
        name = str(_asked(lambda: module.get_device_name(index), getattr(properties, "name", kind.upper())))
    is_rocm = kind == "cuda" and bool(torch.version.hip)
    capability = _asked(lambda: module.get_device_capability(index), ()) if kind == "cuda" and not is_rocm else ()
    detail = {
        "torch": str(torch.__version__),
        "capability": ".".join(str(part) for part in capability),
        "arch": str(getattr(properties, "gcnArchName", "")),
        "runtime": str(torch.version.hip or torch.version.cuda or "") if kind == "cuda" else "",
        "driver": _driver(kind, is_rocm, properties),
    }
    target = kind if kind == "mps" else f"{kind}:{index}"
    dtypes = _working_dtypes(torch, target)
    kernels = _kernels(torch, trial, target, dtypes)
    return Device(
        kind="rocm" if is_rocm else kind,
        index=index,
        name=name,
        total_bytes=total,
        free_bytes=max(0, free),
        dtypes=dtypes,
        detail={key: value for key, value in detail.items() if value},
        uuid=str(getattr(properties, "uuid", "") or ""),
        kernels=kernels,
        quantizations=_precisions(dtypes, kernels),
    )


def _asked(call: Callable[[], Any], otherwise: Any) -> Any:
    """The answer, or this where there is none: drivers differ in what they tell."""
    try:
        return call()
    except Exception:
        return otherwise


def _driver(kind: str, is_rocm: bool, properties: Any) -> str:
    """Version of the driver below the runtime, where it is told."""
    if kind != "cuda":
        return str(getattr(properties, "driver_version", "") or "")
    if is_rocm:
        return _read("/sys/module/amdgpu/version").strip()
    words = _read("/proc/driver/nvidia/version").partition("\n")[0].split()
    return next((word for word in words if word.replace(".", "").isdigit() and "." in word), "")


def _kernels(torch: Any, trial: Trial, target: str, dtypes: tuple[str, ...]) -> tuple[str, ...]:
    wanted = next((name for name in ("bfloat16", "float16", "float32") if name in dtypes), None)
    return tuple(_asked(lambda: trial(target, getattr(torch, wanted)), ())) if wanted else ()


def _working_dtypes(torch: Any, target: str) -> tuple[str, ...]:
    """Floating types in which this device really multiplies, found by multiplying."""
    working = []
    for name in ("bfloat16", "float16", "float32"):
        try:
            one = torch.ones(16, 16, dtype=getattr(torch, name), device=target)
            if float((one @ one).float().sum()) == 16**3:
                working.append(name)
        except Exception:  # noqa: S112 - "does not work" is the answer we are after
            continue
    return tuple(working)


if __name__ == "__main__":
    print(json.dumps(probe().to_json()))
