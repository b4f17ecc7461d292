"""Rows of devices: workers register what they have, beat while they live, sign off; one look finds who came and went.

Owns the threshold by which a silent device is gone, and telling those who listen; knows nothing of what they compute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q, QuerySet

from jobs.devices import Description
from jobs.models import Device, Worker
from jobs.rows import database_now

LOOK_LOCK = 7305182
COLUMNS = {"id", "kind", "name", "queue", "total_bytes", "free_bytes", "uuid"}

Listener = Callable[[Sequence[Device]], object]
_listeners: list[Listener] = []


def listen(listener: Listener) -> None:
    """Have somebody called at each look, in its transaction, with the devices that came or went since the last one."""
    if listener not in _listeners:
        _listeners.append(listener)


@transaction.atomic
def register(worker: str, described: Iterable[Description]) -> list[str]:
    """Note what a worker has now; returns the names of its devices. What it had before and lacks now falls silent."""
    now, names = database_now(), []
    for one in described:
        name = str(one["id"])[:40]
        values = {
            "kind": str(one["kind"])[:20],
            "title": str(one["name"])[:200],
            "uuid": str(one.get("uuid") or "")[:80],
            "queue": str(one["queue"])[:30],
            "total_bytes": one["total_bytes"],
            "free_bytes": one["free_bytes"],
            "description": {key: value for key, value in one.items() if key not in COLUMNS},
            "looked_at": now,
            "seen_at": now,
            "signed_off_at": None,
        }
        Device.objects.update_or_create(
            worker=worker[:120],
            name=name,
            defaults=values,
            create_defaults={**values, "first_seen_at": now, "changed_at": now},
        )
        names.append(name)
    return names


def beat(worker: str, names: Iterable[str], free: Mapping[str, int]) -> None:
    """Note that a worker's devices are still there, and what is free on those that are cheap to ask."""
    now = database_now()
    rows = Device.objects.filter(worker=worker[:120])
    rows.filter(name__in=list(names)).update(seen_at=now, signed_off_at=None)
    for name, free_bytes in free.items():
        rows.filter(name=name).update(free_bytes=free_bytes, looked_at=now)


def sign_off(worker: str) -> None:
    """Note that a worker stops, so that nobody waits for its silence."""
    Device.objects.filter(worker=worker[:120], signed_off_at=None).update(signed_off_at=database_now())


def look() -> list[Device]:
    """Write down which devices came and went since the last look and tell whoever listens; one process at a time."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOOK_LOCK])
        if not cursor.fetchone()[0]:
            return []
        now = database_now()
        lives = _lives(now)
        changed = list(
            Device.objects.select_for_update().filter((lives & Q(is_live=False)) | (~lives & Q(is_live=True)))
        )
        for device in changed:
            device.is_live, device.changed_at = not device.is_live, now
            device.save(update_fields=["is_live", "changed_at"])
        for listener in _listeners:
            listener(changed)
    return changed


def live(queue_prefix: str = "") -> QuerySet[Device]:
    """The devices that are there now, of queues that begin like this."""
    return Device.objects.filter(_lives(database_now()), queue__startswith=queue_prefix)


def of_worker(worker: str, queue: str) -> QuerySet[Device]:
    """What one worker has registered for the work of a queue."""
    return Device.objects.filter(worker=worker, queue=queue, signed_off_at=None)


def of_workers(workers: Iterable[Worker]) -> dict[str, list[Device]]:
    """What each worker had when it was last heard of, by its name."""
    heard = {worker.name: worker.seen_at - patience() for worker in workers}
    found: dict[str, list[Device]] = {name: [] for name in heard}
    for device in Device.objects.filter(worker__in=heard, signed_off_at=None):
        if device.seen_at >= heard[device.worker]:
            found[device.worker].append(device)
    return found


def is_live(device: Device, now: datetime) -> bool:
    """Whether it was heard of lately enough."""
    return device.signed_off_at is None and device.seen_at >= now - patience()


def patience() -> timedelta:
    """How long a device may be silent before it counts as gone."""
    return timedelta(seconds=settings.DEVICE_GONE_SECONDS)


def _lives(now: datetime) -> Q:
    return Q(seen_at__gte=now - patience(), signed_off_at=None)
