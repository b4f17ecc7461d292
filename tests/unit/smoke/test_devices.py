"""What is known of a machine without asking torch."""

import pytest

from smoke import devices
from smoke.devices import Device, Inventory

FILES = {
    "/proc/meminfo": "MemTotal:       32000000 kB\nMemFree: 1 kB\nMemAvailable:   20000000 kB\n",
    "/proc/self/cgroup": "0::/box/inner\n",
}


@pytest.fixture
def machine(monkeypatch):
    """A machine whose files say what the test says."""
    files = dict(FILES)
    monkeypatch.setattr(devices, "_read", lambda path: files.get(str(path), ""))
    return files


def test_memory_without_a_limit(machine):
    assert devices.memory() == (32000000 * 1024, 20000000 * 1024)


def test_the_smallest_enclosing_group_counts(machine):
    machine["/sys/fs/cgroup/box/memory.max"] = "4000000000"
    machine["/sys/fs/cgroup/box/memory.current"] = "3000000000"
    machine["/sys/fs/cgroup/box/memory.stat"] = "anon 1\ninactive_file 500000000\n"
    machine["/sys/fs/cgroup/box/inner/memory.max"] = "max"
    machine["/sys/fs/cgroup/box/inner/memory.current"] = "1"
    assert devices.memory() == (4000000000, 1500000000)


def test_groups_of_version_one_count(machine):
    machine["/proc/self/cgroup"] = "4:cpu,memory:/box\n0::/\n"
    machine["/sys/fs/cgroup/memory/box/memory.limit_in_bytes"] = "2000000000"
    machine["/sys/fs/cgroup/memory/box/memory.usage_in_bytes"] = "500000000"
    assert devices.memory() == (2000000000, 1500000000)


def test_a_group_over_its_limit_leaves_nothing(machine):
    machine["/sys/fs/cgroup/box/memory.max"] = "1000"
    machine["/sys/fs/cgroup/box/memory.current"] = "2000"
    assert devices.memory() == (1000, 0)


def test_without_these_files_half_of_the_memory_is_counted_on(machine):
    machine.clear()
    total, free = devices.memory()
    assert total > 0
    assert free == total // 2


def test_a_quota_bounds_the_cores(machine, monkeypatch):
    monkeypatch.setattr(devices.os, "sched_getaffinity", lambda _: set(range(16)), raising=False)
    assert devices.cpu_count() == 16
    machine["/sys/fs/cgroup/cpu.max"] = "250000 100000"
    assert devices.cpu_count() == 2
    machine["/sys/fs/cgroup/cpu.max"] = "max 100000"
    assert devices.cpu_count() == 16


def test_without_torch_the_processor_is_still_described(monkeypatch):
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: None)
    found = devices.discover()
    assert found.torch is None
    assert [d.id for d in found.devices] == ["cpu"]
    assert "not installed" in found.reason


def test_a_child_that_fails_is_told_and_not_raised(monkeypatch):
    monkeypatch.setattr(devices, "is_installed", lambda: True)
    monkeypatch.setattr(devices.sys, "executable", "/bin/false")
    found = devices.discover()
    assert found.torch is None
    assert "could not be asked" in found.reason


def test_names():
    assert [Device(k, 1, "", 0, 0).id for k in ("cpu", "mps", "cuda", "xpu")] == ["cpu", "mps", "cuda:1", "xpu:1"]
    inventory = Inventory((Device("cuda", 0, "", 0, 0), Device("cuda", 1, "", 0, 0)), "2")
    assert inventory.find("cuda:1") is inventory.devices[1]
    assert inventory.find("cuda") is inventory.devices[0]
    assert inventory.find("xpu") is None
