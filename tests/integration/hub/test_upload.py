"""The way in: what the client sends arrives byte for byte, or leaves nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import socket
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import CommitOperationAdd, CommitOperationCopy, CommitOperationDelete
from huggingface_hub.errors import BadRequestError, HfHubHTTPError, RevisionNotFoundError

from registry.blobs import blob_store
from registry.models import Blob, BlobHolding, Checkpoint, Commit, Variant

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


def test_a_folder_comes_back_byte_for_byte(governed, tmp_path: Path) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/model"
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


def test_the_first_upload_may_go_to_a_branch_of_its_own(governed, hf, tmp_path: Path) -> None:
    file = write(tmp_path, {"config.json": b"{}"}) / "config.json"
    sent = hf(governed.writer, "upload", f"{governed.name}/fresh", str(file), "--revision", "candidate")
    assert sent.returncode == 0, sent.stderr
    assert "config.json" in governed.writer.api.list_repo_files(f"{governed.name}/fresh", revision="candidate")


def test_copy_within_and_between_repositories_of_one_organization(governed) -> None:
    api, one, two = governed.writer.api, f"{governed.name}/one", f"{governed.name}/two"
    content = os.urandom(6000)
    for repo_id in (one, two):
        api.create_repo(repo_id)
    api.upload_file(repo_id=one, path_or_fileobj=content, path_in_repo="a.bin")
    api.create_commit(one, [CommitOperationCopy("a.bin", "b.bin")], commit_message="Copy")
    assert Path(api.hf_hub_download(one, "b.bin")).read_bytes() == content
    sha256 = hashlib.sha256(content).hexdigest()
    assert send_commit(governed.writer, two, lfs("c.bin", sha256, len(content))).status_code == 200
    wrong = send_commit(governed.writer, two, lfs("d.bin", sha256, len(content) + 1))
    assert wrong.status_code == 422


def put(href: str, content: bytes, length: int | None = None, *, cut: bool = False) -> int:
    """Send content to an upload address; with `cut` the connection breaks before the end. Returns the status."""
    address = urlsplit(href)
    with socket.create_connection((address.hostname, address.port), timeout=30) as sock:
        head = (
            f"PUT {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {length or len(content)}\r\n\r\n"
        )
        sock.sendall(head.encode() + content)
        if cut:
            return 0
        return int(sock.recv(65536).split()[1])


def upload_address(lab, repo_id: str, sha256: str, size: int) -> str:
    with lab.writer.http as http:
        sent = {"operation": "upload", "objects": [{"oid": sha256, "size": size}]}
        answer = http.post(f"/{repo_id}.git/info/lfs/objects/batch", json=sent)
    return answer.json()["objects"][0]["actions"]["upload"]["href"]


@pytest.fixture
def large(governed):
    """An empty repository, a content, and where to send it."""
    repo_id, content = f"{governed.name}/large", os.urandom(200_000)
    governed.writer.api.create_repo(repo_id)
    sha256 = hashlib.sha256(content).hexdigest()
    return repo_id, content, sha256, upload_address(governed, repo_id, sha256, len(content))


def left_behind(sha256: str) -> bool:
    incoming = blob_store().incoming
    has_drafts = incoming.is_dir() and any(incoming.iterdir())
    return has_drafts or blob_store().exists(sha256) or BlobHolding.objects.filter(blob_id=sha256).exists()


def test_content_of_another_hash_is_refused_and_leaves_nothing(large) -> None:
    _, content, sha256, href = large
    assert put(href, os.urandom(len(content))) == 422
    assert not left_behind(sha256)
    assert put(href, content) == 200
    assert Blob.objects.get(pk=sha256).size_bytes == len(content)


def test_content_of_another_size_is_refused_and_leaves_nothing(large) -> None:
    _, content, sha256, href = large
    assert put(href, content + b"more") == 422
    assert put(href, content[:-1]) == 422
    assert not left_behind(sha256)


def test_an_interrupted_upload_leaves_nothing(large) -> None:
    _, content, sha256, href = large
    put(href, content[:100_000], len(content), cut=True)
    time.sleep(0.5)
    assert not left_behind(sha256)


def test_an_upload_address_cannot_be_changed_or_used_after_its_token(large, governed) -> None:
    from accounts.services import revoke_token

    _, content, sha256, href = large
    assert put(href[:-2] + "xx", content) == 403
    assert put(href.replace("/uploads/", "/uploads/x"), content) == 403
    revoke_token(token_id=governed.writer.token.pk, user=governed.writer.user)
    assert put(href, content) == 403
    assert not left_behind(sha256)


def test_a_commit_cannot_name_content_that_the_organization_never_sent(large, direct) -> None:
    _, content, sha256, href = large
    assert put(href, content) == 200
    stolen = f"{direct.name}/stolen"
    direct.writer.api.create_repo(stolen)
    refused = send_commit(direct.writer, stolen, lfs("weights.bin", sha256, len(content)))
    assert refused.status_code == 400 and "has not uploaded" in refused.headers["X-Error-Message"]


def header(**more: str) -> dict:
    return {"key": "header", "value": {"summary": "Change", "description": "", **more}}


def lfs(path: str, sha256: str, size: int) -> dict:
    return {"key": "lfsFile", "value": {"path": path, "algo": "sha256", "oid": sha256, "size": size}}


def regular(path: str, content: bytes = b"x") -> dict:
    return {"key": "file", "value": {"content": base64.b64encode(content).decode(), "path": path, "encoding": "base64"}}


def send_commit(who, repo_id: str, *lines: dict, rev: str = "main", first: dict | None = None, **more):
    text = "".join(json.dumps(line) + "\n" for line in (first or header(), *lines))
    with who.http as http:
        return http.post(f"/api/models/{repo_id}/commit/{rev}", content=text.encode(), **more)


BAD_PATHS = [
    *("../up.txt", "/absolute.txt", "a/../../b.txt", "a//b.txt", "./a.txt", "a\\b.txt", ".git/config", "a/.GIT/hooks"),
    *("nul\x00.txt", "line\nbreak.txt", "", "aux.txt", "x" * 300, "back\u202ewards.txt", "C:/x"),
]


@pytest.mark.parametrize("path", BAD_PATHS)
def test_a_path_that_leads_elsewhere_is_refused_early_and_late(governed, path: str) -> None:
    repo_id = f"{governed.name}/paths"
    governed.writer.api.create_repo(repo_id)
    late = send_commit(governed.writer, repo_id, regular("good.txt"), regular(path))
    with governed.writer.http as http:
        files = [{"path": path, "size": 1, "sample": ""}]
        early = http.post(f"/api/models/{repo_id}/preupload/main", json={"files": files})
    assert {late.status_code, early.status_code} <= {400, 422}, (late.text, early.text)
    assert late.json()["error"] and late.headers["X-Error-Message"].isascii()
    assert governed.writer.api.list_repo_files(repo_id) == []


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"no json",
        json.dumps(regular("a.txt")).encode(),
        json.dumps(header()).encode() + b"\n" + json.dumps(header()).encode(),
        json.dumps(header()).encode() + b'\n{"key": "rename", "value": {"path": "a"}}',
        json.dumps(header()).encode() + b'\n{"key": "lfsFile", "value": {"path": "a", "oid": "../../x"}}',
        json.dumps(header()).encode() + b'\n{"key": "file", "value": {"path": "a", "content": "no base64!"}}',
        json.dumps(header(parentCommit="xyz")).encode(),
    ],
)
def test_a_commit_that_is_none_is_refused(governed, text: bytes) -> None:
    repo_id = f"{governed.name}/lines"
    governed.writer.api.create_repo(repo_id)
    with governed.writer.http as http:
        answer = http.post(f"/api/models/{repo_id}/commit/main", content=text)
    assert answer.status_code == 400 and answer.headers["X-Error-Message"]
    assert not Commit.objects.filter(variant__name="lines").exists()


def test_sizes_that_no_file_has_are_refused_before_anything_is_sent(governed) -> None:
    repo_id = f"{governed.name}/sizes"
    governed.writer.api.create_repo(repo_id)
    with governed.writer.http as http:
        for size in (-1, 1 << 60, True, "5", None):
            sent = {"files": [{"path": "a.bin", "sample": "", "size": size}]}
            answer = http.post(f"/api/models/{repo_id}/preupload/main", json=sent)
            assert answer.status_code == 400 and answer.headers["X-Error-Message"], size


def test_a_commit_cut_short_at_the_end_of_a_line_is_refused(governed) -> None:
    repo_id = f"{governed.name}/cut"
    governed.writer.api.create_repo(repo_id)
    address = urlsplit(governed.writer.url)
    text = json.dumps(header()) + "\n" + json.dumps(regular("half.txt")) + "\n"
    bearer = f"Authorization: Bearer {governed.writer.secret}\r\n"
    with socket.create_connection((address.hostname, address.port)) as sock:
        sock.sendall(
            f"POST /api/models/{repo_id}/commit/main HTTP/1.1\r\nHost: {address.netloc}\r\n"
            f"{bearer}Content-Length: {len(text) + 100}\r\n\r\n{text}".encode()
        )
        sock.shutdown(socket.SHUT_WR)
        assert b" 400 " in sock.recv(4096).split(b"\r\n")[0]
    assert not Commit.objects.filter(variant__name="cut").exists()


def test_a_commit_may_be_sent_in_chunks_of_unannounced_number(governed) -> None:
    repo_id = f"{governed.name}/chunks"
    governed.writer.api.create_repo(repo_id)
    content = os.urandom(300_000)

    def pieces():
        text = (json.dumps(header()) + "\n" + json.dumps(regular("a.bin", content)) + "\n").encode()
        yield from (text[at : at + 5000] for at in range(0, len(text), 5000))

    with governed.writer.http as http:
        assert http.post(f"/api/models/{repo_id}/commit/main", content=pieces()).status_code == 200
    assert Path(governed.writer.api.hf_hub_download(repo_id, "a.bin")).read_bytes() == content


def test_a_moved_branch_is_told_and_a_repeated_commit_is_not_made_twice(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/race"
    api.create_repo(repo_id)
    base = api.upload_file(repo_id=repo_id, path_or_fileobj=b"0", path_in_repo="0.txt").oid
    first = header(parentCommit=base)
    delete = {"key": "deletedFile", "value": {"path": "0.txt"}}
    made = send_commit(governed.writer, repo_id, regular("1.txt"), delete, first=first)
    repeated = send_commit(governed.writer, repo_id, regular("1.txt"), delete, first=first)
    assert made.status_code == 200 and made.json() == repeated.json()
    assert send_commit(governed.writer, repo_id, regular("1.txt"), delete).json() == made.json()
    moved = send_commit(governed.writer, repo_id, regular("2.txt"), first=first)
    assert moved.status_code == 412 and "somebody else committed meanwhile" in moved.json()["error"]
    with pytest.raises(HfHubHTTPError) as refused:
        api.create_commit(repo_id, [CommitOperationAdd("3.txt", b"3")], commit_message="x", parent_commit=base)
    assert refused.value.response.status_code == 412


def test_racing_commits_are_all_kept(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/racers"
    api.create_repo(repo_id)
    statuses: list[int] = []

    def race(number: int) -> None:
        statuses.append(send_commit(governed.writer, repo_id, regular(f"{number}.txt")).status_code)

    threads = [threading.Thread(target=race, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 6
    assert sorted(api.list_repo_files(repo_id)) == [f"{number}.txt" for number in range(6)]
    assert len(api.list_repo_commits(repo_id)) == 6


def test_two_writers_on_one_expected_parent_make_one_commit(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/two-writers"
    api.create_repo(repo_id)
    base = api.upload_file(repo_id=repo_id, path_or_fileobj=b"0", path_in_repo="0.txt").oid
    statuses: list[int] = []

    def race(name: str) -> None:
        first = header(parentCommit=base)
        statuses.append(send_commit(governed.writer, repo_id, regular(name), first=first).status_code)

    threads = [threading.Thread(target=race, args=[name]) for name in ("a.txt", "b.txt")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 412]


def test_an_unknown_branch_and_a_file_that_is_gone(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/refused"
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"0", path_in_repo="0.txt")
    with pytest.raises(RevisionNotFoundError):
        api.upload_file(repo_id=repo_id, path_or_fileobj=b"1", path_in_repo="1.txt", revision="nowhere")
    gone = send_commit(governed.writer, repo_id, {"key": "deletedFile", "value": {"path": "none.txt"}})
    assert gone.status_code == 404 and gone.headers["X-Error-Code"] == "EntryNotFound"


def test_a_card_that_cannot_be_read_is_refused_before_the_upload(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/card"
    api.create_repo(repo_id)
    with pytest.raises((ValueError, BadRequestError), match="metadata"):
        api.upload_file(repo_id=repo_id, path_or_fileobj=b"---\na: [\n---\n", path_in_repo="README.md")
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"---\nlicense: mit\n---\n# Hi", path_in_repo="README.md")
    assert api.model_info(repo_id).card_data["license"] == "mit"
    assert "license:mit" in api.model_info(repo_id).tags


def test_gitignore_and_gitattributes_decide(governed, tmp_path: Path) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/attributes"
    api.create_repo(repo_id)
    files = {".gitattributes": b"*.txt filter=lfs\n", ".gitignore": b"*.log\n", "a.txt": b"a", "b.log": b"b"}
    api.upload_folder(repo_id=repo_id, folder_path=write(tmp_path / "in", files))
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"small", path_in_repo="c.txt")
    entries = {entry.path: entry for entry in api.list_repo_tree(repo_id)}
    assert set(entries) == {".gitattributes", ".gitignore", "a.txt", "c.txt"}
    assert entries["c.txt"].lfs.sha256 == hashlib.sha256(b"small").hexdigest() and entries["a.txt"].lfs is None
