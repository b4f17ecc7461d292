"""Reading with another process beside this one: the same reports, and its end is told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from tests.unit.weights.makers import safetensors_bytes
from weights import inspect_file, inspect_folder, readers
from weights.reader_process import serve_on
from weights.readers import Forked, Peer, RemoteReader, Started, batches, read_message, write_message

# The runner of tests has a thread that only waits; a copy of it is harmless, but newer Pythons warn.
pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
WEIGHT = ("F32", [8, 32], bytes(range(256)) * 4)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "model"
    root.mkdir()
    (root / "model.safetensors").write_bytes(safetensors_bytes({f"layers.{n}.up.weight": WEIGHT for n in range(4)}))
    (root / "config.json").write_text('{"model_type": "x", "a": [1, null, true], "b": "\\u00e9"}')
    (root / "notes.txt").write_text("AKIA" + "QWERTY7ZXCVBNM23 leaked\n")
    (root / "broken.safetensors").write_bytes(b"\x10")
    return root


@pytest.fixture(params=["forked", "started"])
def peer(request: pytest.FixtureRequest) -> Peer:
    return Forked(serve_on) if request.param == "forked" else Started()


@pytest.mark.parametrize("threads", [1, 2], ids=["forked", "started"])
def test_another_process_reports_what_this_one_does(
    threads: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where other threads run, a copy of this process could find a lock held for ever.
    monkeypatch.setattr("threading.active_count", lambda: threads)
    here = inspect_folder(folder)
    monkeypatch.setattr(readers, "MANY_FILES", 0)
    monkeypatch.setattr(readers, "BATCH_FILES", 1)
    told: list[tuple[int, int]] = []
    apart = inspect_folder(folder, threads=3, progress=lambda _, done, total, __: told.append((done, total)))
    assert apart.to_json() | {"seconds": 0} == here.to_json() | {"seconds": 0}
    assert apart.records == here.records
    assert apart.records[0].sample
    assert all(0 <= done <= total for done, total in told)


def test_records_leave_fingerprints_out_where_nobody_asks(folder: Path) -> None:
    lean = inspect_folder(folder, fingerprints=False)
    assert [record.sample for record in lean.records] == [None] * 4
    assert [record._replace(sample=None) for record in inspect_folder(folder).records] == lean.records


def test_what_another_process_cannot_read_is_an_error_here(folder: Path, peer: Peer) -> None:
    reader = RemoteReader(peer, folder, {"notes.txt": 1, "config.json": 0}, lambda *_: None, fingerprints=True)
    try:
        with pytest.raises(OSError, match="where 1 were expected"):
            reader.read(["notes.txt"])
        with pytest.raises(OSError, match="has ended"):
            reader.read(["config.json"])
    finally:
        reader.close()


def test_the_process_sends_tensors_first_then_the_rest(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weights.reader_process.SENT_AT_ONCE", 3)
    monkeypatch.setattr("weights.reader_process.TELL_EVERY_SECONDS", 0)
    size = (folder / "model.safetensors").stat().st_size
    requests, answers = io.BytesIO(), io.BytesIO()
    write_message(requests, str(folder), False)
    write_message(requests, [("model.safetensors", size)])
    requests.seek(0)
    serve_on(requests, answers)
    answers.seek(0)
    messages = list(iter(lambda: read_message(answers), None))
    assert [kind for kind, _ in messages if kind != "progress"] == ["tensors", "tensors", "report"]
    assert ("progress", size) in messages
    alone = inspect_file(folder / "model.safetensors", "model.safetensors", fingerprints=False)
    assert all(record.sample is None for record in alone.tensors)
    assert [tuple(record) for record in alone.tensors] == [
        r for kind, some in messages if kind == "tensors" for r in some
    ]


def test_a_fault_of_a_parser_is_told_with_its_place(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("weights.reader_process.inspect_file", fail)
    requests, answers = io.BytesIO(), io.BytesIO()
    write_message(requests, str(folder), False)
    write_message(requests, [("notes.txt", 1)])
    requests.seek(0)
    serve_on(requests, answers)
    answers.seek(0)
    message = read_message(answers)
    assert message is not None
    assert message[0] == "broken"
    assert "ZeroDivisionError" in message[1]
    assert read_message(answers) is None


def test_batches_hold_every_file_once_and_large_ones_alone() -> None:
    sizes = {f"small{n}": n for n in range(200)} | {"large": 4 << 30, "middle": 5 << 20, "other": 6 << 20}
    found = list(batches(sizes))
    assert found[:2] == [["large"], ["other"]]
    assert sorted(path for batch in found for path in batch) == sorted(sizes)
    assert max(map(len, found)) <= readers.BATCH_FILES
    assert list(batches({})) == []


def test_files_say_how_many_tensors_they_have(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "LARGE_BYTES", 16)
    monkeypatch.setattr(readers, "MANY_TENSORS", 1000)
    tensors = {f"model.layers.{n}.mlp.experts.0.up_proj.weight": ("U8", [1], b"x") for n in range(120)}
    (tmp_path / "a").write_bytes(safetensors_bytes(tensors))
    (tmp_path / "b").write_bytes(b"GGUF\3\0\0\0" + (9_990).to_bytes(8, "little") + bytes(10_000))
    (tmp_path / "c").write_bytes(b"\xff" * 7 + b"\x7f{" + bytes(20))
    sizes = {name: (tmp_path / name).stat().st_size for name in "abc"}
    assert readers.is_slow_in_python(tmp_path, sizes)
    for others in ("ac", "b"):
        assert not readers.is_slow_in_python(tmp_path, {name: sizes[name] for name in others} | {"gone": 100})
