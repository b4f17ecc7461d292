"""The two messages of the system, and what a worker's parent process does beside its work. The rows decide all else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from celery import shared_task
from celery.signals import worker_ready, worker_shutdown, worker_shutting_down
from django.conf import settings
from django.db import connection
from django.utils import timezone

from jobs import device_register, devices, running, services

log = logging.getLogger(__name__)
SIGN_OF_LIFE_SECONDS = 15
_stopping = threading.Event()


@shared_task(name="jobs.run", bind=True, ignore_result=True)
def run(self, job_id: str) -> str:
    """Do one job; ringing twice is harmless, since only a claim starts work."""
    return running.run(job_id, worker=self.request.hostname or "worker")


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep() -> int:
    """Ring again for whatever is due."""
    return services.sweep()


@worker_ready.connect
def begin(sender: object, **_: object) -> None:
    """Report this worker, and sweep, from threads of its parent process: its children may be busy for hours, and
    retries and scheduled work must not wait for one of them to take the message of the schedule."""
    name = sender.hostname  # type: ignore[attr-defined]
    queues = sorted(sender.app.amqp.queues.consume_from)  # type: ignore[attr-defined]
    started_at = timezone.now()
    attached: list[str] = []
    # Several signs of life within the time after which a device counts as gone, or one lost sign would make it so.
    often = min(SIGN_OF_LIFE_SECONDS, settings.DEVICE_GONE_SECONDS / 4)

    def live() -> None:
        services.see_worker(name, queues=queues, started_at=started_at)
        if attached:
            device_register.beat(name, attached, devices.refreshed(queues))

    def look_for_devices() -> None:
        attached[:] = device_register.register(name, devices.found(queues))

    _every(often, live, "report that this worker lives")
    _every(settings.JOB_SWEEP_SECONDS, services.sweep, "sweep")
    _every(often, device_register.look, "see which devices came and went")
    if devices.are_wanted(queues):
        _every(devices.LOOK_AGAIN_SECONDS, look_for_devices, "look for devices")


@worker_shutting_down.connect
def end(sender: object = None, **_: object) -> None:
    """Let what runs end within the grace, then hand it over, so that nobody waits for its lease to run out."""
    _stopping.set()
    timer = threading.Timer(settings.CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT, _hand_over, args=[str(sender)])
    timer.daemon = True
    timer.start()


@worker_shutdown.connect
def leave(sender: object, **_: object) -> None:
    """Sign the devices of this worker off, last of all."""
    try:
        device_register.sign_off(sender.hostname)  # type: ignore[attr-defined]
    except Exception as error:  # the database may be gone before its workers; silence says the same later
        log.warning("Could not sign the devices off: %s", error)
    finally:
        connection.close()


def _hand_over(worker: str) -> None:
    try:
        count = services.hand_over(worker=worker)
        if count:
            log.info("%s handed %s jobs over", worker, count)
    finally:
        connection.close()


def _every(seconds: float, act: Callable[[], object], what: str) -> None:
    """Do something now and then again and again, in a thread, until the worker stops."""

    def repeat() -> None:
        while True:
            try:
                act()
            except Exception as error:  # the database or the broker may be away; the next turn comes
                log.warning("Could not %s: %s", what, error)
            finally:
                connection.close()
            if _stopping.wait(seconds):
                return

    threading.Thread(target=repeat, name=what.replace(" ", "-"), daemon=True).start()
