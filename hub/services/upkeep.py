"""All that is collected of the storage: content by the registry's rule, and what uploads of this protocol left."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from hub.models import PartedUpload, Xorb
from hub.services import parts
from hub.services.xet import collecting as xet
from registry.services import buckets, collecting
from registry.services.collecting import Collected

HOURS = 24


@dataclass(frozen=True)
class Kept:
    """What was removed, or would be."""

    blobs: Collected
    xorbs: int
    uploads: int
    drafts: int

    def as_dict(self) -> dict[str, Any]:
        """The numbers by name."""
        return asdict(self.blobs) | {"xorbs": self.xorbs, "uploads": self.uploads, "drafts": self.drafts}


def collect(*, now: datetime, is_dry: bool = False) -> Kept:
    """Collect everything at once. A dry run doesn't look for drafts."""
    if is_dry:
        xorbs = Xorb.objects.filter(used_at__lt=now - xet.KEPT_FOR).count()
        uploads = PartedUpload.objects.filter(used_at__lt=now - parts.KEPT_FOR).count()
        return Kept(collecting.collect(now=now, is_dry=True), xorbs, uploads, 0)
    found, uploads = xet.collect(now=now), parts.collect(now=now)
    return Kept(collecting.collect(now=now), found.xorbs, uploads, found.drafts)


def collect_hourly(*, now: datetime) -> Kept:
    """Collect what uploads left, and the content whose turn it is: all of it once a day."""
    found, uploads = xet.collect(now=now), parts.collect(now=now)
    due = [bucket for number, bucket in enumerate(buckets.BUCKETS) if number % HOURS == now.hour]
    return Kept(collecting.collect(now=now, among=due), found.xorbs, uploads, found.drafts)
