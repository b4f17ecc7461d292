"""The fast ways through many small tensors say what the slow ways say."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from tests.unit.weights.makers import bf16, raw_safetensors, safetensors_bytes
from weights.equal_tensors import EqualTensors
from weights.plain_header import read_plain
from weights.safetensors_header import DTYPE_BITS, TensorEntry, parse_header
from weights.tensor_names import form_of, forms_of, those
from weights.tensor_values import SMALL_RUN
from weights.tensor_walk import TensorWalk

ENTRY = {"dtype": "BF16", "shape": [2, 3], "data_offsets": [0, 12]}


def header_of(content: bytes) -> bytes:
    return content[8 : 8 + int.from_bytes(content[:8], "little")]


@pytest.mark.parametrize("separators", [(",", ":"), (", ", ": ")])
@pytest.mark.parametrize("metadata", [None, {}, {"format": "pt", "total size": "12, 3"}])
def test_a_usual_header_is_read_as_the_strict_reader_reads_it(
    separators: tuple[str, str], metadata: dict[str, str] | None
) -> None:
    document = {} if metadata is None else {"__metadata__": metadata}
    document |= {"model.layers.0.w": ENTRY, "b": {"dtype": "F32", "shape": [], "data_offsets": [12, 16]}}
    content = json.dumps(document, separators=separators).encode()
    content += b" " * (-len(content) % 8)
    plain = read_plain(content, DTYPE_BITS, 8 + len(content))
    assert plain is not None
    assert plain[0] == (metadata or {})
    header = parse_header(content, 8 + len(content) + 16, "m.safetensors")
    assert header.is_sound
    assert header.metadata == (metadata or {})
    assert header.tensors == list(zip(*plain[1], strict=True))


def text_of(**changed: object) -> str:
    return json.dumps({"a.b": ENTRY | changed}, separators=(",", ":"))


PLAIN_TEXT = text_of()


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        "[]",
        PLAIN_TEXT[:-1] + ",}",
        PLAIN_TEXT + "x",
        PLAIN_TEXT + "\n",
        PLAIN_TEXT.replace("12", "012"),
        PLAIN_TEXT.replace("12", "-12"),
        PLAIN_TEXT.replace("12", "12.0"),
        PLAIN_TEXT.replace("12", "9" * 30),
        PLAIN_TEXT.replace("a.b", "a/b"),
        PLAIN_TEXT.replace("a.b", "..b"),
        PLAIN_TEXT.replace("a.b", "a b"),
        PLAIN_TEXT.replace("a.b", "\\u0061"),
        PLAIN_TEXT.replace("a.b", "ä"),
        PLAIN_TEXT.replace("a.b", "__metadata__"),
        PLAIN_TEXT.replace("a.b", "x" * 600),
        text_of(extra=1),
        text_of(dtype="BF17"),
        text_of(shape=[2, 4]),
        text_of(shape=[1] * 65 + [6]),
        text_of(data_offsets=[1, 13]),
        "{" + PLAIN_TEXT[1:-1] + "," + PLAIN_TEXT[1:],
        '{"__metadata__":{"a":"b","a":"c"},' + PLAIN_TEXT[1:],
        '{"__metadata__":{"a":1},' + PLAIN_TEXT[1:],
        '{"__metadata__":{"a":"' + "x" * 200_000 + '"},' + PLAIN_TEXT[1:],
    ],
)
def test_whatever_is_unusual_is_left_to_the_strict_reader(text: str) -> None:
    assert read_plain(PLAIN_TEXT.encode(), DTYPE_BITS, 64) is not None
    assert read_plain(text.encode(), DTYPE_BITS, 64) is None


@pytest.mark.parametrize("dtype", ["BF16", "F16", "F32", "F8_E4M3", "F8_E5M2"])
def test_tables_of_tensors_are_summarized_as_each_alone(dtype: str) -> None:
    random = np.random.default_rng(5)
    rows = random.standard_normal((9, 700)).astype("<f4") * 0.02
    rows[1, :600] = 0
    rows[2] = np.abs(rows[2])
    rows[3] = -np.abs(rows[3])
    rows[4, 5], rows[5, 6], rows[6, 7] = np.nan, np.inf, -np.inf
    rows[7] = 1
    rows[8, 100] = 0
    with np.errstate(all="ignore"):
        halves = rows.astype("<f2").view("<u2")
    codes = {
        "F32": rows,
        "F16": halves,
        "BF16": (rows.view("<u4") >> 16).astype("<u2"),
        "F8_E5M2": (halves >> 8).astype("<u1"),
        "F8_E4M3": (halves >> 8 & 0x80 | np.minimum(halves & 0x7FFF, 0x3F80) >> 7).astype("<u1"),
    }[dtype]
    table = np.ascontiguousarray(codes).view(np.uint8).reshape(9, -1)
    equal = EqualTensors(dtype, 700)
    taken = [
        is_taken
        for rows, shape in ((table[:1], (1, 700)), (table[1:4], (1, 700)), (table[4:], (700,)))
        for is_taken in equal.take(rows, [shape] * len(rows)) or [True] * len(rows)
    ]
    found = equal.summaries()
    said = 0
    for place, is_taken in enumerate(taken):
        walk = TensorWalk(TensorEntry("x", dtype, (1, 700) if place < 4 else (700,), 0, table.shape[1]), is_light=True)
        walk.update(memoryview(table[place].tobytes()))
        alone, _ = walk.finish("m")
        assert is_taken == (not alone.nans and not alone.infinities and alone.zeros * SMALL_RUN < 700)
        if not is_taken:
            continue
        low, high, zeros, mean, rms, sample, is_ordinary = (column[said] for column in found)
        said += 1
        assert (low, high, zeros, sample) == (alone.low, alone.high, alone.zeros, alone.sample)
        assert mean == pytest.approx(alone.mean)
        assert rms == pytest.approx(alone.rms)
        assert is_ordinary == (low != high)


def test_many_tensors_of_one_shape_are_told_apart(inspect: object) -> None:
    made = {f"model.layers.{number}.w.weight": bf16(64, 32, seed=number) for number in range(1030)}
    broken = bytearray(made["model.layers.1028.w.weight"][2])
    broken[100:102] = b"\xc0\x7f"
    made["model.layers.1028.w.weight"] = ("BF16", [64, 32], bytes(broken))
    report = inspect(safetensors_bytes(made))  # type: ignore[operator]
    assert [(finding.check, finding.tensor) for finding in report.findings] == [
        ("WV-NAN", "model.layers.1028.w.weight")
    ]
    assert len({record.digest for record in report.tensors}) == 1030
    alone = inspect(safetensors_bytes({"x": made["model.layers.1029.w.weight"]}))  # type: ignore[operator]
    (record,) = alone.tensors
    last = report.tensors[-1]
    assert (last.digest, last.low, last.high, last.zeros) == (record.digest, record.low, record.high, record.zeros)


def test_a_header_of_another_order_is_read_the_slow_way() -> None:
    entry = {"data_offsets": [0, 12], "shape": [2, 3], "dtype": "BF16"}
    content = header_of(raw_safetensors({"a": entry}))
    assert read_plain(content, DTYPE_BITS, 8 + len(content)) is None
    assert parse_header(content, 8 + len(content) + 12, "m.safetensors").is_sound


def test_names_are_asked_by_their_form() -> None:
    names = ["h.12.attn.weight", "h.7.attn.weight", "h.7.exp_avg.weight"]
    assert form_of(names[0]) == "h.00.attn.weight"
    assert those(names, forms_of(names), re.compile("exp_avg")) == names[2:]
