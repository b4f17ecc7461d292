"""How long a full check takes beside the plainest hashing of the same bytes, and how much memory.

`python tests/bench/bench_weights.py [few] [many] [small] [start] [--folder DIR]`

few: shards of ordinary bfloat16 weights (BENCH_GIGABYTES, 4 shards). many: the same number of bytes once in 300 tensors
and once in BENCH_TENSORS, as a mixture of experts has them (BENCH_MANY_GIGABYTES). small: BENCH_FILES files of a few
kilobytes: JSON, text, Markdown, Python, safetensors. start: a folder with one file of one line.

Makes its own data and removes it, then runs the contenders in turn, BENCH_ROUNDS rounds, so that a busy machine slows
all of them alike; compare ratios, never seconds of different runs. The floor is `openssl dgst -sha256` with two
processes at once. Every contender reads from the page cache.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from weights import inspect_folder  # noqa: E402

LIMIT_RATIO = 1.5
LIMIT_MANY_RATIO = 1.5
LIMIT_SMALL_RATIO = 3.0
LIMIT_RSS_BYTES = 300 << 20
FEW = 300
EXPERTS = 250  # of a layer
TEXT = (
    "the model weights token layer attention value query output hidden size training data release card license norm "
    "gate expert router embedding tokenizer vocabulary batch context window benchmark score"
)

Contenders = dict[str, Callable[[], None]]
Taken = dict[str, list[float]]


def setting(name: str, default: float) -> float:
    """A size from the environment."""
    return float(os.environ.get(name, default))


def make_shards(folder: Path, total_bytes: int, shards: int, tensors: int, columns: int = 4096) -> None:
    """Write `shards` files of together about `total_bytes` in `tensors` matrices, no two equal, with an index."""
    each = max(1, tensors // shards)
    rows = max(1, total_bytes // (each * shards) // (2 * columns))
    size = 2 * rows * columns
    random_values = np.random.default_rng(1)
    pool = random_values.standard_normal(rows * columns + (1 << 20)).astype("<f4") * 0.02
    codes = (pool.view("<u4") >> 16).astype("<u2")
    starts = iter(random_values.choice(1 << 20, each * shards, replace=False).tolist())  # so that no two are equal
    weight_map = {}
    for shard in range(shards):
        name = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        names = [tensor_name(shard * each + number, each * shards) for number in range(each)]
        header = {
            tensor: {"dtype": "BF16", "shape": [rows, columns], "data_offsets": [place * size, (place + 1) * size]}
            for place, tensor in enumerate(names)
        }
        weight_map |= dict.fromkeys(names, name)
        with (folder / name).open("wb") as file:
            write_header(file, header)
            for _ in names:
                start = next(starts)
                file.write(codes[start : start + rows * columns].tobytes())
    total = shards * each * size
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": total}, "weight_map": weight_map})
    )


def tensor_name(number: int, tensors: int) -> str:
    """Names as a plain decoder has them, or a mixture of experts where there are very many."""
    if tensors <= FEW:
        return f"model.layers.{number}.mlp.up_proj.weight"
    expert, side = divmod(number, 2)
    layer, place = divmod(expert, EXPERTS)
    return f"model.layers.{layer}.mlp.experts.{place}.{('gate_up_proj', 'down_proj')[side]}.weight"


def write_header(file: Any, header: dict[str, Any]) -> None:
    """The first bytes of a safetensors file."""
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    file.write(struct.pack("<Q", len(text)) + text)


def make_small_files(folder: Path, count: int) -> None:
    """Write files of 1 to 20 kB, of each kind a fifth, 250 in a folder."""
    chance, words = random.Random(3), TEXT.split()

    def prose(size: int) -> str:
        lines: list[str] = []
        while sum(map(len, lines)) < size:
            lines.append(" ".join(chance.choices(words, k=chance.randint(6, 14))).capitalize() + ".")
        return "\n".join(lines) + "\n"

    for number in range(count):
        place = folder / f"part{number // 250:03d}"
        place.mkdir(exist_ok=True)
        size = chance.randint(1000, 20000)
        kind = number % 5
        if kind == 0:
            entry = {"scale": 0.5, "name": "layer", "ids": [chance.randint(0, 9999) for _ in range(6)]}
            settings = {f"part_{place}": entry for place in range(size // 90)}
            (place / f"settings_{number}.json").write_text(json.dumps(settings, indent=2))
        elif kind == 1:
            (place / f"notes_{number}.txt").write_text(prose(size))
        elif kind == 2:
            (place / f"page_{number}.md").write_text(f"# Notes\n\n{prose(size)}\n| a | b |\n| - | - |\n| 1 | 2 |\n")
        elif kind == 3:
            functions = [
                f'def scale_{part}(values: list[float], factor: float = 1.5) -> list[float]:\n    """{prose(60)}"""\n'
                f"    return [value * factor for value in values]\n"
                for part in range(max(1, size // 190))
            ]
            (place / f"module_{number}.py").write_text("\n\n".join(functions))
        else:
            values = np.random.default_rng(number).standard_normal((2, max(2, size // 128), 32)).astype("<f4")
            codes = (values.view("<u4") >> 16).astype("<u2").tobytes()
            shape, half = list(values.shape[1:]), len(codes) // 2
            header = {
                name: {"dtype": "BF16", "shape": shape, "data_offsets": [start, start + half]}
                for name, start in (("a.weight", 0), ("b.weight", half))
            }
            with (place / f"adapter_{number}.safetensors").open("wb") as file:
                write_header(file, header)
                file.write(codes)


def openssl(folder: Path, files_each: int) -> Callable[[], None]:
    """Hashing all files of `folder` with two processes at once, so many files each time one is started."""
    command = f"find . -type f -print0 | xargs -0 -n{files_each} -P2 openssl dgst -sha256"
    return lambda: subprocess.run(["sh", "-c", command], cwd=folder, check=True, stdout=subprocess.DEVNULL) and None


def worker(folder: Path) -> Callable[[], None]:
    """The check in a process that runs already."""
    return lambda: inspect_folder(folder) and None


def command_line(folder: Path) -> Callable[[], None]:
    """The whole command, with the interpreter's start."""
    command = [sys.executable, "-m", "weights", str(folder)]
    return lambda: subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL) and None


