"""Healthy checkpoints of every usual layout have no finding; the same ones, broken, are blocked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.weights.layouts import HERE, names, write
from weights import Verdict, inspect_folder


def findings(root: Path) -> list[tuple[str, str, str | None]]:
    return [(f.check, f.message, f.tensor) for f in inspect_folder(root).findings]


@pytest.mark.parametrize("name", names())
def test_a_healthy_layout_has_no_finding(tmp_path: Path, name: str) -> None:
    write(name, tmp_path)
    assert findings(tmp_path) == []


def test_there_are_many_layouts() -> None:
    assert len(names()) >= 40
    assert all((HERE / f"{name}.json").stat().st_size < 100_000 for name in names())


PLAIN = ("llama", "qwen3_moe", "gpt2", "bert_mlm", "bart", "whisper", "phi3", "deepseek_v3", "opt", "falcon_mamba")
EDITS: dict[str, Any] = {
    "num_hidden_layers": 1,
    "n_layer": 1,
    "vocab_size": 64,
    "hidden_size": 8,
    "n_embd": 8,
    "d_model": 8,
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_configuration_of_another_model_is_blocked(tmp_path: Path, name: str) -> None:
    write(name, tmp_path)
    place = tmp_path / "config.json"
    config = json.loads(place.read_text())
    for key, more in EDITS.items():
        if isinstance(config.get(key), int) and not (key == "hidden_size" and "d_model" in config):
            place.write_text(json.dumps(config | {key: config[key] + more}))
            assert inspect_folder(tmp_path).verdict is Verdict.BLOCK, key
