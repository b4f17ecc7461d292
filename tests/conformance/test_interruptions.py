"""Breaks, kills and races: what was sent is never half there, and trying again is enough."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tests.conformance.breaking import breaking_proxy
from tests.conformance.test_uploads import read, write

pytestmark = pytest.mark.transfers
UPLOAD = (
    "from huggingface_hub import upload_folder; import sys; upload_folder(repo_id=sys.argv[1], folder_path=sys.argv[2])"
)


def test_an_upload_whose_client_is_killed_leaves_nothing_and_can_be_repeated(
    owner, repo, environment, tmp_path
) -> None:
    files = {f"{number}.bin": os.urandom(3_000_000) for number in range(4)}
    folder, seen = write(tmp_path / "in", files), owner.api.model_info(repo).sha
    with breaking_proxy(owner.url, after=1 << 60, times=0) as proxy:
        where = environment(owner) | {"HF_ENDPOINT": proxy.url}
        child = subprocess.Popen(
            [sys.executable, "-c", UPLOAD, repo, str(folder)],
            env=where,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        end = time.monotonic() + 60
        while child.poll() is None and time.monotonic() < end:
            if any(b"PUT /api/hub/uploads" in head or b"POST /api/xet" in head for head in list(proxy.heads)):
                break
            time.sleep(0.005)
        child.send_signal(signal.SIGKILL)
        child.communicate()
    assert owner.api.list_repo_files(repo) == [".gitattributes"] and owner.api.model_info(repo).sha == seen
    owner.api.upload_folder(repo_id=repo, folder_path=folder)
    back = read(owner.api.snapshot_download(repo))
    back.pop(".gitattributes")
    assert back == files


def test_an_upload_over_a_breaking_connection_arrives(owner, repo) -> None:
    content = os.urandom(6 << 20)
    with breaking_proxy(owner.url, after=2 << 20, is_upload=True) as proxy:
        api = HfApi(endpoint=proxy.url, token=owner.token)
        api.upload_file(repo_id=repo, path_or_fileobj=content, path_in_repo="a.bin")
    assert Path(owner.api.hf_hub_download(repo, "a.bin")).read_bytes() == content


def test_a_snapshot_over_a_breaking_connection_arrives(owner, repo, tmp_path) -> None:
    files = {f"{number}.bin": os.urandom(400_000) for number in range(3)}
    owner.api.upload_folder(repo_id=repo, folder_path=write(tmp_path / "in", files))
    with breaking_proxy(owner.url, after=200_000, times=2) as proxy:
        api = HfApi(endpoint=proxy.url, token=owner.token)
        back = read(api.snapshot_download(repo, local_dir=tmp_path / "out"))
    back.pop(".gitattributes")
    assert back == files


def test_folders_of_two_writers_at_once_both_arrive(owner, repo, tmp_path) -> None:
    folders = {
        name: write(tmp_path / name, {f"{name}/{number}.bin": os.urandom(20_000) for number in range(5)})
        for name in ("one", "two")
    }
    faults: list[Exception] = []

    def upload(name: str) -> None:
        try:
            owner.api.upload_folder(repo_id=repo, folder_path=folders[name])
        except HfHubHTTPError as fault:
            faults.append(fault)

    threads = [threading.Thread(target=upload, args=[name]) for name in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    back = read(owner.api.snapshot_download(repo))
    back.pop(".gitattributes")
    assert back == read(folders["one"]) | read(folders["two"])


def test_the_same_large_file_from_two_writers_at_once(owner, repo, new_id) -> None:
    content, repos = os.urandom(3_000_000), [repo, owner.api.create_repo(new_id()).repo_id]
    threads = [
        threading.Thread(
            target=owner.api.upload_file,
            kwargs={"repo_id": name, "path_or_fileobj": content, "path_in_repo": "a.bin"},
        )
        for name in repos
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in repos:
        assert Path(owner.api.hf_hub_download(name, "a.bin")).read_bytes() == content


def test_readers_during_commits_see_whole_commits(owner, repo) -> None:
    """Two files that are always written together are never read apart."""
    from huggingface_hub import CommitOperationAdd

    seen, is_over = [], threading.Event()

    def read_on() -> None:
        while not is_over.is_set():
            sha = owner.api.model_info(repo).sha
            names = owner.api.list_repo_files(repo, revision=sha)
            seen.append([name for name in names if name.startswith("pair-")])

    thread = threading.Thread(target=read_on)
    thread.start()
    for number in range(6):
        pair = [CommitOperationAdd(f"pair-{number}-{side}.txt", b"x") for side in ("a", "b")]
        owner.api.create_commit(repo, pair, commit_message=f"Pair {number}")
    is_over.set()
    thread.join()
    assert seen and all(len(names) % 2 == 0 for names in seen)
