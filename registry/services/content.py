"""Content that arrives: into the blob store, then into the rows that say who holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from registry.blobs import Content, blob_store
from registry.models import Blob, BlobHolding, Organization


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
    Blob.objects.bulk_create(
        [Blob(sha256=content.sha256, size_bytes=content.size_bytes, git_sha1=content.git_sha1)],
        ignore_conflicts=True,
    )
    BlobHolding.objects.bulk_create(
        [BlobHolding(organization=organization, blob_id=content.sha256)], ignore_conflicts=True
    )
    return content


def held(organization: Organization, hashes: Iterable[str]) -> dict[str, Blob]:
    """Those blobs that the organization holds, by hash. Others stay unknown to it, whoever else has them."""
    wanted = set(hashes)
    holdings = BlobHolding.objects.filter(organization=organization, blob_id__in=wanted).select_related("blob")
    return {holding.blob_id: holding.blob for holding in holdings}
