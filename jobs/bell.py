"""The doorbell: telling a worker that a row waits. Owns every word spoken to the broker; loses nothing when it is away.

A broker that is away must not hold up whoever enqueues, and its client alone would try for seconds each time.
"""

from __future__ import annotations

import logging
import time
from functools import cache

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry as RedisRetry

from jobs import handlers

log = logging.getLogger(__name__)
TASK = "jobs.run"
QUIET_SECONDS = 5.0
# The hard limit ends a process that did not stop at the soft one.
GRACE_SECONDS = 60
_quiet_until = 0.0


def ring(job_id: str, *, kind: str, queue: str) -> bool:
    """Nudge a worker of the queue; False where the broker did not take it, and the sweep has to ring again."""
    from celery import current_app

    if not _is_there():
        return False
    how = handlers.find(kind)
    limits = (
        {"soft_time_limit": how.limit_seconds, "time_limit": how.limit_seconds + GRACE_SECONDS}
        if how is not None
        else {}
    )
    try:
        current_app.send_task(TASK, args=[job_id], queue=queue, retry=False, **limits)
    except Exception as error:  # the transports raise what they like
        _stay_quiet(error)
        return False
    return True


def waiting(queue: str) -> int | None:
    """How many messages lie in a queue; None where nobody can say."""
    if not _is_there():
        return None
    try:
        return int(_client().llen(queue))
    except (redis.RedisError, OSError) as error:
        _stay_quiet(error)
        return None


def _is_there() -> bool:
    """Whether the broker answers; after a failure it is not asked again for a moment."""
    if time.monotonic() < _quiet_until:
        return False
    try:
        _client().ping()
    except (redis.RedisError, OSError) as error:
        _stay_quiet(error)
        return False
    return True


def _stay_quiet(error: Exception) -> None:
    global _quiet_until
    _quiet_until = time.monotonic() + QUIET_SECONDS
    log.warning("The broker does not answer, so nobody is rung for %g s: %s", QUIET_SECONDS, error)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.CELERY_BROKER_URL, socket_connect_timeout=1, socket_timeout=2, retry=RedisRetry(NoBackoff(), 0)
    )
