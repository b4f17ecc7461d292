"""What uploads left behind, collected by age: xorbs that nobody referred to any more, files without a row, drafts."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from django.utils import timezone

from hub import xorb_store
from hub.models import XetSpace, Xorb
from registry.blobs import blob_store
from registry.models import Organization

# A client refers to what it sent for three weeks; a week more for uploads that began just before.
KEPT_FOR = timedelta(days=28)
# The longest that one request may take to fill its draft.
DRAFTS_KEPT_FOR = timedelta(days=2)
# A file comes before its row; what is younger may belong to a request that runs.
FILES_SETTLE_IN = timedelta(hours=1)
# How long one collection in passing lasts for an organization.
PAUSE = timedelta(hours=1)
BATCH = 500


@dataclass(frozen=True, slots=True)
class Collected:
    """How much was removed: rows of xorbs, their files, and drafts of broken uploads."""

    xorbs: int
    files: int
    drafts: int


def collect_in_passing(organization: Organization) -> None:
    """Collect an organization's leftovers while somebody uploads to it, hourly at most; no schedule is needed then."""
    now = timezone.now()
    due = XetSpace.objects.filter(organization=organization, collected_at__lt=now - PAUSE)
    if due.update(collected_at=now):
        collect(now=now, organization=organization, most_xorbs=BATCH)


def collect(*, now: datetime, organization: Organization | None = None, most_xorbs: int = sys.maxsize) -> Collected:
    """Remove what is too old, of one organization or all. Safe to run beside uploads and beside itself."""
    xorbs = files = 0
    old = Xorb.objects.filter(used_at__lt=now - KEPT_FOR)
    if organization is not None:
        old = old.filter(organization=organization)
    while xorbs < most_xorbs and (batch := list(old.values_list("pk", "organization_id", "digest")[:BATCH])):
        # Where somebody has used one in the meantime, it stays.
        xorbs += old.filter(pk__in=[pk for pk, _, _ in batch]).delete()[1].get("hub.Xorb", 0)
        left = set(Xorb.objects.filter(pk__in=[pk for pk, _, _ in batch]).values_list("pk", flat=True))
        for pk, organization_id, digest in batch:
            if pk not in left:
                files += xorb_store.forget(organization_id, bytes(digest))
    files += _collect_files_without_use(now - FILES_SETTLE_IN, organization)
    drafts = blob_store().clear_incoming(older_than_seconds=DRAFTS_KEPT_FOR.total_seconds(), now=now.timestamp())
    return Collected(xorbs, files, drafts)


def _collect_files_without_use(until: datetime, organization: Organization | None) -> int:
    """Remove files that no row needs, as they are left by a crash between row and file."""
    removed = 0
    places = xorb_store.places(until=until.timestamp(), organization_id=organization.pk if organization else None)
    while batch := list(islice(places, BATCH)):
        rows = Xorb.objects.filter(has_bytes=True, digest__in=[digest for _, digest in batch])
        needed = {(owner, bytes(digest)) for owner, digest in rows.values_list("organization_id", "digest")}
        for place in batch:
            if place not in needed:
                removed += xorb_store.forget(*place)
    return removed
