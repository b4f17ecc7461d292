"""GGUF files: what the format's own library writes, and each way to spoil it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import pytest
from gguf.constants import GGML_QUANT_SIZES

from tests.unit.weights.makers import checks
from weights import FileReport, gguf_header, inspect_file
from weights.quant_blocks import GGML_TYPES
from weights.tensor_values import values_of

Inspect = Callable[..., FileReport]


def text(value: str | bytes) -> bytes:
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def pair(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, shape: tuple[int, ...] = (4,), kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def build(
    pairs: list[bytes],
    tensors: list[bytes],
    content: bytes = b"",
    *,
    version: int = 3,
    counts: tuple[int, int] | None = None,
) -> bytes:
    tensor_count, pair_count = counts or (len(tensors), len(pairs))
    header = b"GGUF" + struct.pack("<IQQ", version, tensor_count, pair_count) + b"".join(pairs) + b"".join(tensors)
    return header + bytes(-len(header) % 32) + content


FLOATS = np.array([1.0, -2.0, 3.0, 4.0], dtype="<f4").tobytes() + bytes(16)
ARCHITECTURE = pair("general.architecture", 8, text("llama"))


def write(path: Path, template: str | None = None) -> None:
    """A small model, written by the format's own library."""
    rng = np.random.default_rng(1)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_float32("a.float", 0.5)
    writer.add_bool("a.flag", True)
    writer.add_array("tokenizer.ggml.tokens", ["a", "bé", ""])
    writer.add_array("tokenizer.ggml.scores", [1.0, 2.0])
    if template is not None:
        writer.add_chat_template(template)
    values = rng.standard_normal((8, 256)).astype(np.float32)
    writer.add_tensor("token_embd.weight", values)
    writer.add_tensor("half.weight", values.astype(np.float16))
    for kind in (gguf.GGMLQuantizationType.Q8_0, gguf.GGMLQuantizationType.Q4_0, gguf.GGMLQuantizationType.BF16):
        writer.add_tensor(f"{kind.name}.weight", gguf.quantize(values, kind), raw_dtype=kind)
    writer.add_tensor("odd.bias", rng.standard_normal(3).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def test_what_the_library_writes_is_clean(tmp_path: Path) -> None:
    write(tmp_path / "m.gguf", "{{ messages[0].content }}")
    report = inspect_file(tmp_path / "m.gguf", "model-Q4.gguf")
    assert checks(report) == []
    assert {record.name: (record.dtype, record.shape) for record in report.tensors} == {
        "token_embd.weight": ("F32", (8, 256)),
        "half.weight": ("F16", (8, 256)),
        "Q8_0.weight": ("Q8_0", (8, 256)),
        "Q4_0.weight": ("Q4_0", (8, 256)),
        "BF16.weight": ("BF16", (8, 256)),
        "odd.bias": ("F32", (3,)),
    }
    metadata = report.content["metadata"]
    assert (metadata["general.architecture"], metadata["a.float"], metadata["a.flag"]) == ("llama", 0.5, True)
    assert metadata["tokenizer.ggml.tokens"] == {"count": 3}


def test_templates_inside_are_judged(tmp_path: Path) -> None:
    write(tmp_path / "m.gguf", "{{ ''.__class__ }}")
    assert "TP-SSTI" in checks(inspect_file(tmp_path / "m.gguf", "m.gguf"))


def test_the_table_of_types_is_the_library_s() -> None:
    theirs = {kind.value: (kind.name, *sizes) for kind, sizes in GGML_QUANT_SIZES.items()}
    assert {number: (kind.name, kind.elements, kind.size_bytes) for number, kind in GGML_TYPES.items()} == theirs


SCALED = [kind for kind in GGML_TYPES.values() if kind.scales]


@pytest.mark.parametrize("kind", SCALED, ids=lambda kind: kind.name)
def test_the_scales_are_where_the_library_reads_them(kind: Any) -> None:
    """A block whose scales alone are NaN decodes to NaN; with sound scales it does not."""
    number = gguf.GGMLQuantizationType[kind.name]
    block = np.full((1, kind.size_bytes), 0x11, dtype=np.uint8)
    try:
        before = gguf.dequantize(block, number)
    except NotImplementedError:
        pytest.skip("the library does not decode this type")
    assert np.isfinite(before).all()
    for place in kind.scales:
        spoiled = block.copy()
        spoiled[0, place : place + 2] = (0x00, 0x7E)
        assert np.isnan(gguf.dequantize(spoiled, number)).any()
        found = values_of(kind.name)
        found.update(memoryview(np.concatenate([block, spoiled]).tobytes()))
        assert (found.summary().nans, found.summary().first_bad) == (1, 1)


def test_exponents_may_not_be_the_code_for_no_number() -> None:
    found = values_of("MXFP4")
    found.update(memoryview(b"\x7f" + bytes(16) + b"\xff" + bytes(16)))
    assert (found.summary().nans, found.summary().first_bad, found.summary().zeros) == (1, 1, 0)


def test_types_without_known_scales_are_only_hashed() -> None:
    found = values_of("IQ1_M")
    found.update(memoryview(bytes([0xFF]) * 112))
    found.update(memoryview(b""))
    assert (found.summary().nans, found.summary().zeros) == (0, 0)


def test_an_infinite_scale_and_a_zero_tensor_are_found(inspect: Inspect) -> None:
    block = struct.pack("<H", 0x3C00) + bytes([1]) * 32
    bad = struct.pack("<H", 0xFC00) + bytes([1]) * 32
    content = build([ARCHITECTURE], [tensor("a.weight", (64, 2), 8)], block * 3 + bad + bytes(24))
    report = inspect(content, "m.gguf")
    assert checks(report) == ["WV-INF"]
    assert content[report.findings[0].offset :][:2] == bad[:2]
    zeros = build([ARCHITECTURE], [tensor("a.weight", (64, 2), 8)], bytes(136 + 24))
    assert checks(inspect(zeros, "m.gguf")) == ["WV-ZERO"]


def test_a_large_quantized_tensor_is_cut_between_blocks(inspect: Inspect) -> None:
    block = struct.pack("<H", 0x3C00) + bytes([1]) * 32
    rows = 1200
    content = build([ARCHITECTURE], [tensor("a.weight", (1024, rows), 8)], block * (32 * rows))
    report = inspect(content, "m.gguf")
    assert (checks(report), report.tensors[0].nans) == ([], 0)


def test_minimal_files(inspect: Inspect) -> None:
    assert checks(inspect(build([ARCHITECTURE], [tensor("a")], FLOATS), "m.gguf")) == []
    assert checks(inspect(build([ARCHITECTURE], [tensor("a")], FLOATS[:16]), "m.gguf")) == []
    assert checks(inspect(build([ARCHITECTURE], [], b""), "m.gguf")) == []
    assert checks(inspect(build([ARCHITECTURE], [tensor("a", ())], FLOATS[:4]), "m.gguf")) == []
    assert checks(inspect(build([ARCHITECTURE], [], b"", version=2), "m.gguf")) == []


def test_another_alignment_is_heeded(inspect: Inspect) -> None:
    aligned = pair("general.alignment", 4, struct.pack("<I", 8))
    content = build([aligned], [tensor("a"), tensor("b", offset=16)], FLOATS[:16] * 2)
    assert checks(inspect(content, "m.gguf")) == []
    assert checks(inspect(content.replace(struct.pack("<I", 8), struct.pack("<I", 32), 1), "m.gguf")) == ["GG-OFF"]


KEY = "x.y"
HOSTILE: list[tuple[str, bytes]] = [
    ("GG-MAGIC", b"GGUF"),
    ("GG-MAGIC", build([], [], version=1)),
    ("GG-MAGIC", b"GGUF" + struct.pack(">IQQ", 3, 0, 0)),
    ("GG-COUNT", build([], [], counts=(1 << 60, 0))),
    ("GG-COUNT", build([], [], counts=(0, 1 << 60))),
    ("GG-COUNT", build([pair(KEY, 8, struct.pack("<Q", 1 << 60))], [], bytes(64))),
    ("GG-COUNT", build([struct.pack("<Q", 1 << 60)], [], bytes(64))),
    ("GG-COUNT", build([pair(KEY, 8, struct.pack("<Q", 5000))], [], bytes(64))),
    ("GG-COUNT", build([pair(KEY, 9, struct.pack("<IQ", 8, 1 << 40))], [], bytes(64))),
    ("GG-COUNT", build([pair(KEY, 9, struct.pack("<IQ", 4, 1 << 62))], [], bytes(64))),
    ("GG-COUNT", b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + pair(KEY, 4, b"")),
    ("GG-KEY", build([pair("", 4, bytes(4))], [], bytes(64))),
    ("GG-KEY", build([pair(KEY, 99, bytes(4))], [], bytes(64))),
    ("GG-KEY", build([pair(KEY, 7, b"\x02")], [], bytes(64))),
    ("GG-KEY", build([pair(KEY, 9, struct.pack("<IQ", 9, 1))], [], bytes(64))),
    ("GG-KEY", build([pair(KEY, 8, text(b"\xff"))], [], bytes(64))),
    ("GG-DUP", build([pair(KEY, 4, bytes(4))] * 2, [], bytes(64))),
    ("GG-ALIGN", build([pair("general.alignment", 4, struct.pack("<I", 24))], [], bytes(64))),
    ("GG-ALIGN", build([pair("general.alignment", 4, struct.pack("<I", 0))], [], bytes(64))),
    ("GG-ALIGN", build([pair("general.alignment", 10, struct.pack("<Q", 32))], [], bytes(64))),
    ("GG-ALIGN", build([pair("general.alignment", 6, struct.pack("<f", 32.0))], [], bytes(64))),
    ("GG-NAME", build([], [tensor("")], FLOATS)),
    ("GG-NAME", build([], [tensor("a" * 64)], FLOATS)),
    ("GG-NAME", build([], [tensor("a\x1bb")], FLOATS)),
    ("GG-DUP", build([], [tensor("a"), tensor("a", offset=32)], FLOATS * 2)),
    ("GG-DIM", build([], [tensor("a", (1, 1, 1, 1, 1))], FLOATS)),
    ("GG-DIM", build([], [tensor("a", (0,))], FLOATS)),
    ("GG-DIM", build([], [tensor("a", (1 << 32, 1 << 32))], FLOATS)),
    ("GG-DIM", build([], [tensor("a", (33,), 8)], FLOATS)),
    ("GG-DIM", build([], [tensor("a", (), 8)], FLOATS)),
    ("GG-TYPE", build([], [tensor("a", (4,), 4)], FLOATS)),
    ("GG-TYPE", build([], [tensor("a", (4,), 1000)], FLOATS)),
    ("GG-OFF", build([], [tensor("a", offset=16)], FLOATS * 2)),
    ("GG-OFF", build([], [tensor("a"), tensor("b")], FLOATS * 2)),
    ("GG-OFF", build([], [tensor("a", (8,)), tensor("b", offset=16)], FLOATS * 2)),
    ("GG-OFF", build([], [tensor("a")], FLOATS + bytes(32))),
    ("GG-OFF", build([], [tensor("a", (100,))], FLOATS)),
    ("GG-OFF", build([ARCHITECTURE], [], bytes(5))),
]


@pytest.mark.parametrize(("expected", "content"), HOSTILE)
def test_spoiled_files_are_blocked(inspect: Inspect, expected: str, content: bytes) -> None:
    assert checks(inspect(content, "m.gguf")) == [expected]


def test_long_texts_are_skipped_not_kept(inspect: Inspect) -> None:
    content = build(
        [pair("long", 8, text("a" * (gguf_header.KEPT_TEXT + 1))), pair("z", 6, struct.pack("<f", np.inf))], []
    )
    report = inspect(content, "m.gguf")
    assert report.content["metadata"] == {"long": None, "z": "inf"}


@pytest.mark.parametrize("cut", range(0, 200, 3))
def test_no_cut_passes(inspect: Inspect, cut: int) -> None:
    content = build([ARCHITECTURE, pair(KEY, 4, bytes(4))], [tensor("a"), tensor("b", offset=32)], FLOATS + FLOATS[:16])
    assert checks(inspect(content, "m.gguf")) == []
    if cut < len(content):
        assert inspect(content[:cut] + content[cut + 1 :], "m.gguf").findings
