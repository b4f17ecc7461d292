"""What is handed to the disk in pieces of any size stands in the file, and faults of the disk are told."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from registry.writing import BUFFER_BYTES, DiskWriter


@pytest.fixture(params=["disk", "memory"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A new file, on a file system of each kind."""
    shared = Path("/dev/shm")
    if request.param == "memory" and not shared.is_dir():
        pytest.skip("no file system in memory")
    path = (shared if request.param == "memory" else tmp_path) / f"writing-{os.getpid()}"
    path.touch()
    yield path
    path.unlink()


def write(path: Path, blocks: list[bytes]) -> None:
    with path.open("r+b") as opened, DiskWriter(opened.fileno()) as disk:
        for block in blocks:
            disk.write(block)
        disk.finish()


@pytest.mark.parametrize("size", [0, 1, 4095, BUFFER_BYTES - 1, BUFFER_BYTES, BUFFER_BYTES + 1, 4 * BUFFER_BYTES + 99])
@pytest.mark.parametrize("block", [BUFFER_BYTES + 7, 1 << 20, 700_001])
def test_everything_is_written_in_order(file: Path, size: int, block: int) -> None:
    content = os.urandom(size)
    write(file, [content[at : at + block] for at in range(0, size, block)])
    assert file.read_bytes() == content


def test_room_that_was_filled_in_part_is_not_lost(file: Path) -> None:
    with file.open("r+b") as opened, DiskWriter(opened.fileno()) as disk:
        for letter in b"abc":
            room = disk.room()
            room[:2] = bytes([letter, letter])
            disk.advance(1)
        disk.finish()
    assert file.read_bytes() == b"abc"


@pytest.mark.parametrize("size", [10, 3 * BUFFER_BYTES])
def test_a_full_disk_is_told(file: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="No space left"):
        write(file, [bytes(size)])


def test_a_file_system_that_wants_other_alignment_is_given_the_cache(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = os.pwrite, []

    def picky(descriptor: int, part: memoryview, at: int) -> int:
        calls.append(at)
        if len(calls) == 1 and file.parent != Path("/dev/shm"):
            raise OSError(errno.EINVAL, "Invalid argument")
        return real(descriptor, part, at)

    monkeypatch.setattr(os, "pwrite", picky)
    content = os.urandom(2 * BUFFER_BYTES + 5)
    write(file, [content])
    assert file.read_bytes() == content


def test_what_was_begun_and_left_ends_its_thread(file: Path) -> None:
    with pytest.raises(KeyboardInterrupt), file.open("r+b") as opened, DiskWriter(opened.fileno()) as disk:
        disk.write(bytes(2 * BUFFER_BYTES))
        raise KeyboardInterrupt
    assert disk._thread is not None and not disk._thread.is_alive()


@pytest.mark.parametrize("first", [5, BUFFER_BYTES, 4 * BUFFER_BYTES + 777])
def test_what_was_settled_can_be_read_while_more_follows(file: Path, first: int) -> None:
    content = os.urandom(first + BUFFER_BYTES + 99)
    with file.open("r+b") as opened, DiskWriter(opened.fileno()) as disk:
        disk.write(content[:first])
        disk.settle()
        assert file.read_bytes() == content[:first]
        disk.settle()
        disk.write(content[first:])
        disk.settle()
        assert file.read_bytes() == content
        disk.finish()
    assert file.read_bytes() == content
