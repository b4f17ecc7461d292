"""Content on its way in: what each file needs, where it is sent, and whether it arrived."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from accounts.models import Token
from hub import policies
from hub.selectors.infos import text_of_file
from hub.selectors.repositories import Repository
from hub.selectors.trees import tree_of
from hub.services import parts, tickets
from hub.services.tickets import Ticket
from hub.uploading import DEFAULT_ATTRIBUTES, RULES_LIMIT_CHARACTERS, Announced, is_ignored, is_large
from registry import policies as registry
from registry.services import content
from rules import Refused
from weights.findings import Severity
from weights.names import check_path


@dataclass(frozen=True, slots=True)
class Plan:
    """How one file is to be sent. `oid` names what is there under its path now, in the words of that way."""

    path: str
    is_large: bool
    is_ignored: bool
    oid: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The plan as the protocol answers it."""
        shown = {
            "path": self.path,
            "uploadMode": "lfs" if self.is_large else "regular",
            "shouldIgnore": self.is_ignored,
        }
        return shown | ({"oid": self.oid} if self.oid else {})


def plan(*, repository: Repository, revision: str, files: list[Announced], ignore: str | None) -> list[Plan]:
    """What each file needs; Refused early, before any byte is sent, where a path cannot be kept."""
    for file in files:
        finding = check_path(file.path)
        if finding is not None and finding.severity == Severity.BLOCK:
            raise Refused.because(registry.BAD_PATH, path=file.path, reason=finding.message)
    commit = repository.commit_or_none(revision)
    checkpoint = commit.checkpoint if commit else None
    entries = tree_of(checkpoint).entries
    attributes = text_of_file(checkpoint, ".gitattributes", RULES_LIMIT_CHARACTERS)
    if ignore is None:
        ignore = text_of_file(checkpoint, ".gitignore", RULES_LIMIT_CHARACTERS) or ""
    return [
        Plan(
            path=file.path,
            is_large=is_large(file, DEFAULT_ATTRIBUTES if attributes is None else attributes),
            is_ignored=is_ignored(file.path, ignore),
            oid=entries[file.path].etag if file.path in entries and not entries[file.path].is_folder else "",
        )
        for file in files
    ]


def batch(
    *, repository: Repository, token: Token, objects: list[tuple[str, int]], base: str, takes_parts: bool
) -> list[dict[str, Any]]:
    """For each (SHA-256, size) the addresses below `base` to send it to; none where the organization holds it.

    Where the sender can, the largest files are sent in parts, so that a break costs one of them.
    """
    held = content.promised(repository.variant.organization, [sha256 for sha256, _ in objects])
    answers = []
    for sha256, size_bytes in objects:
        answer: dict[str, Any] = {"oid": sha256, "size": size_bytes}
        blob = held.get(sha256)
        if blob is not None and blob.size_bytes != size_bytes:
            reason = registry.SIZE_DIFFERS.refuse(announced=size_bytes, received=blob.size_bytes)
            answer["error"] = {"code": 422, "message": reason.message}
        elif blob is None:
            ticket = tickets.issue(sha256=sha256, size_bytes=size_bytes, variant=repository.variant, token=token)
            upload = {"href": f"{base}/{ticket}", "header": {}}
            if takes_parts and size_bytes > settings.LFS_PART_BYTES:
                upload = parts.addresses(
                    variant=repository.variant, token=token, sha256=sha256, size_bytes=size_bytes, base=base
                )
            answer["actions"] = {"upload": upload, "verify": {"href": f"{base}/{ticket}/verify", "header": {}}}
        answers.append(answer)
    return answers


def receive(*, ticket: Ticket, announced: int | None, blocks: Iterable[bytes]) -> None:
    """Store what arrives if it is what the ticket names; anything else is refused and leaves nothing."""
    if announced is not None and announced != ticket.size_bytes:
        raise Refused.because(registry.SIZE_DIFFERS, announced=ticket.size_bytes, received=announced)
    content.receive(
        blocks,
        organization=ticket.variant.organization,
        expected_sha256=ticket.sha256,
        expected_size=ticket.size_bytes,
    )


def verify(*, ticket: Ticket, sha256: str, size_bytes: int) -> None:
    """Refused unless the organization holds the content that the ticket names."""
    blob = content.held(ticket.variant.organization, [sha256]).get(sha256)
    if blob is None or (sha256, size_bytes) != (ticket.sha256, blob.size_bytes):
        raise Refused.because(policies.NOT_UPLOADED, sha256=sha256, size_bytes=size_bytes)
