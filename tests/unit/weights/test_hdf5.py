"""HDF5: what the library writes is followed, what does not hold together is blocked."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.corpus.graph_cases import hdf5
from weights import FileReport, Severity, inspect_file
from weights.hdf5_checksum import checksum

OLD = hdf5({"model_config": "{}"})
NEW = hdf5({"model_config": "{}"}, libver="latest")


def inspected(content: bytes) -> FileReport:
    return inspect_file(lambda: io.BytesIO(content), "model.h5", len(content))


def blocks(content: bytes) -> list[str]:
    return [finding.message for finding in inspected(content).findings if finding.severity is Severity.BLOCK]


def is_read(content: bytes) -> bool:
    def read(_: str, item: h5py.Group | h5py.Dataset) -> None:
        dict(item.attrs)
        if isinstance(item, h5py.Dataset):
            item[()]

    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            dict(file.attrs)
            file.visititems(read)
    except Exception:  # the library raises OSError, RuntimeError, KeyError, TypeError
        return False
    return True


def after(mark: bytes, offset: int, occurrence: int = 0, content: bytes = OLD) -> int:
    place = -1
    for _ in range(occurrence + 1):
        place = content.index(mark, place + 1)
    return place + offset


LAYOUT = OLD.index(bytes([8, 0, 0x18, 0])) + 8
NAME = OLD.index(b"model_config\0")
CHANGED: list[tuple[str, int, int]] = [
    ("flags of the file", 20, 1),
    ("size of nodes", 19, 4),
    ("an extension", 34, 239),
    ("kind of the root group", 72, 4),
    ("the root group's own copy of its tree", 80, 0x90),
    ("neighbor of a node", after(b"TREE", 8), 7),
    ("key of a node", after(b"TREE", 24), 8),
    ("first name of a group, which must be empty", after(b"HEAP", 32, 1), 172),
    ("length of a name", NAME + 12, 65),
    ("encoding of a text", NAME + 18, 9),
    ("what a text consists of", NAME + 24, 0),
    ("version of a heap", after(b"GCOL", 4), 2),
    ("what is left in a heap", after(b"GCOL", 0) + 16 + 16 + 8 + 8, 234),
    ("version of a fill value", after(bytes([5, 0, 8, 0]), 8), 10),
    ("size of a fill value", after(bytes([5, 0, 8, 0]), 14), 1),
    ("flags of a message", after(bytes([5, 0, 8, 0]), 4), 33),
    ("type of a message", after(bytes([5, 0, 8, 0]), 0), 2),
    ("layout of an array", LAYOUT - 8, 0),
    ("length of a message", LAYOUT - 6, 28),
    ("the only message of a group", after(bytes([0x11, 0, 0x10, 0]), 0), 0),
]


@pytest.mark.parametrize(("what", "place", "value"), CHANGED, ids=[what for what, _, _ in CHANGED])
def test_what_does_not_hold_together_is_blocked(what: str, place: int, value: int) -> None:
    content = OLD[:place] + bytes([value]) + OLD[place + 1 :]
    assert content != OLD
    assert blocks(content), what


@pytest.mark.parametrize("mark", [b"\x89HDF", b"OHDR"])
def test_newer_parts_have_their_checksum(mark: bytes) -> None:
    assert not blocks(NEW)
    place = after(mark, 30, content=NEW)
    changed = NEW[:place] + bytes([NEW[place] ^ 1]) + NEW[place + 1 :]
    assert not is_read(changed)
    assert blocks(changed)


def test_checksums() -> None:
    assert checksum(b"") == 0xDEADBEEF
    assert checksum(b"Four score and seven years ago") == 0x17770551


def small(file: h5py.File) -> None:
    file.attrs["names"] = [b"dense_1", b"dense_2"]
    file.create_dataset("w", data=np.ones((2, 2), "<f4"), fillvalue=0.5)


def wide(file: h5py.File) -> None:
    for number in range(40):
        group = file.create_group(f"layers/layer_{number * 7919 % 1000}")
        group.attrs["weight_names"] = [b"kernel:0"]
        group.create_dataset("kernel:0", data=np.full((3, 2), number + 0.5, "<f8"))
    for name in list(file["layers"])[::3]:
        del file[f"layers/{name}"]


@pytest.mark.parametrize("version", ["earliest", "latest"])
@pytest.mark.parametrize("fill", [small, wide])
def test_what_the_library_writes_is_followed(tmp_path: Path, fill: Callable[[h5py.File], None], version: str) -> None:
    place = tmp_path / "model.h5"
    with h5py.File(place, "w", libver=version) as file:
        fill(file)
    with h5py.File(place, "a") as file:
        file.create_dataset("later", data=np.arange(5))
        file.attrs["more"] = "text"
    found = blocks(place.read_bytes())
    # Links of large groups are in a heap there, which is not followed.
    assert found == [] or (version == "latest" and fill is wide and "heap" in found[0])
