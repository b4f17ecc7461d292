"""The way in: what is to be sent how, the content itself, and the commit that makes it visible."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any

from django.http import HttpResponse, JsonResponse

from hub import cards, policies
from hub.call import Call, malformed, text_of
from hub.selectors.repositories import MAIN_NAMES
from hub.services import commits, parts, tickets, uploads
from hub.services.xet import ahead
from hub.services.xet.ahead import Upload
from hub.uploading import Announced
from hub.views import repository
from rules import Refused

LFS_TYPE = "application/vnd.git-lfs+json"
SHA256 = re.compile(r"[0-9a-f]{64}")
MOST_FILES, MOST_OBJECTS, SAMPLE_BYTES = 2000, 1000, 4096
COMMIT_BLOCK_BYTES = 64 << 10
LARGEST_BYTES = 1 << 50


def validate_yaml(call: Call) -> HttpResponse:
    """Whether a card's metadata can be read; where it is long, and so costly, for callers with a token alone."""
    content = text_of(call.json(), "content", limit=cards.CARD_LIMIT_BYTES)
    if call.user is None and not cards.is_cheap(content):
        unread = {"message": "the yaml metadata is long; without a token it is first read when it is uploaded"}
        return JsonResponse({"errors": [], "warnings": [unread]})
    try:
        metadata = cards.front_matter(content)
    except cards.CardError as error:
        return JsonResponse({"errors": [{"message": str(error)}], "warnings": []}, status=400)
    warning = {"message": "empty or missing yaml metadata in repo card"}
    return JsonResponse({"errors": [], "warnings": [] if metadata else [warning]})


def preupload(call: Call, ns: str, name: str, rev: str) -> HttpResponse:
    """How each announced file is to be sent, and what is there already."""
    found = repository.written(call, ns, name)
    _require_main(call, rev)
    sent = call.json()
    files = sent.get("files")
    if not isinstance(files, list) or len(files) > MOST_FILES:
        raise malformed(f"The field files must be a list of at most {MOST_FILES}.")
    ignore = sent.get("gitIgnore")
    plans = uploads.plan(
        repository=found,
        revision=rev,
        files=[_announced(file) for file in files],
        ignore=ignore if isinstance(ignore, str) else None,
    )
    upload = Upload(found.variant.organization_id, found.variant.pk, call.token.pk)
    ahead.announce(upload, [file["size"] for file, plan in zip(files, plans, strict=True) if plan.is_large])
    return JsonResponse({"files": [plan.as_dict() for plan in plans]})


def commit(call: Call, ns: str, name: str, rev: str) -> HttpResponse:
    """Make a commit of what was sent, or nothing."""
    found = repository.written(call, ns, name)
    _require_main(call, rev)
    said = {"variant": found.variant, "blocks": call.blocks(COMMIT_BLOCK_BYTES), "author": found.user}
    shown: dict[str, Any] = {"success": True, "hookOutput": ""}
    if call.asks("create_pr"):
        pull, made = commits.propose(**said)
        shown["pullRequestUrl"] = f"{call.origin}/{found.repo_id}/discussions/{pull.number}"
    else:
        made = commits.receive(**said, revision=rev)
    url = f"{call.origin}/{found.repo_id}/commit/{made.oid}"
    return JsonResponse(shown | {"commitUrl": url, "commitOid": made.oid})


def batch(call: Call, ns: str, name: str) -> HttpResponse:
    """Where each large object is to be sent; nowhere, where the organization holds it."""
    found = repository.written(call, ns, name)
    sent = call.json()
    objects = sent.get("objects")
    if sent.get("operation") != "upload":
        raise malformed("Only uploads go by LFS; files are downloaded from their own addresses.")
    if sent.get("hash_algo", "sha256") != "sha256" or not isinstance(objects, list) or len(objects) > MOST_OBJECTS:
        raise malformed(f"The field objects must be a list of at most {MOST_OBJECTS}, named by SHA-256.")
    wanted = [_object(entry) for entry in objects]
    transfers = sent.get("transfers")
    answers = uploads.batch(
        repository=found,
        token=call.token,
        objects=wanted,
        base=f"{call.origin}/api/hub/uploads",
        takes_parts=isinstance(transfers, list) and "multipart" in transfers,
    )
    return JsonResponse({"transfer": "basic", "objects": answers}, content_type=LFS_TYPE)


def put(call: Call, ticket: str) -> HttpResponse:
    """Take in one large object; the address alone says that this is allowed."""
    leave = tickets.redeem(ticket)
    uploads.receive(ticket=leave, announced=call.announced_bytes, blocks=call.blocks())
    answer = HttpResponse(status=200)
    answer["ETag"] = f'"{leave.sha256}"'
    return answer


def put_part(call: Call, ticket: str) -> HttpResponse:
    """Take in one part of a large object; the address alone says that this is allowed, and which part it is."""
    leave = tickets.redeem_part(ticket)
    answer = HttpResponse(status=200)
    answer["ETag"] = f'"{parts.receive(ticket=leave, announced=call.announced_bytes, blocks=call.blocks())}"'
    return answer


def complete(call: Call, ticket: str) -> HttpResponse:
    """Join the parts of a large object, where they are those that the sender names."""
    leave = tickets.redeem_part(ticket)
    parts.complete(ticket=leave, named=_parts(call.json()))
    return JsonResponse({})


def verify(call: Call, ticket: str) -> HttpResponse:
    """Whether an object has arrived whole."""
    call.somebody()
    leave = tickets.redeem(ticket, tickets.LONGEST_SECONDS)  # given with the addresses, and asked for after the last
    sha256, size_bytes = _object(call.json())
    uploads.verify(ticket=leave, sha256=sha256, size_bytes=size_bytes)
    return JsonResponse({})


def _announced(file: Any) -> Announced:
    if not isinstance(file, dict) or not _is_size(file.get("size")):
        raise malformed("Each file must have a path, a size and a sample.")
    try:
        sample = base64.b64decode(text_of(file, "sample", "", limit=2 * SAMPLE_BYTES), validate=True)
    except (binascii.Error, ValueError):
        raise malformed("A sample is not base64.") from None
    return Announced(text_of(file, "path", limit=4096), file["size"], sample)


def _object(entry: Any) -> tuple[str, int]:
    sha256, size = (entry.get("oid"), entry.get("size")) if isinstance(entry, dict) else (None, None)
    if not (isinstance(sha256, str) and SHA256.fullmatch(sha256) and _is_size(size)):
        raise malformed("An object needs a SHA-256 as oid and its size in bytes.")
    return sha256, size


def _parts(sent: dict[str, Any]) -> dict[int, str]:
    """The ETag of each part that a sender names, by number."""
    named = sent.get("parts")
    if not isinstance(named, list) or len(named) > parts.MOST_PARTS:
        raise malformed(f"The field parts must be a list of at most {parts.MOST_PARTS}.")
    found = {}
    for part in named:
        number = part.get("partNumber") if isinstance(part, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise malformed("Each part must have a partNumber and an etag.")
        found[number] = text_of(part, "etag", limit=200).strip('"')
    return found


def _require_main(call: Call, revision: str) -> None:
    """Refuse a pull request against anything but the main branch, before anything is sent."""
    if call.asks("create_pr") and revision not in MAIN_NAMES:
        raise Refused.because(policies.ONLY_AGAINST_MAIN, revision=revision[:100])


def _is_size(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST_BYTES
