"""Downloads: whole and in parts, into cache and folders, again and after breaks."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from huggingface_hub import CommitOperationAdd, constants, get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.errors import (
    EntryNotFoundError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tests.conformance.breaking import breaking_proxy
from tests.conformance.world import GOVERNED

pytestmark = pytest.mark.transfers
LARGE, SMALL = os.urandom(300_000), b"small text\n"


@pytest.fixture(scope="module")
def stored(world) -> str:
    """A repository with a large and a small file, a folder and a tag."""
    from tests.conformance.conftest import numbers
    from tests.conformance.world import DIRECT

    api = world.person(f"{DIRECT}-owner").api
    repo = api.create_repo(f"{DIRECT}/down-{next(numbers)}", private=False).repo_id
    files = {"large.bin": LARGE, "small.txt": SMALL, "a/b c/ä.json": b"{}", "a/d.txt": b"d", "empty.txt": b""}
    api.create_commit(
        repo, [CommitOperationAdd(name, content) for name, content in files.items()], commit_message="Files"
    )
    api.create_tag(repo, tag="v1")
    return repo


def test_a_file_comes_into_the_cache(stranger, stored) -> None:
    place = Path(stranger.api.hf_hub_download(stored, "large.bin"))
    assert place.read_bytes() == LARGE and constants.HF_HUB_CACHE in str(place)
    assert place.resolve().name == hashlib.sha256(LARGE).hexdigest()
    assert place.parent.name == stranger.api.model_info(stored).sha


def test_a_small_file_is_kept_under_gits_id(stranger, stored) -> None:
    place = Path(stranger.api.hf_hub_download(stored, "small.txt"))
    assert place.resolve().name == hashlib.sha1(b"blob %d\0" % len(SMALL) + SMALL).hexdigest()


def test_nobody_may_read_what_is_public(nobody, stored) -> None:
    assert Path(nobody.api.hf_hub_download(stored, "small.txt")).read_bytes() == SMALL


def test_a_file_in_a_subfolder(stranger, stored) -> None:
    assert Path(stranger.api.hf_hub_download(stored, "ä.json", subfolder="a/b c")).read_bytes() == b"{}"


def test_an_empty_file(stranger, stored) -> None:
    assert Path(stranger.api.hf_hub_download(stored, "empty.txt")).read_bytes() == b""


def test_into_a_folder_of_ones_own(stranger, stored, tmp_path) -> None:
    place = Path(stranger.api.hf_hub_download(stored, "a/b c/ä.json", local_dir=tmp_path / "own"))
    assert place == tmp_path / "own" / "a/b c/ä.json" and place.read_bytes() == b"{}"


def test_a_file_of_ones_own_is_fetched_again_when_it_changed(owner, repo, tmp_path) -> None:
    for content in (b"first", b"second"):
        owner.api.upload_file(repo_id=repo, path_or_fileobj=content, path_in_repo="a.txt")
        assert Path(owner.api.hf_hub_download(repo, "a.txt", local_dir=tmp_path / "own")).read_bytes() == content


@pytest.mark.parametrize("revision", ["v1", "main", "refs/tags/v1", "refs/heads/main"])
def test_at_a_named_revision(stranger, stored, revision) -> None:
    assert Path(stranger.api.hf_hub_download(stored, "small.txt", revision=revision)).read_bytes() == SMALL


def test_at_a_full_and_a_short_hash(stranger, stored) -> None:
    sha = stranger.api.model_info(stored).sha
    for revision in (sha, sha[:7], sha[:20]):
        assert Path(stranger.api.hf_hub_download(stored, "small.txt", revision=revision)).read_bytes() == SMALL


def test_from_the_cache_without_a_request(stranger, stored, monkeypatch) -> None:
    sha = stranger.api.model_info(stored).sha
    place = stranger.api.hf_hub_download(stored, "small.txt", revision=sha)
    monkeypatch.setattr(stranger.api.__class__, "endpoint", "http://127.0.0.1:9", raising=False)
    assert stranger.api.hf_hub_download(stored, "small.txt", revision=sha) == place


def test_local_files_only(stranger, stored) -> None:
    with pytest.raises(LocalEntryNotFoundError):
        stranger.api.hf_hub_download(stored, "small.txt", local_files_only=True)
    place = stranger.api.hf_hub_download(stored, "small.txt")
    assert stranger.api.hf_hub_download(stored, "small.txt", local_files_only=True) == place


def test_forced_download(stranger, stored) -> None:
    place = Path(stranger.api.hf_hub_download(stored, "small.txt")).resolve()
    place.write_bytes(b"spoiled")
    assert Path(stranger.api.hf_hub_download(stored, "small.txt", force_download=True)).read_bytes() == SMALL


def test_offline_reads_the_cache(stranger, stored, monkeypatch) -> None:
    place = stranger.api.hf_hub_download(stored, "small.txt")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert stranger.api.hf_hub_download(stored, "small.txt") == place
    with pytest.raises(LocalEntryNotFoundError):
        stranger.api.hf_hub_download(stored, "large.bin")


def test_a_server_that_is_away_leaves_the_cache(stored, stranger) -> None:
    from huggingface_hub import hf_hub_download

    place = stranger.api.hf_hub_download(stored, "small.txt")
    assert hf_hub_download(stored, "small.txt", endpoint="http://127.0.0.1:9", token=False) == place


def test_an_absence_is_remembered(stranger, stored) -> None:
    with pytest.raises(EntryNotFoundError):
        stranger.api.hf_hub_download(stored, "none.json")
    from huggingface_hub.file_download import _CACHED_NO_EXIST

    sha = stranger.api.model_info(stored).sha
    assert try_to_load_from_cache(stored, "none.json", revision=sha) is _CACHED_NO_EXIST


def test_metadata_of_a_file(stranger, stored, world) -> None:
    url = hf_hub_url(stored, "large.bin", endpoint=world.url)
    said = stranger.api.get_hf_file_metadata(url=url)
    assert (said.size, said.etag) == (len(LARGE), hashlib.sha256(LARGE).hexdigest())
    assert said.commit_hash == stranger.api.model_info(stored).sha


def test_metadata_of_a_small_and_an_empty_file(nobody, stored, world) -> None:
    for name, content in (("small.txt", SMALL), ("empty.txt", b"")):
        said = get_hf_file_metadata(hf_hub_url(stored, name, endpoint=world.url), token=False)
        assert (said.size, said.etag) == (len(content), hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest())


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=299990-", 299_990, 299_999),
        ("bytes=-7", 299_993, 299_999),
    ],
)
def test_ranges(stranger, stored, header, first, last) -> None:
    with stranger.http as http:
        got = http.get(f"/{stored}/resolve/main/large.bin", headers={"range": header})
    assert (got.status_code, got.content) == (206, LARGE[first : last + 1])
    assert got.headers["content-range"] == f"bytes {first}-{last}/{len(LARGE)}"
    assert int(got.headers["content-length"]) == last - first + 1


def test_head_and_get_say_the_same(stranger, stored) -> None:
    with stranger.http as http:
        head, got = (http.request(method, f"/{stored}/resolve/main/large.bin") for method in ("HEAD", "GET"))
    told = ("content-length", "etag", "x-repo-commit", "accept-ranges", "content-disposition", "x-linked-etag")
    assert [head.headers[name] for name in told] == [got.headers[name] for name in told]
    assert head.content == b"" and "content-encoding" not in got.headers


def test_resume_after_a_broken_connection(owner, repo, tmp_path) -> None:
    content = os.urandom(11 << 20)
    owner.api.upload_file(repo_id=repo, path_or_fileobj=content, path_in_repo="a.bin")
    with breaking_proxy(owner.url, after=10_600_000) as proxy:
        from huggingface_hub import hf_hub_download

        place = hf_hub_download(repo, "a.bin", endpoint=proxy.url, token=owner.token, local_dir=tmp_path / "own")
    assert Path(place).read_bytes() == content
    assert any(b"range: bytes=" in head.lower() for head in proxy.heads)


def test_a_snapshot_holds_every_file(stranger, stored) -> None:
    folder = Path(stranger.api.snapshot_download(stored))
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {".gitattributes", "large.bin", "small.txt", "a/b c/ä.json", "a/d.txt", "empty.txt"}
    assert folder.name == stranger.api.model_info(stored).sha


def test_a_snapshot_by_patterns(stranger, stored) -> None:
    folder = Path(stranger.api.snapshot_download(stored, allow_patterns=["a/*", "*.txt"], ignore_patterns="empty*"))
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names == {"small.txt", "a/b c/ä.json", "a/d.txt"}


@pytest.mark.parametrize("kind", ["tag", "full", "short"])
def test_a_snapshot_at_a_revision(stranger, stored, kind) -> None:
    sha = stranger.api.model_info(stored).sha
    revision = {"tag": "v1", "full": sha, "short": sha[:9]}[kind]
    folder = Path(stranger.api.snapshot_download(stored, revision=revision, allow_patterns="a/*"))
    assert folder.name == sha and (folder / "a/d.txt").read_bytes() == b"d"


def test_a_snapshot_into_a_folder(stranger, stored, tmp_path) -> None:
    folder = Path(stranger.api.snapshot_download(stored, local_dir=tmp_path / "own", max_workers=2))
    assert (folder / "large.bin").read_bytes() == LARGE


def test_a_dry_run_downloads_nothing(stranger, stored) -> None:
    planned = stranger.api.snapshot_download(stored, dry_run=True)
    assert {info.filename: info.file_size for info in planned}["large.bin"] == len(LARGE)
    assert all(info.will_download for info in planned)


def test_what_is_missing(stranger, stored) -> None:
    with pytest.raises(EntryNotFoundError):
        stranger.api.hf_hub_download(stored, "none.txt")
    with pytest.raises(EntryNotFoundError):
        stranger.api.hf_hub_download(stored, "a")
    with pytest.raises(RevisionNotFoundError):
        stranger.api.hf_hub_download(stored, "small.txt", revision="nowhere")
    with pytest.raises(RepositoryNotFoundError):
        stranger.api.hf_hub_download(f"{stored}-none", "small.txt")
    with pytest.raises(RevisionNotFoundError):
        stranger.api.snapshot_download(stored, revision="nowhere")
    with pytest.raises(RepositoryNotFoundError):
        stranger.api.snapshot_download(f"{stored}-none")


def test_downloads_are_counted(stranger, owner, repo) -> None:
    owner.api.upload_file(repo_id=repo, path_or_fileobj=b"{}", path_in_repo="config.json")
    stranger.api.hf_hub_download(repo, "config.json")
    assert owner.api.model_info(repo).downloads == 1


def test_outsiders_download_what_is_served_of_a_governed_model(stranger, nobody) -> None:
    for who in (stranger, nobody):
        assert Path(who.api.hf_hub_download(f"{GOVERNED}/served", "folder/notes.txt")).read_bytes().startswith(b"Notes")
        with pytest.raises(EntryNotFoundError):
            who.api.hf_hub_download(f"{GOVERNED}/served", "secret.txt")


def test_the_cache_can_be_scanned_and_verified(stranger, stored) -> None:
    from huggingface_hub import scan_cache_dir

    stranger.api.snapshot_download(stored)
    (found,) = scan_cache_dir(constants.HF_HUB_CACHE).repos
    assert found.repo_id == stored and found.nb_files == 6
    assert not stranger.api.verify_repo_checksums(stored).mismatches
