"""Energy that a run took, where the device counts it.

Owns: reading the counters of NVIDIA's driver (through `nvidia-ml-py`, where it is installed) and of the kernel's
powercap (Intel and AMD processors). Refuses to own: estimates; where nothing counts, the answer is None with a reason.
Runs in the parent: the confined process reaches neither. Counters belong to the whole device: what else ran on it
during the run is counted in, and the report says so.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

POWERCAP = Path("/sys/class/powercap")


@dataclass(frozen=True)
class Energy:
    """Joules between start and end; None with the reason where the device does not tell."""

    joules: float | None
    source: str = ""
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        joules = None if self.joules is None else round(self.joules, 3)
        return {"joules": joules, "source": self.source, "reason": self.reason}


class Meter:
    """Reads the device's counter when it is made, and again when it is asked."""

    def __init__(self, device: str, powercap: Path = POWERCAP) -> None:
        self._read: Callable[[], list[tuple[float, float]]] | None = None
        self._before: list[tuple[float, float]] = []
        self._source, self._reason = "", ""
        try:
            self._read, self._source = _counter(device, powercap)
            self._before = self._read()
        except Exception as error:  # drivers raise what they like; a run is worth more than its energy
            self._read, self._reason = None, f"{type(error).__name__}: {str(error)[:200]}"

    def spent(self) -> Energy:
        """Joules since this meter was made; a counter that began anew in between is counted once around."""
        if self._read is None:
            return Energy(None, self._source, self._reason)
        try:
            pairs = zip(self._before, self._read(), strict=True)
            joules = sum(
                after - before if after >= before else after - before + top for (before, top), (after, _) in pairs
            )
        except Exception as error:
            return Energy(None, self._source, f"{type(error).__name__}: {str(error)[:200]}")
        return Energy(joules, self._source, "The whole device is counted, with whatever else ran on it.")


def _counter(device: str, powercap: Path) -> tuple[Callable[[], list[tuple[float, float]]], str]:
    kind = device.partition(":")[0]
    if kind == "cuda":
        return _nvidia(device)
    if kind == "cpu":
        return _processor(powercap)
    raise LookupError(f"No counter of energy is known for {kind}.")


def _processor(powercap: Path) -> tuple[Callable[[], list[tuple[float, float]]], str]:
    # packages only: their parts are counted in them already
    zones = [zone for zone in sorted(powercap.glob("*-rapl:*")) if re.fullmatch(r"[a-z]+-rapl:\d+", zone.name)]
    if not zones:
        raise LookupError("The kernel offers no powercap counters; virtual machines usually have none.")

    def read() -> list[tuple[float, float]]:
        return [(_joules(zone / "energy_uj"), _joules(zone / "max_energy_range_uj")) for zone in zones]

    return read, "powercap"


def _joules(path: Path) -> float:
    return int(path.read_text()) / 1e6


def _nvidia(device: str) -> tuple[Callable[[], list[tuple[float, float]]], str]:
    import pynvml  # type: ignore[import-not-found,unused-ignore]  # the module of nvidia-ml-py; ImportError is the reason that is told

    pynvml.nvmlInit()
    number = int(device.partition(":")[2] or 0)
    visible = [v.strip() for v in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if v.strip()]
    name = visible[number] if number < len(visible) else str(number)
    if name.isdigit():
        handle = pynvml.nvmlDeviceGetHandleByIndex(int(name))
    else:
        handle = pynvml.nvmlDeviceGetHandleByUUID(name.encode())

    def read() -> list[tuple[float, float]]:
        return [(pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) / 1000, 0.0)]

    return read, "nvml"
