"""The ledger of downloads, and the counter that is made with it."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F

from hub.models import Download
from hub.ranges import Part
from hub.selectors.download_counts import counted_file
from hub.selectors.repositories import Repository
from hub.selectors.trees import Entry
from registry.models import Commit, Variant
from web.middleware import current_request_id


def record(*, repository: Repository, commit: Commit, path: str, part: Part) -> None:
    """Write that the caller begins to read a part of a file, under which grant, and count it where it counts."""
    with transaction.atomic():
        Download.objects.create(
            variant=repository.variant,
            commit=commit,
            path=path,
            user=repository.user,
            grant_id=repository.grant_id(),
            first_byte=part.first,
            size_bytes=part.length,
            request_id=current_request_id(),
        )
        if part.first == 0 and path == counted_file(commit):
            Variant.objects.filter(pk=repository.variant.pk).update(downloads=F("downloads") + 1)


def record_whole(*, repository: Repository, read: Iterable[tuple[Commit, Entry]]) -> None:
    """Write that the caller was given all of some small files inside another answer."""
    grant_id, request_id = repository.grant_id(), current_request_id()
    Download.objects.bulk_create(
        Download(
            variant=repository.variant,
            commit=commit,
            path=entry.path,
            user=repository.user,
            grant_id=grant_id,
            size_bytes=entry.size_bytes,
            request_id=request_id,
        )
        for commit, entry in read
    )
