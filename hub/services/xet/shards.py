"""Shards on arrival: each file that one describes is rebuilt, or the shard is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from hub import policies, xorb_store
from hub.services.xet import files, leave
from hub.services.xet.sources import Sources
from hub.xet.shards import MOST_BYTES, BadShard, read_shard
from registry.models import Organization
from rules import Refused

Progress = Callable[[int, int], None]


def receive(
    *,
    organization: Organization,
    blocks: Iterable[bytes],
    progress: Progress = lambda done, total: None,
) -> bool:
    """Rebuild every file of a shard; False where all were content of the organization already.

    Safe to repeat. Refused at the first file that is not as it says; those before it stay, attached to nothing. Where
    something that the sender relied on is gone, the organization's clients are made to forget what they sent.
    """
    with xorb_store.draft() as file, Sources(organization) as sources:
        size = _spool(file, blocks)
        try:
            file.seek(0)
            total = sum(record.size_bytes for record in read_shard(file, size))
            file.seek(0)
            done, is_new = 0, False
            for record in read_shard(file, size):
                before = done
                is_new |= files.rebuild(
                    record=record, sources=sources, progress=lambda part, before=before: progress(before + part, total)
                )
                done += record.size_bytes
                progress(done, total)
        except BadShard as error:
            raise files.bad(str(error)) from None
        except Refused as refused:
            if policies.XORB_GONE.code in refused.verdict.codes:
                leave.change_space(organization)
            raise
    return is_new


def _spool(file, blocks: Iterable[bytes]) -> int:
    """Write a shard down before it is read: its sender would wait in the middle of it otherwise."""
    size = 0
    for block in blocks:
        size += len(block)
        if size > MOST_BYTES:
            raise Refused.because(policies.TOO_LARGE, limit=MOST_BYTES)
        file.write(block)
    file.flush()
    return size
