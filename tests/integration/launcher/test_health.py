"""What probes are told: by everybody, cheaply, and with what is missing."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from config import health
from config.launcher.ports import free_port
from jobs.models import Worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def worker() -> Worker:
    return Worker.objects.create(name="worker-default@here", queues=["default"])


@pytest.fixture
def no_redis(settings):
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    health._redis.cache_clear()
    yield
    health._redis.cache_clear()


def test_healthz_touches_nothing(client, no_redis, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_ready_when_all_parts_are_there(client, worker, django_assert_num_queries):
    with django_assert_num_queries(2):
        answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "parts": {"database": "ok", "redis": "ok", "worker": "ok"}}
    assert "no-store" in answer["Cache-Control"]


def test_worker_that_is_silent_does_not_count(client, worker):
    Worker.objects.update(seen_at=timezone.now() - timedelta(seconds=health.WORKER_SEEN_SECONDS + 1))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["parts"]["worker"] == "no worker has reported within 60 s"


def test_instance_without_workers_does_not_wait_for_one(client, settings):
    settings.IS_WORKER_REQUIRED = False
    answer = client.get("/readyz")
    assert (answer.status_code, "worker" in answer.json()["parts"]) == (200, False)


def test_lost_redis_is_named(client, worker, no_redis):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "parts": {"database": "ok", "redis": "Redis does not answer", "worker": "ok"},
    }


def test_lost_database_is_named(client, worker, monkeypatch):
    gone = connection.copy()
    gone.settings_dict = gone.settings_dict | {"PORT": str(free_port())}
    monkeypatch.setattr(health, "connection", gone)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["parts"]["database"]) == (503, "PostgreSQL does not answer")


def test_only_reading_is_allowed(client):
    assert client.post("/readyz").status_code == 405
