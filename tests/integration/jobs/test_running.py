"""Doing a job in this process, with its thread that renews the lease."""

import dataclasses
import threading
import time
from datetime import timedelta

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.db import connection, transaction
from django.utils import timezone

import jobs.services as services
from audit.models import Event
from jobs import handlers, running
from jobs.models import Job
from jobs.services import LeaseLost
from tests.integration.jobs import kinds
from tests.integration.jobs.conftest import enqueue, until

pytestmark = pytest.mark.django_db(transaction=True)


def run(job):
    word = running.run(str(job.pk), worker="one@test")
    job.refresh_from_db()
    return word


@pytest.fixture
def with_work(monkeypatch):
    """Give a kind another function to run."""

    def give(kind, work):
        changed = dataclasses.replace(handlers.handler_of(kind), work=work)
        monkeypatch.setitem(handlers._handlers, kind, changed)

    return give


def test_a_job_is_done_once(subject):
    job = enqueue("test.quick", subject)
    assert run(job) == "succeeded"
    assert run(job) == "not claimed"
    assert (job.state, job.attempts, job.percent) == ("succeeded", 1, 100)
    assert Event.objects.filter(kind="test:effect:written").count() == 1


def test_a_retry_is_put_back_with_its_reason_until_it_works(subject):
    job = enqueue("test.flaky", subject, payload={"failures": 2})
    assert run(job) == "put back"
    assert (job.state, job.error_code, job.error_message) == (
        "queued",
        "test.not_yet",
        "The other side is not there yet.",
    )
    for word in ("put back", "succeeded"):
        assert until(lambda: services._due(services.database_now()).exists())
        assert run(job) == word
    assert (job.attempts, job.error_code) == (3, "")


def test_a_fault_is_tried_again_and_tells_no_detail(subject):
    job = enqueue("test.broken", subject)
    assert run(job) == "put back"
    assert until(lambda: services._due(services.database_now()).exists())
    run(job)
    assert (job.state, job.error_code) == ("failed", "jobs.broken")
    assert job.error_message == "An unexpected ZeroDivisionError ended it."
    assert len(kinds.GIVEN_UP) == 1


def test_a_refusal_ends_the_job_at_once(subject):
    job = enqueue("test.hopeless", subject)
    assert run(job) == "failed"
    assert (job.attempts, job.error_code) == (1, "test.hopeless")
    assert job.error_message == "This cannot work: it was made so."


def test_waiting_outlasts_any_number_of_attempts(subject):
    job = enqueue("test.waiting", subject)
    assert [run(job) for _ in range(4)] == ["put back", "put back", "put back", "succeeded"]
    assert (job.attempts, job.fence) == (1, 4)


def test_a_kind_that_this_process_does_not_know_waits_for_one_that_does(subject, monkeypatch):
    job = enqueue("test.quick", subject)
    monkeypatch.delitem(handlers._handlers, "test.quick")
    assert run(job) == "put back"
    assert (job.state, job.error_code) == ("queued", "jobs.no_handler")
    assert 20 < (job.run_after - services.database_now()).total_seconds() < 40


def test_an_attempt_that_takes_too_long_is_put_back_or_given_up(subject, with_work):
    def too_long(lease):
        raise SoftTimeLimitExceeded

    with_work("test.hanging", too_long)
    job = enqueue("test.hanging", subject)
    run(job)
    assert (job.state, job.error_code) == ("failed", "jobs.time_limit")
    assert job.error_message == "It was stopped after 1 seconds."


def test_the_lease_is_renewed_while_a_handler_says_nothing(subject, with_work):
    expiries = []

    def silent(lease):
        for _ in range(2):
            expiries.append(Job.objects.get(pk=lease.job.pk).lease_expires_at)
            time.sleep(1.3)

    with_work("test.long", silent)
    job = enqueue("test.long", subject)
    assert run(job) == "succeeded"
    assert expiries[1] - expiries[0] > timedelta(seconds=0.5)


def test_progress_is_written_while_the_work_goes_on_even_in_a_transaction(subject, with_work):
    seen = []

    def work(lease):
        with transaction.atomic():
            lease.report(30, 120, "halfway there")
            done = until(lambda: _elsewhere(lambda: Job.objects.get(pk=lease.job.pk).done == 30), 3)
            seen.append(done)

    with_work("test.long", work)
    job = enqueue("test.long", subject)
    run(job)
    assert seen == [True]
    assert (job.done, job.total, job.stage) == (120, 120, "halfway there")


def _elsewhere(ask):
    found = []

    def go():
        found.append(ask())
        connection.close()

    thread = threading.Thread(target=go)
    thread.start()
    thread.join(5)
    return found[0]


def test_cancelling_stops_the_handler_at_its_next_report(subject, with_work):
    begun = threading.Event()

    def work(lease):
        begun.set()
        for step in range(1000):
            lease.report(step, 1000)
            time.sleep(0.02)

    with_work("test.long", work)
    job = enqueue("test.long", subject)
    words = []
    thread = threading.Thread(target=lambda: (words.append(run(job)), connection.close()))
    thread.start()
    assert begun.wait(5)
    services.cancel(str(job.pk))
    thread.join(5)
    assert words == ["cancelled"]
    assert (job.state, job.error_code) == ("cancelled", "jobs.cancelled")


def test_a_handler_that_was_overtaken_is_stopped_and_writes_nothing(subject, with_work):
    def overtaken(lease):
        Job.objects.filter(pk=lease.job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=9))
        assert services.claim(str(lease.job.pk), worker="two@test")
        with pytest.raises(LeaseLost):
            kinds.effect(lease, "test:effect:zombie")
        while True:
            lease.report(1, 2)
            time.sleep(0.02)

    with_work("test.long", overtaken)
    job = enqueue("test.long", subject)
    assert run(job) == "lease lost"
    assert (job.state, job.worker, job.fence) == ("running", "two@test", 2)
    assert not Event.objects.filter(kind__startswith="test:").exists()


def test_a_worker_that_cannot_reach_the_database_stops_by_its_own_clock(subject, with_work, monkeypatch, caplog):
    """Effects outside have no fence: before the lease can be another's, its holder must have stopped."""
    stopped_after = []

    def work(lease):
        def away(*args, **options):
            raise OSError("no route to the database")

        monkeypatch.setattr(services, "beat", away)
        begun = time.monotonic()
        try:
            while True:
                lease.report(1, 2)
                time.sleep(0.02)
        finally:
            stopped_after.append(time.monotonic() - begun)

    with_work("test.long", work)
    assert run(enqueue("test.long", subject)) == "lease lost"
    assert 1.5 < stopped_after[0] < 2.5
    assert "Could not renew the lease" in caplog.text
