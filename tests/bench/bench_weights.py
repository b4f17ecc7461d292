"""How long a full check takes beside the plainest hashing of the same bytes.

`python tests/bench/bench_weights.py [--gigabytes 2] [--shards 4] [--rounds 3] [--folder DIR]`

Makes its own shards of ordinary bfloat16 weights, then runs the contenders in turn, round after round, so that a busy
machine slows all of them alike; compare ratios, never seconds of different runs. The floor is `openssl dgst -sha256`
with two processes at once. Every contender reads from the page cache.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from weights import inspect_folder  # noqa: E402

LIMIT_RATIO = 1.5
LIMIT_RSS_BYTES = 300 << 20
ROWS, COLUMNS = 4096, 4096


def make_shards(folder: Path, total_bytes: int, shards: int) -> None:
    """Write `shards` files of together about `total_bytes`, with an index, each tensor a little different."""
    values = np.random.default_rng(1).standard_normal((ROWS, COLUMNS)).astype("<f4") * 0.02
    codes = (values.view("<u4") >> 16).astype("<u2")
    size = codes.nbytes
    each = max(1, total_bytes // shards // size)
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        header = {}
        for number in range(each):
            tensor = f"model.layers.{shard * each + number}.mlp.up_proj.weight"
            offsets = [number * size, (number + 1) * size]
            header[tensor] = {"dtype": "BF16", "shape": [ROWS, COLUMNS], "data_offsets": offsets}
            weight_map[tensor] = name
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with (folder / name).open("wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for number in range(each):
                codes[0, 0] = shard * each + number
                file.write(codes.tobytes())
    total = shards * each * size
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map})
    )


def shell(command: str, folder: Path) -> Callable[[], None]:
    """A contender that is a shell command in `folder`."""
    return lambda: subprocess.run(["sh", "-c", command], cwd=folder, check=True, stdout=subprocess.DEVNULL) and None


def command_line(folder: Path) -> None:
    """The whole command, with the interpreter's start."""
    subprocess.run([sys.executable, "-m", "weights", str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def measure(folder: Path, rounds: int) -> dict[str, list[float]]:
    """Seconds of every contender in every round."""
    contenders: dict[str, Callable[[], None]] = {
        "openssl dgst, two at once": shell("ls *.safetensors | xargs -n1 -P2 openssl dgst -sha256", folder),
        "sha256sum, two at once": shell("ls *.safetensors | xargs -n1 -P2 sha256sum", folder),
        "full check, in a worker": lambda: inspect_folder(folder) and None,
        "full check, command line": lambda: command_line(folder),
    }
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(rounds):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - started)
    return taken


def table(taken: dict[str, list[float]], size_bytes: int) -> str:
    """The medians, as ratio to the first contender and as throughput."""
    floor = median(next(iter(taken.values())))
    lines = [f"{'':<28} {'median s':>9} {'x openssl':>10} {'GB/s':>7}"]
    for name, seconds in taken.items():
        middle = median(seconds)
        lines.append(f"{name:<28} {middle:>9.2f} {middle / floor:>10.2f} {size_bytes / middle / 1e9:>7.2f}")
    return "\n".join(lines)


def peak_bytes(folder: Path) -> int:
    """Largest resident size of a process that checks `folder` and does nothing else."""
    # Its own account of its own memory: what the system tells of a child includes the parent it was forked from.
    program = (
        "import re, resource, sys; from pathlib import Path; from weights.__main__ import main; "
        "main([sys.argv[1], '--quiet']); status = Path('/proc/self/status'); "
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1]) * 1024 if status.exists() "
        "else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    command = [sys.executable, "-c", program, str(folder)]
    return int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


def bench(total_bytes: int, shards: int, rounds: int, folder: Path | None = None) -> tuple[dict[str, list[float]], int]:
    """Make the data, measure, print; the seconds by contender and the command's peak memory."""
    place = folder or Path(tempfile.mkdtemp(prefix="bench-weights-"))
    try:
        place.mkdir(parents=True, exist_ok=True)
        make_shards(place, total_bytes, shards)
        size_bytes = sum(file.stat().st_size for file in place.iterdir())
        taken = measure(place, rounds)
        peak = peak_bytes(place)
        print(f"{size_bytes / 1e9:.2f} GB in {shards} shards, {rounds} rounds")
        print(table(taken, size_bytes))
        print(f"peak memory of a process that checks them: {peak / 1e6:.0f} MB")
        return taken, peak
    finally:
        if folder is None:
            shutil.rmtree(place)


@pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl as the floor")
def test_a_full_check_is_about_as_fast_as_hashing() -> None:
    taken, peak = bench(1 << 30, 4, 3)
    floor = median(taken["openssl dgst, two at once"])
    assert median(taken["full check, in a worker"]) <= LIMIT_RATIO * floor
    assert peak <= LIMIT_RSS_BYTES


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--shards", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the data there")
    options = parser.parse_args()
    bench(int(options.gigabytes * 1e9), options.shards, options.rounds, options.folder)
