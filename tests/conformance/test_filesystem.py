"""The endpoint as a file system."""

from __future__ import annotations

import os

import pytest
from huggingface_hub import HfFileSystem

pytestmark = pytest.mark.transfers
LARGE = os.urandom(200_000)


@pytest.fixture
def fs(owner) -> HfFileSystem:
    """The client's file system as an owner."""
    return HfFileSystem(endpoint=owner.url, token=owner.token, skip_instance_cache=True)


@pytest.fixture
def files(owner, repo) -> str:
    """A repository with files."""
    from huggingface_hub import CommitOperationAdd

    content = {"a.txt": b"line one\nline two\n", "sub/b.txt": b"b", "sub/deep/c d.txt": b"c", "large.bin": LARGE}
    operations = [CommitOperationAdd(name, data) for name, data in content.items()]
    owner.api.create_commit(repo, operations, commit_message="Files")
    return repo


def test_ls(fs, files) -> None:
    assert set(fs.ls(files, detail=False)) == {
        f"{files}/{name}" for name in (".gitattributes", "a.txt", "sub", "large.bin")
    }
    found = {entry["name"]: entry for entry in fs.ls(files)}
    assert (found[f"{files}/large.bin"]["size"], found[f"{files}/sub"]["type"]) == (len(LARGE), "directory")


def test_glob(fs, files) -> None:
    assert fs.glob(f"{files}/**/*.txt") == [f"{files}/a.txt", f"{files}/sub/b.txt", f"{files}/sub/deep/c d.txt"] or set(
        fs.glob(f"{files}/**/*.txt")
    ) == {f"{files}/a.txt", f"{files}/sub/b.txt", f"{files}/sub/deep/c d.txt"}
    assert fs.glob(f"{files}/*.bin") == [f"{files}/large.bin"]


def test_find_and_walk(fs, files) -> None:
    assert set(fs.find(f"{files}/sub")) == {f"{files}/sub/b.txt", f"{files}/sub/deep/c d.txt"}
    assert [folder for folder, _, _ in fs.walk(f"{files}/sub")] == [f"{files}/sub", f"{files}/sub/deep"]


def test_info(fs, files) -> None:
    said = fs.info(f"{files}/large.bin")
    assert (said["type"], said["size"], said["lfs"]["size"]) == ("file", len(LARGE), len(LARGE))
    assert fs.info(f"{files}/sub")["type"] == "directory"


def test_exists_isfile_isdir(fs, files) -> None:
    assert fs.exists(f"{files}/a.txt") and fs.isfile(f"{files}/a.txt") and not fs.isdir(f"{files}/a.txt")
    assert fs.exists(files) and fs.isdir(f"{files}/sub")
    assert not fs.exists(f"{files}/none") and not fs.exists(f"{files}-none/a.txt")


def test_read_text_and_bytes(fs, files) -> None:
    assert fs.read_text(f"{files}/a.txt") == "line one\nline two\n"
    assert fs.cat(f"{files}/large.bin") == LARGE
    with fs.open(f"{files}/a.txt", "r") as file:
        assert file.readlines() == ["line one\n", "line two\n"]


def test_read_a_range(fs, files) -> None:
    with fs.open(f"{files}/large.bin", "rb", block_size=1000) as file:
        file.seek(150_000)
        assert file.read(10) == LARGE[150_000:150_010]
        file.seek(-5, 2)
        assert file.read() == LARGE[-5:]
    assert fs.cat_file(f"{files}/large.bin", start=7, end=19) == LARGE[7:19]


def test_read_as_a_stream(fs, files) -> None:
    with fs.open(f"{files}/large.bin", "rb", block_size=0) as file:
        assert file.read() == LARGE


def test_write(fs, owner, files) -> None:
    with fs.open(f"{files}/new/written.txt", "w") as file:
        file.write("written")
    assert fs.read_text(f"{files}/new/written.txt") == "written"
    assert owner.api.file_exists(files, "new/written.txt")


def test_write_large(fs, files) -> None:
    with fs.open(f"{files}/written.bin", "wb") as file:
        file.write(LARGE[::-1])
    assert fs.cat(f"{files}/written.bin") == LARGE[::-1]


def test_remove_a_file_and_a_folder(fs, files) -> None:
    fs.rm(f"{files}/a.txt")
    fs.rm(f"{files}/sub", recursive=True)
    assert set(fs.ls(files, detail=False, refresh=True)) == {f"{files}/.gitattributes", f"{files}/large.bin"}


def test_copy_and_move(fs, files) -> None:
    fs.cp_file(f"{files}/large.bin", f"{files}/copy.bin")
    fs.cp_file(f"{files}/a.txt", f"{files}/copy.txt")
    assert fs.cat(f"{files}/copy.bin") == LARGE and fs.read_text(f"{files}/copy.txt").startswith("line one")
    fs.mv(f"{files}/copy.txt", f"{files}/moved.txt")
    assert fs.exists(f"{files}/moved.txt") and not fs.exists(f"{files}/copy.txt")


def test_get_and_put(fs, files, tmp_path) -> None:
    fs.get_file(f"{files}/large.bin", str(tmp_path / "got.bin"))
    assert (tmp_path / "got.bin").read_bytes() == LARGE
    (tmp_path / "put.txt").write_text("put")
    fs.put_file(str(tmp_path / "put.txt"), f"{files}/put.txt")
    assert fs.read_text(f"{files}/put.txt") == "put"


def test_revisions(fs, owner, files) -> None:
    owner.api.create_branch(files, branch="try/one")
    with fs.open(f"{files}@try%2Fone/only here.txt", "w") as file:
        file.write("here")
    assert fs.exists(f"{files}@try%2Fone/only here.txt") and not fs.exists(f"{files}/only here.txt")
    assert fs.read_text(f"{files}/a.txt", revision="try/one").startswith("line one")


def test_modified_and_url(fs, files) -> None:
    assert fs.modified(f"{files}/a.txt").tzinfo
    assert fs.url(f"{files}/sub/deep/c d.txt").endswith("/resolve/main/sub/deep/c%20d.txt")


def test_what_is_missing_is_a_file_not_found(fs, files) -> None:
    for act in (
        lambda: fs.ls(f"{files}/none"),
        lambda: fs.info(f"{files}/none"),
        lambda: fs.open(f"{files}-none/a.txt").read(),
    ):
        with pytest.raises(FileNotFoundError):
            act()
