"""Files and folders of a revision."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import EntryNotFoundError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile, RepoFolder

FILES = {
    "top.txt": b"top",
    "large.bin": bytes(range(256)) * 40,
    "a/one.txt": b"1",
    "a/b/two.txt": b"2",
    "a/b/c/three.txt": b"",
    "b c/d#e.txt": b"odd",
}


@pytest.fixture
def tree(owner, repo) -> str:
    """A repository with folders."""
    operations = [CommitOperationAdd(path, content) for path, content in FILES.items()]
    owner.api.create_commit(repo, operations, commit_message="Files")
    return repo


def test_list_repo_files_names_every_file(owner, tree) -> None:
    assert sorted(owner.api.list_repo_files(tree)) == sorted([".gitattributes", *FILES])


def test_list_repo_files_at_a_revision(owner, tree) -> None:
    first = owner.api.list_repo_commits(tree)[-1].commit_id
    assert owner.api.list_repo_files(tree, revision=first) == [".gitattributes"]


def test_list_repo_tree_stays_at_one_level(owner, tree) -> None:
    found = {entry.path: type(entry) for entry in owner.api.list_repo_tree(tree)}
    assert found == {
        ".gitattributes": RepoFile, "top.txt": RepoFile, "large.bin": RepoFile, "a": RepoFolder, "b c": RepoFolder,
    }  # fmt: skip


def test_list_repo_tree_goes_deep(owner, tree) -> None:
    found = [entry.path for entry in owner.api.list_repo_tree(tree, recursive=True)]
    assert set(found) == {".gitattributes", *FILES, "a", "a/b", "a/b/c", "b c"}
    assert len(found) == len(set(found))


def test_list_repo_tree_of_a_folder(owner, tree) -> None:
    assert {entry.path for entry in owner.api.list_repo_tree(tree, "a")} == {"a/one.txt", "a/b"}
    assert {entry.path for entry in owner.api.list_repo_tree(tree, "a/b", recursive=True)} == {
        "a/b/two.txt", "a/b/c", "a/b/c/three.txt",
    }  # fmt: skip


def test_list_repo_tree_of_a_folder_with_an_odd_name(owner, tree) -> None:
    assert [entry.path for entry in owner.api.list_repo_tree(tree, "b c")] == ["b c/d#e.txt"]


def test_entries_carry_size_and_hashes(owner, tree) -> None:
    found = {entry.path: entry for entry in owner.api.list_repo_tree(tree)}
    top, large = found["top.txt"], found["large.bin"]
    assert (top.size, top.blob_id, top.lfs) == (3, hashlib.sha1(b"blob 3\0top").hexdigest(), None)
    content = FILES["large.bin"]
    assert (large.size, large.lfs.sha256, large.lfs.size) == (
        len(content), hashlib.sha256(content).hexdigest(), len(content),
    )  # fmt: skip
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{large.lfs.sha256}\nsize {large.size}\n".encode()
    assert large.blob_id == hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest()
    assert large.lfs.pointer_size == len(pointer)


def test_folders_carry_gits_id(owner, tree) -> None:
    """What `git` computes for the same folder."""
    found = {entry.path: entry for entry in owner.api.list_repo_tree(tree, recursive=True)}
    blob = bytes.fromhex(hashlib.sha1(b"blob 0\0").hexdigest())
    body = b"100644 three.txt\0" + blob
    assert found["a/b/c"].tree_id == hashlib.sha1(b"tree %d\0" % len(body) + body).hexdigest()


def test_expanded_entries_carry_their_last_commit(owner, tree) -> None:
    first = owner.api.list_repo_commits(tree)[0]
    second = owner.api.upload_file(repo_id=tree, path_or_fileobj=b"new", path_in_repo="a/one.txt", commit_message="New")
    found = {entry.path: entry for entry in owner.api.list_repo_tree(tree, recursive=True, expand=True)}
    assert found["a/one.txt"].last_commit.oid == found["a"].last_commit.oid == second.oid
    assert (found["top.txt"].last_commit.oid, found["top.txt"].last_commit.title) == (first.commit_id, "Files")
    assert found["a/one.txt"].last_commit.date.tzinfo


def test_expanded_entries_carry_a_security_status(owner, tree) -> None:
    found = {entry.path: entry for entry in owner.api.list_repo_tree(tree, expand=True)}
    assert found["large.bin"].security is not None and not found["large.bin"].security.safe


def test_long_trees_come_in_pages(owner, repo) -> None:
    operations = [CommitOperationAdd(f"many/{number:04}.txt", b"x") for number in range(2300)]
    owner.api.create_commit(repo, operations, commit_message="Many")
    found = [entry.path for entry in owner.api.list_repo_tree(repo, "many")]
    assert len(found) == 2300 and all(one < two for one, two in pairwise(found))
    expanded = [entry.path for entry in owner.api.list_repo_tree(repo, "many", expand=True)]
    assert expanded == found


def test_a_missing_folder_is_an_entry_not_found(owner, tree) -> None:
    for path in ("none", "top.txt/x", "A"):
        with pytest.raises(EntryNotFoundError):
            list(owner.api.list_repo_tree(tree, path))


def test_a_missing_revision_is_a_revision_not_found(owner, tree) -> None:
    with pytest.raises(RevisionNotFoundError):
        list(owner.api.list_repo_tree(tree, revision="nowhere"))


def test_a_missing_repository_is_a_repository_not_found(owner, tree) -> None:
    with pytest.raises(RepositoryNotFoundError):
        list(owner.api.list_repo_tree(f"{tree}-none"))


def test_paths_info_tells_files_and_folders(owner, tree) -> None:
    found = owner.api.get_paths_info(tree, ["top.txt", "a/b", "b c/d#e.txt"])
    assert {entry.path: type(entry) for entry in found} == {
        "top.txt": RepoFile, "a/b": RepoFolder, "b c/d#e.txt": RepoFile,
    }  # fmt: skip


def test_paths_info_of_one_path(owner, tree) -> None:
    (found,) = owner.api.get_paths_info(tree, "large.bin")
    assert found.lfs.size == found.size == len(FILES["large.bin"])


def test_paths_info_leaves_missing_paths_out(owner, tree) -> None:
    assert [entry.path for entry in owner.api.get_paths_info(tree, ["none", "top.txt"])] == ["top.txt"]


def test_paths_info_expands(owner, tree) -> None:
    (found,) = owner.api.get_paths_info(tree, ["top.txt"], expand=True)
    assert found.last_commit.title == "Files"


def test_paths_info_at_a_missing_revision(owner, tree) -> None:
    with pytest.raises(RevisionNotFoundError):
        owner.api.get_paths_info(tree, ["top.txt"], revision="nowhere")


def test_paths_info_of_many_paths(owner, tree) -> None:
    paths = ["top.txt", *(f"none/{number}.txt" for number in range(1500))]
    assert [entry.path for entry in owner.api.get_paths_info(tree, paths)] == ["top.txt"]


def test_lfs_files_are_listed(owner, tree) -> None:
    (large,) = owner.api.list_lfs_files(tree)
    assert (large.filename, large.size) == ("large.bin", len(FILES["large.bin"]))
    assert large.oid == hashlib.sha256(FILES["large.bin"]).hexdigest()
