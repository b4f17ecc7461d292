"""Real Celery workers, killed and frozen; a real Redis, lost with all it held: no work is lost or repeated."""

import os
import signal
import time

import pytest

import jobs.services as services
from audit.models import Event
from jobs import bell
from jobs.models import Job, Worker
from tests.integration.jobs.conftest import describe, ended, enqueue, kill, lines, until

pytestmark = pytest.mark.django_db(transaction=True)


def effects():
    return list(Event.objects.filter(kind="test:effect:written").values_list("facts", flat=True))


def test_a_killed_workers_job_is_taken_over_after_its_lease_and_ends_once(subject, start_worker, tmp_path):
    first = start_worker("one")
    job = enqueue("test.long", subject, payload={"file": str(tmp_path / "told"), "hangs": True})
    assert until(lambda: Job.objects.get(pk=job.pk).done > 0), describe(job)
    kill(first)
    start_worker("two")
    ready_at = time.monotonic()  # how long a worker takes to start says how busy the machine is
    done = ended(job, within=20)
    assert (done.state, done.attempts, done.fence, done.worker) == ("succeeded", 2, 2, "two@test")
    assert effects() == [{"fence": 2}]
    assert lines(tmp_path / "told") == ["begun", "begun", "ended"]
    assert time.monotonic() - ready_at < 15


def test_a_frozen_worker_that_wakes_after_its_lease_writes_nothing(subject, start_worker, tmp_path):
    first = start_worker("one")
    told = tmp_path / "told"
    job = enqueue("test.long", subject, payload={"file": str(told)})
    assert until(lambda: lines(told) == ["begun"])
    os.killpg(first.pid, signal.SIGSTOP)
    start_worker("two")
    assert until(lambda: Job.objects.get(pk=job.pk).fence == 2, 10), describe(job)
    os.killpg(first.pid, signal.SIGCONT)
    done = ended(job)
    assert (done.state, done.worker) == ("succeeded", "two@test")
    assert effects() == [{"fence": 2}]
    zombie = told.read_text().splitlines()[0].split()[2]
    assert f"ended 1 {zombie}" not in told.read_text()


def test_redis_lost_with_its_messages_loses_no_job(subject, start_worker, tmp_path, lose_redis, monkeypatch):
    start_worker("one")
    told = tmp_path / "told"
    running = enqueue("test.long", subject, payload={"file": str(told)})
    assert until(lambda: lines(told) == ["begun"])
    restart = lose_redis()
    begun = time.monotonic()
    unheard = [enqueue("test.quick", subject, key=str(number)) for number in range(3)]
    assert time.monotonic() - begun < 2, "a broker that is away must not hold up whoever enqueues"
    assert {Job.objects.get(pk=job.pk).rung_at for job in unheard} == {None}
    restart()
    monkeypatch.setattr(bell, "_quiet_until", 0.0)
    for job in (running, *unheard):
        assert ended(job, within=20).state == "succeeded", describe(job)
    assert len(effects()) == 4
    assert lines(told) == ["begun", "ended"]


def test_a_worker_outlives_what_kills_its_processes_retries_and_ends_what_hangs(subject, start_worker, tmp_path):
    """As with a checkpoint that makes the kernel kill whoever loads it: the worker lives on, the job ends."""
    worker = start_worker("one")
    assert Worker.objects.get(name="one@test").queues == ["default"]
    flaky = enqueue("test.flaky", subject, payload={"failures": 2})
    deadly = enqueue("test.deadly", subject, payload={"file": str(tmp_path / "told")})
    hanging = enqueue("test.hanging", subject)
    assert ended(flaky).attempts == 3
    assert ended(hanging).error_code == "jobs.time_limit"
    done = ended(deadly, within=20)
    assert (done.state, done.error_code, done.attempts) == ("failed", "jobs.attempts_exhausted", 2)
    assert lines(tmp_path / "told") == ["begun", "begun"]
    assert worker.poll() is None


def test_a_stopping_worker_hands_over_what_it_cannot_end(subject, start_worker, tmp_path):
    first = start_worker("one")
    told = tmp_path / "told"
    job = enqueue("test.long", subject, payload={"file": str(told), "hangs": True})
    assert until(lambda: lines(told) == ["begun"])
    first.terminate()
    assert until(lambda: Job.objects.get(pk=job.pk).state == "queued", 9), describe(job)
    kill(first)
    found = Job.objects.get(pk=job.pk)
    assert (found.attempts, found.fence) == (0, 2)
    assert services.claim(str(job.pk), worker="two@test").fence == 3
