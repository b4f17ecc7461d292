"""The ways by which bytes leave: the web process, an nginx before it, an object store; the same answers by each."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs, urlsplit

import httpx2 as httpx
import pytest
from django.utils import timezone
from huggingface_hub import CommitOperationAdd

from config.launcher.ports import free_port
from gating.models import Grant
from hub.models import DeviceLogin, Download
from registry.blobs import blob_store
from registry.models import Blob, Variant
from registry.services.commits import Changes, Placed, commit
from registry.services.content import receive
from registry.states import Level
from tests import nginx, object_storage
from tests.integration.hub.people import namespace, serve
from tests.integration.hub.running import database_url, running

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]
LARGE, SMALL = os.urandom(400_000), b'{"a": 1}\n'
ODD = "o'd; d é#%41.bin"


@pytest.fixture(scope="module", params=["sendfile", "accel", "s3"])
def way(request: pytest.FixtureRequest, django_db_setup, tmp_path_factory) -> Iterator[SimpleNamespace]:
    """A web server that delivers in one way: `name`, `server`, `url` to ask, `storage` where it is an object store."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sendfile":
        with running(database_url(), folder) as server:
            yield SimpleNamespace(name="sendfile", server=server, url=server.url, storage=None)
    elif request.param == "s3":
        with object_storage.running(folder) as storage:
            variables = storage.environment() | {"STORAGE_ROOT": str(folder / "storage")}
            with running(database_url(), folder, **variables) as server:
                yield SimpleNamespace(name="s3", server=server, url=server.url, storage=storage)
    elif nginx.program() is None:
        pytest.skip(nginx.MISSING)
    else:
        with running(database_url(), folder, DELIVERY="accel", BEHIND_PROXY="1") as server:
            places = {"upstream": urlsplit(server.url).netloc, "blobs": blob_store().root / "blobs"}
            with nginx.delivering(folder / "nginx", listen=free_port(), **places) as url:
                yield SimpleNamespace(name="accel", server=server, url=url, storage=None)


@pytest.fixture
def model(way: SimpleNamespace) -> SimpleNamespace:
    """A gated model, uploaded through the server by the real client, and somebody with a grant."""
    lab = namespace(way.url, is_direct_control=False)
    api, repo_id = lab.writer.api, f"{lab.name}/model"
    api.create_repo(repo_id)
    files = {"model.safetensors": LARGE, "config.json": SMALL, "empty.txt": b"", ODD: b"odd"}
    api.create_commit(repo_id, [CommitOperationAdd(*file) for file in files.items()], commit_message="Files")
    serve(repo_id, Level.GATED)
    variant, year = Variant.objects.get(name="model", organization=lab.organization), timedelta(days=365)
    Grant.objects.create(variant=variant, user=lab.outsider.user, expires_at=timezone.now() + year)
    return SimpleNamespace(lab=lab, repo_id=repo_id, reader=lab.outsider, address=f"{way.url}/{repo_id}/resolve/main/")


def get(model: SimpleNamespace, path: str = "model.safetensors", **headers: str) -> httpx.Response:
    bearer = {"authorization": f"Bearer {model.reader.secret}"}
    return httpx.get(model.address + path, headers=bearer | headers, follow_redirects=True, timeout=30)


def test_files_arrive_whole_by_the_real_client(model, way, tmp_path: Path) -> None:
    found = Path(model.reader.api.snapshot_download(model.repo_id, local_dir=tmp_path))
    assert (found / "model.safetensors").read_bytes() == LARGE and (found / "config.json").read_bytes() == SMALL
    assert (found / ODD).read_bytes() == b"odd" and (found / "empty.txt").read_bytes() == b""
    rows = {row.path: row for row in Download.objects.filter(variant__name="model")}
    assert rows["model.safetensors"].size_bytes == len(LARGE) and rows["model.safetensors"].grant is not None
    assert Variant.objects.get(name="model").downloads == 1
    if way.name == "s3":
        tells_no_token(model, way.storage)


def tells_no_token(model, storage) -> None:
    """The store is asked without the token, by an address that ends soon and says how the file is to be shown."""
    storage.heads.clear()
    got = get(model)
    assert got.content == LARGE and [one.status_code for one in got.history] == [302]
    sent = b"".join(storage.heads)
    assert model.reader.secret.encode() not in sent and b"authorization" not in sent.lower()
    address = got.history[0].headers["location"]
    query = parse_qs(urlsplit(address).query)
    assert query["X-Amz-Expires"] == ["120"] and query["response-content-disposition"][0].startswith("inline;")
    assert got.history[0].headers["cache-control"] == "private, no-store"


def test_ranges(model, way) -> None:
    for header, first, last in [("bytes=7-", 7, 399_999), ("bytes=100-199", 100, 199), ("bytes=-9", 399_991, 399_999)]:
        got = get(model, range=header)
        assert (got.status_code, got.content) == (206, LARGE[first : last + 1])
        assert got.headers["content-range"] == f"bytes {first}-{last}/{len(LARGE)}"
    whole = get(model)
    etag = (whole.history or [whole])[0].headers["etag"]
    for condition, status, body in [(etag, 206, LARGE[5:]), ('"other"', 200, LARGE)]:
        got = get(model, range="bytes=5-", **{"if-range": condition})
        assert (got.status_code, got.content) == (status, body)
    unquoted = get(model, range="bytes=5-5", **{"if-range": etag.strip('"')})
    assert (unquoted.status_code, len(unquoted.content)) == (200, len(LARGE))
    assert Download.objects.filter(variant__name="model", path="model.safetensors").latest("id").size_bytes == len(
        LARGE
    )
    beyond = get(model, range=f"bytes={len(LARGE)}-")
    assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{len(LARGE)}")


