"""The bytes of xorbs, unpacked, of each organization in a folder of its own, until content holds them.

A xorb has a file of its own, or stands inside a draft that is filled with several: its name is then a hard link to the
draft, and says where it begins. The draft's own name may go; what is linked stays. Bytes that are found here in their
length are those that the name's hash covers, as far as no power cut came in between: nothing is written through to the
disk, since whatever is made of it is hashed again before it counts.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub import staging
from registry.blobs import blob_store

# The end of what a draft holds may still wait for its disk; whoever fills it lets nothing wait for longer than this.
SETTLES_IN_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Standing:
    """A file, and where in it a xorb's bytes begin."""

    path: Path
    offset_bytes: int = 0


def place_of(organization_id: int, digest: bytes) -> Path:
    """Where a xorb's own file is, or would be."""
    name = digest.hex()
    return blob_store().root / "xorbs" / str(organization_id) / name[:2] / name


def keep(file: BinaryIO, organization_id: int, digest: bytes) -> None:
    """Put a draft in its place; another's half-written leftover there is replaced."""
    staging.keep(file, place_of(organization_id, digest))


def link(draft: Path, offset_bytes: int, organization_id: int, digest: bytes) -> None:
    """Note that a xorb stands inside a draft; OSError where its file system cannot do that."""
    place = place_of(organization_id, digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    name = place.with_name(f"{place.name}.{offset_bytes}")
    name.unlink(missing_ok=True)  # of an earlier draft
    os.link(draft, name)


def find(organization_id: int, digest: bytes, size_bytes: int) -> Standing | None:
    """Where the bytes are, in their length; None where they are not here. Waits a moment for what is being written."""
    place = place_of(organization_id, digest)
    until = time.monotonic() + SETTLES_IN_SECONDS
    while True:
        with suppress(FileNotFoundError):
            if place.stat().st_size == size_bytes:
                return Standing(place)
        is_coming = False
        for name in _links(place):
            offset = int(name.suffix[1:])
            with suppress(FileNotFoundError):
                found = name.stat()
                if found.st_size >= offset + size_bytes:
                    return Standing(name, offset)
                is_coming |= time.time() - found.st_mtime < SETTLES_IN_SECONDS
        if not is_coming or time.monotonic() > until:
            return None
        time.sleep(0.05)


def read(standing: Standing) -> BinaryIO:
    """The file for reading; FileNotFoundError where it has gone."""
    return standing.path.open("rb", buffering=0)


def forget(organization_id: int, digest: bytes) -> bool:
    """Remove the bytes; False where they are not here."""
    place, removed = place_of(organization_id, digest), False
    for name in [place, *_links(place)]:
        with suppress(FileNotFoundError):
            name.unlink()
            removed = True
    return removed


def places(*, until: float, organization_id: int | None = None) -> Iterator[tuple[int, bytes]]:
    """(organization, digest) of each file that was written before a moment."""
    for path in (blob_store().root / "xorbs").glob(f"{organization_id or '*'}/*/*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < until:
                yield int(path.parts[-3]), bytes.fromhex(path.stem)


def _links(place: Path) -> list[Path]:
    """The drafts that hold a xorb."""
    return sorted(place.parent.glob(f"{place.name}.*"))
