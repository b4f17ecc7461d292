"""Stored content read again: what is missing, changed, of another size, or without a row. Repairs and deletes nothing.

What is found damaged is marked, so that it is neither given out nor published until the right content was sent again.
"""

from __future__ import annotations

import hashlib
import logging
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

import audit.services as audit
from registry.blobs import BlobStore, blob_store, blocks_of
from registry.models import Blob, CheckpointFile, Commit
from registry.services import buckets, collecting

log = logging.getLogger(__name__)
BATCH = 500
# Bytes that were written so recently may belong to an upload whose rows are not written yet.
SETTLED_SECONDS = 3600
NAMED_FILES = 3


@dataclass(frozen=True)
class Wanted:
    """Which contents to read: all, those since a moment, a random sample of a number or a share; and how fast."""

    since: datetime | None = None
    sample: int | None = None
    sample_share: float | None = None
    bytes_per_second: int = 0

    @property
    def is_everything(self) -> bool:
        """Whether every content is read, so that strays are looked for as well."""
        return self.since is None and self.sample is None and self.sample_share is None


@dataclass
class Report:
    """What was read and what is wrong with it, each problem with its content's hash."""

    checked: int = 0
    bytes_read: int = 0
    missing: list[dict[str, Any]] = field(default_factory=list)
    damaged: list[dict[str, Any]] = field(default_factory=list)
    size_mismatch: list[dict[str, Any]] = field(default_factory=list)
    stray: list[dict[str, Any]] = field(default_factory=list)
    mended: list[str] = field(default_factory=list)
    seconds: float = 0.0
    is_everything: bool = True

    @property
    def is_sound(self) -> bool:
        """Whether everything that was read is what it should be. A stray is untidy, and counts."""
        return not (self.missing or self.damaged or self.size_mismatch or self.stray)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON."""
        return {
            "ok": self.is_sound,
            "complete": self.is_everything,
            "checked": self.checked,
            "bytes": self.bytes_read,
            "seconds": round(self.seconds, 3),
            "missing": self.missing,
            "damaged": self.damaged,
            "size_mismatch": self.size_mismatch,
            "stray": self.stray,
            "mended": self.mended,
        }


Tell = Callable[[int, int], None]
"""Is told how many bytes were read, and of how many."""


def verify(wanted: Wanted, *, tell: Tell = lambda done, total: None) -> Report:
    """Read stored content again and compare; what is wrong is marked and recorded."""
    began, store = time.monotonic(), blob_store()
    chosen = _chosen(wanted)
    report = Report(is_everything=wanted.is_everything)
    total = sum(size for _, size in chosen)
    pace = _Pace(wanted.bytes_per_second)
    before = 0
    for sha256, size in chosen:
        _check(store, sha256, size, report, pace, lambda read, before=before: tell(before + read, total))
        before += size
        tell(before, total)
    if wanted.is_everything:
        settled = time.time() - SETTLED_SECONDS
        for bucket in buckets.BUCKETS:
            for one in collecting.strays_of(store, bucket, before=settled):
                report.stray.append({"sha256": one.sha256, "size_bytes": one.size_bytes})
    report.seconds = time.monotonic() - began
    _record(report)
    return report


def _chosen(wanted: Wanted) -> list[tuple[str, int]]:
    blobs: QuerySet[Blob] = Blob.objects.order_by("pk")
    if wanted.since is not None:
        blobs = blobs.filter(created_at__gte=wanted.since)
    rows = list(blobs.values_list("pk", "size_bytes").iterator())
    count = wanted.sample
    if wanted.sample_share is not None:
        count = -(-len(rows) * wanted.sample_share // 1)
    if count is None or count >= len(rows):
        return rows
    return sorted(random.SystemRandom().sample(rows, int(count)))


def _check(store: BlobStore, sha256: str, size: int, report: Report, pace: _Pace, tell: Callable[[int], None]) -> None:
    report.checked += 1
    digest, read = hashlib.sha256(), 0
    try:
        with store.stream(sha256) as source:
            for block in blocks_of(source):
                digest.update(block)
                read += len(block)
                report.bytes_read += len(block)
                pace.wait(len(block))
                tell(min(read, size))
    except FileNotFoundError:
        if Blob.objects.filter(pk=sha256).exists():  # it was not collected meanwhile
            _mark(sha256, report.missing, {"size_bytes": size})
        return
    except OSError as error:
        _mark(sha256, report.damaged, {"size_bytes": size, "error": str(error)})
        return
    if read != size:
        _mark(sha256, report.size_mismatch, {"size_bytes": size, "found_bytes": read})
    elif digest.hexdigest() != sha256:
        _mark(sha256, report.damaged, {"size_bytes": size, "found_sha256": digest.hexdigest()})
    elif Blob.objects.filter(pk=sha256).exclude(damaged_at=None).update(damaged_at=None):
        report.mended.append(sha256)


def _mark(sha256: str, problems: list[dict[str, Any]], facts: dict[str, Any]) -> None:
    Blob.objects.filter(pk=sha256, damaged_at=None).update(damaged_at=timezone.now())
    problems.append({"sha256": sha256} | facts | {"files": list(_named(sha256))})


def _named(sha256: str) -> Iterator[str]:
    """Some files that have the content, as `organization/model/path`."""
    for file in CheckpointFile.objects.filter(blob_id=sha256).order_by("-pk")[:NAMED_FILES]:
        commit = Commit.objects.filter(checkpoint=file.checkpoint_id).select_related("variant__organization").first()
        yield f"{commit.variant.repo_id}/{file.path}" if commit else file.path


@transaction.atomic
def _record(report: Report) -> None:
    audit.record(
        "registry:storage:verified",
        subject=collecting.SUBJECT,
        label="the blob store",
        actor=None,
        at=timezone.now(),
        checked=report.checked,
        size_bytes=report.bytes_read,
        complete=report.is_everything,
        missing=len(report.missing),
        damaged=len(report.damaged) + len(report.size_mismatch),
        strays=len(report.stray),
    )


class _Pace:
    """Keeps a rate over the whole run."""

    def __init__(self, bytes_per_second: int) -> None:
        self._rate, self._began, self._read = bytes_per_second, time.monotonic(), 0

    def wait(self, count: int) -> None:
        """Wait until so many bytes more may have been read."""
        if self._rate:
            self._read += count
            ahead = self._read / self._rate - (time.monotonic() - self._began)
            if ahead > 0:
                time.sleep(ahead)
