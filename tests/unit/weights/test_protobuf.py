"""SentencePiece tokenizers and ONNX graphs, told apart and walked."""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.weights.makers import checks
from weights import FileReport, inspect_folder, onnx_graph
from weights.protobuf import NotProtobufError, fields, text_of
from weights.sources import StreamSource

Inspect = Callable[..., FileReport]


def varint(number: int) -> bytes:
    out = b""
    while number > 0x7F:
        out += bytes([number & 0x7F | 0x80])
        number >>= 7
    return out + bytes([number])


def block(number: int, content: bytes | str) -> bytes:
    raw = content.encode() if isinstance(content, str) else content
    return varint(number << 3 | 2) + varint(len(raw)) + raw


def number(field: int, value: int) -> bytes:
    return varint(field << 3) + varint(value)


def source(content: bytes) -> StreamSource:
    return StreamSource(lambda: io.BytesIO(content), len(content))


PIECE = block(1, "▁the") + varint(2 << 3 | 5) + struct.pack("<f", -3.5) + number(3, 1)
SENTENCEPIECE = block(1, PIECE) * 300 + block(2, number(4, 300)) + block(3, block(1, "nmt_nfkc"))


def test_a_sentencepiece_tokenizer_is_ordinary(inspect: Inspect) -> None:
    report = inspect(SENTENCEPIECE, "tokenizer.model")
    assert (checks(report), report.kind) == ([], "sentencepiece")
    assert report.content["vocabulary"]["largest_id"] == 299


@pytest.mark.parametrize(
    "content",
    [
        SENTENCEPIECE + b"\x0a",
        SENTENCEPIECE + block(9, "x"),
        SENTENCEPIECE + number(1, 3),
        block(1, number(3, 1)) + b"\x00\x00",
        block(2, b"\x00\x01"),
        block(1, b"\x00"),
        hashlib.sha512(b"neither").digest() + b"\x00",
        b"\x00" * 64,
    ],
)
def test_what_is_neither_is_unknown(inspect: Inspect, content: bytes) -> None:
    assert checks(inspect(content, "tokenizer.model")) == ["FM-UNKNOWN"]


def node(domain: str = "", attributes: bytes = b"") -> bytes:
    return block(1, block(1, "x") + block(4, "Add") + (block(7, domain) if domain else b"") + attributes)


def tensor(location: str | None = None) -> bytes:
    external = b"" if location is None else block(13, block(1, "location") + block(2, location))
    return number(1, 2) + number(2, 1) + block(8, "w") + external + block(13, block(1, "length") + block(2, "8"))


def model(graph: bytes, *more: bytes) -> bytes:
    return number(1, 8) + block(2, "exporter") + block(7, graph) + block(8, number(2, 17)) + b"".join(more)


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        ([], model(node() + block(5, tensor()))),
        ([], model(node("ai.onnx.ml", block(5, block(1, "axis") + number(3, 1) + number(20, 2))))),
        (["OX-OPERATOR"], model(node("evil.ops") * 3)),
        (["OX-PATH"], model(block(5, tensor("../../etc/passwd")))),
        (["OX-PATH"], model(block(5, tensor("/etc/passwd")))),
        (["OX-PATH"], model(node("", block(5, block(5, tensor("../x")))))),
        (["OX-PATH"], model(node("", block(5, block(10, tensor("../x")))))),
        (["OX-PATH"], model(node("", block(5, block(6, block(5, tensor("../x"))))))),
        (["OX-OPERATOR"], model(node("", block(5, block(11, node("evil.ops")))))),
        (["OX-OPERATOR"], model(node(), block(25, block(7, block(7, "evil.ops"))))),
        (["OX-PATH"], model(node() + b"\xff")),
    ],
)
def test_graphs_are_walked(inspect: Inspect, expected: list[str], content: bytes) -> None:
    assert checks(inspect(content, "model.onnx")) == ["OX-FORMAT", *expected]


def test_nesting_and_size_of_graphs_are_bounded(inspect: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = node()
    for _ in range(20):
        graph = node("", block(5, block(6, graph)))
    assert checks(inspect(model(graph), "model.onnx")) == ["OX-FORMAT", "OX-PATH"]
    monkeypatch.setattr(onnx_graph, "FIELDS_LIMIT", 2)
    assert checks(inspect(model(node() * 3), "model.onnx")) == ["OX-FORMAT", "OX-COST"]


def test_external_data_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(
        model(block(5, tensor("model.onnx_data")) + block(5, tensor("model.onnx_data")))
    )
    assert checks(inspect_folder(tmp_path)) == ["OX-MISSING", "OX-FORMAT"]


@pytest.mark.parametrize(
    "content", [model(b"", block(7, b"")), block(2, "x\x00") + block(7, b""), model(b"", block(99, "x"))]
)
def test_other_messages_are_unknown(inspect: Inspect, content: bytes) -> None:
    assert "FM-UNKNOWN" in checks(inspect(content, "thing"))


@pytest.mark.parametrize(
    "content",
    [
        b"\x80",
        b"\x80" * 11,
        b"\x00\x00",
        b"\x0b",
        b"\x0a\x05ab",
        b"\x0d\x00",
        b"\x09\x00",
        b"\x08",
        b"\x0a\xff\xff\xff\xff\x0f",
    ],
)
def test_broken_messages(content: bytes) -> None:
    with pytest.raises(NotProtobufError):
        list(fields(source(content), 0, len(content)))


def test_every_wire_type_is_read() -> None:
    content = number(1, 300) + block(2, "é") + b"\x1d" + bytes(4) + b"\x21" + bytes(8)
    stream = source(content)
    found = list(fields(stream, 0, len(content)))
    assert [(field.number, field.wire, field.value, field.size) for field in found] == [
        (1, 0, 300, 0),
        (2, 2, 0, 2),
        (3, 5, 0, 4),
        (4, 1, 0, 8),
    ]
    assert text_of(stream, found[1]) == "é"
    assert text_of(stream, found[1], 1) == ""
    with pytest.raises(NotProtobufError):
        text_of(source(block(1, b"\xff")), next(fields(source(block(1, b"\xff")), 0, 3)))
