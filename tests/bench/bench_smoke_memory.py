"""Whether the plan's bytes hold: a model with random weights is run for real, and its memory is set beside the plan.

`BENCH_LAYERS` and `BENCH_HIDDEN` set its size; the default is about 0.3 billion parameters, and 22 and 2048 make 1.1.
The weights mean nothing, so the verdict is a failure; only memory and speed are looked at.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from smoke.plan import QUANTIZATIONS, make_plan
from smoke.report import SmokeReport
from smoke.run import run
from smoke.supervise import Limits
from smoke.tiny import corpus

pytestmark = [pytest.mark.torch, pytest.mark.timeout(3600)]
LAYERS, HIDDEN = int(os.environ.get("BENCH_LAYERS", 12)), int(os.environ.get("BENCH_HIDDEN", 1024))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random weights of a common shape in bfloat16, with a tokenizer that covers a part of the vocabulary."""
    torch = pytest.importorskip("torch", reason="needs the smoke requirements")
    import transformers

    from smoke.tiny import _tokenizer

    folder = tmp_path_factory.mktemp("random") / "model"
    config = transformers.LlamaConfig(
        vocab_size=32000,
        hidden_size=HIDDEN,
        intermediate_size=HIDDEN * 11 // 4,
        num_hidden_layers=LAYERS,
        num_attention_heads=HIDDEN // 64,
        num_key_value_heads=4,
        max_position_embeddings=2048,
    )
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        transformers.LlamaForCausalLM(config).save_pretrained(folder)
    finally:
        torch.set_default_dtype(before)
    _tokenizer(corpus()[0][:10]).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("quantization", QUANTIZATIONS)
def test_the_peak_stays_below_the_plan(model: Path, quantization: str) -> None:
    """Peak as the confined process sampled it; the plan's margin comes on top of what is compared here."""
    plan = make_plan(model, device="cpu", quantization=quantization)
    report: SmokeReport = run(model, plan=plan, limits=Limits(wall_seconds=1800, blocks_seconds=0), agreement=False)
    memory: dict[str, Any] = report.measurements["memory"]
    generation = report.measurements["generation"]
    facts = {
        "quantization": quantization,
        "kernel": report.measurements["engine"]["kernel"],
        "parameters": plan.parameters,
        "stored_mib": plan.stored_bytes >> 20,
        "planned_mib": memory["planned_bytes"] >> 20,
        "peak_mib": memory["peak_bytes"] >> 20,
        "first_token_seconds": round(generation["first_token_seconds"], 3),
        "tokens_per_second": round(generation["tokens_per_second"], 2),
        "seconds": round(report.seconds, 1),
    }
    print(json.dumps(facts))
    assert memory["peak_bytes"] <= memory["planned_bytes"]
