"""Whether this process lives, and whether the instance can do its work; open to everybody, and says nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import cache

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from jobs.models import Worker

WORKER_SEEN_SECONDS = 60


@never_cache
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer while the process can answer; touches nothing, so that a lost database restarts no web process."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 where all parts are there, else 503; each part says what is missing, or nothing."""
    asked: dict[str, Callable[[], str]] = {"database": missing_database, "redis": missing_redis}
    if settings.IS_WORKER_REQUIRED:
        asked["worker"] = missing_worker
    parts = {name: question() for name, question in asked.items()}
    is_ready = not any(parts.values())
    content = {"ready": is_ready, "parts": {name: missing or "ok" for name, missing in parts.items()}}
    return JsonResponse(content, status=200 if is_ready else 503)


def missing_database() -> str:
    """Return what is wrong with PostgreSQL, or nothing."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return "PostgreSQL does not answer"
    return ""


def missing_redis() -> str:
    """Return what is wrong with Redis, or nothing."""
    try:
        _redis().ping()
    except (redis.RedisError, OSError):
        return "Redis does not answer"
    return ""


def missing_worker() -> str:
    """Return what is wrong with the workers, or nothing."""
    since = timezone.now() - timedelta(seconds=WORKER_SEEN_SECONDS)
    try:
        if Worker.objects.filter(seen_at__gte=since).exists():
            return ""
    except DatabaseError:
        return "nobody knows, since the database holds no list of workers"
    return f"no worker has reported within {WORKER_SEEN_SECONDS} s"


@cache
def _redis() -> redis.Redis:
    """Return this process's one client; its limits are short, so that probes never queue up behind a lost server."""
    once = Retry(NoBackoff(), retries=0)
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=2, socket_connect_timeout=2, retry=once)
