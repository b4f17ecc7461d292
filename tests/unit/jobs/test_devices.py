"""Which workers are asked for devices, and by whom."""

import pytest

from jobs import devices


@pytest.fixture(autouse=True)
def finders(monkeypatch):
    monkeypatch.setattr(devices, "_finders", {})
    devices.register_finder("smoke.", lambda: [{"id": "cpu", "kind": "cpu", "name": "A Processor"}])


@pytest.mark.parametrize(
    ("queues", "wanted"), [(["smoke.cpu"], True), (["default", "smoke.cuda"], True), (["default"], False), ([], False)]
)
def test_only_workers_that_compute_are_asked(queues, wanted):
    assert devices.are_wanted(queues) == wanted
    assert [device["id"] for device in devices.found(queues)] == (["cpu"] if wanted else [])
