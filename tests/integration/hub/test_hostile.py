"""Whatever is sent, the server answers in the protocol's own form, never with a fault of its own."""

from __future__ import annotations

import json
import os
import socket
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.hub.people import serve
from tests.integration.hub.running import Server

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
]
FUZZ = settings(
    max_examples=int(os.environ.get("HUB_EXAMPLES", "60")),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
PIECES = st.sampled_from(
    [
        *(
            "api",
            "models",
            "lab",
            "model",
            "resolve",
            "main",
            "config.json",
            "tree",
            "revision",
            "repos",
            "create",
            "..",
            ".",
        ),
        *(
            "%2e%2e",
            "%2F",
            "%00",
            "%0d%0aX-Evil:%201",
            "%ff",
            "%25",
            "",
            "refs%2Fheads%2Fmain",
            "v1",
            "hub",
            "uploads",
            "x:y:z",
        ),
        *(
            "user-access-request",
            "pending",
            "handle",
            "commit",
            "preupload",
            "paths-info",
            "branch",
            "tag",
            "settings",
            "a" * 300,
        ),
        *(
            "model.git",
            "info",
            "lfs",
            "objects",
            "batch",
            "xet",
            "xorbs",
            "default",
            "shards",
            "chunks",
            "parts",
            "lfs-files",
            "xet-write-token",
            "datasets",
            "%F0%9F%98%80",
            "%252e%252e",
            "%252f",
            "RESOLVE",
            "main@",
            "HEAD",
            "refs%2Fpr%2F1",
            "%e2%80%ae",
            "discussions",
            "auth-check",
            "?cursor=%00",
            "?limit=-1",
            "?expand=%00",
        ),
    ]
)
FIELDS = st.sampled_from(
    [
        *(
            "name",
            "organization",
            "visibility",
            "private",
            "gated",
            "files",
            "path",
            "size",
            "sample",
            "objects",
            "oid",
        ),
        *("operation", "paths", "expand", "tag", "startingPoint", "user", "userId", "requestId", "status", "content"),
        *(
            "key",
            "value",
            "summary",
            "fromRepo",
            "toRepo",
            "type",
            "rejectionReason",
            "license_text_sha256",
            "gitIgnore",
        ),
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("\x00") | st.just("9" * 25),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=6,
)
METHODS = st.sampled_from(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "get"])
WRITES = [
    ("POST", "/api/repos/create"),
    ("DELETE", "/api/repos/delete"),
    ("POST", "/api/repos/move"),
    ("POST", "/api/validate-yaml"),
    ("PUT", "/api/models/{}/settings"),
    ("POST", "/api/models/{}/paths-info/main"),
    ("POST", "/api/models/{}/preupload/main"),
    ("POST", "/api/models/{}/commit/main"),
    ("POST", "/api/models/{}/branch/new"),
    ("POST", "/api/models/{}/tag/main"),
    ("POST", "/{}.git/info/lfs/objects/batch"),
    ("POST", "/api/models/{}/user-access-request/handle"),
    ("POST", "/api/models/{}/user-access-request/grant"),
    ("POST", "/{}/ask-access"),
    ("POST", "/api/hub/uploads/x:y:z/verify"),
    ("PUT", "/api/hub/uploads/parts/x:y:z"),
    ("POST", "/api/hub/uploads/parts/x:y:z"),
    ("POST", "/api/models/{}/lfs-files/batch"),
    ("POST", "/api/xet/1/space/v1/shards"),
    ("POST", f"/api/xet/1/space/v1/xorbs/default/{'0' * 64}"),
]


@pytest.fixture
def model(governed) -> str:
    repo_id = f"{governed.name}/model"
    governed.writer.api.create_repo(repo_id)
    governed.writer.api.upload_file(repo_id=repo_id, path_or_fileobj=b"secret bytes", path_in_repo="config.json")
    return repo_id


def raw(server: Server, method: str, path: str, secret: str = "") -> bytes:
    """The whole answer to a request whose path is sent as it stands."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port), timeout=30) as sock:
        bearer = f"Authorization: Bearer {secret}\r\n" if secret else ""
        sock.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: {address.netloc}\r\n{bearer}Connection: close\r\n\r\n".encode()
        )
        answer = b""
        while block := sock.recv(65536):
            answer += block
    return answer


def test_no_spelling_of_an_address_leads_past_the_door(server: Server, governed, model: str) -> None:
    @FUZZ
    @given(pieces=st.lists(PIECES, min_size=1, max_size=8), method=METHODS)
    def send(pieces: list[str], method: str) -> None:
        path = "/" + "/".join(governed.name if piece == "lab" else piece for piece in pieces)
        if not path.startswith("/api/") or path.startswith("/api/v1"):
            path = "/api/models" + path
        answer = raw(server, method, path, governed.outsider.secret)
        status, _, head = answer.partition(b"\r\n")
        assert b" 500 " not in status, (path, answer[:2000])
        assert b"secret bytes" not in answer and b"\r\nX-Evil" not in head.partition(b"\r\n\r\n")[0]

    send()


@pytest.mark.parametrize(
    "path",
    [
        "/{0}/resolve/main/config.json",
        "/{0}/%72esolve/main/config.json",
        "/{0}/resolve/refs%2Fheads%2Fmain/config.json",
        "/{1}/resolve/main/config.json",
        "/{0}/resolve/main/./config.json",
        "/{0}/resolve/main/%63onfig.json",
        "//{0}/resolve/main/config.json",
        "/x/../{0}/resolve/main/config.json",
        "http://elsewhere/{0}/resolve/main/config.json",
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_no_alias_of_a_hidden_file_gives_its_bytes(
    server: Server, governed, model: str, path: str, method: str
) -> None:
    for secret in (governed.outsider.secret, ""):
        answer = raw(server, method, path.format(model, model.upper()), secret)
        assert answer.split()[1][:1] != b"2" and b"secret bytes" not in answer


def test_no_body_makes_the_server_fail(governed, model: str) -> None:
    serve(model)

    @FUZZ
    @given(
        target=st.sampled_from(WRITES),
        body=st.dictionaries(FIELDS, VALUES, max_size=5),
        is_owner=st.booleans(),
        is_lines=st.booleans(),
    )
    def send(target: tuple[str, str], body: dict, is_owner: bool, is_lines: bool) -> None:
        method, address = target
        who = clients[is_owner]
        lines = [{"key": "header", "value": {"summary": "x"}}, {"key": "file", "value": body}] if is_lines else [body]
        content = "\n".join(json.dumps(line) for line in lines).encode()
        answer = who.request(method, address.format(model), content=content)
        assert answer.status_code < 500, (target, body, answer.text)

    with governed.owner.http as owner, governed.outsider.http as outsider:
        clients = [outsider, owner]
        send()
