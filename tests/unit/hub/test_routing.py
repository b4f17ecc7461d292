"""Routes are found on the raw path, so that no encoding leads past a route or into another."""

from __future__ import annotations

import pytest

from hub.routes import ROUTER
from hub.routing import raw_path, segments_of
from hub.views import downloads, listings, repos, requests, uploads


def find(method: str, path: str):
    segments = segments_of(path)
    match = ROUTER.find(method, segments) if segments is not None else None
    return (match.view, dict(match.parts)) if match else None


@pytest.mark.parametrize(
    ("method", "path", "view", "parts"),
    [
        ("GET", "/api/models/a/b", repos.info, {"ns": "a", "name": "b"}),
        ("GET", "/api/models/a/b/revision/refs%2Fpr%2F1", repos.info, {"ns": "a", "name": "b", "rev": "refs/pr/1"}),
        ("GET", "/api/models/a/b/tree/x%2Fy", listings.tree, {"ns": "a", "name": "b", "rev": "x/y", "path": ""}),
        (
            "GET",
            "/api/models/a/b/tree/main/docs%2Fa%20b",
            listings.tree,
            {"ns": "a", "name": "b", "rev": "main", "path": "docs/a b"},
        ),
        (
            "GET",
            "/a/b/resolve/main/d/100%2525%20%231.txt",
            downloads.resolve,
            {"ns": "a", "name": "b", "rev": "main", "path": "d/100%25 #1.txt"},
        ),
        ("HEAD", "/a/b/%72esolve/main/f", downloads.resolve, {"ns": "a", "name": "b", "rev": "main", "path": "f"}),
        ("POST", "/a/b.git/info/lfs/objects/batch", uploads.batch, {"ns": "a", "name": "b"}),
        ("POST", "/a/b/ask-access", requests.ask_access, {"ns": "a", "name": "b"}),
        ("GET", "/api/models/gpt2", repos.unknown, {"name": "gpt2"}),
        ("GET", "/api/models/gpt2/revision/main", repos.unknown, {"name": "gpt2", "path": "main"}),
        ("DELETE", "/api/models/a/b/branch/x%2Fy", listings.delete_branch, {"ns": "a", "name": "b", "branch": "x/y"}),
        ("POST", "/api/models/a/b/user-access-request/handle", requests.handle, {"ns": "a", "name": "b"}),
    ],
)
def test_route(method: str, path: str, view: object, parts: dict[str, str]) -> None:
    assert find(method, path) == (view, parts)


@pytest.mark.parametrize(
    "path",
    ["/", "/a/b", "/a/b/", "/a%2Fb/resolve/main/f", "/a/b/files/", "/api/models/a/b/", "/api/models//", "/api/nothing"],
)
def test_what_is_no_route(path: str) -> None:
    found = find("GET", path)
    assert found is None or found[0] is not downloads.resolve
    assert path != "/a/b/" or found is None


@pytest.mark.parametrize(
    "path", ["/api/models/a/b%00", "/a/b/resolve/main/%0d%0aSet-Cookie:x", "/a/%ff/resolve/main/f"]
)
def test_control_characters_and_broken_text_are_no_path(path: str) -> None:
    assert segments_of(path) is None


def test_a_known_path_with_another_method_says_which_there_are() -> None:
    match = ROUTER.find("DELETE", ["api", "whoami-v2"])
    assert match.view is None and match.allowed == ("GET",)


@pytest.mark.parametrize(
    ("environ", "path"),
    [
        ({"RAW_URI": "/a%2Fb?x=/y"}, "/a%2Fb"),
        ({"RAW_URI": "http://host:1/a%2Fb#f"}, "/a%2Fb"),
        ({"RAW_URI": "http://host"}, "/"),
        ({"REQUEST_URI": "/hub/api/models", "SCRIPT_NAME": "/hub"}, "/api/models"),
        ({"PATH_INFO": "/a b/100%.txt"}, "/a%20b/100%25.txt"),
        ({"PATH_INFO": "/gr\u00c3\u00b6"}, "/gr%C3%B6"),
    ],
)
def test_raw_path(environ: dict[str, str], path: str) -> None:
    assert raw_path(environ) == path
