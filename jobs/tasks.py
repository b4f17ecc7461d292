"""The two messages of the system, and a worker's sign of life. No rule is here: the rows decide."""

from __future__ import annotations

import logging
import threading

from celery import shared_task
from celery.signals import worker_ready, worker_shutting_down
from django.db import connection

from jobs import running, services

log = logging.getLogger(__name__)
SIGN_OF_LIFE_SECONDS = 15
_stopping = threading.Event()


@shared_task(name="jobs.run", bind=True, acks_late=True, ignore_result=True)
def run(self, job_id: str) -> str:
    """Do one job; ringing twice is harmless, since only a claim starts work."""
    return running.run(job_id, worker=self.request.hostname or "worker")


@shared_task(name="jobs.sweep", ignore_result=True)
def sweep() -> int:
    """Ring again for whatever is due."""
    return services.sweep()


@worker_ready.connect
def begin_signs_of_life(sender: object, **_: object) -> None:
    """Report this worker to the database from a thread of its parent process, busy or not."""
    name = sender.hostname  # type: ignore[attr-defined]
    queues = sorted(sender.app.amqp.queues.consume_from)  # type: ignore[attr-defined]

    def live() -> None:
        while True:
            try:
                services.see_worker(name, queues=queues)
            except Exception as error:
                log.warning("Could not report that %s lives: %s", name, error)
            finally:
                connection.close()
            if _stopping.wait(SIGN_OF_LIFE_SECONDS):
                return

    threading.Thread(target=live, name="sign-of-life", daemon=True).start()


@worker_shutting_down.connect
def end_signs_of_life(**_: object) -> None:
    _stopping.set()
