"""How long the leak guard's search through a thousand held-back checkpoints takes, without a database.

`python tests/bench/bench_leaks.py [--held 1000]`

Each held checkpoint has the tensors of a model of 8 billion parameters. Once none is kin, once all are tunes of one
parent, which is the worst case.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tests.bench.bench_compare import EIGHT_BILLION, made  # noqa: E402
from weights.shortlist import pack, search  # noqa: E402

LIMIT_SECONDS = 10.0


def bench(held: int) -> tuple[float, float]:
    """Seconds for strangers and for kin; prints them."""
    parent = pack(made(EIGHT_BILLION, 1))
    candidate = pack(made(EIGHT_BILLION, 1, noise=0.05, prefix="x."))
    strangers = [[pack(made(EIGHT_BILLION, seed))[0]] for seed in range(10, 20)]
    kin = [[pack(made(EIGHT_BILLION, 1, noise=0.02 + 0.001 * step))[0]] for step in range(10)]
    seconds = []
    for name, forms in (("strangers", strangers), ("all tunes of one parent", kin)):
        started = time.perf_counter()
        found = search([candidate], {number: forms[number % 10] for number in range(held)}, [parent[0]])
        seconds.append(time.perf_counter() - started)
        print(f"{held} held back, {name:<26} {len(found):>5} on the list {seconds[-1]:>6.2f} s")
    print(f"{len(parent[0])} bytes each, packed")
    return seconds[0], seconds[1]


def test_a_thousand_are_searched_in_seconds() -> None:
    assert max(bench(1000)) <= LIMIT_SECONDS


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--held", type=int, default=1000)
    bench(parser.parse_args().held)
