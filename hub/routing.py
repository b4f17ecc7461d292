"""Which view answers a raw path: decided before any decoding, since a branch may be named `a/b` and a file `100%25`.

Knows patterns and segments, nothing of repositories. Everything that is no route of the protocol is left to the
pages and the REST API.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

View = Callable[..., Any]
REPOSITORY_SUFFIX = ".git"


@dataclass(frozen=True, slots=True)
class Match:
    """A view and the decoded parts of the path that it is called with; without a view, which methods there are."""

    view: View | None
    parts: Mapping[str, str]
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Route:
    """One pattern: segments that are literal, `{name}`, `{name}.git`, or, last, `{name*}` for all that remains."""

    method: str
    pattern: tuple[str, ...]
    view: View

    def parts(self, segments: list[str]) -> dict[str, str] | None:
        """The named parts of the decoded segments, or None where the pattern does not match."""
        is_open = bool(self.pattern) and self.pattern[-1].endswith("*}")
        fixed = len(self.pattern) - is_open
        if len(segments) < fixed or (not is_open and len(segments) != fixed):
            return None
        found = {}
        for wanted, segment in zip(self.pattern[:fixed], segments, strict=False):
            if not wanted.startswith("{"):
                if wanted != segment:
                    return None
            elif wanted.endswith(REPOSITORY_SUFFIX):
                if not segment.endswith(REPOSITORY_SUFFIX):
                    return None
                found[wanted[1 : -len(REPOSITORY_SUFFIX) - 1]] = segment.removesuffix(REPOSITORY_SUFFIX)
            else:
                found[wanted[1:-1]] = segment
        if is_open:
            found[self.pattern[-1][1:-2]] = "/".join(segments[fixed:])
        return found


class Router:
    """Routes in order; the first that matches path and method answers."""

    def __init__(self, routes: Iterable[tuple[str, str, View]]) -> None:
        self.routes = [Route(method, tuple(pattern.split("/")), view) for method, pattern, view in routes]

    def find(self, method: str, segments: list[str]) -> Match | None:
        """The view for a path; HEAD is answered by the view of GET. None where no pattern knows the path."""
        wanted = "GET" if method == "HEAD" else method
        allowed = []
        for route in self.routes:
            parts = route.parts(segments)
            if parts is None:
                continue
            if route.method == wanted:
                return Match(route.view, parts)
            allowed.append(route.method)
        return Match(None, {}, tuple(dict.fromkeys(allowed))) if allowed else None


def raw_path(environ: Mapping[str, Any]) -> str:
    """The path as the client sent it, without query and without the prefix under which we are mounted.

    Servers name it RAW_URI (gunicorn) or REQUEST_URI; where there is neither, the decoded path is encoded again, which
    loses nothing but encoded slashes.
    """
    sent = environ.get("RAW_URI") or environ.get("REQUEST_URI") or ""
    if not sent:
        return quote(str(environ.get("PATH_INFO", "/")).encode("latin-1", "replace"), safe="/:@!$&'()*+,;=~-._")
    if not sent.startswith("/"):
        _, _, after = sent.partition("://")
        sent = "/" + after.partition("/")[2]
    path = sent.partition("?")[0].partition("#")[0]
    return path.removeprefix(quote(str(environ.get("SCRIPT_NAME", "")).rstrip("/")))


def segments_of(path: str) -> list[str] | None:
    """The path's segments, each decoded once; None where one is no text, or holds a control character."""
    try:
        segments = [unquote(segment, errors="strict") for segment in path.removeprefix("/").split("/")]
    except UnicodeDecodeError:
        return None
    if any(character < " " or character == "\x7f" for segment in segments for character in segment):
        return None
    return segments


def under(path: str, former: str, now: str) -> str:
    """The path with the two segments that name a repository, however they are written, replaced by its name now."""
    segments = path.split("/")
    for place in range(len(segments) - 1):
        for suffix in ("", REPOSITORY_SUFFIX):
            if "/".join(map(unquote, segments[place : place + 2])) == former + suffix:
                return "/".join([*segments[:place], quote(now + suffix), *segments[place + 2 :]])
    return path
