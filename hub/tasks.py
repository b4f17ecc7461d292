"""What the schedule asks of the storage; there is no row for it, since one that is missed is made up the next day."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from hub.services import upkeep


@shared_task(name="hub.collect", ignore_result=True)
def collect() -> None:
    """Remove what nothing needs; twice at once is harmless."""
    upkeep.collect_hourly(now=timezone.now())
