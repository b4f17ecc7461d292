"""Enqueue, claim, end and sweep against a real database, without a worker."""

import dataclasses
import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

import jobs.services as services
from audit.models import Event
from jobs import bell, handlers, running
from jobs.models import Job, Worker
from jobs.services import LeaseLost
from jobs.states import JobState
from tests.integration.jobs import kinds
from tests.integration.jobs.conftest import enqueue

pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch):
    """Every ring that would have gone out, while the broker takes it."""
    heard = []
    monkeypatch.setattr(bell, "ring", lambda job_id, *, kind, queue: heard.append(job_id) or True)
    monkeypatch.setattr(bell, "waiting", lambda queue: 0)
    return heard


def expire(job):
    Job.objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def claimed(kind, subject, **options):
    return services.claim(str(enqueue(kind, subject, **options).pk), worker="one@test")


def test_two_enqueues_with_one_key_are_one_job(subject, rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        first, second = enqueue("test.quick", subject), enqueue("test.quick", subject)
    assert first.pk == second.pk
    assert rung == [str(first.pk)]
    assert enqueue("test.quick", subject, key="another").pk != first.pk


def test_a_key_is_free_again_once_its_job_has_ended(subject):
    job = claimed("test.quick", subject)
    assert enqueue("test.quick", subject).pk == job.pk
    services.succeed(job)
    assert enqueue("test.quick", subject).pk != job.pk


def test_nothing_is_rung_for_what_is_rolled_back(subject, rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True), pytest.raises(RuntimeError), transaction.atomic():
        enqueue("test.quick", subject)
        raise RuntimeError
    assert rung == []
    assert not Job.objects.exists()


def test_an_unknown_kind_is_a_fault_of_the_caller(subject):
    with pytest.raises(KeyError):
        enqueue("test.unheard_of", subject)


def test_what_is_due_later_is_not_rung_for_and_cannot_be_claimed(subject, rung, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue("test.quick", subject, run_after=timezone.now() + timedelta(hours=1))
    assert rung == []
    assert services.claim(str(job.pk), worker="one@test") is None
    assert services.sweep() == 0


def test_a_new_hour_replaces_the_one_that_a_waiting_job_had(subject):
    now = timezone.now()
    job = enqueue("test.quick", subject, run_after=now + timedelta(hours=1))
    later = enqueue("test.quick", subject, run_after=now + timedelta(hours=2))
    assert (later.pk, later.run_after) == (job.pk, now + timedelta(hours=2))
    assert enqueue("test.quick", subject).run_after == now + timedelta(hours=2)


def test_ids_are_in_the_order_of_enqueueing(subject):
    made = []
    for number in range(5):
        made.append(enqueue("test.quick", subject, key=str(number)).pk)
        threading.Event().wait(0.002)
    assert list(Job.objects.order_by("id").values_list("pk", flat=True)) == made
    assert {key.version for key in made} == {7}


def test_a_claim_takes_lease_and_fence_and_excludes_others(subject):
    job = claimed("test.quick", subject)
    assert (job.state, job.attempts, job.fence, job.worker) == ("running", 1, 1, "one@test")
    assert timedelta(0) < job.lease_expires_at - services.database_now() <= timedelta(seconds=2)
    assert services.claim(str(job.pk), worker="two@test") is None


def test_an_expired_lease_is_taken_over_and_the_first_worker_can_write_nothing(subject):
    zombie = claimed("test.quick", subject)
    expire(zombie)
    successor = services.claim(str(zombie.pk), worker="two@test")
    assert (successor.fence, successor.attempts) == (2, 2)
    for write in (
        lambda: services.beat(zombie, done=1),
        lambda: services.succeed(zombie),
        lambda: services.fail(zombie, code="x", message="x"),
        lambda: services.put_back(zombie, code="x", message="x", after_seconds=0),
        lambda: kinds.effect(running.Lease(zombie), "test:effect:zombie"),
    ):
        with pytest.raises(LeaseLost), transaction.atomic():
            write()
    assert not services.stop_cancelled(zombie)
    assert not Event.objects.filter(kind="test:effect:zombie").exists()
    services.succeed(successor)


def test_a_lease_that_ran_out_unnoticed_can_be_renewed_by_its_holder(subject):
    job = claimed("test.quick", subject)
    expire(job)
    services.beat(job, done=3, total=4, stage="x" * 300, rate=1.5)
    job.refresh_from_db()
    assert (job.done, job.total, len(job.stage)) == (3, 4, 200)
    assert job.seconds_left == pytest.approx(2 / 3)
    assert services.claim(str(job.pk), worker="two@test") is None


def test_what_a_worker_was_lost_with_each_time_is_given_up(subject):
    job = claimed("test.quick", subject)
    for _ in range(2):
        expire(job)
        job = services.claim(str(job.pk), worker="one@test")
    expire(job)
    assert services.claim(str(job.pk), worker="one@test") is None
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("failed", "jobs.attempts_exhausted")
    assert [(job.subject, job.error_code, job.error_message)] == kinds.GIVEN_UP


@pytest.mark.parametrize(("attempts", "around"), [(1, 0.2), (2, 0.4)])
def test_put_back_waits_longer_each_time_with_some_jitter(subject, attempts, around):
    job = claimed("test.quick", subject)
    Job.objects.filter(pk=job.pk).update(attempts=attempts)
    services.put_back(job, code="test.later", message="Later.", after_seconds=None)
    job.refresh_from_db()
    pause = (job.run_after - services.database_now()).total_seconds()
    assert (job.state, job.error_code, job.lease_expires_at) == ("queued", "test.later", None)
    assert around * 0.8 - 0.1 <= pause <= around * 1.2


def test_the_last_backoff_repeats(subject):
    job = claimed("test.quick", subject)
    job.attempts = 40
    assert 0.32 <= services._backoff(job) <= 0.48


def test_put_back_gives_up_after_the_last_attempt(subject):
    job = claimed("test.quick", subject)
    Job.objects.filter(pk=job.pk).update(attempts=3)
    services.put_back(job, code="test.later", message="Later.", after_seconds=None)
    job.refresh_from_db()
    assert (job.state, job.error_message) == ("failed", "Later.")
    assert len(kinds.GIVEN_UP) == 1


def test_waiting_for_something_outside_uses_up_no_attempt(subject):
    job = claimed("test.waiting", subject)
    services.put_back(job, code="test.outside", message="Awaited.", after_seconds=0, counts=False)
    job.refresh_from_db()
    assert (job.state, job.attempts, job.fence) == ("queued", 0, 1)


def test_a_failing_on_failure_leaves_the_job_for_the_next_turn(subject, monkeypatch):
    job = claimed("test.quick", subject)
    how = handlers.handler_of("test.quick")

    def fails(*_):
        raise RuntimeError("not now")

    monkeypatch.setitem(handlers._handlers, "test.quick", dataclasses.replace(how, on_failure=fails))
    with pytest.raises(RuntimeError), transaction.atomic():
        services.fail(job, code="x", message="x")
    job.refresh_from_db()
    assert job.state == "running"


def test_cancel_ends_what_waits_and_tells_whom_it_was_for(subject):
    job = enqueue("test.quick", subject)
    services.cancel(str(job.pk))
    job.refresh_from_db()
    assert (job.state, job.error_code) == ("cancelled", "jobs.cancelled")
    assert [code for _, code, _ in kinds.GIVEN_UP] == ["jobs.cancelled"]
    services.cancel(str(job.pk))
    assert len(kinds.GIVEN_UP) == 1


def test_cancel_stops_what_runs_at_its_next_beat(subject):
    job = claimed("test.quick", subject)
    services.cancel(str(job.pk))
    with pytest.raises(LeaseLost):
        services.beat(job)
    assert services.stop_cancelled(job)
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_what_was_cancelled_while_its_worker_died_is_never_begun_again(subject, rung):
    job = claimed("test.quick", subject)
    services.cancel(str(job.pk))
    expire(job)
    silence()
    assert services.sweep() == 1
    assert services.claim(str(job.pk), worker="two@test") is None
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_what_was_cancelled_is_not_put_back(subject):
    job = claimed("test.quick", subject)
    services.cancel(str(job.pk))
    services.put_back(job, code="x", message="x", after_seconds=0)
    job.refresh_from_db()
    assert job.state == "cancelled"


def test_hand_over_frees_a_stopping_workers_jobs_without_counting(subject, rung):
    job, other = claimed("test.quick", subject), claimed("test.long", subject)
    Job.objects.filter(pk=other.pk).update(worker="two@test")
    assert services.hand_over(worker="one@test") == 1
    with pytest.raises(LeaseLost):
        services.succeed(job)
    again = services.claim(str(job.pk), worker="two@test")
    assert (again.attempts, again.fence) == (1, 3)
    services.beat(other)


def silence(**which):
    """Make jobs look as if the last ring for them was long ago."""
    Job.objects.filter(**which).update(rung_at=timezone.now() - timedelta(minutes=1))


def test_the_sweep_rings_for_what_is_due_but_not_twice_in_a_row(subject, rung):
    waiting = enqueue("test.quick", subject)
    running_job = claimed("test.long", subject)
    assert services.sweep() == 0
    silence()
    assert services.sweep() == 1
    assert rung == [str(waiting.pk)]
    assert services.sweep() == 0
    expire(running_job)
    silence(pk=waiting.pk)
    assert services.sweep() == 2


def test_an_expired_lease_is_rung_for_at_once_although_its_claim_was_just_now(subject, rung):
    job = claimed("test.quick", subject)
    Job.objects.filter(pk=job.pk).update(lease_expires_at=services.database_now())
    Job.objects.filter(pk=job.pk).update(rung_at=timezone.now() - timedelta(seconds=1))
    assert services.sweep() == 1


def test_a_ring_that_nobody_heard_is_repeated_by_the_next_sweep(
    subject, monkeypatch, django_capture_on_commit_callbacks
):
    monkeypatch.setattr(bell, "ring", lambda *_, **__: False)
    monkeypatch.setattr(bell, "waiting", lambda queue: 0)
    with django_capture_on_commit_callbacks(execute=True):
        job = enqueue("test.quick", subject)
    job.refresh_from_db()
    assert job.rung_at is None
    assert services.sweep() == 0
    monkeypatch.setattr(bell, "ring", lambda *_, **__: True)
    assert services.sweep() == 1


def test_a_retry_is_rung_for_although_its_first_attempt_was_just_now(subject, rung):
    job = enqueue("test.quick", subject)
    job = services.claim(str(job.pk), worker="one@test")
    services.put_back(job, code="x", message="x", after_seconds=0)
    assert services.sweep() == 1


def test_the_sweep_does_not_pile_messages_up_behind_busy_workers(subject, rung, monkeypatch):
    for number in range(6):
        enqueue("test.quick", subject, key=str(number))
    silence()
    monkeypatch.setattr(bell, "waiting", lambda queue: 4)
    assert services.sweep() == 2
    monkeypatch.setattr(bell, "waiting", lambda queue: 6)
    silence()
    assert services.sweep() == 0


def test_the_sweep_does_nothing_while_the_broker_is_away(subject, rung, monkeypatch):
    enqueue("test.quick", subject)
    silence()
    monkeypatch.setattr(bell, "waiting", lambda queue: None)
    assert services.sweep() == 0


def test_the_sweep_forgets_workers_that_were_silent_for_a_day():
    now = timezone.now()
    services.see_worker("here@test", queues=["default"], started_at=now)
    services.see_worker("gone@test", queues=["default"], started_at=now)
    Worker.objects.filter(name="gone@test").update(seen_at=now - timedelta(days=2))
    services.see_worker("here@test", queues=["smoke.cpu"], started_at=now)
    services.sweep()
    assert list(Worker.objects.values_list("name", "queues")) == [("here@test", ["smoke.cpu"])]


@pytest.mark.parametrize(
    "wrong",
    [{"state": "running"}, {"state": "succeeded"}, {"finished_at": timezone.now()}],
)
def test_the_database_refuses_rows_that_no_state_allows(subject, wrong):
    job = enqueue("test.quick", subject)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=job.pk).update(**wrong)


def test_a_job_never_leaves_its_end(subject):
    job = claimed("test.quick", subject)
    services.succeed(job)
    with pytest.raises(LeaseLost):
        services.succeed(job)
    job.refresh_from_db()
    with pytest.raises(AssertionError, match="cannot claim"):
        job.move(services.CLAIM, at=timezone.now())
    assert job.state == JobState.SUCCEEDED


@pytest.mark.django_db(transaction=True)
def test_many_enqueue_one_key_at_once_while_it_is_done_over_and_over(subject):
    """The open job may end between the refused INSERT and the look for it; nobody may come away with nothing."""
    found, faults, stop = [], [], threading.Event()

    def ask():
        try:
            while not stop.is_set():
                found.append(enqueue("test.quick", subject).pk)
        except Exception as error:
            faults.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(3)]
    [thread.start() for thread in threads]
    for _ in range(60):
        for job in Job.objects.filter(state="queued"):
            mine = services.claim(str(job.pk), worker="one@test")
            if mine:
                services.succeed(mine)
    stop.set()
    [thread.join(10) for thread in threads]
    assert faults == []
    assert len(set(found)) > 10


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_claims_succeeds(subject):
    job = enqueue("test.quick", subject)
    together, taken = threading.Barrier(8), []

    def take(name):
        together.wait(10)
        taken.append(services.claim(str(job.pk), worker=name))
        connection.close()

    threads = [threading.Thread(target=take, args=[f"{number}@test"]) for number in range(8)]
    [thread.start() for thread in threads]
    [thread.join(10) for thread in threads]
    assert len([found for found in taken if found]) == 1


@pytest.mark.django_db(transaction=True)
def test_nobody_takes_over_while_a_result_is_being_written(subject):
    """A worker that froze in its transaction delays its successor; it is never overtaken in the middle."""
    job = claimed("test.quick", subject)
    expire(job)
    seen = []

    def take():
        seen.append(services.claim(str(job.pk), worker="two@test"))
        connection.close()

    with running.Lease(job).writing():
        thread = threading.Thread(target=take)
        thread.start()
        thread.join(10)
    assert seen == [None]
    assert services.claim(str(job.pk), worker="two@test").fence == 2
