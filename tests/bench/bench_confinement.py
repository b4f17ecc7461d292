"""What reading a file in a confined process costs beside reading it in the worker itself.

`python tests/bench/bench_confinement.py [--mebibytes 64 1024] [--rounds 5]`

Makes files of ordinary bfloat16 weights and reads each both ways in turn, from the page cache; medians of the rounds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
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


def measure(sizes: list[int], rounds: int) -> list[tuple[int, float, float]]:
    """Seconds in the worker itself and in a confined process, for each size."""
    import weights
    from registry.validation.inspecting import StoredFile, inspect_confined

    rows = []
    with tempfile.TemporaryDirectory() as base:
        for size in sizes:
            path = make_file(Path(base), size)
            sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
            stored = StoredFile(path, path.name, path.stat().st_size, sha256)
            here, confined = [], []
            for _ in range(rounds):
                here.append(_timed(lambda path=path: weights.inspect_file(path, path.name)))
                confined.append(_timed(lambda stored=stored: _confined(inspect_confined, stored)))
            rows.append((size, median(here), median(confined)))
            path.unlink()
    return rows


def _confined(inspect: Callable[..., None], stored: object) -> None:
    found: list[bool] = []
    inspect(
        [stored], found=lambda number, report, is_complete: found.append(is_complete), progress=lambda n, done: None
    )
    assert found == [True]


def _timed(act: Callable[[], object]) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def test_confinement_costs_less_than_a_moment() -> None:
    """Starting, confining and reporting together, whatever the file's size."""
    for size, here, confined in measure([64 << 20], 5):
        print(f"\n{size >> 20} MiB: {here:.3f} s in the worker, {confined:.3f} s confined")
        assert confined - here < LIMIT_SECONDS


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
    for size, here, confined in measure([size << 20 for size in options.mebibytes], options.rounds):
        print(f"{size >> 20:>6} MiB  {here:7.3f} s  confined {confined:7.3f} s  {confined - here:+.3f} s")


if __name__ == "__main__":
    main()
