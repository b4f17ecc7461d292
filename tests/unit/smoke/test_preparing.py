"""What a confined process is given: files, device nodes, limits, environment; on a processor and on an accelerator."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from smoke.checkpoint import Checkpoint, Tensor
from smoke.plan import Plan
from smoke.preparing import SYSTEM, accelerator_nodes, describer, environment, prepare
from smoke.probes import Probe
from smoke.runner import driver_of
from smoke.supervise import Limits

SECRETS = {"SECRET_KEY": "s", "DATABASE_URL": "d", "HF_TOKEN": "t", "AWS_SECRET_ACCESS_KEY": "a", "PYTHONPATH": "/x"}


@pytest.fixture
def checkpoint(tmp_path):
    folder = tmp_path / "real"
    folder.mkdir()
    sizes = {"a.safetensors": 3 << 20, "b.safetensors": 1 << 20}
    for name, size in sizes.items():
        (folder / name).write_bytes(b"\0" * size)
    (folder / "config.json").write_text("{}")
    tensors = [Tensor(f"layers.{n}.w", "BF16", (1 << 18,), "a.safetensors") for n in (0, 1, 2, 10, 11, 12)]
    tensors += [Tensor(f"z.{n}", "BF16", (1 << 18,), "b.safetensors") for n in (1, 2)]
    return Checkpoint({p.name: p for p in folder.iterdir()}, {}, tuple(tensors))


def prepared(tmp_path: Path, checkpoint: Checkpoint, device: str = "cpu", **limits: Any):
    plan = Plan(True, "planned", "", kind="decoder", device=device, quantization="int8", torch_device=device,
                dtype="bfloat16", context=128, peak_bytes=1 << 30, stored_bytes=4 << 20,
                weights_bytes={"bf16": 8 << 20, "int8": 4 << 20, "int4": 2 << 20})  # fmt: skip
    base = tmp_path / "base"
    base.mkdir()
    given = Limits(threads=2, **limits)
    return prepare(base, checkpoint, plan, Probe("text"), given, required=("seccomp",), agreement=None, seed=7)


def test_the_process_sees_the_files_through_links_and_may_read_only_these(tmp_path, checkpoint):
    given = prepared(tmp_path, checkpoint)
    policy = given.request["policy"]
    assert sorted(p.name for p in (given.base / "checkpoint").iterdir()) == sorted(checkpoint.files)
    assert {str(path.resolve()) for path in checkpoint.files.values()} <= set(policy["readable"])
    assert str(tmp_path) not in policy["readable"]
    assert policy["writable"] == [str(given.scratch)]
    assert policy["devices"] == ["/dev/null"]
    assert policy["required"] == ["seccomp"]


def test_each_start_has_a_request_of_its_own(tmp_path, checkpoint):
    given = prepared(tmp_path, checkpoint)
    for number in (1, 2):
        command = given.command(number)
        assert json.loads(Path(command[-1]).read_text())["start"] == number
    assert command[1:3] == ["-I", "-B"]


def test_no_secret_is_inherited(tmp_path, monkeypatch):
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    for is_accelerated in (False, True):
        given = environment(tmp_path, 2, is_accelerated)
        assert not set(given) & set(SECRETS)
        assert ("CUDA_VISIBLE_DEVICES" in given) == is_accelerated
        assert given["HF_HUB_OFFLINE"] == "1"


def test_an_accelerator_gets_its_nodes_and_room_for_its_driver(tmp_path, checkpoint):
    plain = prepared(tmp_path, checkpoint)
    (tmp_path / "again").mkdir()
    given = prepared(tmp_path / "again", checkpoint, "cuda:0")
    policy = given.request["policy"]
    assert {"/proc/driver/nvidia", *SYSTEM} <= set(policy["readable"])
    assert policy["data_bytes"] > plain.request["policy"]["data_bytes"]
    assert given.request["torch_device"] == "cuda:0"


def test_nodes_of_accelerators_are_found_by_their_names(tmp_path):
    for name in ("nvidia0", "nvidiactl", "nvidia-uvm", "kfd", "dri/renderD128", "nvidia-caps/nvidia-cap1", "sda"):
        path = tmp_path / "dev" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    names = {Path(node).name for node in accelerator_nodes(tmp_path)}
    assert {"nvidia0", "nvidiactl", "nvidia-uvm", "kfd", "renderD128", "nvidia-cap1"} <= names
    assert "sda" not in names


def test_limits_follow_the_plan_unless_they_are_given(tmp_path, checkpoint):
    given = prepared(tmp_path, checkpoint, wall_seconds=100.0)
    assert given.limits.memory_bytes == int(1.5 * (1 << 30)) + (512 << 20) + (16 << 20)
    assert given.request["policy"]["cpu_seconds"] == 250
    (tmp_path / "again").mkdir()
    tight = prepared(tmp_path / "again", checkpoint, memory_bytes=1 << 20, cpu_seconds=5)
    assert tight.limits.memory_bytes == (1 << 20) + (16 << 20)
    assert tight.request["policy"]["cpu_seconds"] == 5


@pytest.mark.parametrize(
    ("stage", "done", "total", "said"),
    [
        ("load", 0, 8, ""),
        ("load", 4, 8, "2 MiB of 4 MiB"),
        ("load", 8, 8, "4 MiB of 4 MiB"),
        ("load", 4, 4, "4 MiB of 4 MiB"),
        ("tensors", 1 << 20, 4 << 20, "1 MiB of 4 MiB"),
        ("generate", 1, 2, ""),
    ],
)
def test_it_says_about_how_many_bytes_are_loaded(checkpoint, stage, done, total, said):
    assert describer(checkpoint)(stage, done, total) == said


@pytest.mark.parametrize(
    ("device", "built", "said"),
    [
        ("cpu", {"cuda": "13.0"}, "none"),
        ("cuda:0", {"cuda": "13.0", "hip": None}, "cuda 13.0"),
        ("cuda:1", {"cuda": None, "hip": "6.4"}, "hip 6.4"),
        ("xpu:0", {"xpu": "2025.2"}, "xpu 2025.2"),
        ("mps", {}, "unknown"),
    ],
)
def test_the_driver_is_that_of_the_device_that_was_used(device, built, said):
    assert driver_of(SimpleNamespace(version=SimpleNamespace(**built)), device).partition(", nvidia")[0] == said
