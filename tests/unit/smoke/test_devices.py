"""What is known of a machine without asking torch."""

import json
from types import SimpleNamespace

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


class Number:
    """A matrix whose product is right, and nothing else."""

    def __matmul__(self, _):
        return self

    def float(self):
        return self

    def sum(self):
        return 16.0**3


def broken(*_):
    raise RuntimeError("the driver does not answer\nin many lines")


def machine_of(hip=None, without=(), **kinds):
    """A torch that has these kinds of devices, on which types not in `without` multiply."""

    def ones(*_, dtype, device):
        if dtype in without:
            raise RuntimeError(f"{dtype} is not implemented on {device}")
        return Number()

    absent = {name: SimpleNamespace(is_available=lambda: False) for name in ("cuda", "xpu", "mtia", "mps")}
    return SimpleNamespace(
        __version__="2.13.0",
        version=SimpleNamespace(hip=hip, cuda=None if hip else "13.0"),
        bfloat16="bfloat16",
        float16="float16",
        float32="float32",
        ones=ones,
        **{**absent, **kinds},
    )


def attached(count=1, **calls):
    return SimpleNamespace(is_available=lambda: True, device_count=lambda: count, **calls)


def described(**properties):
    return lambda index: SimpleNamespace(**properties)


CUDA = attached(
    count=2,
    mem_get_info=lambda i: (60 + i, 80),
    get_device_name=lambda i: "NVIDIA Something",
    get_device_capability=lambda i: (9, 0),
    get_device_properties=described(uuid="GPU-1", total_memory=80),
)
ROCM = attached(
    mem_get_info=lambda i: (150, 192),
    get_device_name=lambda i: "AMD Instinct",
    get_device_properties=described(uuid="66-6f", gcnArchName="gfx942", total_memory=192),
)
XPU = attached(
    mem_get_info=lambda i: (10, 16),
    get_device_name=lambda i: "Intel Arc",
    get_device_properties=described(uuid="86-80", driver_version="1.6.33", total_memory=16),
)
MPS = attached(recommended_max_memory=lambda: 48, driver_allocated_memory=lambda: 8)
MTIA = attached(get_device_properties=described(total_memory=128, name="MTIA 2i"), memory_allocated=lambda i: 28)


@pytest.mark.parametrize(
    ("torch", "expected"),
    [
        (
            machine_of(cuda=CUDA),
            [("cuda:0", "NVIDIA Something", 60, 80, "GPU-1"), ("cuda:1", "NVIDIA Something", 61, 80, "GPU-1")],
        ),
        (machine_of(hip="7.1", cuda=ROCM), [("rocm:0", "AMD Instinct", 150, 192, "66-6f")]),
        (machine_of(xpu=XPU), [("xpu:0", "Intel Arc", 10, 16, "86-80")]),
        (machine_of(mps=MPS), [("mps", "Apple GPU", 40, 48, "")]),
        (machine_of(mtia=MTIA), [("mtia:0", "MTIA 2i", 100, 128, "")]),
        (machine_of(), []),
    ],
)
def test_every_kind_of_accelerator_is_described(torch, expected):
    found = devices.inventory_of(torch, lambda target, dtype: ["int8", "int4"])
    assert found.reason == ""
    assert [(d.id, d.name, d.free_bytes, d.total_bytes, d.uuid) for d in found.devices[:-1]] == expected
    assert found.devices[-1].kind == "cpu"
    for device in found.devices:
        assert device.quantizations == ("int8", "int4", "bf16")
        assert device.detail["torch"] == "2.13.0"
        assert Device.from_json(json.loads(json.dumps(device.to_json()))) == device


def test_what_a_device_is_called_by_its_maker_is_kept():
    cuda = devices.inventory_of(machine_of(cuda=CUDA), lambda *_: []).devices[0]
    rocm = devices.inventory_of(machine_of(hip="7.1", cuda=ROCM), lambda *_: []).devices[0]
    xpu = devices.inventory_of(machine_of(xpu=XPU), lambda *_: []).devices[0]
    assert (cuda.detail["capability"], cuda.detail["runtime"]) == ("9.0", "13.0")
    assert (rocm.detail["arch"], rocm.detail["runtime"], rocm.torch_name) == ("gfx942", "7.1", "cuda:0")
    assert xpu.detail["driver"] == "1.6.33"


def test_only_types_that_multiply_and_products_that_agree_are_named():
    asked = []

    def trial(target, dtype):
        asked.append((target, dtype))
        return ["int8"] if target != "cpu" else broken()

    torch = machine_of(without=("bfloat16",), cuda=CUDA)
    first, second, processor = devices.inventory_of(torch, trial).devices
    assert first.dtypes == ("float16", "float32")
    assert first.quantizations == ("int8", "bf16")
    assert asked == [("cuda:0", "float16"), ("cuda:1", "float16"), ("cpu", "float16")]
    assert processor.kernels == ()
    assert processor.quantizations == ("bf16",)
    assert second.index == 1


def test_a_driver_that_fails_does_not_hide_the_others():
    silent = attached(mem_get_info=lambda i: (1, 2), get_device_name=broken, get_device_properties=broken,
                      get_device_capability=broken)  # fmt: skip
    torch = machine_of(cuda=attached(mem_get_info=broken), xpu=silent, mps=SimpleNamespace(is_available=broken))
    found = devices.inventory_of(torch, lambda *_: [])
    assert [d.id for d in found.devices] == ["xpu:0", "cpu"]
    assert found.devices[0].name == "XPU"
    assert found.reason == "cuda:0: the driver does not answer; mps: the driver does not answer"


def test_instructions_that_matter_and_limits_are_told(machine):
    machine["/proc/cpuinfo"] = "model name\t: A processor\nflags\t\t: fpu avx2 avx512f amx_int8 sse2\n"
    machine["/sys/fs/cgroup/box/memory.max"] = "4000000000"
    machine["/sys/fs/cgroup/box/memory.current"] = "1"
    machine["/sys/fs/cgroup/cpu.max"] = "150000 100000"
    processor = devices.inventory_of(machine_of(), lambda *_: ["int8", "int8pack"]).devices[0]
    assert processor.name == "A processor"
    assert processor.detail["instructions"] == "avx2, avx512f, amx_int8"
    assert processor.detail["memory_limit_bytes"] == "4000000000"
    assert processor.detail["cpu_quota"] == "150000 100000"
    assert processor.kernels == ("int8", "int8pack")


def test_what_a_newer_version_tells_is_left_out():
    known = Device("cuda", 0, "a", 2, 1, ("bfloat16",))
    assert Device.from_json({**known.to_json(), "temperature": 40}) == known


@pytest.mark.torch
def test_the_processor_itself_is_asked_in_a_child():
    if not devices.is_installed():
        pytest.skip("needs the smoke requirements")
    found = devices.discover()
    processor = found.find("cpu")
    assert found.torch and not found.reason
    assert "float32" in processor.dtypes
    assert {"int8", "int4"} <= set(processor.kernels)
    assert processor.quantizations == ("int8", "int4", "bf16")
    assert 0 < processor.free_bytes <= processor.total_bytes
