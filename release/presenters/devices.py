"""Devices in words: whether they are there, how full they are, what they can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jobs.models import Device
from release.selectors.devices import Seen
from web.tones import OUTCOMES, Status, Tone

READY = Status("Ready", Tone.SUCCESS, "plug-connected")
BUSY = Status("Working", Tone.INFO, "loader-2")
GONE = Status("Gone", Tone.WARNING, "alert-triangle")
SIGNED_OFF = Status("Signed off", Tone.MUTED, "logout")
UNUSABLE = Status("No engine", Tone.WARNING, "alert-triangle")
KINDS = {
    "cpu": "Processor",
    "cuda": "NVIDIA accelerator",
    "rocm": "AMD accelerator",
    "xpu": "Intel accelerator",
    "mps": "Apple accelerator",
    "mtia": "MTIA accelerator",
}
WORDS = {"torch": "torch", "cores": "Cores", "arch": "Architecture", "capability": "Compute capability"}
LISTS = (("dtypes", "Number types"), ("quantizations", "Quantizations"), ("kernels", "Kernels"))
BAR = 100.0


@dataclass(frozen=True, slots=True)
class DeviceCard:
    """One device as the page shows it."""

    seen: Seen
    status: Status
    kind: str
    machine: str
    pool: str
    used_bytes: int
    used_width: float
    facts: list[tuple[str, str]]
    runs: list[tuple[object, Status]]


def cards(seen: Iterable[Seen]) -> list[DeviceCard]:
    """Devices as the page shows them."""
    return [_card(one) for one in seen]


def status_of(seen: Seen) -> Status:
    """Whether it is there, and whether it works."""
    if seen.device.signed_off_at is not None:
        return SIGNED_OFF
    if not seen.is_live:
        return GONE
    if not seen.device.description.get("torch", True):
        return UNUSABLE
    return BUSY if seen.job is not None else READY


def facts(device: Device) -> list[tuple[str, str]]:
    """What the worker says of a device, in words."""
    said = device.description
    found = [(label, _listed(said.get(name))) for name, label in LISTS]
    detail = said.get("detail")
    plain = {"torch": said.get("torch"), "driver": said.get("driver"), **(detail if isinstance(detail, dict) else {})}
    found += [(WORDS.get(name, name.replace("_", " ").capitalize()), _listed(value)) for name, value in plain.items()]
    found.append(("Id", device.uuid))
    return [(label, value) for label, value in found if value]


def _card(one: Seen) -> DeviceCard:
    device = one.device
    pool, _, machine = device.worker.partition("@")
    used = max(0, device.total_bytes - device.free_bytes)
    width = min(BAR, BAR * used / device.total_bytes) if device.total_bytes > 0 else 0.0
    return DeviceCard(
        seen=one,
        status=status_of(one),
        kind=KINDS.get(device.kind, device.kind),
        machine=machine,
        pool=pool,
        used_bytes=used,
        used_width=round(width, 1),
        facts=facts(device),
        runs=[(run, OUTCOMES[run.outcome]) for run in one.runs],
    )


def _listed(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(str(name) for name, works in value.items() if works)
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return "" if value is None else str(value)
