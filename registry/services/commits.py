"""Commits: a change of files becomes a checkpoint, a commit and a moved branch, or nothing at all."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from registry import policies
from registry.models import Blob, Checkpoint, CheckpointFile, Commit, Ref, Variant
from registry.services import turns
from registry.services.content import held
from registry.services.evidence import start_evidence
from registry.states import RefKind
from rules import Refused
from weights.findings import Severity
from weights.manifest import FileEntry, manifest_digest
from weights.names import check_paths

MAIN = "main"
# A client whose first answer was lost sends the same commit again within its own retries.
REPEAT_WITHIN = timedelta(minutes=15)
BATCH = 2000
# A branch or tag called so would be taken for a commit, or the other way round.
COMMIT_ID = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Placed:
    """Content at a path; `is_large` says how the Hub client moves it."""

    sha256: str
    is_large: bool = False


@dataclass(frozen=True)
class Changes:
    """What a commit does to the files before it: deletions first, then additions."""

    add: Mapping[str, Placed] = field(default_factory=dict)
    delete: Iterable[str] = ()
    delete_folders: Iterable[str] = ()
    replace_all: bool = False


@transaction.atomic
def commit(
    *,
    variant: Variant,
    changes: Changes,
    title: str,
    author: User | None,
    message: str = "",
    branch: str = MAIN,
    kind: RefKind = RefKind.BRANCH,
    expected_parent: str = "",
) -> Commit:
    """Apply changes to a branch, all or nothing; committers of one variant wait for one another.

    `kind` tells the head of a pull request, named by `branch`, from a branch. `expected_parent` is a commit id of 5 to
    40 digits that must be the head now. The same commit sent again answers the first one. Raises Refused with the
    path, branch or content at fault.
    """
    locked = turns.take(variant)
    head = _head(locked, kind, branch)
    before = {} if head is None or changes.replace_all else files_of(head.checkpoint)
    now = timezone.now()
    if expected_parent and head is not None and not head.oid.startswith(expected_parent):
        repeated = _repeated(head, changes, author, expected_parent, now)
        if repeated:
            return repeated
        raise Refused.because(policies.BRANCH_MOVED, branch=branch, head=head.oid, expected=expected_parent)
    try:
        after = _apply(before, changes)
    except Refused:  # what this commit deletes is gone already if it is here for the second time
        repeated = head and _repeated(head, changes, author, "", now)
        if repeated:
            return repeated
        raise
    checkpoint = checkpoint_of(locked, after)
    if head is not None and head.checkpoint_id == checkpoint.pk:
        return head
    made = Commit.objects.create(
        variant=locked,
        oid=_oid(locked, head, checkpoint, title, message, author, now),
        parent=head,
        checkpoint=checkpoint,
        title=title[:500],
        message=message,
        author=author,
        created_at=now,
    )
    Ref.objects.update_or_create(variant=locked, kind=kind, name=branch, defaults={"commit": made, "updated_at": now})
    Variant.objects.filter(pk=locked.pk).update(updated_at=now)
    audit.record(
        "registry:checkpoint:committed",
        subject=locked,
        actor=author,
        at=now,
        organization=locked.organization.name,
        digest=checkpoint.digest,
        commit=made.oid,
        branch=branch if kind == RefKind.BRANCH else f"refs/{kind.folder}/{branch}",
        title=made.title,
    )
    if not locked.organization.is_direct_control:
        start_evidence(checkpoint=checkpoint)
    return made


def commit_released(
    *, variant: Variant, checkpoint: Checkpoint, title: str, author: User | None, at: datetime
) -> Commit:
    """Add what a release packaged to the line of history that outsiders see; the same checkpoint is added once."""
    head = variant.commits.filter(is_released=True).order_by("-id").first()
    if head is not None and head.checkpoint_id == checkpoint.pk:
        return head
    return Commit.objects.create(
        variant=variant,
        oid=_oid(variant, head, checkpoint, title, "", author, at),
        parent=head,
        checkpoint=checkpoint,
        title=title[:500],
        author=author,
        created_at=at,
        is_released=True,
    )


@transaction.atomic
def create_ref(*, variant: Variant, kind: RefKind, name: str, commit: Commit, by: User) -> Ref:
    """Name a commit; a branch or tag of that name must not exist."""
    is_sane = name and len(name) <= 200 and name.isprintable() and not set(name) & set(" ~^:\\?*[")
    is_sane = is_sane and not COMMIT_ID.fullmatch(name)
    if not is_sane or ".." in name or name.startswith(("/", "refs/")) or name.endswith(("/", ".lock")):
        raise Refused.because(policies.BAD_REF_NAME, name=name)
    turns.take(variant)
    if Ref.objects.filter(variant=variant, kind=kind, name=name).exists():
        raise Refused.because(policies.REF_TAKEN, ref=f"refs/{kind.folder}/{name}")
    ref = Ref.objects.create(variant=variant, kind=kind, name=name, commit=commit)
    audit.record(
        "registry:ref:created",
        subject=variant,
        actor=by,
        at=ref.updated_at,
        organization=variant.organization.name,
        ref=f"{kind}:{name}",
        commit=commit.oid,
    )
    return ref


@transaction.atomic
def delete_ref(*, variant: Variant, kind: RefKind, name: str, by: User) -> None:
    """Forget a name; the commits stay."""
    if kind == RefKind.BRANCH and name == MAIN:
        raise Refused.because(policies.MAIN_IS_KEPT)
    turns.take(variant)
    deleted, _ = Ref.objects.filter(variant=variant, kind=kind, name=name).delete()
    if not deleted:
        raise Refused.because(policies.REVISION_MISSING, revision=name, repo=variant.repo_id)
    audit.record(
        "registry:ref:deleted",
        subject=variant,
        actor=by,
        at=timezone.now(),
        organization=variant.organization.name,
        ref=f"{kind}:{name}",
    )


def checkpoint_of(variant: Variant, files: Mapping[str, Placed]) -> Checkpoint:
    """The checkpoint with exactly these files; the same files anywhere are one checkpoint.

    Raises Refused where a path is no good, two paths collide, or the organization does not hold some content.
    """
    for finding in check_paths(files):
        if finding.severity == Severity.BLOCK:
            rule = policies.PATHS_COLLIDE if finding.check == "FS-COLLIDE" else policies.BAD_PATH
            raise Refused.because(rule, path=finding.path, reason=finding.message)
    blobs = _blobs(variant, files)
    digest = manifest_digest(
        FileEntry(path, blobs[placed.sha256].size_bytes, placed.sha256) for path, placed in files.items()
    )
    checkpoint, is_new = Checkpoint.objects.get_or_create(
        digest=digest,
        defaults={
            "size_bytes": sum(blobs[placed.sha256].size_bytes for placed in files.values()),
            "file_count": len(files),
        },
    )
    if is_new:
        CheckpointFile.objects.bulk_create(
            (
                CheckpointFile(checkpoint=checkpoint, path=path, blob_id=placed.sha256, is_large=placed.is_large)
                for path, placed in sorted(files.items())
            ),
            batch_size=BATCH,
        )
    return checkpoint


def _head(variant: Variant, kind: RefKind, branch: str) -> Commit | None:
    ref = (
        Ref.objects.filter(variant=variant, kind=kind, name=branch)
        .select_related("commit__checkpoint", "commit__parent__checkpoint")
        .first()
    )
    if ref is None and (kind, branch) != (RefKind.BRANCH, MAIN):
        raise Refused.because(policies.REVISION_MISSING, revision=branch, repo=variant.repo_id)
    return ref.commit if ref else None


def files_of(checkpoint: Checkpoint) -> dict[str, Placed]:
    """The files of a checkpoint by path."""
    rows = checkpoint.files.values_list("path", "blob_id", "is_large")
    return {path: Placed(sha256, is_large) for path, sha256, is_large in rows.iterator()}


def _apply(before: Mapping[str, Placed], changes: Changes) -> dict[str, Placed]:
    after, gone = dict(before), set()
    folders = {folder for path in before for folder in _above(path)} if changes.delete or changes.delete_folders else ()
    for path in changes.delete:
        if path in after:
            del after[path]
        elif path.rstrip("/") in folders:
            gone.add(path.rstrip("/"))
        else:
            raise Refused.because(policies.PATH_MISSING, path=path)
    for folder in changes.delete_folders:
        if folder.strip("/") not in folders:
            raise Refused.because(policies.PATH_MISSING, path=folder.strip("/") + "/")
        gone.add(folder.strip("/"))
    if gone:
        after = {path: placed for path, placed in after.items() if gone.isdisjoint(_above(path))}
    after.update(changes.add)
    return after


def _above(path: str) -> Iterator[str]:
    """Every folder that a path stands in, the outermost first."""
    end = path.find("/")
    while end >= 0:
        yield path[:end]
        end = path.find("/", end + 1)


def _blobs(variant: Variant, files: Mapping[str, Placed]) -> dict[str, Blob]:
    found = held(variant.organization, {placed.sha256 for placed in files.values()})
    for path, placed in files.items():
        if placed.sha256 not in found:
            raise Refused.because(
                policies.CONTENT_UNKNOWN, path=path, sha256=placed.sha256, organization=variant.organization.name
            )
    return found


def _repeated(
    head: Commit, changes: Changes, author: User | None, expected_parent: str, now: datetime
) -> Commit | None:
    """The head, where it is this very commit, made a moment ago on the expected parent."""
    parent_oid = head.parent.oid if head.parent else ""
    if head.author_id != getattr(author, "pk", None) or now - head.created_at > REPEAT_WITHIN:
        return None
    if not parent_oid.startswith(expected_parent) or changes.replace_all:
        return None
    try:
        after = _apply(files_of(head.parent.checkpoint) if head.parent else {}, changes)
    except Refused:
        return None
    return head if after == files_of(head.checkpoint) else None


def _oid(
    variant: Variant,
    parent: Commit | None,
    checkpoint: Checkpoint,
    title: str,
    message: str,
    author: User | None,
    at: datetime,
) -> str:
    """40 hexadecimal digits, as the Hub client insists on; cut from a SHA-256 over all that the commit says."""
    said = [
        variant.pk,
        parent.oid if parent else "",
        checkpoint.digest,
        title,
        message,
        getattr(author, "pk", None),
        at.isoformat(),
    ]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:40]
