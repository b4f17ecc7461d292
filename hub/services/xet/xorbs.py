"""Xorbs on arrival: unpacked, hashed and kept, or refused and gone."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.utils import timezone

from hub import policies, staging, xorb_store
from hub.models import Xorb
from hub.services.xet import ahead
from hub.services.xet.leave import Opened
from hub.xet.chunk_lists import entry
from hub.xet.hashes import Tree, to_text
from hub.xet.xorbs import MOST_BYTES, BadXorb, read_xorb
from registry.models import Organization
from rules import Refused


def receive(*, opened: Opened, digest: bytes, announced: int | None, blocks: Iterable[bytes]) -> bool:
    """Keep a xorb for an organization; False where it was here already. Memory is a few blocks, whatever the size.

    Refused where it is no xorb, or not the one of this hash; nothing is kept then.
    """
    if announced is not None and announced > MOST_BYTES:
        raise Refused.because(policies.TOO_LARGE, limit=MOST_BYTES)
    organization, making = opened.organization, ahead.begin(opened.upload, digest)
    if _is_here(organization, digest):
        for _ in blocks:
            pass  # The sender waits until it has been heard out.
        if making and not making.has(digest):
            making.drop()  # What was here before is put together from where it stands.
        return False
    try:
        size_bytes = _keep(organization, digest, blocks)
    except BaseException:
        if making:
            making.drop()
        raise
    if making:
        making.kept(digest, size_bytes)
    return True


def _keep(organization: Organization, digest: bytes, blocks: Iterable[bytes]) -> int:
    """Unpack, hash and keep a xorb; returns how many plain bytes it has."""
    tree, chunks, size_bytes = Tree(), bytearray(), 0
    with staging.draft() as file:
        writer = staging.Writer(file)
        try:
            for chunk in read_xorb(blocks):
                length = len(chunk.plain)
                tree.add(chunk.digest, length)
                chunks += entry(chunk.digest, length)
                writer.add(chunk.plain)
                size_bytes += length
            writer.flush()
        except BadXorb as error:
            raise Refused.because(policies.BAD_XORB, what=str(error)) from None
        found = tree.root()
        if found != digest:
            raise Refused.because(policies.BAD_XORB, what=f"Its hash is {to_text(found)}, not {to_text(digest)}.")
        with transaction.atomic():
            xorb_store.keep(file, organization.pk, digest)
            Xorb.objects.update_or_create(
                organization=organization,
                digest=digest,
                defaults={"chunks": bytes(chunks), "has_bytes": True, "used_at": timezone.now()},
            )
    return size_bytes


def _is_here(organization: Organization, digest: bytes) -> bool:
    """Whether every chunk of the xorb can be read, from its own file or from content that was made of it."""
    from hub.services.xet.sources import KnownXorb

    row = Xorb.objects.filter(organization=organization, digest=digest).first()
    if row is None or not KnownXorb.of(row).is_readable:
        return False
    Xorb.objects.filter(pk=row.pk).update(used_at=timezone.now())
    return True
