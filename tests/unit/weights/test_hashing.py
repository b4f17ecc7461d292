"""Hashing files of every awkward size and kind."""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path

import pytest

from weights import hash_file
from weights.hashing import STEP_BYTES, HashingReader
from weights.sources import NotAFileError, PathSource, StreamSource, open_source, read_at


@pytest.mark.parametrize("size", [0, 1, STEP_BYTES - 1, STEP_BYTES, STEP_BYTES + 1, 3 * STEP_BYTES + 5])
def test_hash_file(tmp_path: Path, size: int) -> None:
    content = os.urandom(size)
    (tmp_path / "f").write_bytes(content)
    seen: list[int] = []
    digests = hash_file(tmp_path / "f", progress=seen.append, git_sha1=True)
    assert (digests.size_bytes, digests.sha256) == (size, hashlib.sha256(content).hexdigest())
    assert digests.git_sha1 == hashlib.sha1(b"blob %d\0" % size + content).hexdigest()
    assert (seen[-1] if seen else 0) == size
    assert hash_file(lambda: io.BytesIO(content), size_bytes=size).sha256 == digests.sha256
    assert hash_file(tmp_path / "f").git_sha1 is None


def test_hash_file_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x")
    (tmp_path / "link").symlink_to("f")
    with pytest.raises(NotAFileError, match="link"):
        hash_file(tmp_path / "link")


def test_hash_file_does_not_wait_on_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(NotAFileError, match="neither"):
        hash_file(tmp_path / "pipe")
    with pytest.raises(NotAFileError):
        hash_file(tmp_path)


def test_hash_file_of_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        hash_file(tmp_path / "f")


def test_hash_file_notices_a_change(tmp_path: Path) -> None:
    place = tmp_path / "f"
    place.write_bytes(b"x" * 10)
    with pytest.raises(OSError, match="changed"):
        hash_file(place, progress=lambda done: place.write_bytes(b"y" * 11) and None)


def test_a_step_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 10)
    source = PathSource(tmp_path / "f")
    with pytest.raises(ValueError, match="at most 10"):
        HashingReader(source).step(11)
    source.close()


def test_a_stream_that_gives_little_at_a_time() -> None:
    class Slow(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(min(size or 0, 7))

    content = bytes(range(256)) * 4
    assert hash_file(lambda: Slow(content), size_bytes=1024).sha256 == hashlib.sha256(content).hexdigest()
    source = open_source(lambda: Slow(content), 1024)
    assert isinstance(source, StreamSource)
    assert read_at(source, 100, 50) == content[100:150]
    assert read_at(source, 0, 9) == content[:9]
    assert not source.has_changed()
    source.close()
