"""Which workers are asked for devices, and by whom."""

import pytest

from jobs import devices


@pytest.fixture(autouse=True)
def finders(monkeypatch):
    monkeypatch.setattr(devices, "_sources", {})
    found = [{"id": name, "kind": name, "name": "A Device", "queue": f"smoke.{name}"} for name in ("cpu", "cuda")]
    devices.register_finder("smoke.", lambda: found, lambda: {"cpu": 7})


@pytest.mark.parametrize(
    ("queues", "attached"),
    [
        (["smoke.cpu"], ["cpu"]),
        (["default", "smoke.cuda"], ["cuda"]),
        (["smoke.cpu", "smoke.cuda"], ["cpu", "cuda"]),
        (["default"], []),
        ([], []),
    ],
)
def test_a_worker_has_the_devices_whose_work_it_takes(queues, attached):
    assert devices.are_wanted(queues) == bool(attached)
    assert [device["id"] for device in devices.found(queues)] == attached
    assert devices.refreshed(queues) == ({"cpu": 7} if attached else {})
