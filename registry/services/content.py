"""Content that arrives: into the blob store, then into the rows that say who holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from hashlib import sha256

from django.db import connection, transaction
from django.utils import timezone

from registry.blobs import Arrival, BlobStore, Content, Expected, Extent, blob_store
from registry.models import Blob, BlobHolding, Organization
from registry.services import buckets

# Files that wait for the disk at once; a file system commits them together.
WRITERS = 16
# That content is in use is noted at most this often.
NOTE_USE_EVERY = timedelta(hours=1)


def receive(
    blocks: Iterable[bytes],
    *,
    organization: Organization,
    expected_sha256: str = "",
    expected_size: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Content:
    """Store content for an organization, hashed while it arrives; Refused where it is not what was announced.

    Sending the same content again is harmless. The rows follow the bytes: a crash between leaves bytes without a
    row, which the next sending adopts.
    """
    expected = Expected(expected_sha256, expected_size)
    return keep(blob_store().arriving(blocks, expected=expected, progress=progress), organization=organization)


def assemble(
    extents: Iterable[Extent],
    *,
    organization: Organization,
    expected_sha256: str = "",
    expected_size: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Content:
    """Store for an organization what stands in pieces of files on this machine; otherwise as `receive`."""
    expected = Expected(expected_sha256, expected_size)
    return keep(blob_store().assembling(extents, expected=expected, progress=progress), organization=organization)


def receive_many(contents: Sequence[bytes], *, organization: Organization) -> list[Content]:
    """Store small contents that are in memory already; they wait for the disk together rather than in turn."""
    store = blob_store()

    def store_one(content: bytes) -> Content:
        with store.arriving([content]) as arrival:
            arrival.keep()
            return arrival.content

    with transaction.atomic(), ThreadPoolExecutor(WRITERS) as writers:
        hashes = [sha256(content).hexdigest() for content in contents]
        buckets.hold(hashes)
        _drop_damaged(store, hashes)
        received = list(writers.map(store_one, contents))
        _write_rows(received, organization)
    return received


def keep(arriving: AbstractContextManager[Arrival], *, organization: Organization) -> Content:
    """Make what arrived whole content of an organization; whatever `arriving` raises leaves nothing."""
    with arriving as arrival, transaction.atomic():
        buckets.hold([arrival.content.sha256])
        _drop_damaged(arrival.store, [arrival.content.sha256])
        arrival.keep()
        _write_rows([arrival.content], organization)
    return arrival.content


def _drop_damaged(store: BlobStore, hashes: list[str]) -> None:
    """Make room for content that is sent again because what is stored of it was found damaged."""
    for damaged in Blob.objects.filter(pk__in=hashes).exclude(damaged_at=None).values_list("pk", flat=True):
        store.delete(damaged)


def _write_rows(received: list[Content], organization: Organization) -> None:
    now = timezone.now()
    Blob.objects.bulk_create(
        [
            Blob(sha256=content.sha256, size_bytes=content.size_bytes, git_sha1=content.git_sha1, used_at=now)
            # one order, so that none deadlock
            for content in sorted({content.sha256: content for content in received}.values(), key=lambda c: c.sha256)
        ],
        update_conflicts=True,
        unique_fields=["sha256"],
        update_fields=["used_at", "damaged_at"],
    )
    BlobHolding.objects.bulk_create(
        [BlobHolding(organization=organization, blob_id=sha256) for sha256 in sorted({c.sha256 for c in received})],
        ignore_conflicts=True,
    )


def held(organization: Organization, hashes: Iterable[str]) -> dict[str, Blob]:
    """Those blobs that the organization holds, by hash. Others stay unknown to it, whoever else has them.

    Inside a transaction none of them is collected before it ends, so that what it writes may refer to them.
    """
    wanted = sorted(set(hashes))
    if connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute("SELECT FROM registry_blob WHERE sha256 = ANY(%s) ORDER BY sha256 FOR KEY SHARE", [wanted])
    holdings = BlobHolding.objects.filter(organization=organization, blob_id__in=wanted).select_related("blob")
    return {holding.blob_id: holding.blob for holding in holdings}


def promised(organization: Organization, hashes: Iterable[str]) -> dict[str, Blob]:
    """Those blobs that a sender need not send, by hash: held by the organization, and sound as far as anybody knows.

    They stay for a whole grace period from now, since a commit that names them is on its way.
    """
    found = {sha256: blob for sha256, blob in held(organization, hashes).items() if blob.damaged_at is None}
    now = timezone.now()
    stale = sorted(sha256 for sha256, blob in found.items() if now - blob.used_at > NOTE_USE_EVERY)
    if not stale:
        return found
    with transaction.atomic():
        # Whoever collects may have been faster with some of them.
        rows = Blob.objects.select_for_update().filter(pk__in=stale).order_by("pk")
        left = set(rows.values_list("pk", flat=True))
        Blob.objects.filter(pk__in=left).update(used_at=now)
    return {sha256: blob for sha256, blob in found.items() if sha256 not in stale or sha256 in left}
