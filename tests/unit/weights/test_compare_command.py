"""`python -m weights DIR --compare OTHER`: what it reads, prints and writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from jsonschema import validate

from tests.unit.weights import families as make
from tests.unit.weights.families import Model, llama
from tests.unit.weights.makers import safetensors_bytes
from weights.__main__ import main
from weights.reference import report_schema

BASE = llama(1)


def write(folder: Path, model: Model, shards: int = 1) -> Path:
    folder.mkdir(parents=True)
    names = list(model)
    kinds = {np.dtype("<f4"): "F32", np.dtype("<u2"): "BF16", np.dtype("i1"): "I8"}
    weight_map = {}
    for shard in range(shards):
        part = names[shard::shards]
        place = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors" if shards > 1 else "model.safetensors"
        tensors = {name: (kinds[model[name].dtype], list(model[name].shape), model[name].tobytes()) for name in part}
        (folder / place).write_bytes(safetensors_bytes(tensors, {"format": "pt"}))
        weight_map |= dict.fromkeys(part, place)
    if shards > 1:
        index = {"metadata": {"total_size": sum(a.nbytes for a in model.values())}, "weight_map": weight_map}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return write(tmp_path / "base", BASE)


def compared(folder: Path, other: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    status = main([str(folder), "--compare", str(other), "--json", "-"])
    report = json.loads(capsys.readouterr().out)
    validate(report, report_schema())
    return status, report["comparison"]


@pytest.mark.parametrize(
    ("model", "shards", "relation"),
    [
        (BASE, 3, "same"),
        (make.each(make.bf16)(BASE), 2, "cast"),
        (make.int8_rows(BASE), 1, "quantized"),
        (make.noisy(0.02)(BASE), 1, "fine-tuned"),
        (make.embedded(BASE), 1, "partial"),
        (llama(2), 1, "unrelated"),
    ],
    ids=["resharded", "cast", "quantized", "tuned", "embedded", "another"],
)
def test_the_json_tells_the_relation(
    model: Model, shards: int, relation: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, found = compared(write(tmp_path / "made", model, shards), base, capsys)
    assert found["relation"] == relation
    assert {tensor["name"] for tensor in found["tensors"]} == set(model)
    assert status in (0, 1)


def test_the_exit_status_is_that_of_the_check(base: Path, tmp_path: Path) -> None:
    spoiled = dict(BASE) | {"lm_head.weight": np.full_like(BASE["lm_head.weight"], np.nan)}
    made = write(tmp_path / "made", spoiled)
    assert main([str(base), "--compare", str(base), "--quiet"]) == 0
    assert main([str(base), "--compare", str(made), "--quiet"]) == 0
    assert main([str(made), "--compare", str(base), "--quiet"]) == 1


def test_without_the_option_nothing_is_said(base: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main([str(base), "--json", "-"])
    assert "comparison" not in json.loads(capsys.readouterr().out)


def test_a_file_of_fingerprints_stands_for_the_checkpoint(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = tmp_path / "base.json"
    assert main([str(base), "--fingerprints", str(stored), "--quiet"]) == 0
    assert stored.stat().st_mode & 0o777 == 0o600
    made = write(tmp_path / "made", make.each(make.bf16)(make.renamed(BASE)))
    _, live = compared(made, base, capsys)
    _, kept = compared(made, stored, capsys)
    assert kept == live
    assert kept["relation"] == "cast"


def test_a_single_file_will_do(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, found = compared(base, base / "model.safetensors", capsys)
    assert found["relation"] == "same"


def test_the_table_says_it_in_words(base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = write(tmp_path / "made", make.extended(make.embedded(make.extended(BASE)) | BASE))
    main([str(made), "--compare", str(base)])
    out = capsys.readouterr().out
    assert "compared PARTIAL: some of the weights are" in out
    assert "tensors have a counterpart there" in out
    assert "vision.0.weight" in out
    main([str(base), "--compare", str(made)])
    assert "tensors there have no counterpart here" in capsys.readouterr().out
    deep = llama(8, layers=4)
    many = write(tmp_path / "many", deep | {f"x.{n}": array for n, array in enumerate(llama(9, layers=12).values())})
    main([str(many), "--compare", str(write(tmp_path / "deep", deep))])
    assert "more; --json has them all" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "is neither a folder nor a file"),
        (b"", "holds no tensors to compare with"),
        (b"hello\n", "holds no tensors to compare with"),
        (b"{", "is not a file of fingerprints"),
        (b'{"a": 1}', "is not a file of fingerprints"),
        (b'{"manifest_digest": "sha256:0"}', "write them with --fingerprints"),
        (b'{"fingerprints": 1, "tensors": []}', "of version 1"),
        (b'{"fingerprints": 2}', "not well formed"),
        (b'{"fingerprints": 2, "tensors": [1]}', "not well formed"),
        (b'{"fingerprints": 2, "tensors": [{"name": "x"}]}', "not well formed"),
        (
            b'{"fingerprints": 2, "tensors": [{"name": 1, "dtype": "", "shape": [], "elements": 1, "size_bytes": 1}]}',
            "not well formed",
        ),
        (b"[" * 100_000, "holds no tensors"),
        (b"{" * 100_000, "is not a file of fingerprints"),
    ],
)
def test_what_cannot_be_compared_with_ends_it(
    content: bytes | None, sentence: str, base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.json"
    if content is not None:
        other.write_bytes(content)
    assert main([str(base), "--compare", str(other)]) == 2
    captured = capsys.readouterr()
    assert sentence in captured.err
    assert captured.out == ""


def test_a_folder_of_broken_weights_is_none_to_compare_with(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main([str(base), "--compare", str(tmp_path / "empty")]) == 2
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "model.safetensors").write_bytes((base / "model.safetensors").read_bytes()[:-10])
    assert main([str(base), "--compare", str(broken)]) == 2
    assert "model.safetensors" in capsys.readouterr().err


def test_a_link_is_not_written_through(base: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    assert main([str(base), "--fingerprints", str(tmp_path / "link"), "--quiet"]) == 2
    assert not (tmp_path / "elsewhere").exists()
