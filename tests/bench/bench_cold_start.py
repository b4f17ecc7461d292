"""From nothing to a verdict: what a smoke run of the demonstration model's size takes, and what that time is made of.

`python tests/bench/bench_cold_start.py [--model DIR] [--rounds 3] [--starts 2]`

Runs the command line as anyone would: interpreter, discovery of devices, plan, hashing, two cold starts, verdict.
Medians of the rounds, on the clock and of the processor; on a busy machine only the latter can be compared.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

LIMIT_SECONDS = 30.0
"""On the clock, for two quiet cores. What the processor works is the least that the clock can show on one of them."""


def one_run(model: Path, starts: int) -> tuple[float, float, dict[str, Any]]:
    """Seconds on the clock, of the processor, and the report."""
    with tempfile.TemporaryDirectory() as base:
        file = Path(base) / "report.json"
        command = [sys.executable, "-m", "smoke", "run", str(model), "--device", "cpu", "--starts", str(starts)]
        began, used = time.perf_counter(), _processor()
        subprocess.run([*command, "--json", str(file)], cwd=ROOT, capture_output=True, timeout=600)
        spent, worked = time.perf_counter() - began, _processor() - used
        return spent, worked, json.loads(file.read_text())


def _processor() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(model: Path, rounds: int, starts: int) -> tuple[float, float]:
    """Medians of the clock's and the processor's seconds; prints what they are made of."""
    runs = [one_run(model, starts) for _ in range(rounds)]
    wall, cpu = median(run[0] for run in runs), median(run[1] for run in runs)
    print(f"{starts} starts: {wall:.1f} s on the clock, {cpu:.1f} s of the processor; {runs[0][2]['outcome']}")
    stages: dict[tuple[int, str], list[tuple[float, float]]] = {}
    for _, _, report in runs:
        for part in report["breakdown"]:
            key = (part["start"], part["stage"])
            stages.setdefault(key, []).append((part["seconds"], part["cpu_seconds"] or 0.0))
    print("| start | stage | clock, s | processor, s |\n| --- | --- | --- | --- |")
    for (start, stage), spent in stages.items():
        worked = median(used for _, used in spent)
        told = f"{worked:.2f}" if worked else ""
        print(f"| {start or ''} | {stage} | {median(s for s, _ in spent):.2f} | {told} |")
    return wall, cpu


def make_model(folder: Path) -> Path:
    """A model of the demonstration's size, trained just enough to be worth a verdict."""
    from smoke.tiny import train

    return train(folder / "model", steps=60).folder


def test_a_verdict_takes_less_than_half_a_minute_of_the_processor() -> None:
    """Stricter than the clock on two quiet cores: what two cores share counts in full here."""
    with tempfile.TemporaryDirectory() as base:
        _, cpu = measure(make_model(Path(base)), 3, 2)
    assert cpu < LIMIT_SECONDS


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--starts", type=int, default=2)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as base:
        measure(options.model or make_model(Path(base)), options.rounds, options.starts)


if __name__ == "__main__":
    main()
