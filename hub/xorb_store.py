"""The bytes of xorbs, unpacked, each in a file of its organization's folder until content holds them.

A file here has the chunks that its name's hash covers, as far as no power cut came in between: nothing is written
through to the disk, since whatever is made of it is hashed again before it counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from hub import staging
from registry.blobs import blob_store


def place_of(organization_id: int, digest: bytes) -> Path:
    """Where a xorb's bytes are, or would be."""
    name = digest.hex()
    return blob_store().root / "xorbs" / str(organization_id) / name[:2] / name


def keep(file: BinaryIO, organization_id: int, digest: bytes) -> None:
    """Put a draft in its place; another's half-written leftover there is replaced."""
    staging.keep(file, place_of(organization_id, digest))


def is_whole(organization_id: int, digest: bytes, size_bytes: int) -> bool:
    """Whether the bytes are here, in their length."""
    try:
        return place_of(organization_id, digest).stat().st_size == size_bytes
    except FileNotFoundError:
        return False


def read(organization_id: int, digest: bytes) -> BinaryIO:
    """The bytes for reading; FileNotFoundError where they are not here."""
    return place_of(organization_id, digest).open("rb", buffering=0)


def forget(organization_id: int, digest: bytes) -> bool:
    """Remove the bytes; False where they are not here."""
    try:
        place_of(organization_id, digest).unlink()
    except FileNotFoundError:
        return False
    return True


def places(*, until: float, organization_id: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(organization, digest) of each file that was written before a moment."""
    for path in (blob_store().root / "xorbs").glob(f"{organization_id or '*'}/*/*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < until:
                yield int(path.parts[-3]), bytes.fromhex(path.name)
