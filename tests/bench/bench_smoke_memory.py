"""Whether the plan's bytes hold: models of one and three billion random weights are run for real, confined.

The peak is that of the process's private memory as it was sampled, everything in it counted, with the weights that stay
mapped from their files (embedding, head, norms) added. It may be at most 1.25 times the planned quantized weights plus
the largest shard, and never more than the plan. The weights mean nothing, so the verdict is a failure; only memory and
speed are looked at. `BENCH_MODELS=1` leaves the larger model out.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smoke.checkpoint import open_checkpoint
from smoke.demand import is_quantized
from smoke.devices import memory
from smoke.plan import make_plan
from smoke.probes import Probe
from smoke.run import run
from smoke.supervise import Limits
from smoke.tiny import corpus
from tests.bench.smoke_random import ONE_BILLION, THREE_BILLION, Shape, write

pytestmark = [pytest.mark.torch, pytest.mark.timeout(3600)]
MOST = 1.25
PROBE_CHARACTERS = 1500
"""Enough for one window of the length that is planned for: a longer text takes time, and no more memory."""

SHAPES = {"1": [ONE_BILLION], "3": [THREE_BILLION]}.get(
    os.environ.get("BENCH_MODELS", ""), [ONE_BILLION, THREE_BILLION]
)


@pytest.fixture(scope="module", params=SHAPES, ids=lambda shape: shape.name)
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Shape, Path]]:
    """The model's folder, gone again afterwards; skipped, with the reason, where disk or memory are too small."""
    pytest.importorskip("torch", reason="needs the smoke requirements")
    shape: Shape = request.param
    place = tmp_path_factory.mktemp("random")
    needed = {"1 B": (3, 3), "3 B": (7, 6)}[shape.name]
    disk, free = shutil.disk_usage(place).free >> 30, memory()[1] >> 30
    if disk < needed[0] or free < needed[1]:
        pytest.skip(
            f"{shape.name}: needs {needed[0]} GiB of disk and {needed[1]} of memory; there are {disk} and {free}"
        )
    yield shape, write(shape, place / "model")
    shutil.rmtree(place)


@pytest.mark.parametrize("quantization", ["int8", "int4"])
def test_the_peak_stays_near_the_quantized_size_and_below_the_plan(
    model: tuple[Shape, Path], quantization: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One cold start; the plan's own margin comes on top of what is compared here."""
    shape, folder = model
    checkpoint = open_checkpoint(folder)
    plan = make_plan(folder, device="cpu", quantization=quantization)
    limits = Limits(wall_seconds=1800, blocks_seconds=0)
    probe = Probe(corpus()[1][:PROBE_CHARACTERS], declared=False)
    report = run(folder, plan=plan, probe=probe, limits=limits, agreement=False, starts=1)
    measured: dict[str, Any] = report.measurements
    mapped = sum(2 * t.count for t in checkpoint.tensors if not is_quantized(t))
    private = measured["memory"]["host_peak_bytes"]
    shard = max(checkpoint.files[name].stat().st_size for name in checkpoint.weight_files)
    allowed = plan.weights_bytes[quantization] + shard
    facts = {
        "model": f"{shape.name} ({plan.parameters / 1e9:.2f} billion)",
        "precision": quantization,
        "kernel": measured["engine"]["kernel"],
        "stored": plan.stored_bytes >> 20,
        "weights planned": plan.weights_bytes[quantization] >> 20,
        "largest shard": shard >> 20,
        "private peak": private >> 20,
        "with mapped": (private + mapped) >> 20,
        "plan": plan.peak_bytes >> 20,
        "ratio": f"{(private + mapped) / allowed:.3f}",
        "seconds": round(report.seconds),
    }
    with capsys.disabled():
        print("\n| " + " | ".join(facts) + " |\n| " + " | ".join(str(value) for value in facts.values()) + " |")
    assert private + mapped <= MOST * allowed
    assert private + mapped <= plan.peak_bytes
