"""Mutated files of every format: the check ends, and passes nothing that the format's reference reader refuses.

`MUTATIONS=20000 pytest tests/property/test_format_mutations.py` (or `make mutate`) tries so many of each format.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import tempfile
import time
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import gguf
import h5py
import msgpack
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jinja2 import TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from safetensors import SafetensorError, deserialize

from tests.corpus.archive_cases import TORCH, archive, keras, keras_config, npy
from tests.corpus.gguf_cases import ARCHITECTURE, FLOATS, array, build, pair, tensor, text
from tests.corpus.graph_cases import hdf5, node, raw_tensor
from tests.corpus.graph_cases import onnx as onnx_model
from tests.unit.weights.makers import bf16, f32, flax_bytes, safetensors_bytes
from weights import FileReport, Severity, inspect_file, join

EXAMPLES = int(os.environ.get("MUTATIONS", "60"))
IS_SUITE = "MUTATIONS" not in os.environ  # where a mutation that nobody has tried must not stop others' work
SECONDS_LIMIT = 5.0

Accepts = Callable[[bytes], bool]


def safetensors_accepts(content: bytes) -> bool:
    try:
        deserialize(content)
    except (SafetensorError, UnicodeDecodeError):
        return False
    return True


def gguf_accepts(content: bytes) -> bool:
    with tempfile.NamedTemporaryFile(suffix=".gguf") as file:
        file.write(content)
        file.flush()
        try:
            reader = gguf.GGUFReader(file.name)
            return all(entry.data is not None for entry in reader.tensors)
        except Exception:  # the library has no error of its own
            return False


def zip_accepts(content: bytes) -> bool:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            return file.testzip() is None
    except Exception:  # damaged archives raise errors of zipfile, zlib and struct
        return False


def pickle_accepts(content: bytes) -> bool:
    """Whether the reference decoder of opcodes reads the file's first pickle to its end."""
    try:
        return sum(1 for _ in pickletools.genops(content)) > 0
    except Exception:  # the decoder raises whatever an argument makes it raise
        return False


def numpy_accepts(content: bytes) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            loaded = np.load(io.BytesIO(content), allow_pickle=False)
            if isinstance(loaded, np.lib.npyio.NpzFile):
                return all(loaded[name] is not None for name in loaded.files)
    except Exception:  # damaged headers raise errors of several modules
        return False
    return True


def read_item(_: str, item: Any) -> None:
    dict(item.attrs)
    if isinstance(item, h5py.Dataset):
        item[()]


def hdf5_accepts(content: bytes) -> bool:
    """Whether the library reads every array and every attribute."""
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            dict(file.attrs)
            file.visititems(read_item)
    except Exception:  # the library raises OSError, RuntimeError, KeyError and more
        return False
    return True


def flax_leaf(code: int, content: bytes) -> Any:
    """As Flax reads an extension: an array, a complex number, or a number."""
    if code == 2:
        real, imaginary = msgpack.unpackb(content)
        return complex(real, imaginary)
    shape, name, values = msgpack.unpackb(content, raw=False)
    return np.frombuffer(values, dtype=np.dtype(name), count=-1).reshape(shape)


def flax_accepts(content: bytes) -> bool:
    try:
        return isinstance(msgpack.unpackb(content, ext_hook=flax_leaf, raw=False), dict)
    except Exception:  # damaged files raise errors of msgpack and of NumPy
        return False


def onnx_accepts(content: bytes) -> bool:
    try:
        return onnx.load_model_from_string(content) is not None
    except Exception:  # the parser's error belongs to another package
        return False


def json_accepts(content: bytes) -> bool:
    try:
        json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return True


def template_accepts(content: bytes) -> bool:
    try:
        ImmutableSandboxedEnvironment(extensions=["jinja2.ext.loopcontrols", "jinja2.ext.do"]).parse(content.decode())
    except (TemplateSyntaxError, UnicodeDecodeError, RecursionError, ValueError):
        return False
    return True


def always(_: bytes) -> bool:
    return True


def npz() -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, a=np.arange(6.0), b=np.ones((2, 2), "<f4"))
    return stream.getvalue()


