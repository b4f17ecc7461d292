"""The header parser: one table row for each way a header can be wrong."""

from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from tests.unit.weights.makers import bf16, checks, f32, raw_safetensors, safetensors_bytes
from weights.findings import Finding
from weights.safetensors_header import DTYPE_BITS, FINDING_LIMIT, header_length, parse_header


def entry(dtype: Any = "F32", shape: Any = (1,), offsets: Any = (0, 4), **extra: Any) -> dict[str, Any]:
    shape = list(shape) if isinstance(shape, tuple) else shape
    return {"dtype": dtype, "shape": shape, "data_offsets": list(offsets), **extra}


def parse(header: Any, size: int = 4) -> list[str]:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    if not isinstance(header, bytes):
        text += b" " * (-len(text) % 8)
    return checks(parse_header(text, 8 + len(text) + size, "m.safetensors"))


NESTED = b'{"a":' * 5000 + b"1" + b"}" * 5000


@pytest.mark.parametrize(
    ("expected", "header", "size"),
    [
        ("ST-JSON", b' {"a":1}', 0),
        ("ST-JSON", b"[]", 0),
        ("ST-JSON", b"{", 0),
        ("ST-JSON", b"{}{}", 0),
        ("ST-JSON", b"{}\0", 0),
        ("ST-JSON", b'{"\xff":1}', 0),
        ("ST-JSON", "{}".encode("utf-16-le"), 0),
        ("ST-JSON", b'{"a\nb":1}', 0),
        ("ST-JSON", b'{"a":NaN}', 0),
        ("ST-JSON", b'{"a":Infinity}', 0),
        ("ST-JSON", b'{"a":1.0}', 0),
        ("ST-JSON", b'{"a":-0}', 0),
        ("ST-JSON", b'{"a":' + b"9" * 30 + b"}", 0),
        ("ST-JSON", b'{"\\ud800":{}}', 0),
        ("ST-JSON", NESTED, 0),
        ("ST-JSON", b'{"a":' * 70 + b"1" + b"}" * 70, 0),
        ("ST-JSON", {"a": 1}, 0),
        ("ST-JSON", {"a": []}, 0),
        ("ST-JSON", {"a": {"dtype": "F32", "shape": [1]}}, 4),
        ("ST-JSON", {"a": entry(shape=[True])}, 4),
        ("ST-JSON", {"a": entry(shape="1")}, 4),
        ("ST-JSON", {"a": entry(shape=[None])}, 4),
        ("ST-JSON", {"a": entry(offsets=(0, 4, 8))}, 4),
        ("ST-JSON", {"a": entry(offsets=("0", 4))}, 4),
        ("ST-DUP", b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{}}', 4),
        ("ST-DUP", b'{"a":{},"\\u0061":{}}', 4),
        ("ST-DUP", b'{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
        ("ST-DUP", b'{"__metadata__":{"x":"1","x":"2"}}', 0),
        ("ST-DTYPE", {"a": entry(dtype="F33")}, 4),
        ("ST-DTYPE", {"a": entry(dtype="f32")}, 4),
        ("ST-DTYPE", {"a": entry(dtype=["F32"])}, 4),
        ("ST-DTYPE", {"a": entry(dtype=None)}, 4),
        ("ST-SIZE", {"a": entry(shape=(2,))}, 4),
        ("ST-SIZE", {"a": entry(offsets=(4, 0))}, 4),
        ("ST-SIZE", {"a": entry(shape=(1 << 62, 4))}, 4),
        ("ST-SIZE", {"a": entry(shape=(1 << 63, 0), offsets=(0, 0))}, 0),
        ("ST-SIZE", {"a": entry(shape=(1,) * 65)}, 4),
        ("ST-SIZE", {"a": entry(dtype="F4", shape=(3,), offsets=(0, 2))}, 2),
        ("ST-SIZE", {"a": entry(dtype="F6_E2M3", shape=(2,), offsets=(0, 2))}, 2),
        ("ST-OVERLAP", {"a": entry(), "b": entry()}, 4),
        ("ST-OVERLAP", {"a": entry(shape=(2,), offsets=(0, 8)), "b": entry(offsets=(4, 8))}, 8),
        ("ST-HOLE", {"a": entry(offsets=(4, 8))}, 8),
        ("ST-HOLE", {"a": entry(), "b": entry(offsets=(8, 12))}, 12),
        ("ST-TRUNC", {"a": entry()}, 3),
        ("ST-TRAILING", {"a": entry()}, 5),
        ("ST-TRAILING", {}, 1),
        ("ST-METADATA", {"__metadata__": None}, 0),
        ("ST-METADATA", {"__metadata__": {"a": 1}}, 0),
        ("ST-METADATA", {"__metadata__": ["a"]}, 0),
        ("ST-COST", b"{" + b"[" * 3_000_001, 0),
    ],
)
def test_header_is_blocked(expected: str, header: Any, size: int) -> None:
    assert parse(header, size) == [expected]


@pytest.mark.parametrize(
    ("expected", "header"),
    [
        ("ST-EXTRA", {"a": entry(note="x")}),
        ("ST-EXTRA", {"__metadata__": {"a": "x" * 1_000_001}, "a": entry()}),
        ("ST-NAME", {"": entry()}),
        ("ST-NAME", {"../a": entry()}),
        ("ST-NAME", {"/a": entry()}),
        ("ST-NAME", {"C:\\a": entry()}),
        ("ST-NAME", {"a\u202eb": entry()}),
        ("ST-NAME", {"a\u001bb": entry()}),
    ],
)
def test_header_is_flagged_and_still_readable(expected: str, header: Any) -> None:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    parsed = parse_header(text, 8 + len(text) + 4, "m")
    assert checks(parsed) == [expected]
    assert parsed.is_sound


@pytest.mark.parametrize(("dtype", "bits"), DTYPE_BITS.items())
def test_every_dtype_is_accepted(dtype: str, bits: int) -> None:
    assert parse_header(*_file({"a": entry(dtype, (2, 4), (0, bits))}, bits), "m").findings == []


def _file(header: Any, size: int) -> tuple[bytes, int]:
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return text, 8 + len(text) + size


def test_tensors_come_in_the_order_of_their_bytes() -> None:
    header = {"b": entry(offsets=(4, 8)), "e": entry(shape=(0,), offsets=(4, 4)), "a": entry(shape=())}
    parsed = parse_header(*_file(header, 8), "m")
    assert [tensor.name for tensor in parsed.tensors] == ["a", "e", "b"]
    assert parsed.is_sound
    assert [tensor.elements for tensor in parsed.tensors] == [1, 0, 1]


def test_unaligned_tensor_is_a_note() -> None:
    text = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    text += b" " * ((1 - len(text)) % 8)
    parsed = parse_header(text, 8 + len(text) + 4, "m")
    assert [(finding.check, finding.severity) for finding in parsed.findings] == [("ST-ALIGN", "note")]


def test_findings_of_one_kind_are_bounded() -> None:
    header = {f"/{number}": entry(offsets=(4 * number, 4 * number + 4)) for number in range(FINDING_LIMIT + 7)}
    parsed = parse_header(*_file(header, 4 * len(header)), "m")
    assert len(parsed.findings) == FINDING_LIMIT + 1
    assert parsed.findings[-1].message.startswith("7 more")


@pytest.mark.parametrize(
    ("first", "size"),
    [
        (b"\x02", 9),
        (struct.pack("<Q", 1), 100),
        (struct.pack("<Q", 100_000_001), 1 << 40),
        (struct.pack("<Q", 93), 100),
        (b"\xff" * 8, 100),
    ],
)
def test_header_length_is_refused(first: bytes, size: int) -> None:
    found = header_length(first, size, "m")
    assert isinstance(found, Finding)
    assert found.check == "ST-HEADER"


def test_header_length_is_read() -> None:
    assert header_length(struct.pack("<Q", 92), 100, "m") == 92
    assert header_length(struct.pack("<Q", 2), 10, "m") == 2


def test_metadata_is_kept() -> None:
    content = safetensors_bytes({"a": bf16(2, 2), "b": f32([1.0])}, {"format": "pt"})
    length = int.from_bytes(content[:8], "little")
    parsed = parse_header(content[8 : 8 + length], len(content), "m")
    assert (parsed.metadata, parsed.findings) == ({"format": "pt"}, [])


def test_empty_file_of_the_format_is_fine() -> None:
    assert parse_header(b"{}", len(raw_safetensors(b"{}")), "m").is_sound


def test_a_name_too_long_is_not_kept() -> None:
    header = parse_header(json.dumps({"a" * 1025: entry()}).encode(), 10_000, "m")
    assert [finding.check for finding in header.findings] == ["ST-NAME"]
    assert header.tensors == []


def test_padding_has_room_for_little() -> None:
    content = b"{}" + b" " * 70_000
    assert [finding.check for finding in parse_header(content, 8 + len(content), "m").findings] == ["ST-EXTRA"]