def test_an_address_of_a_part_gives_that_part_alone(model, way) -> None:
    if way.name != "s3":
        pytest.skip("only an object store is asked by an address of its own")
    bearer = {"authorization": f"Bearer {model.reader.secret}"}
    for headers, signed in [({"range": "bytes=0-0"}, "host;range"), ({}, "host")]:
        address = httpx.get(model.address + "model.safetensors", headers=bearer | headers).headers["location"]
        assert parse_qs(urlsplit(address).query)["X-Amz-SignedHeaders"] == [signed]


def test_headers_are_the_files_own_and_names_add_none(model, way) -> None:
    bearer = {"authorization": f"Bearer {model.reader.secret}"}
    head = httpx.head(model.address + "model.safetensors", headers=bearer | {"accept-encoding": "identity"})
    assert (head.status_code, head.headers["content-length"]) == (200, str(len(LARGE)))
    got = httpx.get(model.address + "model.safetensors", headers=bearer)
    for name in ("x-repo-commit", "x-linked-etag", "x-linked-size", "etag", "x-request-id"):
        assert name == "x-request-id" or got.headers[name] == head.headers[name]
        assert len(got.headers.get_list(name)) == 1
    if way.name != "s3":
        assert "sandbox" in got.headers["content-security-policy"] and got.headers["content-length"] == str(len(LARGE))
        assert got.headers["accept-ranges"] == "bytes" and got.headers["x-content-type-options"] == "nosniff"

    got = get(model, "o%27d%3B%20d%20%C3%A9%23%2541.bin")
    assert got.content == b"odd"
    said = got.headers["content-disposition"]
    assert said.startswith("inline; filename*=UTF-8''o%27d%3B%20d%20%C3%A9%23%2541.bin") and said.count('"') == 2


def test_outsiders_get_nothing_and_damaged_content_goes_to_nobody(model, way) -> None:
    for headers in ({}, {"range": "bytes=0-9"}, {"x-accel-redirect": "/.content/aa"}):
        for ask in (httpx.get, httpx.head):
            assert ask(model.address + "model.safetensors", headers=headers).status_code == 401
    sha256 = Blob.objects.get(size_bytes=len(LARGE), pk__in=blobs_of(model)).pk
    inside = f"/.content/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    for path in (inside, inside.replace(".content", "%2econtent"), f"/x/..{inside}"):
        assert LARGE[:50] not in raw(way.url, path)
    Blob.objects.filter(pk__in=blobs_of(model)).update(damaged_at="2026-01-01T00:00Z")
    assert get(model).status_code == 409


def blobs_of(model) -> list[str]:
    head = Variant.objects.get(organization=model.lab.organization).servings.get().checkpoint
    return list(head.files.values_list("blob_id", flat=True))


def raw(url: str, path: str) -> bytes:
    """What is answered to a path that no client would send so."""
    address = urlsplit(url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as sock:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while block := sock.recv(65536):
            answer += block
    return answer


def test_callers_behind_two_proxies_are_told_apart(way) -> None:
    """What the first proxy says of the caller arrives; what the caller says of themselves does not."""
    if way.name != "accel":
        pytest.skip("no proxy stands before this one")
    httpx.post(f"{way.url}/oauth/device", headers={"x-forwarded-for": "198.51.100.1, 203.0.113.7"}, data={"a": "b"})
    assert DeviceLogin.objects.latest("id").address == "203.0.113.7"


def test_slow_readers_keep_nobody_waiting(way, model) -> None:
    """64 readers who take nothing hold connections, and no thread that answers."""
    if way.name == "s3":
        pytest.skip("readers wait at the object store, not here")
    placed = receive([os.urandom(1 << 20)] * 24, organization=model.lab.organization)
    variant = Variant.objects.get(organization=model.lab.organization)
    commit(variant=variant, changes=Changes(add={"big.bin": Placed(placed.sha256, True)}), title="Big", author=None)
    serve(model.repo_id, Level.GATED)
    address = urlsplit(way.url)
    ask = (
        f"GET /{model.repo_id}/resolve/main/big.bin HTTP/1.1\r\nHost: {address.netloc}\r\n"
        f"Authorization: Bearer {model.reader.secret}\r\n\r\n"
    ).encode()
    readers = []
    try:
        for _ in range(64):
            sock = socket.create_connection((address.hostname, address.port), timeout=20)
            readers.append(sock)
            sock.sendall(ask)
        for sock in readers:
            assert sock.recv(12) == b"HTTP/1.1 200"
        began = time.monotonic()
        assert get(model, "config.json").content == SMALL
        assert time.monotonic() - began < 5
    finally:
        for sock in readers:
            sock.close()
