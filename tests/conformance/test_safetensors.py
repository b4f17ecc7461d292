"""Headers of safetensors files, read over the network by ranges."""

from __future__ import annotations

import json
import struct

import pytest
from huggingface_hub import CommitOperationAdd
from huggingface_hub.errors import NotASafetensorsRepoError

HEADER = {
    "__metadata__": {"format": "pt"},
    "a.weight": {"dtype": "F32", "shape": [4, 2], "data_offsets": [0, 32]},
    "b.weight": {"dtype": "BF16", "shape": [3], "data_offsets": [32, 38]},
}


def packed(header: dict) -> bytes:
    text = json.dumps(header).encode()
    size = max((value["data_offsets"][1] for name, value in header.items() if name != "__metadata__"), default=0)
    return struct.pack("<Q", len(text)) + text + bytes(size)


def test_metadata_of_one_file(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=packed(HEADER), path_in_repo="model.safetensors")
    said = owner.api.get_safetensors_metadata(repo)
    assert said.parameter_count == {"F32": 8, "BF16": 3} and not said.sharded
    assert said.files_metadata["model.safetensors"].tensors["a.weight"].shape == [4, 2]


def test_metadata_of_shards(owner, repo) -> None:
    parts = [{"a": HEADER["a.weight"]}, {"b": {"dtype": "F32", "shape": [5], "data_offsets": [0, 20]}}]
    names = [f"model-0000{number}-of-00002.safetensors" for number in (1, 2)]
    index = {"metadata": {}, "weight_map": {"a": names[0], "b": names[1]}}
    files = {name: packed(part) for name, part in zip(names, parts, strict=True)}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    operations = [CommitOperationAdd(name, content) for name, content in files.items()]
    owner.api.create_commit(repo, operations, commit_message="Shards")
    said = owner.api.get_safetensors_metadata(repo)
    assert said.sharded and said.parameter_count == {"F32": 13} and said.weight_map["b"] == names[1]


def test_metadata_of_a_named_file(owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=packed(HEADER), path_in_repo="sub/x.safetensors")
    assert set(owner.api.parse_safetensors_file_metadata(repo, "sub/x.safetensors").tensors) == {"a.weight", "b.weight"}


def test_a_long_header(owner, repo) -> None:
    header = {
        f"layer.{number}": {"dtype": "U8", "shape": [1], "data_offsets": [number, number + 1]} for number in range(3000)
    }
    owner.api.upload_file(repo_id=repo, path_or_fileobj=packed(header), path_in_repo="model.safetensors")
    assert owner.api.get_safetensors_metadata(repo).parameter_count == {"U8": 3000}


def test_no_safetensors(owner, repo) -> None:
    with pytest.raises(NotASafetensorsRepoError):
        owner.api.get_safetensors_metadata(repo)
