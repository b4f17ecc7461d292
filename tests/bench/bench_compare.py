"""How long two checkpoints' stored fingerprints take to compare.

`python tests/bench/bench_compare.py [--experts 70000]`

Makes fingerprints as checkpoints of 8 billion parameters have them (about 300 tensors, each with 1,024 values and 48
rows), and as one with tens of thousands of experts has them, without making the weights: the comparison never sees
more. Reading the fingerprints from their stored text is part of what is measured.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from weights import TensorRecord, compare  # noqa: E402
from weights.fingerprints import Fingerprint  # noqa: E402

LIMIT_SECONDS = 1.0
EIGHT_BILLION = [("embed_tokens", 128_256, 4096), ("lm_head", 128_256, 4096)] + [
    (f"layers.{layer}.{name}", rows, columns)
    for layer in range(32)
    for name, rows, columns in (
        ("self_attn.q_proj", 4096, 4096),
        ("self_attn.k_proj", 1024, 4096),
        ("self_attn.v_proj", 1024, 4096),
        ("self_attn.o_proj", 4096, 4096),
        ("mlp.gate_proj", 14_336, 4096),
        ("mlp.up_proj", 14_336, 4096),
        ("mlp.down_proj", 4096, 14_336),
        ("input_layernorm", 1, 4096),
        ("post_attention_layernorm", 1, 4096),
    )
]


def experts(count: int) -> list[tuple[str, int, int]]:
    """Names and shapes of a mixture of experts with `count` tensors."""
    shapes = (("gate_proj", 768, 2048), ("up_proj", 768, 2048), ("down_proj", 2048, 768))
    return [(f"layers.{n // 384}.experts.{n // 3 % 128}.{shapes[n % 3][0]}", *shapes[n % 3][1:]) for n in range(count)]


def made(
    shapes: list[tuple[str, int, int]], seed: int, *, is_light: bool = False, noise: float = 0.0, prefix: str = ""
) -> list[TensorRecord]:
    """Records with fingerprints of independent weights, or of those of `seed` with `noise` added."""
    rng, more = np.random.default_rng(seed), np.random.default_rng(seed + 1000)
    records = []
    for name, rows, columns in shapes:
        values = rng.standard_normal(256 if is_light else 1024).astype("<f4") * 0.02
        signs = rng.integers(0, 1 << 63, (48, 2), dtype=np.uint64)
        digest = rng.bytes(32).hex()
        if noise:
            values = values + noise * 0.02 * more.standard_normal(len(values)).astype("<f4")
            digest = more.bytes(32).hex()
        codes = (np.ascontiguousarray(values, dtype="<f4").view("<u4") >> 16 << 16).view("<f4")
        elements = rows * columns
        row = columns if rows > 1 else 0
        has_rows = rows > 1 and not is_light
        found = Fingerprint(
            elements, codes, None, row, 128, signs if has_rows else None, np.zeros(48, "<u4") if has_rows else None
        )
        shape = (rows, columns) if rows > 1 else (columns,)
        records.append(
            TensorRecord(
                f"{prefix}{name}.weight",
                "BF16",
                shape,
                elements,
                2 * elements,
                digest,
                -1.0,
                1.0,
                sample=found.to_text(),
            )
        )
    return records


def measure(name: str, left: list[TensorRecord], right: list[TensorRecord], relation: str) -> float:
    """Seconds of one comparison, which must answer `relation`; prints them."""
    started = time.perf_counter()
    found = compare(left, right)
    seconds = time.perf_counter() - started
    assert found.relation == relation, (name, found.relation)
    print(f"{name:<58} {len(left):>6} tensors  {seconds:>6.2f} s  {found.relation.value}")
    return seconds


def cases(shapes: list[tuple[str, int, int]], **options: Any) -> list[tuple[str, float]]:
    """Seconds by what was compared."""
    base = made(shapes, 1, **options)
    others = {
        "the same": (base, "same"),
        "tuned, same names": (made(shapes, 1, noise=0.05, **options), "fine-tuned"),
        "tuned, other names": (made(shapes, 1, noise=0.05, prefix="x.", **options), "fine-tuned"),
        "another model": (made(shapes, 2, **options), "unrelated"),
        "another model, other names": (made(shapes, 2, prefix="x.", **options), "unrelated"),
    }
    return [(name, measure(name, other, base, relation)) for name, (other, relation) in others.items()]


@pytest.mark.parametrize("shapes", [EIGHT_BILLION], ids=["8 billion parameters"])
def test_stored_fingerprints_compare_in_a_second(shapes: list[tuple[str, int, int]]) -> None:
    for name, seconds in cases(shapes):
        assert seconds <= LIMIT_SECONDS, name


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--experts", type=int, default=70_000)
    options = parser.parse_args()
    cases(EIGHT_BILLION)
    cases(experts(options.experts), is_light=True)
