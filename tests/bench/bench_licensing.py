"""How long the verdict on a deep lineage takes beside the plainest walk over the same graph.

`python tests/bench/bench_licensing.py [--nodes 1000] [--rounds 15]`

A release merges ten parents of a lineage of a thousand nodes under the licenses of the catalog. The floor visits every
edge once and collects the license of each ancestor. Both run in turn, round after round. Measured is the time on the
processor, so that a busy machine does not decide; compare ratios, never times of different runs.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from licensing.engine import (  # noqa: E402
    Actor,
    Circumstances,
    Disclosure,
    Edge,
    Node,
    Proposal,
    Purpose,
    Relation,
    evaluate_lineage,
    shipped_book,
)

LIMIT_SECONDS = 0.050
RELATIONS = [one for one in Relation if one != Relation.NONE]


def make_lineage(nodes: int, parents: int = 10, seed: int = 1) -> dict[str, Node]:
    """A release of `parents` parents over a lineage whose nodes have one to three parents further up."""
    rng, keys = random.Random(seed), sorted(shipped_book().licenses)
    names = [f"org-{number % 50}/model-{number}" for number in range(nodes)]
    graph = {}
    for number, name in enumerate(names):
        above = names[number + 1 : number + 60] if number < nodes - 60 else []
        edges = tuple(Edge(rng.choice(above), rng.choice(RELATIONS)) for _ in range(rng.randint(1, 3))) if above else ()
        graph[name] = Node(rng.choice(keys), edges, modality="text")
    graph["acme/release"] = Node("", tuple(Edge(names[n * 5], Relation.MERGE) for n in range(parents)), is_own=True)
    return graph


def judge(graph: dict[str, Node]) -> int:
    """The verdict, and how many duties it names."""
    answer = evaluate_lineage(
        graph,
        "acme/release",
        proposed=Proposal("proprietary", name="acme/release"),
        actor=Actor(kind="company", seat="DE"),
        release=Circumstances(Disclosure.PUBLIC, ("worldwide",), Purpose.COMMERCIAL),
    )
    return len(answer.obligations)


def walk(graph: dict[str, Node]) -> int:
    """The floor: every ancestor once, and the licenses met."""
    seen, left, met = {"acme/release"}, ["acme/release"], set()
    while left:
        for edge in graph[left.pop()].edges:
            if edge.parent not in seen:
                seen.add(edge.parent)
                left.append(edge.parent)
                met.add(graph[edge.parent].license)
    return len(met)


def measure(nodes: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each contender, round by round."""
    graph = make_lineage(nodes)
    contenders: dict[str, Callable[[dict[str, Node]], int]] = {"plain graph walk": walk, "verdict": judge}
    for run in contenders.values():
        run(graph)
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, run in contenders.items():
            began = time.thread_time()
            run(graph)
            taken[name].append(time.thread_time() - began)
    return taken


def report(nodes: int, rounds: int) -> dict[str, list[float]]:
    taken = measure(nodes, rounds)
    floor = median(taken["plain graph walk"])
    for name, seconds in taken.items():
        best, middle = min(seconds) * 1000, median(seconds) * 1000
        print(f"{name:<18} best {best:7.2f} ms   median {middle:7.2f} ms   {median(seconds) / floor:5.1f} × the walk")
    return taken


@pytest.mark.parametrize("nodes", [1000])
def test_ten_parents_over_a_thousand_nodes(nodes: int) -> None:
    assert min(report(nodes, 15)["verdict"]) < LIMIT_SECONDS


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=15)
    given = parser.parse_args()
    report(given.nodes, given.rounds)
