"""A file rebuilt from chunks: everything that a shard says of it is checked before it counts as content."""

from __future__ import annotations

import logging

from django.db import transaction
from django.utils import timezone

from hub import policies, xorb_store
from hub.models import Xorb, XorbPart
from hub.services.xet import ahead
from hub.services.xet.ahead import Upload
from hub.services.xet.making import GuessedWrong
from hub.services.xet.sources import KnownXorb, Sources, gone, is_covered
from hub.xet.chunk_lists import ChunkList
from hub.xet.hashes import Tree, chunk_hash, file_hash, term_check
from hub.xet.shards import FileRecord
from registry import policies as registry
from registry.blobs import Content
from registry.models import Organization
from registry.services import content
from rules import Refused

log = logging.getLogger(__name__)
# A few chunks named many times make a file of any size. Zeros do that honestly, up to a bound.
FREE_REPETITION_BYTES, MOST_REPETITION = 16 << 30, 16


def rebuild(*, record: FileRecord, sources: Sources, upload: Upload) -> bool:
    """Make the file of a record content of the organization; False where it was already.

    Refused where a part, the tree over the chunks, the size or the SHA-256 is not as the record says.
    """
    _check(record, sources)
    if record.sha256 and _stands(record, sources.organization):
        return False
    try:
        made = _made(record, sources, upload)
    except Refused as refused:
        if registry.HASH_DIFFERS.code in refused.verdict.codes:
            _forget_damaged(record, sources)
        raise
    _place(record, sources.organization, made.sha256)
    return True


def _made(record: FileRecord, sources: Sources, upload: Upload) -> Content:
    """The file as content: as it was made while it arrived, where that was the one, or put together now."""
    ready = ahead.made(upload, record, lambda count: sources.extents(record.terms[count:]))
    if ready is not None:
        try:
            return content.keep(ready, organization=sources.organization)
        except (GuessedWrong, OSError, EOFError) as error:
            log.info("A file that was made ahead is made again: %s", error)
    return content.assemble(
        sources.extents(record.terms),
        organization=sources.organization,
        expected_sha256=record.sha256,
        expected_size=record.size_bytes,
    )


def _check(record: FileRecord, sources: Sources) -> None:
    """Compare a record with the chunks that it names."""
    tree, distinct, size = Tree(), {}, 0
    sources.expect(record.terms)
    for number, term in enumerate(record.terms, 1):
        chunks = sources.find(term.xorb).chunks
        if term.end > len(chunks) or chunks.length(term.first, term.end) != term.plain_bytes:
            raise bad(f"Part {number} of a file is not as long as the chunks that it names.")
        if term_check(chunks.hashes(term.first, term.end)) != term.check:
            raise bad(f"Part {number} of a file does not name the chunks that it shows to know.")
        for digest, length in chunks.run(term.first, term.end):
            tree.add(digest, length)
        distinct[term.xorb] = chunks.size_bytes
        size += term.plain_bytes
    if file_hash(tree.root()) != record.digest:
        raise bad("The chunks of a file do not make its hash.")
    there = sum(distinct.values())
    if size > FREE_REPETITION_BYTES + MOST_REPETITION * there:
        raise Refused.because(policies.TOO_REPETITIVE, size_bytes=size, distinct_bytes=there)


def _stands(record: FileRecord, organization: Organization) -> bool:
    """Whether just this file was rebuilt from just these chunks before."""
    blob = content.promised(organization, [record.sha256]).get(record.sha256)
    if blob is None or blob.size_bytes != record.size_bytes:
        return False
    rows = XorbPart.objects.filter(xorb__organization=organization, blob=blob)
    placed = {
        (bytes(digest), first, end, offset)
        for digest, first, end, offset in rows.values_list("xorb__digest", "first", "end", "offset_bytes")
    }
    offset = 0
    for term in record.terms:
        if (term.xorb, term.first, term.end, offset) not in placed:
            return False
        offset += term.plain_bytes
    return True


@transaction.atomic
def _place(record: FileRecord, organization: Organization, sha256: str) -> None:
    """Write where the file holds which chunks, and let go of xorbs whose every chunk stands in content now."""
    wanted = sorted({term.xorb for term in record.terms})
    rows = Xorb.objects.select_for_update().filter(organization=organization, digest__in=wanted)
    known = {bytes(row.digest): row for row in rows.order_by("digest")}
    spans: dict[bytes, set[tuple[int, int]]] = {digest: set() for digest in known}
    for part in XorbPart.objects.filter(xorb__in=known.values()).select_related("xorb"):
        spans[bytes(part.xorb.digest)].add((part.first, part.end))
    made, offset = [], 0
    for term in record.terms:
        if term.xorb in known and not is_covered(spans[term.xorb], term.first, term.end):
            spans[term.xorb].add((term.first, term.end))
            part = XorbPart(xorb=known[term.xorb], first=term.first, end=term.end, blob_id=sha256, offset_bytes=offset)
            made.append(part)
        offset += term.plain_bytes
    XorbPart.objects.bulk_create(made, ignore_conflicts=True, batch_size=2000)
    Xorb.objects.filter(pk__in=[row.pk for row in known.values()]).update(used_at=timezone.now())
    full = [
        row
        for digest, row in known.items()
        if row.has_bytes and is_covered(spans[digest], 0, len(ChunkList(bytes(row.chunks))))
    ]
    Xorb.objects.filter(pk__in=[row.pk for row in full]).update(has_bytes=False)
    transaction.on_commit(lambda: _forget_files(organization.pk, full))


def _forget_files(organization_id: int, rows: list[Xorb]) -> None:
    for row in rows:
        xorb_store.forget(organization_id, bytes(row.digest))


def _forget_damaged(record: FileRecord, sources: Sources) -> None:
    """Drop xorbs whose file no longer holds what arrived, as after a power cut; Refused as gone where one was."""
    for digest in dict.fromkeys(term.xorb for term in record.terms):
        xorb = sources.find(digest)
        if xorb.standing is not None and not _is_sound(xorb):
            Xorb.objects.filter(pk=xorb.row.pk).delete()
            xorb_store.forget(sources.organization.pk, digest)
            raise gone(digest)


def _is_sound(xorb: KnownXorb) -> bool:
    with xorb_store.read(xorb.standing) as file:
        file.seek(xorb.standing.offset_bytes)
        return all(chunk_hash(file.read(length)) == digest for digest, length in xorb.chunks.run(0, len(xorb.chunks)))


def bad(what: str) -> Refused:
    """A refusal of what a shard says."""
    return Refused.because(policies.BAD_SHARD, what=what)
