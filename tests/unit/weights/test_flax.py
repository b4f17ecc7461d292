"""Flax weights: what its own library writes is read, array by array, and nothing else passes for it."""

from __future__ import annotations

import io
import tracemalloc

import msgpack
import numpy as np
import pytest

from tests.unit.weights.makers import flax_bytes
from weights import FileReport, Severity, inspect_file

WEIGHTS = {
    "bert": {"embeddings": {"word": np.arange(12, dtype="<f4").reshape(3, 4)}, "pooler": {"bias": np.ones(4, "<f2")}},
    "classifier": {"kernel": np.arange(-4, 4, dtype="i1").reshape(4, 2), "is_used": np.array([True, False])},
}


def report_on(content: bytes, path: str = "flax_model.msgpack") -> FileReport:
    return inspect_file(lambda: io.BytesIO(content), path, len(content))


def test_every_array_is_read_by_its_name() -> None:
    report = report_on(flax_bytes(WEIGHTS))
    assert (report.kind, [finding.check for finding in report.findings]) == ("flax", ["FX-FORMAT"])
    found = {one.name: (one.dtype, one.shape, one.low, one.high) for one in report.tensors}
    assert found == {
        "bert.embeddings.word": ("F32", (3, 4), 0.0, 11.0),
        "bert.pooler.bias": ("F16", (4,), 1.0, 1.0),
        "classifier.kernel": ("I8", (4, 2), -4.0, 3.0),
        "classifier.is_used": ("BOOL", (2,), 0.0, 1.0),
    }


def test_numbers_arrays_in_chunks_and_half_precision_of_brains_are_read() -> None:
    brain = msgpack.ExtType(1, msgpack.packb(([2], "bfloat16", b"\x80\x3f\x00\x40")))
    chunks = {
        "__msgpack_chunked_array__": True,
        "shape": {"0": 4},
        "chunks": {"0": np.ones(2, "<f4"), "1": np.zeros(2)},
    }
    scalar = msgpack.ExtType(3, msgpack.packb(([], "int64", bytes(8))))
    pair = msgpack.ExtType(2, msgpack.packb((1.0, 2.0)))
    content = flax_bytes({"a": brain, "b": chunks, "step": 7, "c": scalar, "d": pair, "e": None, "f": [np.ones(1)]})
    report = report_on(content)
    assert not [finding for finding in report.findings if finding.severity is Severity.BLOCK]
    assert [one.name for one in report.tensors] == ["a", "b.chunks.0", "b.chunks.1", "c", "f.0"]
    assert (report.tensors[0].low, report.tensors[0].high) == (1.0, 2.0)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (flax_bytes(WEIGHTS) + b"\xc0", "1 byte follows the tree"),
        (flax_bytes({"a": np.ones(1), "b": "text"}), "'b' is a text at byte"),
        (flax_bytes({"a": np.ones(1), "b": msgpack.ExtType(5, b"abc")}), "'b' is an extension of type 5"),
        (flax_bytes({"a": np.ones(1)}).replace(b"float64", b"float65"), "holds something else than numbers"),
        (flax_bytes({"a": np.ones(1)}).replace(b"\x91\x01", b"\x91\xff"), "has no shape"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(content: bytes, says: str) -> None:
    [finding] = [finding for finding in report_on(content).findings if finding.severity is Severity.BLOCK]
    assert finding.check == "FX-FORM" and says in finding.message


def test_no_array_comes_into_memory_whole() -> None:
    content = flax_bytes({"w": np.ones(16 << 20, "<f4")})
    tracemalloc.start()
    try:
        report_on(content)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < len(content) / 2
