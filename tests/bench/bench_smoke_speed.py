"""Tokens per processor second of a billion random weights: each quantizer beside bfloat16, in the same run.

Rounds are interleaved and medians compared, in processor time, because other work may go on beside it. Of the other
quantizers those are measured that are installed (`requirements-quantizers.txt`). `BENCH_ROUNDS` sets the rounds.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from smoke.engines import NATIVE, PRECISIONS, installed
from tests.bench.smoke_random import ONE_BILLION, write

pytestmark = [pytest.mark.torch, pytest.mark.timeout(3600)]
LEAST = 1.3
ROUNDS, TOKENS = int(os.environ.get("BENCH_ROUNDS", 5)), 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The model's files, gone again afterwards."""
    pytest.importorskip("torch", reason="needs the smoke requirements")
    place = tmp_path_factory.mktemp("random")
    yield write(ONE_BILLION, place / "model")
    shutil.rmtree(place)


def load(folder: Path, backend: str, quantization: str) -> tuple[Any, dict[str, Any]]:
    """The model, and what loading it took: processor seconds, and private bytes at the peak and afterwards."""
    from smoke import loading
    from smoke.runner import Memory, private_bytes

    gc.collect()
    before, memory, spent = private_bytes(), Memory(), time.process_time()
    memory.start()
    loaded = loading.load(
        folder, kind="decoder", quantization=quantization, device="cpu", dtype="bfloat16", backend=backend,
        progress=lambda *_: None,
    )  # fmt: skip
    memory.ended.set()
    memory.join()
    return loaded.model, {
        "load_cpu_seconds": round(time.process_time() - spent, 1),
        "peak_mib": (memory.peak - before) >> 20,
        "held_mib": (private_bytes() - before) >> 20,
    }


def decoded(model: Any) -> float:
    """Tokens for each processor second, the prompt left out."""
    import torch

    ids = torch.arange(3, 19)[None]
    with torch.inference_mode():
        result = model(input_ids=ids, use_cache=True)
        begun = time.process_time()
        for _ in range(TOKENS):
            token = result.logits[:, -1:].argmax(-1)
            result = model(input_ids=token, past_key_values=result.past_key_values, use_cache=True)
        return TOKENS / (time.process_time() - begun)


@pytest.mark.parametrize("threads", [1, 2])
def test_int8_decodes_faster_than_bfloat16(folder: Path, threads: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Our own int8 at least 1.3 times; the others are told, and their speed is theirs."""
    import torch

    torch.set_num_threads(threads)
    chosen = [(NATIVE, q) for q in ("bf16", "int8", "int4")]
    if threads == 1:
        chosen += [
            (b, q) for b in installed() if b != NATIVE for q in PRECISIONS[b] if b != "bitsandbytes" or q == "int8"
        ]
    models, loads = {}, {}
    for key in chosen:
        models[key], loads[key] = load(folder, *key)
        decoded(models[key])  # the first call pays for set-up that later ones do not
    rounds: dict[Any, list[float]] = {key: [] for key in chosen}
    for _ in range(ROUNDS):
        for key in chosen:
            rounds[key].append(decoded(models[key]))
    plain = statistics.median(rounds[NATIVE, "bf16"])
    for key in chosen:
        speed = statistics.median(rounds[key])
        facts = {
            "threads": threads,
            "quantizer": " ".join(key),
            "tokens_per_cpu_second": round(speed, 2),
            "times_bf16": round(speed / plain, 2),
            "spread": [round(min(rounds[key]), 2), round(max(rounds[key]), 2)],
            **loads[key],
        }
        with capsys.disabled():
            print("\n" + json.dumps(facts), end="")
    assert statistics.median(rounds[NATIVE, "int8"]) >= LEAST * plain
