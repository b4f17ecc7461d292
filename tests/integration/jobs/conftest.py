"""A real worker, a Redis that may be lost, and jobs on a user as their subject."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.db import connection

import jobs.services as services
from config.launcher.child import signal_group, start
from config.launcher.postgres import wait_until
from jobs import bell
from jobs.models import Job, Worker
from tests.factories import make_user
from tests.integration.jobs import kinds

ROOT = Path(__file__).resolve().parents[3]
LEASE_SECONDS = 2


@pytest.fixture(autouse=True)
def quick_leases(monkeypatch):
    monkeypatch.setattr(settings, "JOB_LEASE_SECONDS", LEASE_SECONDS)
    monkeypatch.setattr(bell, "_quiet_until", 0.0)
    kinds.GIVEN_UP.clear()


@pytest.fixture
def subject():
    return make_user()


@pytest.fixture
def queue(running_services) -> Iterator[redis.Redis]:
    """The broker, empty; what a test leaves in it is nobody's."""
    client = redis.Redis.from_url(settings.REDIS_URL)
    client.flushall()
    yield client
    client.flushall()
    client.close()


@pytest.fixture
def start_worker(running_services, tmp_path, queue) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start real Celery workers on the test's own database; all of them are gone before the database is emptied."""
    workers: list[subprocess.Popen] = []
    log = tmp_path / "worker.log"

    def started(
        name: str = "one",
        *,
        concurrency: int = 2,
        queues: str = "default",
        include: str = "tests.integration.jobs.kinds",
        **variables: str,
    ) -> subprocess.Popen:
        words = ["worker", "--hostname", f"{name}@test", "--queues", queues, "--concurrency", str(concurrency)]
        words += [
            "--include",
            include,
            "--without-gossip",
            "--without-mingle",
            "--loglevel",
            "INFO",
        ]
        place = running_services.postgres.url(connection.settings_dict["NAME"])
        environment = {"DATABASE_URL": place, "JOB_LEASE_SECONDS": str(LEASE_SECONDS), "JOB_SWEEP_SECONDS": "1"}
        child = start(
            [sys.executable, "-m", "celery", "--app", "config", *words],
            log=log,
            environment=os.environ | environment | variables,
            cwd=ROOT,
            death_signal=signal.SIGKILL,
        )
        workers.append(child)
        assert until(Worker.objects.filter(name=f"{name}@test").exists, 30), log.read_text()
        return child

    yield started
    for worker in workers:
        kill(worker)
    print(log.read_text())  # shown where the test fails


def kill(worker: subprocess.Popen) -> None:
    """End a worker and its children at once, as the loss of its machine does."""
    signal_group(worker, signal.SIGKILL)
    worker.wait(10)


@pytest.fixture
def lose_redis(running_services) -> Iterator[Callable[[], Callable[[], None]]]:
    """Kill Redis with all it holds; returns what starts it again, empty."""
    child = running_services._children[1]
    back: list[Callable[[], None]] = []

    def restart() -> None:
        if running_services._children[1].poll() is not None:
            command, log = running_services.redis.command(), running_services.folder / "services.log"
            running_services._children[1] = start(command, log=log, death_signal=signal.SIGKILL)
            assert wait_until(running_services.redis.accepts, 10)

    def lose() -> Callable[[], None]:
        child.kill()
        child.wait(10)
        back.append(restart)
        return restart

    yield lose
    for act in back:
        act()


def ended(job: Job, *, within: float = 15) -> Job:
    """Wait until the job has ended, sweeping as the schedule would not do here; returns it as it then is."""
    assert until(lambda: not Job.objects.get(pk=job.pk).is_open, within), describe(job)
    return Job.objects.get(pk=job.pk)


def until(holds: Callable[[], bool], within: float = 10) -> bool:
    """Ask every twentieth of a second."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if holds():
            return True
        time.sleep(0.05)
    return False


def describe(job: Job) -> str:
    found = Job.objects.get(pk=job.pk)
    return f"{found}: attempts {found.attempts}, fence {found.fence}, {found.error_code} {found.error_message}"


def lines(path: Path) -> list[str]:
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def enqueue(kind: str, subject: object, **options: object) -> Job:
    return services.enqueue(kind, subject=subject, **options)
