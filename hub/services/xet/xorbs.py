"""Xorbs on arrival: unpacked, hashed and kept, or refused and gone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone

from hub import policies, staging, xorb_store
from hub.models import Xorb
from hub.services.xet import ahead
from hub.services.xet.ahead import Place
from hub.services.xet.leave import Opened
from hub.xet.chunk_lists import entry
from hub.xet.hashes import Tree, to_text
from hub.xet.xorbs import MOST_BYTES, BadXorb, read_xorb
from registry.models import Organization
from rules import Refused


@dataclass(frozen=True, slots=True)
class _Arrived:
    """A xorb that is what it should be: its name, its chunks as they are remembered, and its plain size."""

    digest: bytes
    chunks: bytes
    size_bytes: int


def receive(
    *, opened: Opened, digest: bytes, announced: int | None, blocks: Iterable[bytes], may_hold: bool = False
) -> bool:
    """Keep a xorb for an organization; False where it was here already.

    Memory is a few blocks, whatever the size; where `may_hold`, a few xorbs may be in memory on their way into a file.
    Refused where it is no xorb, or not the one of this hash; nothing is kept then.
    """
    if announced is not None and announced > MOST_BYTES:
        raise Refused.because(policies.TOO_LARGE, limit=MOST_BYTES)
    organization, place = opened.organization, ahead.begin(opened.upload, digest)
    try:
        if _is_here(organization, digest):
            for _ in blocks:
                pass  # The sender waits until it has been heard out.
            if place:
                place.making.drop(place.part)  # What was here before is put together from where it stands.
            return False
        if place and may_hold and place.making.hold(place.part, announced):
            _hold(organization, digest, blocks, place)
        else:
            _keep(organization, digest, blocks, place)
    except BaseException:
        if place:
            place.making.drop(place.part)
        raise
    return True


def _keep(organization: Organization, digest: bytes, blocks: Iterable[bytes], place: Place | None) -> None:
    """Write a xorb into a file of its own while it arrives."""
    with staging.draft() as file:
        writer = staging.Writer(file)
        arrived = _read(digest, blocks, writer.add)
        writer.flush()
        with transaction.atomic():
            xorb_store.keep(file, organization.pk, digest)
            _remember(organization, arrived)
    if place:
        place.making.stands_alone(place.part, arrived.size_bytes)


def _hold(organization: Organization, digest: bytes, blocks: Iterable[bytes], place: Place) -> None:
    """Hand a xorb over in memory while it arrives; where its file cannot take it, write it into one of its own."""
    arrived = _read(digest, blocks, place.part.add)
    if place.making.written(place.part, arrived.size_bytes):
        _remember(organization, arrived)
        return
    with staging.draft() as file:
        writer = staging.Writer(file)
        for piece in place.part.taken_back():
            writer.add(piece)
        writer.flush()
        with transaction.atomic():
            xorb_store.keep(file, organization.pk, digest)
            _remember(organization, arrived)
    place.making.stands_alone(place.part, arrived.size_bytes)


def _read(digest: bytes, blocks: Iterable[bytes], add: Callable[[bytes | memoryview], None]) -> _Arrived:
    """Unpack and hash a xorb, and give its bytes to `add`; Refused at its end where it is another."""
    tree, chunks, size_bytes = Tree(), bytearray(), 0
    try:
        for chunk in read_xorb(blocks):
            length = len(chunk.plain)
            tree.add(chunk.digest, length)
            chunks += entry(chunk.digest, length)
            add(chunk.plain)
            size_bytes += length
    except BadXorb as error:
        raise Refused.because(policies.BAD_XORB, what=str(error)) from None
    found = tree.root()
    if found != digest:
        raise Refused.because(policies.BAD_XORB, what=f"Its hash is {to_text(found)}, not {to_text(digest)}.")
    return _Arrived(digest, bytes(chunks), size_bytes)


def _remember(organization: Organization, arrived: _Arrived) -> None:
    Xorb.objects.update_or_create(
        organization=organization,
        digest=arrived.digest,
        defaults={"chunks": arrived.chunks, "has_bytes": True, "used_at": timezone.now()},
    )


def _is_here(organization: Organization, digest: bytes) -> bool:
    """Whether every chunk of the xorb can be read, from its own bytes or from content that was made of it."""
    from hub.services.xet.sources import KnownXorb

    row = Xorb.objects.filter(organization=organization, digest=digest).first()
    if row is None or not KnownXorb.of(row).is_readable:
        return False
    Xorb.objects.filter(pk=row.pk).update(used_at=timezone.now())
    return True
