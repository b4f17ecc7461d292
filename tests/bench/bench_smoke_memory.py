"""Whether the plan's bytes hold: models of one and three billion random weights are loaded and asked, for real.

Each in a process of its own, with the settings of a run. The peak is that of its private memory as it was sampled,
libraries and all, with the weights that stay mapped from their files (embedding, head, norms) added. It may be at most
1.25 times the planned quantized weights plus the largest shard, and never more than the plan. `BENCH_MODELS=1` leaves
the larger model out.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smoke.checkpoint import open_checkpoint
from smoke.demand import is_quantized
from smoke.devices import memory
from smoke.plan import make_plan
from smoke.preparing import environment
from tests.bench import smoke_random
from tests.bench.smoke_random import ONE_BILLION, THREE_BILLION, Shape, write

pytestmark = [pytest.mark.torch, pytest.mark.timeout(3600)]
MOST = 1.25
BOTH = [ONE_BILLION, THREE_BILLION]
SHAPES = {"1": BOTH[:1], "3": BOTH[1:]}.get(os.environ.get("BENCH_MODELS", ""), BOTH)


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: shape.name)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shape, Path]]:
    """The model's folder, gone again afterwards; skipped, with the reason, where disk or memory are too small."""
    pytest.importorskip("torch", reason="needs the smoke requirements")
    shape: Shape = request.param
    place = tmp_path_factory.mktemp("random")
    needed = {"1 B": (3, 3), "3 B": (7, 6)}[shape.name]
    disk, free = shutil.disk_usage(place).free >> 30, memory()[1] >> 30
    if disk < needed[0] or free < needed[1]:
        pytest.skip(f"{shape.name} needs {needed[0]} GiB of disk and {needed[1]} of memory, not {disk} and {free}")
    yield shape, write(shape, place / "model")
    shutil.rmtree(place)


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_the_peak_stays_near_the_quantized_size_and_below_the_plan(
    model: tuple[Shape, Path], quantization: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The plan's own margin comes on top of what is compared here."""
    shape, folder = model
    checkpoint = open_checkpoint(folder)
    plan = make_plan(folder, device="cpu", quantization=quantization)
    command = [sys.executable, str(Path(smoke_random.__file__).resolve()), str(folder), quantization]
    given = {**os.environ, **environment(folder.parent, 1, False)}
    told = subprocess.run(command, env=given, capture_output=True, check=True, timeout=1800).stdout
    measured: dict[str, Any] = json.loads(told.splitlines()[-1])
    mapped = sum(2 * t.count for t in checkpoint.tensors if not is_quantized(t))
    shard = max(checkpoint.files[name].stat().st_size for name in checkpoint.weight_files)
    allowed = plan.weights_bytes[quantization] + shard
    peak = measured["peak"] + mapped
    facts = {
        "model": f"{shape.name} ({plan.parameters / 1e9:.2f} billion)",
        "precision": quantization,
        "kernel": measured["kernel"],
        "stored MiB": plan.stored_bytes >> 20,
        "weights planned": plan.weights_bytes[quantization] >> 20,
        "largest shard": shard >> 20,
        "private peak": measured["peak"] >> 20,
        "of loading": measured["load_peak"] >> 20,
        "the empty process": measured["process"] >> 20,
        "with what stays mapped": peak >> 20,
        "plan": plan.peak_bytes >> 20,
        "ratio": f"{peak / allowed:.3f}",
        "load, CPU s": round(measured["load_cpu_seconds"]),
    }
    with capsys.disabled():
        print("\n| " + " | ".join(facts) + " |\n| " + " | ".join(str(value) for value in facts.values()) + " |")
    assert peak <= MOST * allowed
    assert peak <= plan.peak_bytes
