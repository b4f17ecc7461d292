"""Shards on arrival: each file that one describes is rebuilt, or the shard is refused."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from hub import policies, staging
from hub.services.xet import files, leave
from hub.services.xet.leave import Opened
from hub.services.xet.sources import Sources
from hub.xet.shards import MOST_BYTES, BadShard, read_shard
from rules import Refused


def receive(*, opened: Opened, blocks: Iterable[bytes]) -> bool:
    """Rebuild every file of a shard; False where all were content of the organization already.

    Safe to repeat. Refused at the first file that is not as it says; those before it stay, attached to nothing. Where
    something that the sender relied on is gone, the organization's clients are made to forget what they sent.
    """
    organization = opened.organization
    with staging.draft() as draft, Sources(organization) as sources:
        size = _spool(draft, blocks)
        try:
            with Path(draft.name).open("rb") as file:
                for _ in read_shard(file, size):
                    pass  # The form of all is checked before any file is made.
                file.seek(0)
                made = [
                    files.rebuild(record=record, sources=sources, upload=opened.upload)
                    for record in read_shard(file, size)
                ]
        except BadShard as error:
            raise files.bad(str(error)) from None
        except Refused as refused:
            if policies.XORB_GONE.code in refused.verdict.codes:
                leave.change_space(organization)
            raise
    return any(made)


def _spool(file: BinaryIO, blocks: Iterable[bytes]) -> int:
    """Write a shard down before it is read: its sender would wait in the middle of it otherwise."""
    size = 0
    for block in blocks:
        size += len(block)
        if size > MOST_BYTES:
            raise Refused.because(policies.TOO_LARGE, limit=MOST_BYTES)
        file.write(block)
    return size
