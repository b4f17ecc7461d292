"""The way out: files, under the gate, byte for byte, under their names."""

from __future__ import annotations

import mimetypes
from urllib.parse import quote

from django.http import HttpResponse, HttpResponseBase

from hub import delivery, policies
from hub.call import Call
from hub.errors import HubRefused, ascii_text
from hub.ranges import OutsideFile, Part, part_of
from hub.selectors.trees import Entry, file_at, known_file_at
from hub.services import downloads
from hub.views import repository
from registry import policies as registry
from registry.models import Commit
from rules import Refused

# What browsers may show as it is. Everything else from a checkpoint is bytes to them: it is untrusted.
SHOWN_AS_TEXT = frozenset({"text/plain", "text/markdown", "text/csv", "application/json", "text/x-python"})
# No script, no form, no access to our origin, wherever a browser opens a file.
CONTAINED = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def resolve(call: Call, ns: str, name: str, rev: str, path: str) -> HttpResponseBase:
    """A file at a revision; the gate is asked before anything is looked up behind it."""
    call.accept_session()
    found = repository.read(call, ns, name, path)
    commit = found.commit(rev)
    find = known_file_at if call.request.method == "HEAD" else file_at
    entry = find(commit.checkpoint, path)
    if entry is None:
        verdict = Refused.because(registry.PATH_MISSING, path=path).verdict
        raise HubRefused(verdict, headers={"X-Repo-Commit": commit.oid})
    if entry.is_damaged:
        raise Refused.because(registry.BYTES_DIFFER, path=path, sha256=entry.sha256)
    part, is_range = _part(call, entry)
    headers = _headers(commit, entry)
    if call.request.method == "HEAD":
        answer: HttpResponseBase = HttpResponse(status=206 if is_range else 200, headers=headers)
        answer["Content-Length"] = str(part.length)
        if is_range:
            answer["Content-Range"] = part.content_range
        return answer
    is_conditional = "If-Range" in call.request.headers
    wanted = call.request.headers.get("Range", "") if is_range else ""
    try:
        answer = delivery.answer(entry.sha256, part, headers=headers, wanted=wanted, is_conditional=is_conditional)
    except FileNotFoundError:
        raise Refused.because(registry.BYTES_DIFFER, path=path, sha256=entry.sha256) from None
    try:
        downloads.record(repository=found, commit=commit, path=entry.path, part=part)
    except BaseException:
        answer.close()
        raise
    return answer


def _part(call: Call, entry: Entry) -> tuple[Part, bool]:
    header, condition = call.request.headers.get("Range", ""), call.request.headers.get("If-Range", "")
    if condition and condition != f'"{entry.etag}"':  # compared as a proxy does that sends the bytes
        header = ""
    try:
        return part_of(header, entry.size_bytes)
    except OutsideFile:
        verdict = Refused.because(policies.RANGE_OUTSIDE, size=entry.size_bytes).verdict
        headers = {"Content-Range": f"bytes */{entry.size_bytes}", "Accept-Ranges": "bytes"}
        raise HubRefused(verdict, headers=headers) from None


def _headers(commit: Commit, entry: Entry) -> dict[str, str]:
    name = entry.path.rpartition("/")[2]
    plain = ascii_text(name).replace('"', "*").replace("\\", "*")
    guessed = mimetypes.guess_type(name)[0] or ""
    headers = {
        "X-Repo-Commit": commit.oid,
        "ETag": f'"{entry.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Type": "text/plain; charset=utf-8" if guessed in SHOWN_AS_TEXT else "application/octet-stream",
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}; filename=\"{plain}\";",
        "Content-Security-Policy": CONTAINED,
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
        "Vary": "Authorization, Cookie",
    }
    if entry.is_large:
        headers |= {"X-Linked-Etag": f'"{entry.etag}"', "X-Linked-Size": str(entry.size_bytes)}
    return headers
