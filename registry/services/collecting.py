"""Content that nothing needs any more: found by what the database protects, removed after a time of grace.

Whatever has a row that protects a blob keeps it: files of checkpoints, and with them all that releases, holds and
disclosures speak of; what validation found. That an organization holds content keeps nothing. An upload that runs keeps
its content by having used it within the grace.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import PROTECT, Exists, ForeignObjectRel, OuterRef, QuerySet

import audit.services as audit
from registry.blobs import BlobStore, Stored, blob_store
from registry.models import Blob, BlobHolding
from registry.services import buckets

SUBJECT = "registry.storage:blobs"
# Removed under one lock, for which those wait who keep content of the same bucket.
BATCH = 100


@dataclass
class Collected:
    """How much was removed: contents with their rows, and bytes without a row. `busy` batches were left alone."""

    blobs: int = 0
    blob_bytes: int = 0
    strays: int = 0
    stray_bytes: int = 0
    busy: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, other: Collected) -> None:
        """Add another's numbers to these."""
        for one in fields(self):
            setattr(self, one.name, getattr(self, one.name) + getattr(other, one.name))
        del self.examples[10:]


def collect(*, now: datetime, among: Iterable[str] = buckets.BUCKETS, is_dry: bool = False) -> Collected:
    """Remove what nothing needs, bucket by bucket; safe beside uploads, commits and itself. A dry run only counts."""
    cutoff = now - timedelta(days=settings.BLOB_GRACE_DAYS)
    store, total = blob_store(), Collected()
    for bucket in among:
        for found in _batches(store, bucket, cutoff):
            total.add(_counted(found) if is_dry else _removed(store, bucket, cutoff, found))
    if not is_dry and (total.blobs or total.strays):
        with transaction.atomic():
            audit.record(
                "registry:storage:collected",
                subject=SUBJECT,
                label="the blob store",
                actor=None,
                at=now,
                blobs=total.blobs,
                strays=total.strays,
                size_bytes=total.blob_bytes + total.stray_bytes,
            )
    return total


def keepers() -> list[ForeignObjectRel]:
    """The relations whose rows keep a blob."""
    return [
        field
        for field in Blob._meta.get_fields(include_hidden=True)
        if isinstance(field, ForeignObjectRel) and field.on_delete is PROTECT and field.related_model is not BlobHolding
    ]


def unneeded(blobs: QuerySet[Blob]) -> QuerySet[Blob]:
    """Those that no row keeps."""
    for relation in keepers():
        rows = relation.related_model._base_manager.filter(**{relation.field.name: OuterRef("pk")})
        blobs = blobs.filter(~Exists(rows))
    return blobs


@dataclass(frozen=True, slots=True)
class _Found:
    """Some of what a bucket holds and nothing seems to need."""

    hashes: Sequence[str] = ()
    strays: Sequence[Stored] = ()
    size_bytes: int = 0


def _batches(store: BlobStore, bucket: str, cutoff: datetime) -> Iterator[_Found]:
    rows = list(
        unneeded(Blob.objects.filter(pk__startswith=bucket, used_at__lt=cutoff)).values_list("pk", "size_bytes")
    )
    for at in range(0, len(rows), BATCH):
        batch = rows[at : at + BATCH]
        yield _Found([sha256 for sha256, _ in batch], size_bytes=sum(size for _, size in batch))
    strays = strays_of(store, bucket, before=cutoff.timestamp())
    for at in range(0, len(strays), BATCH):
        yield _Found(strays=strays[at : at + BATCH])


def strays_of(store: BlobStore, bucket: str, *, before: float) -> list[Stored]:
    """What a bucket of the store holds without a row, of what was written before a moment."""
    old = [one for one in store.listing(bucket) if one.written_at < before]
    known = set(Blob.objects.filter(pk__startswith=bucket).values_list("pk", flat=True)) if old else set()
    return [one for one in old if one.sha256 not in known]


def _counted(found: _Found) -> Collected:
    return Collected(
        len(found.hashes),
        found.size_bytes,
        len(found.strays),
        sum(one.size_bytes for one in found.strays),
        examples=[*found.hashes, *(one.sha256 for one in found.strays)][:10],
    )


def _removed(store: BlobStore, bucket: str, cutoff: datetime, found: _Found) -> Collected:
    """Remove what is still not needed, now that nobody can begin to need it."""
    with buckets.taken(bucket) as is_taken:
        if not is_taken:
            return Collected(busy=1)
        gone = _delete_rows(found.hashes, cutoff)
        known = set(Blob.objects.filter(pk__in=[one.sha256 for one in found.strays]).values_list("pk", flat=True))
        strays = [one for one in found.strays if one.sha256 not in known]
        # The rows went first: bytes without a row harm nobody if this ends here.
        for sha256 in [*gone, *(one.sha256 for one in strays)]:
            store.delete(sha256)
    return _counted(_Found(list(gone), strays, sum(gone.values())))


@transaction.atomic
def _delete_rows(hashes: Sequence[str], cutoff: datetime) -> dict[str, int]:
    """Delete rows that nothing keeps, and return their sizes."""
    rows = Blob.objects.select_for_update(skip_locked=True).filter(pk__in=hashes, used_at__lt=cutoff).order_by("pk")
    locked = list(rows.values_list("pk", flat=True))
    # Asked once more after locking: a commit may have ended between the question and the lock.
    gone = dict(unneeded(Blob.objects.filter(pk__in=locked)).values_list("pk", "size_bytes"))
    BlobHolding.objects.filter(blob__in=gone).delete()
    Blob.objects.filter(pk__in=gone).delete()
    return gone
