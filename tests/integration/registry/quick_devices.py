"""For real workers in tests: the devices of this machine as the operating system tells them, without starting torch."""

from __future__ import annotations

from jobs import devices
from registry.inference import attached
from smoke.devices import Device, cpu_count, memory


def describe() -> list[devices.Description]:
    """The processor, as torch would have confirmed it."""
    total, free = memory()
    found = Device("cpu", 0, "This processor", total, free, ("bfloat16", "float32"), detail={"cores": str(cpu_count())})
    return [{**found.to_json(), "torch": "2.13.0", "reason": "", "queue": "smoke.cpu"}]


devices.register_finder(attached.QUEUES, describe, attached.free_now)
