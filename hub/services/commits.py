"""A commit as the protocol sends it: lines of operations become one change of the registry, or nothing.

It goes to a branch, to a pull request, or opens one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from django.db import transaction

from accounts.models import User
from gating.services import follow_card
from hub.call import malformed, storable_in, text_of
from hub.models import PullRequest
from hub.ndjson import BadLines, Line, read_lines
from hub.selectors.infos import CARD, card_of
from hub.selectors.trees import tree_of
from hub.services import pull_requests
from registry import policies as registry
from registry.models import Commit, Organization, Variant
from registry.selectors import OID, commit_at
from registry.services import commits, content
from registry.services.commits import Changes, Placed
from rules import Refused

PARENT = re.compile(r"[0-9a-f]{5,40}")
SHA256 = re.compile(r"[0-9a-f]{64}")
PATH_CHARACTERS = 1024
# All that a commit does is kept in memory until it is made: some hundred megabytes at most.
MOST_OPERATIONS = 250_000
# Content up to this size waits in memory for others, so that they are written together; a batch is bounded as well.
SMALL_BYTES, BATCH_BYTES, BATCH_FILES = 256 << 10, 8 << 20, 512
NAMED_LIKE_A_BRANCH = "refs/heads/"
PULL = re.compile(r"refs/pr/([1-9][0-9]{0,8})")


@dataclass
class Sent:
    """What the lines of one commit add up to."""

    title: str = ""
    message: str = ""
    parent: str = ""
    add: dict[str, Placed] = field(default_factory=dict)
    delete: list[str] = field(default_factory=list)
    delete_folders: list[str] = field(default_factory=list)
    sizes: dict[str, int] = field(default_factory=dict)

    def said(self) -> dict[str, Any]:
        """What the commit does and says."""
        changes = Changes(add=self.add, delete=self.delete, delete_folders=self.delete_folders)
        return {"changes": changes, "title": self.title, "message": self.message}


def receive(*, variant: Variant, revision: str, blocks: Iterable[bytes], author: User) -> Commit:
    """Read a commit from its body and make it; content inside goes to the store while it arrives.

    Refused, with nothing visible, where a line is no good, the branch moved or some content is missing.
    """
    sent = _read(blocks, variant.organization)
    _compare_sizes(sent, variant.organization)
    number = PULL.fullmatch(revision)
    if number:
        parent = {"parent": sent.parent}
        return pull_requests.commit_to(variant=variant, number=int(number[1]), author=author, **sent.said(), **parent)
    branch = revision.removeprefix(NAMED_LIKE_A_BRANCH)
    with transaction.atomic():
        made = commits.commit(variant=variant, author=author, branch=branch, expected_parent=sent.parent, **sent.said())
        if CARD in sent.add and branch == commits.MAIN:
            follow_card(variant=variant, metadata=card_of(tree_of(made.checkpoint)), by=author)
    return made


def propose(*, variant: Variant, blocks: Iterable[bytes], author: User) -> tuple[PullRequest, Commit]:
    """Read a commit from its body and open a pull request with it, from the parent that it names or from main."""
    sent = _read(blocks, variant.organization)
    _compare_sizes(sent, variant.organization)
    if sent.parent and not OID.fullmatch(sent.parent):
        raise malformed("The field parentCommit must be 7 to 40 hexadecimal digits where a pull request begins there.")
    base = commit_at(variant, sent.parent) if sent.parent else None
    return pull_requests.propose(variant=variant, author=author, base=base, **sent.said())


class _Intake:
    """Contents inside a commit: large ones go to the store as they arrive, small ones by the batch."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.waiting: list[bytes] = []
        self.waiting_bytes = 0

    def keep(self, arriving: Iterator[bytes]) -> str:
        """Take in one content and name it by its SHA-256; it is in the store after the next `flush`."""
        begin = b""
        for block in arriving:
            begin += block
            if len(begin) > SMALL_BYTES:
                return content.receive(chain([begin], arriving), organization=self.organization).sha256
        self.waiting.append(begin)
        self.waiting_bytes += len(begin)
        if self.waiting_bytes > BATCH_BYTES or len(self.waiting) >= BATCH_FILES:
            self.flush()
        return hashlib.sha256(begin).hexdigest()

    def flush(self) -> None:
        """Store what waits."""
        if self.waiting:
            content.receive_many(self.waiting, organization=self.organization)
        self.waiting, self.waiting_bytes = [], 0


def _read(blocks: Iterable[bytes], organization: Organization) -> Sent:
    sent, intake = Sent(), _Intake(organization)
    try:
        for line in read_lines(blocks, intake.keep):
            if (line.key == "header") != (line.number == 1):
                raise malformed(f"Line {line.number} is out of place: the header comes first, and once.")
            if line.number > MOST_OPERATIONS:
                raise malformed(f"A commit has at most {MOST_OPERATIONS} lines.")
            _take(sent, line)
    except BadLines as error:
        raise malformed(str(error)) from None
    if not sent.title:
        raise malformed("The commit has no header with a summary.")
    intake.flush()
    return sent


def _take(sent: Sent, line: Line) -> None:
    value = storable_in(line.value)
    if line.key == "header":
        sent.title = text_of(value, "summary", limit=100_000).strip()[:500]
        sent.message = text_of(value, "description", "", limit=100_000)
        sent.parent = text_of(value, "parentCommit", "")
        if sent.parent and not PARENT.fullmatch(sent.parent):
            raise malformed("The field parentCommit must be 5 to 40 hexadecimal digits.")
        return
    path = text_of(value, "path", limit=4 * PATH_CHARACTERS)
    if line.key == "file":
        if line.kept is None or value.get("encoding", "base64") != "base64":
            raise malformed(f"Line {line.number} has no content in base64.")
        sent.add[path] = Placed(line.kept, is_large=False)
    elif line.key == "lfsFile":
        oid = text_of(value, "oid")
        if value.get("algo", "sha256") != "sha256" or not SHA256.fullmatch(oid):
            raise malformed(f"Line {line.number} names its content by something else than a SHA-256.")
        sent.add[path] = Placed(oid, is_large=True)
        if isinstance(value.get("size"), int):
            sent.sizes[oid] = value["size"]
    elif line.key == "deletedFile":
        sent.delete.append(path)
    elif line.key == "deletedFolder":
        sent.delete_folders.append(path)
    else:
        raise malformed(f"Line {line.number} has the unknown key “{line.key[:40]}”.")


def _compare_sizes(sent: Sent, organization: Organization) -> None:
    """Refuse a large file whose announced size is not that of the content with its hash."""
    for sha256, blob in content.held(organization, sent.sizes).items():
        if blob.size_bytes != sent.sizes[sha256]:
            raise Refused.because(registry.SIZE_DIFFERS, announced=sent.sizes[sha256], received=blob.size_bytes)
