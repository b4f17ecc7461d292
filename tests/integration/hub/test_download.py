"""The way out: exact bytes and headers, ranges, and a ledger of who read what under which grant."""

from __future__ import annotations

import hashlib
import os
import socket
import socketserver
import threading
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from huggingface_hub import HfApi
from huggingface_hub.errors import RemoteEntryNotFoundError, RevisionNotFoundError

from hub import git
from hub.models import Download
from registry.models import Variant
from tests.integration.hub.people import serve

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]
LARGE = os.urandom(300_000)
SMALL = b'{"a": 1}\n'


@pytest.fixture
def model(governed):
    """A public model with a large and a small file."""
    repo_id = f"{governed.name}/model"
    api = governed.writer.api
    api.create_repo(repo_id)
    for path, content in {
        "model.safetensors": LARGE,
        "config.json": SMALL,
        "empty.txt": b"",
        "a/b c.txt": b"x",
    }.items():
        api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo=path)
    serve(repo_id)
    return repo_id


def test_head_and_get_say_the_same(model: str, governed) -> None:
    with governed.outsider.http as http:
        for path, content, etag in [
            ("model.safetensors", LARGE, hashlib.sha256(LARGE).hexdigest()),
            ("config.json", SMALL, git.blob_id(SMALL)),
            ("empty.txt", b"", git.blob_id(b"")),
        ]:
            head = http.head(f"/{model}/resolve/main/{path}", headers={"accept-encoding": "identity"})
            got = http.get(f"/{model}/resolve/main/{path}")
            assert (head.status_code, got.status_code, head.content, got.content) == (200, 200, b"", content)
            for answer in (head, got):
                assert answer.headers["content-length"] == str(len(content))
                assert answer.headers["etag"] == f'"{etag}"'
                assert len(answer.headers["x-repo-commit"]) == 40
                assert answer.headers["accept-ranges"] == "bytes"
                assert "content-encoding" not in answer.headers
                assert "sandbox" in answer.headers["content-security-policy"]
            assert ("x-linked-size" in head.headers) == (content == LARGE)


@pytest.mark.parametrize(
    ("header", "first", "last"),
    [
        ("bytes=0-", 0, 299_999),
        ("bytes=100-199", 100, 199),
        ("bytes=-10", 299_990, 299_999),
        ("bytes=299999-", 299_999, 299_999),
    ],
)
def test_range(model: str, governed, header: str, first: int, last: int) -> None:
    with governed.outsider.http as http:
        got = http.get(f"/{model}/resolve/main/model.safetensors", headers={"range": header})
    assert got.status_code == 206
    assert got.headers["content-range"] == f"bytes {first}-{last}/{len(LARGE)}"
    assert got.content == LARGE[first : last + 1]


def test_range_behind_the_end_and_stale_range(model: str, governed) -> None:
    with governed.outsider.http as http:
        path = f"/{model}/resolve/main/model.safetensors"
        beyond = http.get(path, headers={"range": f"bytes={len(LARGE)}-"})
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(LARGE)}")
        stale = http.get(path, headers={"range": "bytes=5-", "if-range": '"other"'})
        assert (stale.status_code, stale.content) == (200, LARGE)


def test_a_broken_download_resumes_where_it_stopped(governed, tmp_path: Path) -> None:
    """The client goes on with a range, at the last of its steps of 10 MiB, after its connection broke."""
    content, repo_id = os.urandom(12 << 20), f"{governed.name}/resume"
    governed.writer.api.create_repo(repo_id)
    governed.writer.api.upload_file(repo_id=repo_id, path_or_fileobj=content, path_in_repo="a.bin")
    with breaking_proxy(governed.writer.url, after=11 << 20) as url:
        api = HfApi(endpoint=url, token=governed.writer.secret)
        assert Path(api.hf_hub_download(repo_id, "a.bin", local_dir=tmp_path)).read_bytes() == content
    assert list(Download.objects.order_by("id").values_list("first_byte", flat=True)) == [0, 10 << 20]


@contextmanager
def breaking_proxy(target: str, *, after: int):
    """Passes connections on to a server, and breaks the first one that carries more than `after` bytes back."""
    address, broken = urlsplit(target), []

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((address.hostname, address.port)) as server:
                forth = threading.Thread(target=self.pass_on, args=[self.request, server])
                forth.start()
                self.pass_on(server, self.request, is_back=True)
                forth.join()

        def pass_on(self, source: socket.socket, target: socket.socket, *, is_back: bool = False) -> None:
            total = 0
            with suppress(OSError):
                while block := source.recv(65536):
                    total += len(block)
                    if is_back and not broken and total > after:
                        broken.append(True)
                        break
                    target.sendall(block)
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as proxy:
        proxy.daemon_threads = True  # connections that the client keeps open are nobody's to wait for
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{proxy.server_address[1]}"
        finally:
            proxy.shutdown()
            thread.join()
    assert broken


