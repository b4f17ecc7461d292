"""Jobs that are done in parts: each part once, the whole once after the last, and one end for all of them."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

import jobs.services as services
from audit.models import Event
from jobs import running
from jobs.models import Job
from jobs.selectors import with_parts
from jobs.services import LeaseLost
from tests.integration.jobs import kinds
from tests.integration.jobs.conftest import ended, enqueue, kill, until

pytestmark = pytest.mark.django_db(transaction=True)


def run(job: Job) -> str:
    return running.run(str(job.pk), worker="one@test")


def states(whole: Job) -> list[str]:
    return list(whole.parts.order_by("pk").values_list("state", flat=True))


def effects(kind: str) -> int:
    return Event.objects.filter(kind=kind).count()


@pytest.fixture
def divided(subject):
    """A job that was divided into three."""
    job = enqueue("test.whole", subject, payload={"parts": 3})
    assert run(job) == "divided"
    job.refresh_from_db()
    return job


def test_a_divided_job_waits_for_its_parts_and_is_no_attempt_of_its_own(divided, subject):
    assert (divided.state, divided.attempts, divided.lease_expires_at) == ("divided", 0, None)
    assert [(part.stage, part.total, part.subject) for part in divided.parts.order_by("pk")] == [
        (f"part {number}", 20, divided.subject) for number in range(3)
    ]
    assert run(divided) == "not claimed"
    assert enqueue("test.whole", subject).pk == divided.pk, "its key is taken while it is divided"
    assert not services._due(services.database_now()).filter(pk=divided.pk).exists()


def test_the_last_part_queues_the_whole_and_none_before_it(divided):
    for part in divided.parts.order_by("pk"):
        divided.refresh_from_db()
        assert divided.state == "divided"
        assert run(part) == "succeeded"
    divided.refresh_from_db()
    assert divided.state == "queued"
    assert run(divided) == "succeeded"
    assert (effects("test:part:written"), effects("test:whole:written")) == (3, 1)


def test_parts_that_end_at_once_queue_the_whole_once(divided):
    def work(part):
        try:
            run(part)
        finally:
            connection.close()

    threads = [threading.Thread(target=work, args=(part,)) for part in divided.parts.all()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    divided.refresh_from_db()
    assert (divided.state, divided.fence) == ("queued", 1)


def test_a_part_that_fails_ends_the_whole_with_its_reason_and_the_others_with_it(subject):
    job = enqueue("test.whole", subject, payload={"parts": 3, "hopeless": 1})
    run(job)
    first, second, _ = job.parts.order_by("pk")
    running_part = services.claim(str(first.pk), worker="two@test")
    assert run(second) == "failed"
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "test.hopeless")
    assert job.error_message == "This cannot work: part 1 was made so."
    assert states(job) == ["running", "failed", "cancelled"]
    with pytest.raises(LeaseLost):
        services.beat(running_part)
    assert services.stop_cancelled(running_part)
    assert states(job) == ["cancelled", "failed", "cancelled"]
    assert sorted(code for _, code, _ in kinds.GIVEN_UP).count("test.hopeless") == 2


def test_cancel_ends_the_whole_and_its_parts(divided):
    first, *_ = divided.parts.order_by("pk")
    part = services.claim(str(first.pk), worker="two@test")
    services.cancel(str(divided.pk))
    divided.refresh_from_db()
    assert (divided.state, states(divided)) == ("cancelled", ["running", "cancelled", "cancelled"])
    assert services.stop_cancelled(part)
    assert states(divided) == ["cancelled"] * 3
    services.cancel(str(first.pk))
    divided.refresh_from_db()
    assert divided.state == "cancelled"


def test_cancelling_an_open_part_cancels_the_whole(divided):
    services.cancel(str(divided.parts.first().pk))
    divided.refresh_from_db()
    assert (divided.state, states(divided)) == ("cancelled", ["cancelled"] * 3)


def test_a_cancel_that_came_before_the_division_makes_no_parts(subject):
    job = enqueue("test.whole", subject, payload={"parts": 3})
    held = services.claim(str(job.pk), worker="one@test")
    services.cancel(str(job.pk))
    with pytest.raises(LeaseLost):
        services.divide(held, kinds.Divide([kinds.Part("test.part", {}, 1)], done=0, total=1))
    assert services.stop_cancelled(held)
    assert not job.parts.exists()


def test_a_part_that_took_its_workers_along_ends_the_whole_by_name(divided):
    part = divided.parts.order_by("pk").first()
    Job.objects.filter(pk=part.pk).update(
        state="running", attempts=2, lease_expires_at=timezone.now() - timedelta(seconds=1)
    )
    assert services.claim(str(part.pk), worker="two@test") is None
    divided.refresh_from_db()
    assert (divided.state, divided.error_code) == ("failed", "jobs.attempts_exhausted")
    assert divided.error_message.startswith("part 0: Its worker was lost")


def test_progress_is_added_up_over_the_parts(divided):
    first, second, _ = divided.parts.order_by("pk")
    assert run(second) == "succeeded"
    part = services.claim(str(first.pk), worker="two@test")
    services.beat(part, done=10, total=20, rate=2.0)
    [shown] = with_parts([Job.objects.get(pk=divided.pk)])
    assert (shown.done, shown.total, shown.percent, shown.seconds_left) == (35, 65, 53, 15.0)
    assert (shown.part_count, shown.parts_done) == (3, 1)


def test_real_workers_share_the_parts_and_one_that_is_killed_loses_only_its_own(subject, start_worker):
    one = start_worker("one", concurrency=1)
    start_worker("two", concurrency=1)
    job = enqueue("test.whole", subject, payload={"parts": 4, "steps": 8})
    both = {"one@test", "two@test"}
    assert until(
        lambda: set(Job.objects.filter(whole=job, state="running").values_list("worker", flat=True)) == both, 15
    )
    kill(one)
    done = ended(job, within=30)
    assert done.state == "succeeded"
    assert (effects("test:part:written"), effects("test:whole:written")) == (4, 1)
    assert max(done.parts.values_list("attempts", flat=True)) == 2
