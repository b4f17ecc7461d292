"""The way in: what the client sends arrives byte for byte, or leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationDelete

from registry.models import Checkpoint, Variant

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]

NAMES = {
    "config.json": b'{"architectures": ["A"]}\n',
    "model.safetensors": os.urandom(3_000_000),
    "empty.txt": b"",
    "a folder/with spaces/100% #1 + more.txt": b"spaces\n",
    "unicode/größe 模型.txt": "ä\n".encode(),
    "deep/a/b/c/d/e/f.bin": os.urandom(70_000),
    "question?no.txt".replace("?", "_"): b"x",
    "100%25.txt": b"already encoded\n",
    "a+b&c=d;e.txt": b"signs\n",
}


def write(folder: Path, files: dict[str, bytes]) -> Path:
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".cache" not in path.parts
    }


@pytest.mark.parametrize("kind", ["governed", "direct"])
def test_a_folder_comes_back_byte_for_byte(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    lab = request.getfixturevalue(kind)
    api, repo_id = lab.writer.api, f"{lab.name}/model"
    assert api.create_repo(repo_id).repo_id == repo_id
    made = api.upload_folder(repo_id=repo_id, folder_path=write(tmp_path / "in", NAMES))
    assert made.oid == api.model_info(repo_id).sha
    found = api.snapshot_download(repo_id, local_dir=tmp_path / "out")
    back = read(Path(found))
    back.pop(".gitattributes", None)
    assert back == NAMES
    assert api.model_info(repo_id, revision=made.oid[:9]).sha == made.oid


def test_commit_adds_and_deletes_in_one_step(governed, tmp_path: Path) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/steps"
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"one", path_in_repo="one.txt")
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"deep", path_in_repo="folder/deep.txt")
    api.create_commit(
        repo_id,
        [
            CommitOperationAdd("two.bin", os.urandom(100)),
            CommitOperationDelete("one.txt"),
            CommitOperationDelete("folder/", is_folder=True),
        ],
        commit_message="Change",
    )
    assert sorted(api.list_repo_files(repo_id)) == ["two.bin"]
    assert api.list_repo_commits(repo_id)[0].title == "Change"
    assert Checkpoint.objects.filter(commits__variant=Variant.objects.get(name="steps")).count() == 3