def measure(contenders: Contenders, rounds: int | None = None) -> Taken:
    """Seconds of every contender in every round, after one that does not count."""
    taken: Taken = {name: [] for name in contenders}
    for run in contenders.values():
        run()
    for _ in range(rounds or int(setting("BENCH_ROUNDS", 3))):
        for name, run in contenders.items():
            started = time.perf_counter()
            run()
            taken[name].append(time.perf_counter() - started)
    return taken


def ratio(taken: Taken, name: str, floor: str) -> float:
    """How many times the floor's median a contender's is."""
    return median(taken[name]) / median(taken[floor])


def show(title: str, taken: Taken, size_bytes: int, **peaks: int) -> None:
    """Print the medians, as ratio to the first contender and as throughput, with the machine's load."""
    floor = next(iter(taken))
    print(f"\n{title}; {len(taken[floor])} rounds, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'':<34} {'median s':>9} {'x first':>8} {'GB/s':>7}")
    for name, seconds in taken.items():
        middle = median(seconds)
        print(f"{name:<34} {middle:>9.2f} {ratio(taken, name, floor):>8.2f} {size_bytes / middle / 1e9:>7.2f}")
    for name, peak in peaks.items():
        print(f"peak memory, {name}: {peak / 1e6:.0f} MB")


def peak_bytes(folder: Path) -> int:
    """Largest resident size of a command that checks `folder`, and of the process beside it where there is one."""
    # Its own account of its own memory: what the system tells of a child includes the parent it was forked from.
    # That of the process beside it was forked while there was little; together this is more than they had at any time.
    program = (
        "import re, resource, sys; from pathlib import Path; from weights.__main__ import main; "
        "main([sys.argv[1], '--quiet']); status = Path('/proc/self/status'); "
        "own = int(re.search(r'VmHWM:\\s+(\\d+)', status.read_text())[1]) * 1024 if status.exists() "
        "else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss; "
        "beside = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss; "
        "print(own + beside * (1024 if status.exists() else 1))"
    )
    command = [sys.executable, "-c", program, str(folder)]
    return int(subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout)


@contextmanager
def scratch(name: str, kept: Path | None = None) -> Iterator[Path]:
    """A folder for the data, removed at the end unless it was asked for."""
    place = Path(tempfile.mkdtemp(prefix="bench-weights-")) if kept is None else kept / name
    try:
        place.mkdir(parents=True, exist_ok=True)
        yield place
    finally:
        if kept is None:
            shutil.rmtree(place)


