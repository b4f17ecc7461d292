"""What reading a file in a confined process costs beside reading it in the worker itself.

`python tests/bench/bench_confinement.py [--mebibytes 64 1024] [--rounds 5]`

Makes files of ordinary bfloat16 weights and reads each both ways in turn, from the page cache; medians of the rounds,
on the clock and of the processor. On a busy machine compare the processor's seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

LIMIT_SECONDS = 1.5


def make_file(folder: Path, size_bytes: int) -> Path:
    """A safetensors file of tensors of 8 MiB, the last one as small as it comes."""
    codes = (np.random.default_rng(1).standard_normal(4 << 20).astype("<f4").view("<u4") >> 16).astype("<u2")
    header, at = {}, 0
    while at < size_bytes:
        size = min(codes.nbytes, size_bytes - at)
        header[f"model.layers.{len(header)}.weight"] = {
            "dtype": "BF16",
            "shape": [size // 2],
            "data_offsets": [at, at + size],
        }
        at += size
    text = json.dumps(header).encode()
    path = folder / f"{size_bytes}.safetensors"
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for one in header.values():
            start, end = one["data_offsets"]
            file.write(codes.tobytes()[: end - start])
    return path


Cost = tuple[float, float]


def measure(size: int, rounds: int) -> tuple[Cost, Cost]:
    """Seconds on the clock and of the processor, in the worker itself and in a confined process."""
    import weights
    from registry.validation.inspecting import StoredFile, inspect_confined

    with tempfile.TemporaryDirectory() as base:
        path = make_file(Path(base), size)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        stored = StoredFile(path, path.name, path.stat().st_size, sha256)
        here, confined = [], []
        for _ in range(rounds):
            here.append(_cost(lambda: weights.inspect_file(path, path.name)))
            confined.append(_cost(lambda: _confined(inspect_confined, stored)))
    return _medians(here), _medians(confined)


def _confined(inspect: Callable[..., None], stored: object) -> None:
    found: list[bool] = []
    inspect(
        [stored], found=lambda number, report, is_complete: found.append(is_complete), progress=lambda n, done: None
    )
    assert found == [True]


def _cost(act: Callable[[], object]) -> Cost:
    begun, used = time.perf_counter(), _processor()
    act()
    return time.perf_counter() - begun, _processor() - used


def _processor() -> float:
    usages = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _medians(costs: list[Cost]) -> Cost:
    return median(wall for wall, _ in costs), median(processor for _, processor in costs)


def test_confinement_costs_less_than_a_moment() -> None:
    """Starting, confining and reporting together, whatever the file's size."""
    (wall, processor), (wall_confined, processor_confined) = measure(64 << 20, 5)
    print(f"\n64 MiB: {wall:.3f} s in the worker, {wall_confined:.3f} s confined")
    assert processor_confined - processor < LIMIT_SECONDS


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mebibytes", type=int, nargs="+", default=[0, 64, 1024])
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    os.environ |= {"SECRET_KEY": "none", "DATABASE_URL": "postgresql://u:p@none/none", "REDIS_URL": "redis://none"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
    import django

    django.setup()
    for size in options.mebibytes:
        (wall, cpu), (wall_confined, cpu_confined) = measure(size << 20, options.rounds)
        print(f"{size:>6} MiB  clock {wall:6.3f} s, confined {wall_confined:6.3f} s", end="  ")
        print(f"processor {cpu:6.3f} s, confined {cpu_confined:6.3f} s, {cpu_confined - cpu:+.3f} s", flush=True)


if __name__ == "__main__":
    main()
