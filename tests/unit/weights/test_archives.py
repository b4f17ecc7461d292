"""ZIP archives: PyTorch, TorchScript, NumPy; whole ones, and each way to make two readers disagree."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.unit.weights.makers import checks
from weights import FileReport, inspect_file, pickle_file, zip_walk

Inspect = Callable[..., FileReport]

PICKLE = pickle.dumps({"a": 1}, 2)
TORCH = {"m/data.pkl": PICKLE, "m/byteorder": b"little", "m/version": b"3\n"}


def archive(members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as file:
        for name, content in members.items():
            file.writestr(zipfile.ZipInfo(name), content, method)
    return stream.getvalue()


def npy(array: Any, **options: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


def test_a_torch_archive_is_walked(inspect: Inspect) -> None:
    assert checks(inspect(archive(TORCH), "pytorch_model.bin")) == ["PK-FORMAT"]


class Evil:
    def __reduce__(self) -> Any:
        return os.system, ("id",)


@pytest.mark.parametrize(
    ("expected", "members"),
    [
        (["PK-EXEC"], TORCH | {"m/data.pkl": pickle.dumps(Evil(), 2)}),
        (["PK-ZIP", "PK-EXEC"], TORCH | {"m/extra.pkl": pickle.dumps(Evil(), 2)}),
        (["PK-ZIP"], TORCH | {"m/readme": b"x"}),
        (["PK-ZIP"], TORCH | {"n/data.pkl": PICKLE}),
        (["PK-ZIP"], TORCH | {"m/DATA.pkl": PICKLE}),
    ],
)
def test_members_that_do_not_belong(inspect: Inspect, expected: list[str], members: dict[str, bytes]) -> None:
    found = checks(inspect(archive(members), "model.pt"))
    assert found[0] in ("PK-FORMAT", "PK-ZIP")
    assert set(found) == {"PK-FORMAT", *expected}


def test_torchscript_is_blocked(inspect: Inspect) -> None:
    members = TORCH | {"m/constants.pkl": b"\x80\x02).", "m/code/__torch__/x.py": b"def forward(): pass"}
    assert checks(inspect(archive(members), "model.pt")) == ["PK-SCRIPT"]


def test_other_archives_are_looked_into_and_blocked(inspect: Inspect) -> None:
    assert checks(inspect(archive({"a.txt": b"x"}), "a.zip")) == ["PK-WRAP"]
    found = checks(inspect(archive({"a.pkl": pickle.dumps(Evil(), 2)}), "a.zip"))
    assert found == ["PK-WRAP", "PK-EXEC"]
    assert checks(inspect(archive({}), "a.zip")) == ["PK-WRAP"]


def test_an_oversized_pickle_is_not_walked(inspect: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("weights.zip_file.PICKLE_LIMIT_BYTES", 3)
    assert checks(inspect(archive(TORCH), "model.pt")) == ["PK-FORMAT", "PK-COST"]
    assert pickle_file.PICKLE_LIMIT_BYTES == 32 << 20


def spoil(content: bytes, old: bytes, new: bytes, count: int = 1) -> bytes:
    assert old in content
    return content.replace(old, new, count)


BASE = archive(TORCH)
END = BASE.rindex(b"PK\x05\x06")
CENTRAL = BASE.index(b"PK\x01\x02")
FIRST_DATA = BASE.index(PICKLE)


def patched(place: int, content: bytes, base: bytes = BASE) -> bytes:
    return base[:place] + content + base[place + len(content) :]


HOSTILE = {
    "cut": BASE[:-1],
    "short": BASE[:15] + b"",
    "comment": BASE[:-2] + b"\x02\x00hi",
    "tail": BASE + b"PK\x05\x06",
    "prefix": b"PK\x03\x04" + BASE,
    "two disks": patched(END + 4, b"\x01\x00"),
    "count": patched(END + 8, b"\x02\x00\x02\x00"),
    "counts differ": patched(END + 8, b"\x02\x00"),
    "directory place": patched(END + 16, b"\x00\x00\x00\x00"),
    "directory mark": patched(CENTRAL, b"XX"),
    "local mark": patched(BASE.index(b"PK\x03\x04", 4), b"PK\x03\x05"),
    "other local name": patched(30, b"M"),
    "other method": patched(8, b"\x08\x00"),
    "encrypted": patched(CENTRAL + 8, b"\x01\x00", patched(6, b"\x01\x00")),
    "unknown method": patched(CENTRAL + 10, b"\x0c\x00", patched(8, b"\x0c\x00")),
    "stored sizes differ": patched(CENTRAL + 24, struct.pack("<L", 3)),
    "local size": patched(18, struct.pack("<L", 3)),
    "wrong checksum": patched(FIRST_DATA + 4, b"\x77"),
    "entry comment": patched(CENTRAL + 32, b"\x01\x00"),
    "wide without field": patched(CENTRAL + 20, b"\xff\xff\xff\xff" * 2),
    "header elsewhere": patched(CENTRAL + 42, b"\x01\x00\x00\x00"),
    "descriptor missing": patched(CENTRAL + 8, b"\x08\x00", patched(6, b"\x08\x00")),
    "name beyond": patched(CENTRAL + 28, b"\xff\xff"),
    "names twice": archive({"m/data.pkl": PICKLE, "m/data.pkq": PICKLE}).replace(b"m/data.pkq", b"m/data.pkl"),
    "name climbs": archive({"../data.pkl": PICKLE}),
    "name is no text": archive({"m/data.pkl": PICKLE}).replace(b"m/data.pkl", b"m/data.pk\xff"),
    "size beyond": patched(CENTRAL + 20, b"\xff\xff\xff\x7f" * 2),
    "extra too long": patched(CENTRAL + 30, b"\x04\x00"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_ambiguous_archive_is_blocked(inspect: Inspect, name: str) -> None:
    assert "PK-ZIP" in checks(inspect(HOSTILE[name], "model.pt")), name


@pytest.mark.parametrize("cut", range(0, len(BASE), 7))
def test_no_cut_crashes_the_reader(inspect: Inspect, cut: int) -> None:
    assert inspect(BASE[:cut] + BASE[cut + 3 :], "model.pt").findings


def test_gap_between_members(inspect: Inspect) -> None:
    content = BASE[:CENTRAL] + b"gap" + BASE[CENTRAL:END] + BASE[END : END + 16]
    content += struct.pack("<LH", CENTRAL + 3, 0)
    assert "PK-ZIP" in checks(inspect(content, "model.pt"))


def wide(content: bytes) -> bytes:
    """The same archive with a 64-bit end record, as PyTorch writes it."""
    end = content.rindex(b"PK\x05\x06")
    count, _, length, start = struct.unpack("<2H2L", content[end + 8 : end + 20])
    record = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, length, start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, end, 1)
    return content[:end] + record + locator + content[end:]


def test_a_64_bit_end_record_is_read(inspect: Inspect) -> None:
    content = wide(BASE)
    assert checks(inspect(content, "model.pt")) == ["PK-FORMAT"]
    place = content.index(b"PK\x06\x06")
    for spoiled in (
        patched(place, b"XX", content),
        patched(place + 4, b"\x2d", content),
        patched(content.index(b"PK\x06\x07") + 8, b"\x01", content),
        patched(content.index(b"PK\x06\x07") + 4, b"\x01", content),
    ):
        assert "PK-ZIP" in checks(inspect(spoiled, "model.pt"))


def test_a_64_bit_end_record_that_is_missing(inspect: Inspect) -> None:
    assert "PK-ZIP" in checks(inspect(b"PK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2), "model.pt"))
    content = b"PK\x03\x04" + bytes(100) + BASE[:END] + b"PK\x05\x06" + bytes(4) + b"\xff" * 12 + bytes(2)
    assert "PK-ZIP" in checks(inspect(content, "x.pt"))


def with_descriptors(content: bytes, wide_sizes: bool) -> bytes:
    """One member, sizes behind its data, as a streaming writer makes it."""
    name = b"m/data.pkl"
    crc = struct.unpack("<L", archive({"m/data.pkl": content})[14:18])[0]
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 0, 0x808, 0, 0, 0, 0, 0, 0, len(name), 0) + name + content
    form = "<4sL2Q" if wide_sizes else "<4s3L"
    local += struct.pack(form, b"PK\x07\x08", crc, len(content), len(content))
    extra = struct.pack("<2H3Q", 1, 24, len(content), len(content), 0) if wide_sizes else b""
    size = 0xFFFFFFFF if wide_sizes else len(content)
    central = struct.pack(
        "<4s6H3L5H2L",
        *(b"PK\x01\x02", 0, 0, 0x808, 0, 0, 0, crc, size, size, len(name), len(extra), 0, 0, 0, 0),
        size if wide_sizes else 0,
    )
    central += name + extra
    return local + central + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1, 1, len(central), len(local), 0)


@pytest.mark.parametrize("wide_sizes", [False, True])
def test_sizes_behind_the_data_are_read(inspect: Inspect, wide_sizes: bool) -> None:
    content = with_descriptors(PICKLE, wide_sizes)
    assert checks(inspect(content, "model.pt")) == ["PK-FORMAT"]
    assert "PK-ZIP" in checks(inspect(content.replace(b"PK\x07\x08", b"PK\x07\x09"), "model.pt"))
    assert "PK-ZIP" in checks(inspect(patched(14, b"\x01\x02\x03\x04", content), "model.pt"))


ARRAYS = {"w": np.linspace(1, 2, 900_000, dtype="<f4").reshape(900, 1000), "n": np.arange(5), "h": np.ones(3, ">f4")}


@pytest.mark.parametrize("saver", [np.savez, np.savez_compressed])
def test_arrays_in_an_archive_are_walked(inspect: Inspect, saver: Any) -> None:
    stream = io.BytesIO()
    saver(stream, **ARRAYS)
    report = inspect(stream.getvalue(), "weights.npz")
    assert checks(report) == ["NP-FORMAT"]
    found = {tensor.name: (tensor.dtype, tensor.shape, tensor.low, tensor.high) for tensor in report.tensors}
    assert found["w"] == ("F32", (900, 1000), 1.0, 2.0)
    assert found["n"] == ("I64", (5,), 0, 4)
    assert found["h"][0] == "U8"


@pytest.mark.parametrize(
    ("expected", "member"),
    [
        ("NP-OBJECT", npy(np.array([None]), allow_pickle=True)),
        ("NP-HEADER", b"junk" * 10),
        ("NP-HEADER", npy(np.ones(4)) + b"x"),
        ("WV-NAN", npy(np.full((3, 3), np.nan))),
    ],
)
def test_bad_arrays_in_an_archive(inspect: Inspect, expected: str, member: bytes) -> None:
    assert expected in checks(inspect(archive({"a.npy": member}), "weights.npz"))


def test_an_array_with_a_wrong_checksum(inspect: Inspect) -> None:
    content = archive({"a.npy": npy(np.ones((64, 64)))})
    assert "PK-ZIP" in checks(inspect(patched(1000, b"\x01\x02", content), "weights.npz"))


def deflated(payload: bytes, claimed: int | None = None) -> bytes:
    content = archive({"a.npy": payload}, zipfile.ZIP_DEFLATED)
    if claimed is not None:
        central = content.index(b"PK\x01\x02")
        content = patched(22, struct.pack("<L", claimed), content)
        content = patched(central + 24, struct.pack("<L", claimed), content)
    return content


@pytest.mark.parametrize("claimed", [10, 3_000_000_000])
def test_compressed_members_may_not_lie_about_their_size(inspect: Inspect, claimed: int) -> None:
    assert "PK-ZIP" in checks(inspect(deflated(npy(np.ones(1000)), claimed), "weights.npz"))


def test_compressed_members_that_are_damaged(inspect: Inspect) -> None:
    content = deflated(npy(np.random.default_rng(1).standard_normal(1000)))
    assert "PK-ZIP" in checks(inspect(patched(60, b"\xff" * 40, content), "weights.npz"))


@pytest.mark.parametrize(
    "array", [np.arange(12.0).reshape(3, 4), np.float16(3), np.zeros((0, 4)), np.asfortranarray(np.eye(3))]
)
def test_single_arrays_are_walked(inspect: Inspect, array: Any) -> None:
    report = inspect(npy(array), "a.npy")
    assert checks(report) == ["NP-FORMAT"]
    assert report.tensors[0].shape == np.shape(array)


def header(text: str, version: int = 1) -> bytes:
    length = struct.pack("<H" if version == 1 else "<L", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode()


@pytest.mark.parametrize(
    ("expected", "content"),
    [
        ("NP-OBJECT", npy(np.array([{}]), allow_pickle=True)),
        ("NP-OBJECT", header("{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,)}") + bytes(8)),
        ("NP-HEADER", b"\x93NUMPY\x09\x00" + bytes(8)),
        ("NP-HEADER", b"\x93NUMPY\x01\x00\xff\xff" + bytes(8)),
        ("NP-HEADER", header("__import__('os')")),
        ("NP-HEADER", header("{")),
        ("NP-HEADER", header("{'descr': '<f4'}", 2)),
        ("NP-HEADER", header("[1]")),
        ("NP-HEADER", header("(" * 3000)),
        ("NP-HEADER", header("{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}") + bytes(4)),
        ("NP-HEADER", header("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}") + bytes(4)),
        ("NP-HEADER", header("{'descr': '<f4', 'fortran_order': False, 'shape': [1]}") + bytes(4)),
        ("NP-HEADER", header("{'descr': '<f3', 'fortran_order': False, 'shape': (1,)}") + bytes(4)),
        ("NP-HEADER", header("{'descr': '<U4', 'fortran_order': False, 'shape': (1,)}") + bytes(16)),
        ("NP-HEADER", header("{'descr': ('<f4',), 'fortran_order': False, 'shape': (1,)}") + bytes(4)),
        ("NP-HEADER", header("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}") + bytes(4)),
        ("NP-HEADER", header("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}") + bytes(4)),
    ],
)
def test_bad_arrays(inspect: Inspect, expected: str, content: bytes) -> None:
    assert checks(inspect(content, "a.npy")) == [expected]


def rebuilt(local: bytes, central: bytes, count: int = 1, place: int | None = None) -> bytes:
    """An archive of ready-made parts."""
    start = len(local) if place is None else place
    return local + central + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(central), start, 0)


def parts(content: bytes) -> tuple[bytes, bytes]:
    """Members and directory of an archive."""
    central, end = content.index(b"PK\x01\x02"), content.rindex(b"PK\x05\x06")
    return content[:central], content[central:end]


ONE = archive({"m/data.pkl": PICKLE})


def test_the_directory_must_have_just_its_entries(inspect: Inspect) -> None:
    local, central = parts(ONE)
    assert checks(inspect(rebuilt(local, central), "m.pt")) == ["PK-FORMAT"]
    for spoiled in (
        rebuilt(local, central + b"rest"),
        rebuilt(local, central, 2),
        rebuilt(local, central[:20]),
        rebuilt(local[:20], central[:42] + struct.pack("<L", 0) + central[46:]),
        rebuilt(b"PK\x03\x04", central),
        rebuilt(local, patched(42, struct.pack("<L", 9), central)),
    ):
        assert "PK-ZIP" in checks(inspect(spoiled, "m.pt"))


def test_extra_fields_of_other_kinds_are_skipped(inspect: Inspect) -> None:
    local, central = parts(ONE)
    extra = struct.pack("<2H4s", 0x4246, 4, b"ZZZZ")
    longer = central[:30] + struct.pack("<H", len(extra)) + central[32:] + extra
    assert checks(inspect(rebuilt(local, longer), "m.pt")) == ["PK-FORMAT"]


def test_compressed_data_must_end_where_it_says(inspect: Inspect) -> None:
    local, central = parts(deflated(npy(np.ones(1000))))
    packed = struct.unpack("<L", local[18:22])[0]
    grown = struct.pack("<L", packed + 3)
    content = rebuilt(patched(18, grown, local) + b"abc", patched(20, grown, central))
    assert "PK-ZIP" in checks(inspect(content, "weights.npz"))


def test_sizes_behind_the_data_that_lie_beyond_the_end(inspect: Inspect) -> None:
    content = with_descriptors(PICKLE, wide_sizes=False)
    local, central = parts(content)
    assert "PK-ZIP" in checks(inspect(rebuilt(local[:-16], central), "m.pt"))


@pytest.mark.parametrize("flags", [0, 8])
def test_members_that_reach_into_the_directory(inspect: Inspect, flags: int) -> None:
    name, count = b"m/data.pkl", 2
    total = 30 + len(name) + count * (46 + len(name)) + 22
    size = total - 30 - len(name) - 10
    local = struct.pack("<4s5H3L2H", b"PK\x03\x04", 0, flags, 0, 0, 0, 7, size, size, len(name), 0) + name
    central = b"".join(
        struct.pack("<4s6H3L5H2L", b"PK\x01\x02", 0, 0, flags, 0, 0, 0, 7, size, size, len(name), 0, 0, 0, 0, 0, place)
        + name[:-1]
        + letter
        for place, letter in ((0, b"l"), (total - 10, b"m"))
    )
    content = rebuilt(local, central, count)
    assert len(content) == total
    assert "PK-ZIP" in checks(inspect(content, "m.pt"))


def test_reading_beyond_a_chunk(inspect: Inspect, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zip_walk, "CHUNK_BYTES", 1001)
    stream = io.BytesIO()
    np.savez_compressed(stream, w=np.arange(5000.0))
    report = inspect(stream.getvalue(), "w.npz")
    assert (report.tensors[0].low, report.tensors[0].high) == (0.0, 4999.0)


@pytest.mark.torch
@pytest.mark.parametrize("new_format", [True, False])
def test_what_torch_saves_is_walked_clean(tmp_path: Path, new_format: bool) -> None:
    torch = pytest.importorskip("torch")
    state = torch.nn.Linear(3, 4).state_dict() | {
        "half": torch.ones(3, dtype=torch.bfloat16),
        "scale": torch.tensor(2.0),
    }
    torch.save(state, tmp_path / "m.bin", _use_new_zipfile_serialization=new_format)
    assert checks(inspect_file(tmp_path / "m.bin", "pytorch_model.bin")) == ["PK-FORMAT"]
    torch.save(torch.nn.Linear(2, 2), tmp_path / "m.bin", _use_new_zipfile_serialization=new_format)
    assert "PK-EXEC" in checks(inspect_file(tmp_path / "m.bin", "pytorch_model.bin"))
