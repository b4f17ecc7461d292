"""The blob store of this instance, chosen by settings, and the words for what goes in and out of it.

Knows neither paths of checkpoints nor people.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from django.conf import settings

from registry.disk_store import LocalBlobStore
from registry.drafts import Content, Expected, Extent, Filling, blocks_of
from registry.stores import Arrival, BlobStore, Stored

__all__ = ["Arrival", "BlobStore", "Content", "Expected", "Extent", "Filling", "Stored", "blob_store", "blocks_of"]


def blob_store() -> BlobStore:
    """The store of this instance."""
    return _store(settings.STORAGE, settings.STORAGE_ROOT)


@cache
def _store(kind: str, root: Path) -> BlobStore:
    if kind == "s3":
        from registry.object_store import S3BlobStore, bucket_of_settings

        return S3BlobStore(root, bucket_of_settings(), copies_bytes=settings.STORAGE_COPIES_BYTES)
    return LocalBlobStore(root)
