"""A check that fails itself blocks; a disk that fails, or somebody who stops the work, does not."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path

import pytest

from weights import FileReport, Severity, checkpoint, failures, inspect_file, inspect_folder, join

CONTENT = b"some text\n" * 1000


@pytest.fixture(autouse=True)
def as_in_earnest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "FAULTS", failures.FAULTS)


def opened() -> io.BytesIO:
    return io.BytesIO(CONTENT)


@pytest.mark.parametrize("error", [KeyError("x"), RecursionError("deep")])
def test_a_parser_that_fails_blocks_the_file(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(checkpoint, "parse", fail)
    report = inspect_file(opened, "notes.txt", len(CONTENT))
    assert [(f.check, f.severity) for f in report.findings] == [("FM-FAILED", Severity.BLOCK)]
    assert f"{type(error).__name__} in line" in report.findings[0].message
    assert report.sha256 == hashlib.sha256(CONTENT).hexdigest()
    assert FileReport.from_json(json.loads(json.dumps(report.to_json()))).findings == report.findings


def test_a_check_of_all_files_that_fails_leaves_the_others_their_say(
    release: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> list[None]:
        raise TypeError("unhashable type: 'list'")

    (release / "model-00002-of-00002.safetensors").unlink()
    monkeypatch.setattr(checkpoint, "_CHECKS_OF_ALL", (fail, *checkpoint._CHECKS_OF_ALL))
    found = {finding.check: finding for finding in inspect_folder(release).findings}
    assert {"FM-FAILED", "IX-MISSING"} <= found.keys()
    assert found["FM-FAILED"].evidence == "unhashable type: 'list'"


def test_who_stops_the_work_is_heard() -> None:
    def stop(_: int) -> None:
        raise ValueError("canceled")

    with pytest.raises(ValueError, match="canceled"):
        inspect_file(opened, "notes.txt", len(CONTENT), progress=stop)


class Canceled(Exception):
    pass


@pytest.mark.parametrize("error", [Canceled, MemoryError])
def test_what_is_no_fault_of_a_check_goes_on(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise error

    monkeypatch.setattr(checkpoint, "parse", stop)
    with pytest.raises(error):
        inspect_file(opened, "notes.txt", len(CONTENT))


def test_a_closed_stream_is_one_that_cannot_be_read() -> None:
    class Closing(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            content = super().read(size)
            self.close()
            return content

    with pytest.raises(OSError, match="the stream cannot be read"):
        inspect_file(lambda: Closing(CONTENT), "notes.txt", len(CONTENT))


def test_no_files_no_failure() -> None:
    assert [finding.check for finding in join([]).findings] == ["FS-EMPTY"]
