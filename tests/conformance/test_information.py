"""What is told of one repository."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from huggingface_hub.errors import (
    BadRequestError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.conformance.world import GOVERNED

CARD = b"""---
license: apache-2.0
language: [en, de]
library_name: transformers
pipeline_tag: text-generation
base_model: acme/parent
datasets: [acme/corpus]
tags: [tiny]
---
# Card
"""


@pytest.fixture
def carded(owner, repo) -> str:
    """A repository with a card, a configuration and a large file."""
    from huggingface_hub import CommitOperationAdd

    config = json.dumps({"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 4}).encode()
    owner.api.create_commit(
        repo,
        [
            CommitOperationAdd("README.md", CARD),
            CommitOperationAdd("config.json", config),
            CommitOperationAdd("model.bin", bytes(3000)),
        ],
        commit_message="Everything",
    )
    return repo


def test_info_names_the_repository(owner, repo) -> None:
    info = owner.api.model_info(repo)
    assert (info.id, info.author, info.private, info.disabled, info.gated) == (
        repo, repo.partition("/")[0], False, False, False,
    )  # fmt: skip


def test_info_has_dates_as_the_client_reads_them(owner, repo) -> None:
    info = owner.api.model_info(repo)
    assert info.created_at.tzinfo and info.last_modified >= info.created_at
    assert abs((datetime.now(UTC) - info.created_at).total_seconds()) < 120


def test_last_modified_moves_with_each_commit(owner, repo) -> None:
    before = owner.api.model_info(repo).last_modified
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    assert owner.api.model_info(repo).last_modified > before


def test_sha_is_the_head(owner, repo) -> None:
    made = owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    assert owner.api.model_info(repo).sha == made.oid


def test_info_at_an_earlier_commit(owner, repo) -> None:
    first = owner.api.model_info(repo).sha
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"x", path_in_repo="x.txt")
    info = owner.api.model_info(repo, revision=first)
    assert info.sha == first and [file.rfilename for file in info.siblings] == [".gitattributes"]


def test_siblings_carry_names_alone_unless_more_is_asked(owner, carded) -> None:
    siblings = owner.api.model_info(carded).siblings
    assert [file.rfilename for file in siblings] == [".gitattributes", "README.md", "config.json", "model.bin"]
    assert all(file.size is None and file.blob_id is None and file.lfs is None for file in siblings)


def test_files_metadata_carries_sizes_and_hashes(owner, carded) -> None:
    import hashlib

    files = {file.rfilename: file for file in owner.api.model_info(carded, files_metadata=True).siblings}
    large = files["model.bin"]
    assert (large.size, large.lfs.sha256, large.lfs.size) == (3000, hashlib.sha256(bytes(3000)).hexdigest(), 3000)
    assert files["README.md"].size == len(CARD) and files["README.md"].lfs is None
    assert files["README.md"].blob_id == hashlib.sha1(b"blob %d\0" % len(CARD) + CARD).hexdigest()


def test_the_card_becomes_data_and_tags(owner, carded) -> None:
    info = owner.api.model_info(carded)
    assert info.card_data.license == "apache-2.0" and info.card_data.language == ["en", "de"]
    assert (info.pipeline_tag, info.library_name) == ("text-generation", "transformers")
    wanted = {"tiny", "transformers", "text-generation", "license:apache-2.0", "en", "dataset:acme/corpus"}
    assert wanted | {"base_model:acme/parent"} <= set(info.tags)


def test_the_configuration_is_told(owner, carded) -> None:
    assert owner.api.model_info(carded).config == {"model_type": "llama", "architectures": ["LlamaForCausalLM"]}


def test_security_status_is_told_when_asked(owner, carded) -> None:
    assert owner.api.model_info(carded).security_repo_status is None
    assert owner.api.model_info(carded, securityStatus=True).security_repo_status is not None


@pytest.mark.parametrize(
    "name",
    [
        *("author", "cardData", "config", "createdAt", "disabled", "downloads", "downloadsAllTime", "gated"),
        *("lastModified", "library_name", "likes", "model-index", "pipeline_tag", "private", "sha", "siblings"),
        *("tags", "usedStorage", "trendingScore", "safetensors", "transformersInfo", "widgetData", "spaces"),
    ],
)
def test_expand_gives_one_property_and_the_name(owner, carded, name) -> None:
    with owner.http as http:
        shown = http.get(f"/api/models/{carded}", params={"expand": name}).json()
    assert set(shown) <= {"_id", "id", name}
    assert owner.api.model_info(carded, expand=[name]).id == carded


def test_expand_gives_what_it_names_and_nothing_else(owner, carded) -> None:
    info = owner.api.model_info(carded, expand=["sha", "downloads", "tags"])
    assert len(info.sha) == 40 and info.downloads == 0 and "tiny" in info.tags
    assert info.siblings is None and info.created_at is None


def test_expand_of_an_unknown_property_is_a_bad_request(owner, repo) -> None:
    with pytest.raises(BadRequestError):
        owner.api.model_info(repo, expand=["everything"])


def test_repo_info_is_model_info_for_models(owner, repo) -> None:
    assert owner.api.repo_info(repo).id == owner.api.repo_info(repo, repo_type="model").id == repo
    with pytest.raises(RepositoryNotFoundError):
        owner.api.repo_info(repo, repo_type="dataset")


def test_info_of_a_missing_repository(owner, new_id) -> None:
    with pytest.raises(RepositoryNotFoundError):
        owner.api.model_info(new_id())


def test_info_at_a_missing_revision(owner, repo) -> None:
    for revision in ("nowhere", "0" * 40, "refs/heads/none", "main2"):
        with pytest.raises(RevisionNotFoundError):
            owner.api.model_info(repo, revision=revision)


def test_revision_exists(owner, repo) -> None:
    head = owner.api.model_info(repo).sha
    assert owner.api.revision_exists(repo, "main") and owner.api.revision_exists(repo, head)
    assert owner.api.revision_exists(repo, head[:8])
    assert not owner.api.revision_exists(repo, "nowhere")
    assert not owner.api.revision_exists(f"{repo}-none", "main")


def test_file_exists(owner, repo) -> None:
    assert owner.api.file_exists(repo, ".gitattributes")
    assert not owner.api.file_exists(repo, "none.txt")
    assert not owner.api.file_exists(repo, ".gitattributes", revision="nowhere")
    assert not owner.api.file_exists(f"{repo}-none", ".gitattributes")


def test_resolve_revision_names_the_commit(owner, repo) -> None:
    assert owner.api.resolve_revision(repo).resolved == owner.api.model_info(repo).sha
    owner.api.create_tag(repo, tag="v1")
    assert owner.api.resolve_revision(repo, revision="v1").resolved == owner.api.model_info(repo).sha


def test_used_storage_is_the_sum_of_the_files(owner, carded) -> None:
    info = owner.api.model_info(carded, files_metadata=True, expand=None)
    assert info.used_storage == sum(file.size for file in info.siblings)


def test_outsiders_know_the_served_commit_of_a_governed_model(stranger, writer) -> None:
    served = f"{GOVERNED}/served"
    outside, inside = stranger.api.model_info(served), writer.api.model_info(served)
    assert outside.sha != inside.sha
    assert "secret.txt" not in [file.rfilename for file in outside.siblings]
    with pytest.raises(RevisionNotFoundError):
        stranger.api.model_info(served, revision=inside.sha)
    assert outside.created_at == outside.last_modified


def test_a_timeout_may_be_given(owner, repo) -> None:
    assert owner.api.model_info(repo, timeout=20).id == repo


def test_verify_repo_checksums(owner, carded, tmp_path) -> None:
    folder = owner.api.snapshot_download(carded, local_dir=tmp_path / "here")
    found = owner.api.verify_repo_checksums(carded, local_dir=folder)
    assert found.checked_count == 4 and not found.mismatches
    (tmp_path / "here" / "config.json").write_bytes(b"other")
    assert [bad["path"] for bad in owner.api.verify_repo_checksums(carded, local_dir=folder).mismatches] == [
        "config.json"
    ]
