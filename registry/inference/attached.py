"""Devices of workers as smoke inference sees them: described for the register, and read back from it for planning.

Owns the queue that a kind of device serves. Asking torch is left to `smoke.devices`, which does it in a child.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from jobs.devices import Description
from jobs.models import Device as Row
from smoke import devices
from smoke.devices import KINDS, Device, Inventory

QUEUES = "smoke."
PROCESSOR = "cpu"
NOTHING = Inventory((), None, "no device is attached")
_NAMES = {field.name for field in fields(Device)}


def queue_of(kind: str) -> str:
    """The queue on which workers with such a device wait."""
    return f"{QUEUES}{kind}"


def describe() -> list[Description]:
    """What is attached to this machine, as the register keeps it."""
    found = devices.discover()
    said = {"torch": found.torch, "reason": found.reason}
    return [{**device.to_json(), **said, "queue": queue_of(device.kind)} for device in found.devices]


def free_now() -> dict[str, int]:
    """What is free where asking costs nothing: main memory."""
    return {PROCESSOR: devices.memory()[1]}


def inventory(rows: Iterable[Row]) -> Inventory:
    """Registered devices as the planner takes them: of each name the one with most room, since any of its queue's
    workers may take the work and the others wait for the next."""
    best: dict[str, Row] = {}
    for row in rows:
        known = best.get(row.name)
        if known is None or row.free_bytes > known.free_bytes:
            best[row.name] = row
    torch = next((str(row.description["torch"]) for row in best.values() if row.description.get("torch")), None)
    reasons = sorted({str(row.description.get("reason") or "") for row in best.values()} - {""})
    usable = [row for row in best.values() if row.description.get("torch") or torch is None]
    return Inventory(tuple(_device(row) for row in usable), torch, "; ".join(reasons))


def _device(row: Row) -> Device:
    given: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in row.description.items()
        if name in _NAMES
    }
    known = {"kind": row.kind, "name": row.title, "total_bytes": row.total_bytes, "free_bytes": row.free_bytes}
    if "uuid" in _NAMES:
        known["uuid"] = row.uuid
    return Device(**{"index": 0, **given, **known})


def rank(row: Row) -> tuple[int, int]:
    """The order of preference among registered devices: kind first, then room."""
    return (KINDS.index(row.kind) if row.kind in KINDS else len(KINDS), -row.free_bytes)
