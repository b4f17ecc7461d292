"""Hostile files of every format: a report comes back, never a crash, and it can be stored."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from typing import Any

import numpy as np
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.unit.weights.makers import bf16, safetensors_bytes
from weights import FileReport, inspect_file, join
from weights.cards import check_card, check_yaml
from weights.strict_json import JsonRefusedError, parse_strict
from weights.templates import check_template


def archive() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        file.writestr("m/data.pkl", pickle.dumps({"a": np.arange(3)}, 2))
        file.writestr("m/version", "3")
    return stream.getvalue()


def array() -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.arange(6.0).reshape(2, 3))
    return stream.getvalue()


def gguf() -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    header = (
        b"GGUF" + struct.pack("<IQQ", 3, 1, 3) + text("general.architecture") + struct.pack("<I", 8) + text("llama")
    )
    header += text("tokenizer.chat_template") + struct.pack("<I", 8) + text("{{ messages }}")
    header += text("a.list") + struct.pack("<IIQ", 9, 4, 2) + bytes(8)
    header += text("w") + struct.pack("<IQQIQ", 2, 32, 2, 8, 0)
    return header + bytes(-len(header) % 32) + bytes(68) + bytes(28)


SEEDS = {
    "model.safetensors": safetensors_bytes({"a.weight": bf16(4, 4), "b": bf16(3)}, {"format": "pt"}),
    "pytorch_model.bin": archive(),
    "model.pkl": pickle.dumps({"a": np.arange(4), "b": [1, 2.5, None, {"c"}], "d": b"abc"}, 4),
    "old.pkl": pickle.dumps({"a": np.arange(4), "b": (1, 2)}, 0),
    "a.npy": array(),
    "model.gguf": gguf(),
    "model.onnx": b"\x08\x08\x12\x03abc\x3a\x10\x0a\x0e\x0a\x01x\x22\x03Add\x3a\x04evil" + b"\x42\x02\x10\x11",
    "config.json": b'{"a": [1, -2.5e3, {"auto_map": {"x": "y--z.W"}}], "model_type": "llama", "vocab_size": 3}',
    "tokenizer.json": json.dumps(
        {"added_tokens": [{"id": 1, "content": "x"}], "model": {"vocab": {"a": 0}}, "normalizer": {"type": "NFC"}}
    ).encode(),
    "model.safetensors.index.json": b'{"metadata": {"total_size": 3}, "weight_map": {"a": "model.safetensors"}}',
    "adapter_config.json": b'{"r": 4, "rank_pattern": {"a": 8}, "auto_mapping": {"parent_library": "x"}}',
    "README.md": b"---\nlicense: mit\ntags: [a]\n---\n# Card <b>x</b>\n",
    "chat_template.jinja": b"{% for m in messages %}{{ m['role'] + m.content | trim }}{% endfor %}",
}


def judge(content: bytes, path: str) -> FileReport:
    report = inspect_file(lambda: io.BytesIO(content), path, len(content))
    stored = FileReport.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))
    json.dumps(join([stored]).to_json(), allow_nan=False)
    return report


@st.composite
def mutated(draw: st.DrawFn) -> tuple[str, bytes]:
    """A well-made file with a few bytes changed, removed or put in."""
    path = draw(st.sampled_from(sorted(SEEDS)))
    content = bytearray(SEEDS[path])
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, max(0, len(content) - 1)))
        match draw(st.sampled_from(["set", "insert", "cut"])):
            case "set":
                content[place : place + 1] = bytes([draw(st.integers(0, 255))])
            case "insert":
                content[place:place] = draw(st.binary(max_size=9))
            case _:
                del content[place : place + draw(st.integers(1, 12))]
    return path, bytes(content)


@given(mutated())
@settings(max_examples=800, deadline=None)
def test_mutated_files(case: tuple[str, bytes]) -> None:
    judge(case[1], case[0])


@given(
    st.sampled_from([*sorted(SEEDS), "tokenizer.model", "x", "a.yaml", "LICENSE", "a.png", "model.npz"]),
    st.binary(max_size=400),
)
@settings(max_examples=400, deadline=None)
@example("x", b"")
def test_any_bytes_under_any_name(path: str, content: bytes) -> None:
    judge(content, path)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=8), inner, max_size=4)),
    max_leaves=12,
)
KEYS = [
    "model_type",
    "vocab_size",
    "hidden_size",
    "num_hidden_layers",
    "auto_map",
    "weight_map",
    "metadata",
    "eos_token_id",
]
KEYS += [
    "chat_template",
    "added_tokens",
    "model",
    "text_config",
    "r",
    "rank_pattern",
    "auto_mapping",
    "added_tokens_decoder",
]
KEYS += ["architectures", "dtype", "quantization_config", "normalizer", "decoder", "eos_token", "tie_word_embeddings"]
NAMES = ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "adapter_config.json"]
NAMES += ["model.safetensors.index.json", "model_index.json", "modules.json"]


@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.one_of(JSON, st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6)), max_size=5
    )
)
@settings(max_examples=400, deadline=None)
def test_configurations_of_any_content(documents: dict[str, Any]) -> None:
    tensors = {"model.layers.0.mlp.up_proj.weight": bf16(4, 4), "model.embed_tokens.weight": bf16(8, 4)}
    reports = [judge(json.dumps(value).encode(), name) for name, value in documents.items()]
    reports.append(judge(safetensors_bytes(tensors), "model.safetensors"))
    json.dumps(join(reports).to_json(), allow_nan=False)


PIECES = [
    "{{ ",
    " }}",
    "{% ",
    " %}",
    "if ",
    "for x in y",
    "endfor",
    "endif",
    "x",
    ".a",
    "['b']",
    " | trim",
    "range(",
    ")",
    "~",
    "+",
]


@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
@settings(max_examples=400, deadline=None)
def test_templates_of_any_content(text: str) -> None:
    check_template(text, "t", "here")


@given(st.text(alphabet="-:&*![]{}#>|?%@ \n\tab1.'\"", max_size=60))
@settings(max_examples=400, deadline=None)
def test_yaml_that_passes_means_one_thing(text: str) -> None:
    check_card(f"---\n{text}\n---\n", "README.md")
    if check_yaml(text, "x.yaml"):
        return
    fast = list(yaml.load_all(text, Loader=yaml.CSafeLoader))
    try:
        slow = list(yaml.safe_load_all(text))
    except yaml.YAMLError:
        return
    assert repr(fast) == repr(slow)


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_strict_json_reads_what_python_writes(value: Any) -> None:
    text = json.dumps(value)
    try:
        found = parse_strict(text.encode()).value
    except JsonRefusedError:
        assert any(word in text for word in ("NaN", "Infinity", "\\ud")) or len(text) > 400
    else:
        assert found == json.loads(text)
