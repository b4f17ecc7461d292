"""Large files that are sent in parts: addresses, parts on arrival, and the whole that is made of them.

Every part lies in a file of its own that no later request changes; joining copies all into content and hashes the copy.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import IntegrityError
from django.utils import timezone

from accounts.models import Token
from hub import policies, staging
from hub.models import ArrivedPart, PartedUpload
from hub.services import tickets
from hub.services.tickets import PartTicket
from registry import policies as registry
from registry.blobs import Extent, blob_store
from registry.hashing import Hashing
from registry.models import Variant
from registry.services import content
from rules import Refused

MOST_PARTS = 1000
# Whoever has not come back after a week will not, and no address holds longer.
KEPT_FOR = timedelta(seconds=tickets.LONGEST_SECONDS)


def addresses(*, variant: Variant, token: Token, sha256: str, size_bytes: int, base: str) -> dict[str, Any]:
    """Where to send each part, and where to say that all were sent; what has arrived of the same file before counts."""
    upload, is_new = PartedUpload.objects.update_or_create(
        organization=variant.organization,
        sha256=sha256,
        size_bytes=size_bytes,
        part_bytes=max(settings.LFS_PART_BYTES, -(-size_bytes // MOST_PARTS)),
        defaults={"used_at": timezone.now()},
    )
    if is_new:
        collect(now=timezone.now())
    hrefs = [
        f"{base}/parts/{tickets.issue_part(upload=upload, number=number, variant=variant, token=token)}"
        for number in range(upload.part_count + 1)
    ]
    header = {"chunk_size": str(upload.part_bytes)}
    return {"href": hrefs[0], "header": header | {str(number): hrefs[number] for number in range(1, len(hrefs))}}


def receive(*, ticket: PartTicket, announced: int | None, blocks: Iterable[bytes]) -> str:
    """Keep a part and name it by its SHA-256; one that is here already is heard out and not written again.

    Refused where it has another length, or the upload is no more; nothing is kept then.
    """
    upload = ticket.upload
    if upload is None or not ticket.number:
        raise Refused.because(policies.BAD_TICKET)
    expected = upload.length_of(ticket.number)
    if announced is not None and announced != expected:
        raise Refused.because(registry.SIZE_DIFFERS, announced=expected, received=announced)
    there = upload.parts.filter(number=ticket.number).first()
    if there is not None and place_of(upload, ticket.number).is_file():
        for _ in blocks:
            pass
        return there.sha256
    with staging.draft() as draft, Hashing() as digest:
        writer, size = staging.Writer(draft), 0
        for block in blocks:
            size += len(block)
            if size > expected:
                break
            digest.update(block)
            writer.add(block)
        writer.flush()
        if size != expected:
            raise Refused.because(registry.SIZE_DIFFERS, announced=expected, received=size)
        sha256 = digest.hexdigest()
        staging.keep(draft, place_of(upload, ticket.number))
    try:
        ArrivedPart.objects.update_or_create(upload=upload, number=ticket.number, defaults={"sha256": sha256})
    except IntegrityError:  # the upload was completed, or dropped, meanwhile
        raise Refused.because(policies.BAD_TICKET) from None
    PartedUpload.objects.filter(pk=upload.pk).update(used_at=timezone.now())
    return sha256


def complete(*, ticket: PartTicket, named: Mapping[int, str]) -> None:
    """Make content of the parts that the sender names. Safe to repeat.

    Refused where they are not all parts that arrived, or do not make what was announced: then all of them are dropped,
    since nobody can say which is wrong.
    """
    upload = ticket.upload
    if ticket.number:
        raise Refused.because(policies.BAD_TICKET)
    if upload is None:
        return  # It was made content, or dropped: asking whether it arrived, and the commit, tell which.
    arrived = dict(upload.parts.values_list("number", "sha256"))
    for number in range(1, upload.part_count + 1):
        if number not in arrived or named.get(number) != arrived[number]:
            raise Refused.because(policies.BAD_PARTS, number=number)
    try:
        content.assemble(
            _extents(upload),
            organization=ticket.variant.organization,
            expected_sha256=upload.sha256,
            expected_size=upload.size_bytes,
        )
    except (FileNotFoundError, EOFError):
        if content.held(ticket.variant.organization, [upload.sha256]):
            return  # the same request, sent twice, was quicker the other time
        _drop(upload)
        raise Refused.because(policies.BAD_PARTS, number=1) from None
    except Refused:
        _drop(upload)
        raise
    _drop(upload)


def collect(*, now: datetime) -> int:
    """Drop uploads of which nothing came for a week; returns how many."""
    old = list(PartedUpload.objects.filter(used_at__lt=now - KEPT_FOR))
    for upload in old:
        _drop(upload)
    known = set(PartedUpload.objects.values_list("pk", flat=True))
    for folder in _folder().glob("*"):
        with suppress(FileNotFoundError):
            if int(folder.name) not in known and folder.stat().st_mtime < (now - KEPT_FOR).timestamp():
                shutil.rmtree(folder, ignore_errors=True)
    return len(old)


def _extents(upload: PartedUpload) -> Iterator[Extent]:
    """The parts in order, each open until the next is asked for."""
    for number in range(1, upload.part_count + 1):
        with place_of(upload, number).open("rb") as file:
            yield Extent(file, 0, upload.length_of(number))


def place_of(upload: PartedUpload, number: int) -> Path:
    """Where a part's bytes are, or would be."""
    return _folder() / str(upload.pk) / str(number)


def _folder() -> Path:
    return blob_store().root / "parts"


def _drop(upload: PartedUpload) -> None:
    shutil.rmtree(_folder() / str(upload.pk), ignore_errors=True)
    PartedUpload.objects.filter(pk=upload.pk).delete()
