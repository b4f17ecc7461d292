"""Mutated safetensors files: the parser never crashes, and never passes what the reference loader refuses."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors import SafetensorError, deserialize

from tests.unit.weights.makers import bf16, f32, raw_safetensors, safetensors_bytes
from weights import FileReport, Severity, inspect_file

VALID = safetensors_bytes(
    {"model.a.weight": bf16(4, 4), "model.b": f32([1.0, -2.0]), "e": ("I64", [0], b""), "q": ("F4", [4], b"\x12\x34")},
    {"format": "pt"},
)
HEADER_END = 8 + int.from_bytes(VALID[:8], "little")


def judge(content: bytes) -> FileReport:
    report = inspect_file(lambda: io.BytesIO(content), "model.safetensors", len(content))
    json.dumps(report.to_json(), allow_nan=False)
    return report


def is_blocked(report: FileReport) -> bool:
    return any(finding.severity is Severity.BLOCK for finding in report.findings)


def reference_accepts(content: bytes) -> bool:
    try:
        deserialize(content)
    except (SafetensorError, UnicodeDecodeError):
        return False
    return True


def check(content: bytes) -> None:
    report = judge(content)
    assert is_blocked(report) or reference_accepts(content)


def test_the_seed_is_valid() -> None:
    assert reference_accepts(VALID)
    assert judge(VALID).findings == []


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_changed_bytes(data: st.DataObject) -> None:
    content = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, HEADER_END - 1))] = data.draw(st.integers(0, 255))
    check(bytes(content))


@given(st.integers(0, len(VALID)), st.binary(max_size=20))
@settings(max_examples=200, deadline=None)
def test_cut_and_appended(length: int, tail: bytes) -> None:
    check(VALID[:length] + tail)


@given(st.integers(8, HEADER_END), st.integers(0, 12), st.binary(max_size=12))
@settings(max_examples=300, deadline=None)
def test_spliced_header_with_its_length_put_right(start: int, removed: int, inserted: bytes) -> None:
    header = VALID[8:start] + inserted + VALID[min(start + removed, HEADER_END) : HEADER_END]
    check(len(header).to_bytes(8, "little") + header + VALID[HEADER_END:])


NUMBERS = st.one_of(
    st.integers(-2, 40), st.sampled_from([2**31, 2**32, 2**63 - 1, 2**63, 2**64, 2**64 - 1, 10**25]), st.floats(0, 9)
)
JUNK = st.one_of(st.none(), st.booleans(), NUMBERS, st.text(max_size=5), st.lists(NUMBERS, max_size=3))
ENTRY = st.fixed_dictionaries(
    {
        "dtype": st.one_of(st.sampled_from(["F32", "BF16", "F4", "U8", "F8_E8M0", "X"]), JUNK),
        "shape": st.one_of(st.lists(NUMBERS, max_size=4), JUNK),
        "data_offsets": st.one_of(st.lists(NUMBERS, max_size=3), JUNK),
    },
    optional={"extra": JUNK},
)


@given(
    st.dictionaries(st.one_of(st.text(max_size=6), st.just("__metadata__")), st.one_of(ENTRY, JUNK), max_size=3),
    st.binary(max_size=16),
)
@settings(max_examples=500, deadline=None)
@example({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, bytes(8))
def test_headers_of_any_content(header: dict[str, Any], content: bytes) -> None:
    check(raw_safetensors(header, content))


@given(st.binary(max_size=300))
@settings(max_examples=300, deadline=None)
def test_any_bytes(content: bytes) -> None:
    check(content)


SIZES = st.lists(st.tuples(st.sampled_from(["F32", "BF16", "U8", "F64", "F8_E4M3"]), st.integers(0, 9)), max_size=6)


@given(SIZES)
@settings(max_examples=100, deadline=None)
def test_every_well_made_file_passes(sizes: list[tuple[str, int]]) -> None:
    width = {"F32": 4, "BF16": 2, "U8": 1, "F64": 8, "F8_E4M3": 1}
    ordered = sorted(sizes, key=lambda item: -width[item[0]])
    tensors = {
        f"layer.{number}.part": (dtype, [count], b"\x01" * (count * width[dtype]))
        for number, (dtype, count) in enumerate(ordered)
    }
    content = safetensors_bytes(tensors)
    assert reference_accepts(content)
    assert judge(content).findings == []
