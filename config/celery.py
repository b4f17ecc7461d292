"""The Celery application: schedule and wiring of the workers; the work itself is rows in `jobs`."""

from __future__ import annotations

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

HOUR_SECONDS = 3600

app = Celery("imprimatur")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@app.on_after_finalize.connect
def schedule(sender: Celery, **_: object) -> None:
    """Ring the sweeper: the one clock of all work. What is due is decided by rows, never by the schedule.

    Tidying up is no work that anybody waits for, and has no row.
    """
    from django.conf import settings

    sender.conf.beat_schedule = {
        "sweep": {
            "task": "jobs.sweep",
            "schedule": settings.JOB_SWEEP_SECONDS,
            "options": {"expires": settings.JOB_SWEEP_SECONDS},
        },
        "collect": {"task": "hub.collect", "schedule": HOUR_SECONDS, "options": {"expires": HOUR_SECONDS}},
    }