STATE = {"a": [1, 2.5, None, (True, "x")], "b": {"c": b"bytes"}, "d": np.arange(4)}
FORMATS: dict[str, tuple[str, bytes, Accepts]] = {
    "safetensors": (
        "model.safetensors",
        safetensors_bytes({"a.weight": bf16(4, 4), "b": f32([1.0, 2.0])}, {"format": "pt"}),
        safetensors_accepts,
    ),
    "index": (
        "model.safetensors.index.json",
        b'{"metadata": {"total_size": 40}, "weight_map": {"a": "x.safetensors"}}',
        json_accepts,
    ),
    "gguf": (
        "model.gguf",
        build(
            [ARCHITECTURE, pair("a.list", 9, array(8, 2, text("b") + text("c"))), pair("a.flag", 7, b"\1")],
            [tensor(), tensor("v", offset=32)],
            FLOATS * 2,
        ),
        gguf_accepts,
    ),
    "torch": ("pytorch_model.bin", archive(TORCH), zip_accepts),
    "pickle": ("model.pkl", pickle.dumps(STATE, 4), pickle_accepts),
    "old-pickle": ("model.pkl", pickle.dumps(STATE, 0), pickle_accepts),
    "npy": ("a.npy", npy(np.arange(6.0).reshape(2, 3)), numpy_accepts),
    "npz": ("a.npz", npz(), numpy_accepts),
    "onnx": ("model.onnx", onnx_model(node("Add"), raw_tensor(np.ones(4, "<f4").tobytes())), onnx_accepts),
    "hdf5": ("model.h5", hdf5({"model_config": json.dumps(keras_config())}), hdf5_accepts),
    "hdf5-new": ("model.h5", hdf5({"model_config": json.dumps(keras_config())}, libver="latest"), hdf5_accepts),
    "flax": ("flax_model.msgpack", flax_bytes({"a": {"b": np.arange(6.0).reshape(2, 3), "c": 1}}), flax_accepts),
    "keras": ("model.keras", keras(keras_config(), {"model.weights.h5": hdf5({})}), zip_accepts),
    "json": (
        "tokenizer_config.json",
        b'{"a": [1, -2.5e3, "\\u00e9"], "chat_template": "{{ messages }}"}',
        json_accepts,
    ),
    "template": (
        "chat_template.jinja",
        b"{% for m in messages %}{{ m['role'] + m.content | trim }}{% endfor %}",
        template_accepts,
    ),
    "card": ("README.md", b"---\nlicense: mit\ntags: [a, b]\n---\n# Card\n[x](https://example.org) <b>y</b>\n", always),
}


def judge(content: bytes, path: str) -> FileReport:
    """The report on the file, after it went through storage and the folder's checks; in bounded time."""
    started = time.perf_counter()
    report = inspect_file(lambda: io.BytesIO(content), path, len(content))
    stored = FileReport.from_json(json.loads(json.dumps(report.to_json(), allow_nan=False)))
    json.dumps(join([stored]).to_json(), allow_nan=False)
    assert time.perf_counter() - started < SECONDS_LIMIT
    return report


def is_blocked(report: FileReport) -> bool:
    return any(finding.severity is Severity.BLOCK for finding in report.findings)


INTERESTING = [b"\0", b"\xff", b"\x7f", b"\x80", b"\xff\xff\xff\xff", b"\0\0\0\x80", b"\xff" * 8, b"\xff" * 7 + b"\x7f"]


def mutate(data: st.DataObject, seed: bytes) -> bytes:
    """The seed with a few places changed, as flipped bits, wrong lengths, cuts and repetitions change them."""
    content = bytearray(seed)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, max(0, len(content) - 1)))
        match data.draw(st.sampled_from(["bit", "set", "number", "insert", "cut", "repeat", "end"])):
            case "bit" if content:
                content[place] ^= 1 << data.draw(st.integers(0, 7))
            case "set":
                content[place : place + 1] = bytes([data.draw(st.integers(0, 255))])
            case "number":
                number = data.draw(st.sampled_from(INTERESTING))
                content[place : place + len(number)] = number
            case "insert":
                content[place:place] = data.draw(st.binary(max_size=9))
            case "cut":
                del content[place : place + data.draw(st.integers(1, 40))]
            case "repeat":
                content[place:place] = content[place : place + data.draw(st.integers(1, 40))]
            case "end":
                del content[place:]
    return bytes(content)


@pytest.mark.parametrize("name", FORMATS)
def test_the_seed_is_sound(name: str) -> None:
    path, content, accepts = FORMATS[name]
    assert accepts(content)
    assert not is_blocked(judge(content, path))


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", FORMATS)
def test_mutations(name: str) -> None:
    path, seed, accepts = FORMATS[name]
    counts: dict[str, Any] = {"tried": 0, "passed": 0}

    @given(st.data())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=IS_SUITE,
    )
    def run(data: st.DataObject) -> None:
        content = mutate(data, seed)
        report = judge(content, path)
        counts["tried"] += 1
        if not is_blocked(report):
            counts["passed"] += 1
            assert accepts(content), content

    run()
    print(f"{name}: {counts['tried']} mutations, {counts['passed']} not blocked")
