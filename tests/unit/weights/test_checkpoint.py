"""Whole folders and single files through the public doors."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file

from tests.unit.weights.makers import bf16, checks, f32, raw_safetensors, safetensors_bytes, write_healthy
from weights import FileReport, Report, inspect_file, inspect_folder, join, manifest_digest
from weights.checkpoint import BIG_BYTES, HUGE_BYTES, _about_the_file
from weights.formats import Kind, recognize

Inspect = Callable[..., FileReport]


@pytest.mark.parametrize("shards", [1, 2, 3])
def test_a_healthy_release_has_no_finding(tmp_path: Path, shards: int) -> None:
    report = inspect_folder(write_healthy(tmp_path / "r", shards))
    assert checks(report) == []
    assert report.verdict == "pass"
    assert report.tensors == 2 * shards + 1
    assert report.parameters == shards * (64 * 32 + 32) + 3200


def test_the_report_is_what_joined_file_reports_say(release: Path) -> None:
    report = inspect_folder(release)
    stored = [
        json.dumps(inspect_file(place, place.relative_to(release).as_posix()).to_json())
        for place in release.rglob("*")
        if place.is_file()
    ]
    joined = join([FileReport.from_json(json.loads(text)) for text in stored])
    assert joined.manifest_digest == report.manifest_digest == manifest_digest(report.manifest)
    assert joined.findings == report.findings
    assert (joined.tensors, joined.parameters, joined.bytes) == (report.tensors, report.parameters, report.bytes)
    assert joined.seconds > 0


def test_report_round_trip(release: Path) -> None:
    (release / "model-00002-of-00002.safetensors").unlink()
    report = inspect_folder(release)
    again = Report.from_json(json.loads(report.dumps()))
    assert again == Report.from_json(again.to_json())
    assert (again.verdict, again.findings) == ("block", report.findings)


def test_digests_are_those_of_the_bytes(inspect: Inspect) -> None:
    content = safetensors_bytes({"a": bf16(700, 1000), "b": f32([1.0, 2.0])})
    seen: list[int] = []
    report = inspect(content, progress=seen.append, git_sha1=True)
    assert report.sha256 == hashlib.sha256(content).hexdigest()
    assert report.git_sha1 == hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    assert seen == sorted(seen)
    assert seen[-1] == len(content) == report.size_bytes
    assert report.findings == []


def test_tensor_digest_survives_renaming_and_resharding(inspect: Inspect) -> None:
    one = inspect(safetensors_bytes({"a": bf16(8, 8, seed=1), "b": bf16(8, 8, seed=2)}))
    two = inspect(safetensors_bytes({"z": bf16(8, 8, seed=2)}))
    assert one.tensors[1].digest == two.tensors[0].digest != one.tensors[0].digest


def test_tensor_digest_depends_on_the_type(inspect: Inspect) -> None:
    _, shape, content = bf16(8, 8)
    digests = {
        inspect(safetensors_bytes({"a": (dtype, shape, content)})).tensors[0].digest for dtype in ("BF16", "F16")
    }
    assert len(digests) == 2


def test_records_agree_with_the_reference_loader(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    tensors = {f"t{n}": f32(rng.standard_normal((n + 1, 300 * n + 1))) for n in range(40)}
    (tmp_path / "m.safetensors").write_bytes(safetensors_bytes(tensors))
    loaded = load_file(tmp_path / "m.safetensors")
    report = inspect_file(tmp_path / "m.safetensors", "m.safetensors")
    assert {record.name: (record.shape, record.low, record.high) for record in report.tensors} == {
        name: (array.shape, float(array.min()), float(array.max())) for name, array in loaded.items()
    }


def test_a_stream_is_read_like_a_file(tmp_path: Path) -> None:
    content = safetensors_bytes({"a": bf16(900, 900)})
    (tmp_path / "f").write_bytes(content)
    from_stream = inspect_file(lambda: io.BytesIO(content), "model.safetensors", len(content))
    from_disk = inspect_file(tmp_path / "f", "model.safetensors", len(content))
    assert from_stream.tensors == from_disk.tensors
    assert from_stream.sha256 == from_disk.sha256


def test_a_stream_needs_its_size() -> None:
    with pytest.raises(ValueError, match="size"):
        inspect_file(lambda: io.BytesIO(b""), "a")


def test_a_source_shorter_than_promised_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"abc")
    with pytest.raises(OSError, match="3 bytes"):
        inspect_file(tmp_path / "f", "a", 4)
    with pytest.raises(OSError, match="no bytes"):
        inspect_file(lambda: io.BytesIO(b"abc"), "a", 5)
    with pytest.raises(OSError, match="ended"):
        inspect_file(lambda: io.BytesIO(b"a" * 5000), "a", 6000)


def test_progress_may_stop_the_work(inspect: Inspect) -> None:
    class StoppedError(Exception):
        pass

    def stop(done: int) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        inspect(b"hello", "README.md", progress=stop)


def test_a_file_written_to_meanwhile_is_blocked(tmp_path: Path) -> None:
    place = tmp_path / "f"
    place.write_bytes(b"a" * 3_000_000)

    def touch(done: int) -> None:
        os.utime(place, ns=(done, done))

    assert checks(inspect_file(place, "notes.txt", progress=touch)) == ["FS-CHANGED"]


@pytest.mark.parametrize(
    ("check", "values", "name"),
    [
        ("WV-NAN", [[1.0, float("nan")]] * 2, "model.w.weight"),
        ("WV-INF", [[1.0, float("-inf")]] * 2, "model.w.weight"),
        ("WV-ZERO", [[0.0] * 4] * 4, "model.w.weight"),
        ("WV-CONST", [[0.5] * 4] * 4, "model.w.weight"),
    ],
)
def test_values_are_judged(inspect: Inspect, check: str, values: Any, name: str) -> None:
    report = inspect(safetensors_bytes({name: f32(values)}))
    assert checks(report) == [check]
    assert report.findings[0].tensor == name


def test_the_place_of_the_first_bad_value_is_given(inspect: Inspect) -> None:
    content = safetensors_bytes({"a": f32([1.0] * 16), "b": f32([1.0, 2.0, float("nan")])})
    (finding,) = inspect(content).findings
    assert np.isnan(np.frombuffer(content[finding.offset :][:4], "<f4")[0])


@pytest.mark.parametrize("name", ["norm.weight", "attn.bias", "rotary.inv_freq", "w.input_scale"])
def test_buffers_may_be_zero_or_constant(inspect: Inspect, name: str) -> None:
    assert inspect(safetensors_bytes({name: f32([[0.0] * 4] * 4)})).findings == []


def test_vectors_may_be_zero_or_constant(inspect: Inspect) -> None:
    assert inspect(safetensors_bytes({"a.weight": f32([[1.0] * 64]), "b.weight": f32([0.0] * 9)})).findings == []


def test_a_long_run_of_zeros_in_a_matrix_is_flagged(inspect: Inspect) -> None:
    values = np.random.default_rng(1).standard_normal((64, 64))
    values[10:27] = 0
    report = inspect(safetensors_bytes({"w.weight": f32(values)}))
    assert checks(report) == ["WV-ZERO"]
    assert report.findings[0].message.startswith("26 %")


def test_quantized_weights_may_not_be_all_zero(inspect: Inspect) -> None:
    zeros = ("I32", [8, 8], bytes(256))
    assert checks(inspect(safetensors_bytes({"q.qweight": zeros, "q.qzeros": zeros, "q.other": zeros}))) == ["WV-ZERO"]
    assert checks(inspect(safetensors_bytes({"q.weight": ("F4", [8, 8], bytes(32))}))) == ["WV-ZERO"]


def layers(arrays: list[Any]) -> bytes:
    return safetensors_bytes({f"model.layers.{n}.w.weight": f32(array) for n, array in enumerate(arrays)})


def test_a_layer_out_of_range_is_flagged(inspect: Inspect) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((8, 8)) for _ in range(5)]
    assert checks(join([inspect(layers(arrays))])) == []
    arrays[3] = arrays[3] * 10_000
    report = join([inspect(layers(arrays))])
    assert [(finding.check, finding.tensor) for finding in report.findings] == [("WV-RANGE", "model.layers.3.w.weight")]


def test_equal_layers_are_flagged(inspect: Inspect) -> None:
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((64, 64)) for _ in range(3)]
    arrays[2] = arrays[0]
    report = join([inspect(layers(arrays))])
    assert [(finding.check, finding.tensor) for finding in report.findings] == [("WV-DUP", "model.layers.2.w.weight")]


def test_a_model_mostly_zero_is_blocked(inspect: Inspect) -> None:
    report = join([inspect(safetensors_bytes({"a": f32([0.0] * 3), "b": f32([1.0])}))])
    assert checks(report) == ["WV-EMPTY-MODEL"]


@pytest.mark.parametrize(
    ("expected", "path", "content"),
    [
        (["FM-EMPTY"], "model.safetensors", b""),
        (["FM-EMPTY"], "config.json", b""),
        ([], "pkg/__init__.py", b""),
        ([], ".gitkeep", b""),
        (["FM-POINTER"], "model.safetensors", b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"),
        (["FM-PAGE"], "model.safetensors", b"<!DOCTYPE html><html><body>Sign in</body></html>"),
        (["FM-PAGE"], "config.json", b"\n<html>"),
        ([], "report.html", b"<html></html>"),
        (["FM-MISNAMED"], "model.safetensors", b"Access to this model is restricted."),
        (["PK-FORMAT", "PK-HIDDEN", "FM-MISNAMED"], "model.safetensors", b"\x80\x02]q\x00."),
        (["PK-ZIP", "PK-WRAP", "FM-MISNAMED"], "model.safetensors", b"PK\x03\x04" + bytes(30)),
        (["FM-MISNAMED", "FM-EXECUTABLE"], "model.safetensors", b"\x7fELF" + bytes(60)),
        (["ST-HEADER"], "model.safetensors", b"\x08\0\0\0"),
        (["ST-HEADER"], "model.safetensors", bytes(64)),
        (["FM-MISNAMED"], "config.json", safetensors_bytes({})),
        (["FM-MISNAMED"], "weights.bin", safetensors_bytes({})),
        (["PK-FORMAT"], "pytorch_model.bin", b"\x80\x02]q\x00."),
        (["PK-WRAP", "PK-WRAP"], "notes.txt.gz", b"\x1f\x8b\x08\xff" + bytes(20)),
        (["PK-FORMAT", "PK-HIDDEN", "FM-MISNAMED"], "README.md", b"\x80\x04]."),
        (["FM-EXECUTABLE"], "run", b"MZ" + bytes(100) + b"PE\0\0"),
        (["FM-EXECUTABLE"], "a.pyc", b"\xa7\r\r\n\0\0\0\0rest"),
        (["FM-UNKNOWN"], "thing", b"\x01\x02\0\x03"),
        (["FM-UNKNOWN"], "thing", b"a" * 5000 + b"\0"),
        (["FM-UNKNOWN"], "thing", b"\xe4\x01\x02"),
        (["FM-UNKNOWN"], "thing.txt", b"\xe4\x01\x02"),
        (["FM-ENCODING"], "LICENSE", b"\xa9 1999 Jos\xe9"),
        (["CC-CODE"], "modeling_x.py", b"import torch\n"),
        (["CC-CODE"], "run", b"#!/bin/sh\nls\n"),
        (["CT-JSON"], "config.json", b"{'a': 1}"),
        (["CT-JSON"], "config.json", b'{"a": 1, "a": 2}'),
        (["CT-JSON"], "config.json", b'\xef\xbb\xbf{"a": 1}'),
        (["CT-NONFINITE"], "config.json", b'{"a": [NaN, -Infinity, 1.5]}'),
        ([], "card.png", b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\xaeB`\x82"),
        (["FM-POLYGLOT"], "card.png", b"\x89PNG\r\n\x1a\n....IEND\xaeB`\x82tail"),
        (
            ["FM-POLYGLOT"],
            "model.safetensors",
            safetensors_bytes({"a": ("U8", [26], b"data" + b"PK\x05\x06" + bytes(18))}),
        ),
        ([], "model.safetensors", safetensors_bytes({"a": ("U8", [27], b"data" + b"PK\x05\x06" + bytes(19))})),
        (["FM-POLYGLOT"], "card.jpg", b"\xff\xd8\xff..PK\x05\x06" + bytes(18)),
        ([], "card.webp", b"RIFF\4\0\0\0WEBP"),
        (["PK-WRAP"], "weights.tar", b"x" + bytes(256) + b"ustar\0" + bytes(249)),
        (["FS-NAME"], "../README.md", b"x"),
    ],
)
def test_files_are_judged_by_their_content(inspect: Inspect, expected: list[str], path: str, content: bytes) -> None:
    assert checks(inspect(content, path)) == expected


def test_a_broken_header_leaves_the_digest_right(inspect: Inspect) -> None:
    content = raw_safetensors({"a": 1}, b"rest" * 1_000_000)
    report = inspect(content)
    assert checks(report) == ["ST-JSON"]
    assert report.sha256 == hashlib.sha256(content).hexdigest()


def test_large_text_is_not_taken_into_memory() -> None:
    size = (48 << 20) + 1

    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            return b"a" * size

        def seek(self, offset: int, whence: int = 0) -> int:
            return offset

    report = inspect_file(lambda: Endless(), "x.txt", size)  # type: ignore[arg-type, return-value]
    assert checks(report) == ["FM-TEXT-SIZE"]


def test_large_json_is_kept_only_where_it_is_needed(inspect: Inspect) -> None:
    content = json.dumps({"weight_map": {str(number): "a" * 50 for number in range(30_000)}}).encode()
    assert inspect(content, "other.json").content is None
    assert inspect(content, "model.safetensors.index.json").content is not None


def test_numbers_that_json_lacks_are_stored_as_words(inspect: Inspect) -> None:
    assert inspect(b'{"a": [NaN, -Infinity, 1.5]}', "c.json").content == {"a": ["nan", "-inf", 1.5]}


def test_sizes_beyond_the_hub_are_flagged() -> None:
    assert [finding.check for finding in _about_the_file("a", BIG_BYTES + 1)] == ["FS-BIG"]
    assert [finding.check for finding in _about_the_file("a", HUGE_BYTES + 1)] == ["FS-HUGE"]


def test_too_many_files_are_flagged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weights.checkpoint.FILES_LIMIT", 3)
    report = join(FileReport(f"f{n}", 0, "0" * 64, Kind.EMPTY) for n in range(4))
    assert checks(report) == ["FS-COUNT"]


def test_a_header_length_may_look_like_any_magic_number() -> None:
    size = int.from_bytes(b"\x80\x02\0\0\0\0\0\0", "little")
    assert recognize(b"\x80\x02\0\0\0\0\0\0" + b'{"', size + 8, "x") is Kind.SAFETENSORS
