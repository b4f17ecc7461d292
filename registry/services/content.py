"""Content that arrives: into the blob store, then into the rows that say who holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

from registry.blobs import Content, Extent, blob_store
from registry.models import Blob, BlobHolding, Organization

# Files that wait for the disk at once; a file system commits them together.
WRITERS = 16


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
    content = blob_store().receive(
        blocks, expected_sha256=expected_sha256, expected_size=expected_size, progress=progress
    )
    _write_rows([content], organization)
    return content


def assemble(
    extents: Iterable[Extent],
    *,
    organization: Organization,
    expected_sha256: str = "",
    expected_size: int | None = None,
    progress: Callable[[int], None] = lambda done: None,
) -> Content:
    """Store for an organization what stands in pieces of files on this machine; otherwise as `receive`."""
    content = blob_store().assemble(
        extents, expected_sha256=expected_sha256, expected_size=expected_size, progress=progress
    )
    _write_rows([content], organization)
    return content


def receive_many(contents: Sequence[bytes], *, organization: Organization) -> list[Content]:
    """Store small contents that are in memory already; they wait for the disk together rather than in turn."""
    store = blob_store()
    with ThreadPoolExecutor(WRITERS) as writers:
        received = list(writers.map(lambda content: store.receive([content]), contents))
    _write_rows(received, organization)
    return received


def _write_rows(received: list[Content], organization: Organization) -> None:
    Blob.objects.bulk_create(
        [
            Blob(sha256=content.sha256, size_bytes=content.size_bytes, git_sha1=content.git_sha1)
            for content in sorted(received, key=lambda content: content.sha256)  # one order, so that none deadlock
        ],
        ignore_conflicts=True,
    )
    BlobHolding.objects.bulk_create(
        [BlobHolding(organization=organization, blob_id=sha256) for sha256 in sorted({c.sha256 for c in received})],
        ignore_conflicts=True,
    )


def held(organization: Organization, hashes: Iterable[str]) -> dict[str, Blob]:
    """Those blobs that the organization holds, by hash. Others stay unknown to it, whoever else has them."""
    wanted = set(hashes)
    holdings = BlobHolding.objects.filter(organization=organization, blob_id__in=wanted).select_related("blob")
    return {holding.blob_id: holding.blob for holding in holdings}