def size_of(folder: Path) -> int:
    """Bytes in all files."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def bench_few(kept: Path | None = None) -> tuple[Taken, int]:
    """Four shards of large matrices; seconds by contender and the command's peak memory."""
    total = int(setting("BENCH_GIGABYTES", 1) * 1e9)
    with scratch("few", kept) as place:
        make_shards(place, total, 4, total // (2 * 4096 * 4096))
        contenders = {"openssl": openssl(place, 1), "worker": worker(place), "command line": command_line(place)}
        taken, peak = measure(contenders), peak_bytes(place)
        show(f"{total / 1e9:.1f} GB in 4 shards", taken, size_of(place), **{"command line": peak})
    return taken, peak


def bench_many(kept: Path | None = None) -> tuple[Taken, int]:
    """The same bytes in few and in very many tensors."""
    total = int(setting("BENCH_MANY_GIGABYTES", 4) * 1e9)
    tensors = int(setting("BENCH_TENSORS", 70_000)) // (8 * EXPERTS) * (8 * EXPERTS)  # whole layers in every shard
    with scratch("300", kept) as few, scratch("many", kept) as many:
        make_shards(few, total, 4, FEW)
        make_shards(many, total, 4, tensors, columns=128)
        contenders = {
            f"{FEW} tensors, worker": worker(few),
            f"{tensors} tensors, worker": worker(many),
            f"{FEW} tensors, command line": command_line(few),
            f"{tensors} tensors, command line": command_line(many),
            "openssl": openssl(many, 1),
        }
        taken, peak = measure(contenders), peak_bytes(many)
        show(f"{total / 1e9:.1f} GB in {tensors} tensors", taken, size_of(many), **{"command line": peak})
    return taken, peak


def bench_small(kept: Path | None = None) -> tuple[Taken, int]:
    """Thousands of small files."""
    count = int(setting("BENCH_FILES", 5000))
    with scratch("small", kept) as place:
        make_small_files(place, count)
        contenders = {
            "openssl, a process for each file": openssl(place, 1),
            "openssl, a process for 64 files": openssl(place, 64),
            "worker": worker(place),
            "command line": command_line(place),
        }
        taken, peak = measure(contenders), peak_bytes(place)
        show(f"{count} files of 1 to 20 kB", taken, size_of(place), **{"command line": peak})
    return taken, peak


def bench_start(kept: Path | None = None) -> tuple[Taken, int]:
    """The interpreter's start and nearly nothing besides."""
    with scratch("start", kept) as place:
        (place / "README.md").write_text("# A model\n")
        python = [sys.executable, "-c", "import numpy"]
        contenders: Contenders = {
            "python and numpy alone": lambda: subprocess.run(python, check=True) and None,
            "command line": command_line(place),
        }
        taken, peak = measure(contenders, rounds=7), peak_bytes(place)
        show("one file of one line", taken, size_of(place), **{"command line": peak})
    return taken, peak


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl as the floor")


@needs_openssl
def test_a_full_check_is_about_as_fast_as_hashing() -> None:
    taken, peak = bench_few()
    assert ratio(taken, "worker", "openssl") <= LIMIT_RATIO
    assert peak <= LIMIT_RSS_BYTES


@needs_openssl
def test_many_tensors_cost_little_more_than_few() -> None:
    taken, peak = bench_many()
    few, many = list(taken)[:2]
    assert ratio(taken, many, few) <= LIMIT_MANY_RATIO
    assert peak <= LIMIT_RSS_BYTES


@needs_openssl
def test_small_files_take_a_small_multiple_of_hashing_each() -> None:
    taken, peak = bench_small()
    assert ratio(taken, "command line", "openssl, a process for each file") <= LIMIT_SMALL_RATIO
    assert peak <= LIMIT_RSS_BYTES


BENCHES = {"few": bench_few, "many": bench_many, "small": bench_small, "start": bench_start}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[[], *BENCHES], help="all if none is named")
    parser.add_argument("--folder", type=Path, help="keep the data there")
    options = parser.parse_args()
    for chosen in options.what or BENCHES:
        BENCHES[chosen](options.folder)