def test_what_is_not_there(model: str, governed) -> None:
    api = governed.outsider.api
    with pytest.raises(RemoteEntryNotFoundError):
        api.hf_hub_download(model, "none.txt")
    with pytest.raises(RevisionNotFoundError):
        api.hf_hub_download(model, "config.json", revision="none")
    with governed.outsider.http as http:
        missing = http.head(f"/{model}/resolve/main/a")
        assert missing.headers["x-error-code"] == "EntryNotFound" and len(missing.headers["x-repo-commit"]) == 40
        assert int(missing.headers["content-length"]) > 0 and missing.content == b""


@pytest.mark.parametrize(
    "path",
    [
        "a/../config.json",
        "a/%2e%2e/config.json",
        "../../../../etc/passwd",
        "%2e%2e%2fx",
        "/config.json",
        "config.json/",
    ],
)
def test_no_path_leads_to_another_file(model: str, governed, path: str) -> None:
    """Sent as it stands: clients tidy such paths up before they send them."""
    connection = HTTPConnection(urlsplit(governed.outsider.url).netloc)
    connection.request("GET", f"/{model}/resolve/main/{path}")
    answer = connection.getresponse()
    assert (answer.status, answer.headers["X-Error-Code"]) == (404, "EntryNotFound")
    answer.read()
    connection.close()


def test_each_download_is_recorded_and_counted_once(model: str, governed, tmp_path: Path) -> None:
    governed.outsider.api.snapshot_download(model, local_dir=tmp_path)
    variant = Variant.objects.get(name="model")
    rows = {row.path: row for row in Download.objects.filter(variant=variant)}
    assert set(rows) == {"model.safetensors", "config.json", "a/b c.txt"}  # nobody asks for the bytes of an empty file
    row = rows["model.safetensors"]
    assert (row.user, row.size_bytes, row.grant) == (governed.outsider.user, len(LARGE), None)
    assert row.request_id and row.commit_id == variant.servings.get().commit_id
    assert variant.downloads == 1


def test_a_page_cannot_run_what_a_checkpoint_holds(governed) -> None:
    api, repo_id = governed.writer.api, f"{governed.name}/page"
    api.create_repo(repo_id)
    api.upload_file(repo_id=repo_id, path_or_fileobj=b"<script>alert(1)</script>", path_in_repo="größe.html")
    with governed.writer.http as http:
        got = http.get(f"/{repo_id}/resolve/main/gr%C3%B6%C3%9Fe.html")
    assert got.headers["content-type"] == "application/octet-stream"
    assert got.headers["x-content-type-options"] == "nosniff"
    assert (
        got.headers["content-disposition"] == "inline; filename*=UTF-8''gr%C3%B6%C3%9Fe.html; filename=\"gr**e.html\";"
    )


def test_large_files_stay_out_of_memory(governed, server, tmp_path: Path) -> None:
    """Memory of the server does not follow the size of what passes through it."""
    source = tmp_path / "in.bin"
    with source.open("wb") as file:
        for _ in range(12):
            file.write(os.urandom(8 << 20))
    api, repo_id = governed.writer.api, f"{governed.name}/large"
    api.create_repo(repo_id)
    before = server.memory_bytes()
    with server.watched() as seen:
        api.upload_file(repo_id=repo_id, path_or_fileobj=source, path_in_repo="in.bin")
        found = api.hf_hub_download(repo_id, "in.bin", local_dir=tmp_path / "out")
    assert Path(found).read_bytes() == source.read_bytes()
    assert seen["peak"] - before < 48 << 20


def test_large_content_inside_a_commit_stays_out_of_memory(governed, server) -> None:
    """Base64 in one line of a commit is decoded as it arrives."""
    repo_id = f"{governed.name}/inside"
    governed.writer.api.create_repo(repo_id)
    blocks = 1024
    before = server.memory_bytes()

    def lines():
        yield b'{"key":"header","value":{"summary":"Large","description":""}}\n'
        yield b'{"key":"file","value":{"content":"'
        for _ in range(blocks):
            yield b"QUFB" * 16384
        yield b'","path":"a.txt","encoding":"base64"}}\n'

    with server.watched() as seen, governed.writer.http as http:
        assert http.post(f"/api/models/{repo_id}/commit/main", content=lines()).status_code == 200
    size = governed.writer.api.get_paths_info(repo_id, "a.txt")[0].size
    assert size == blocks * 3 * 16384
    assert seen["peak"] - before < 32 << 20
