"""The way of a smoke run to a device that fits, and back where there is none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

import jobs.services as services
from jobs import device_register, running
from jobs.models import Device, Job
from registry.blobs import blob_store
from registry.inference.headers import headers_of
from registry.models import Evidence
from tests.factories import make_commit, make_variant, run_jobs
from tests.integration.registry.smoke_makers import GIB, attach, files

pytestmark = pytest.mark.django_db

KIND = "registry.smoke"


@pytest.fixture
def checkpoint():
    return make_commit(make_variant(), files()).checkpoint


def silent(device, settings):
    """Let the last word of a device be older than the patience with it."""
    ago = timedelta(seconds=settings.DEVICE_GONE_SECONDS + 1)
    Device.objects.filter(pk=device.pk).update(seen_at=F("seen_at") - ago)


def grown_old(settings):
    """Let the open smoke run have waited for longer than it takes a worker to register."""
    ago = timedelta(seconds=settings.DEVICE_GONE_SECONDS + 1)
    Job.objects.filter(kind=KIND).update(created_at=F("created_at") - ago, run_after=F("run_after") - ago)


def job():
    return Job.objects.filter(kind=KIND).order_by("-pk").first()


def test_the_planner_sends_it_to_the_queue_of_the_best_device_that_fits(checkpoint):
    attach("small@lab", "cuda", free=GIB // 4)
    attach("one@lab", "cpu", free=8 * GIB)
    assert run_jobs(KIND) == ["routed"]
    sent = job()
    assert (sent.state, sent.queue, sent.attempts) == ("queued", "smoke.cpu", 0)
    assert sent.payload["device"] == "cpu"
    assert "Not int8 on cuda:0" in sent.payload["reason"]


def test_planning_reads_headers_and_no_weights(checkpoint, monkeypatch):
    """Holes stand for the weights; a store in a bucket would otherwise send them all before there is a device."""
    attach("one@lab", "cpu", free=8 * GIB)
    monkeypatch.setattr(type(blob_store()), "local", lambda *_: pytest.fail("whole content was asked for"))
    with headers_of(checkpoint) as places:
        weights = places["model.safetensors"]
        assert weights.stat().st_size == len(files()["model.safetensors"])
        assert weights.stat().st_blocks * 512 < weights.stat().st_size / 4
    assert run_jobs(KIND) == ["routed"]


def test_what_is_gone_from_the_store_is_said(checkpoint):
    attach("one@lab", "cpu", free=8 * GIB)
    blob_store().delete(checkpoint.files.get(path="config.json").blob_id)
    run_jobs(KIND)
    assert Evidence.objects.get(kind="smoke").report["code"] == "unreadable"


def test_an_accelerator_with_room_comes_first(checkpoint):
    attach("one@lab", "cpu", free=64 * GIB)
    attach("two@lab", "cuda", free=8 * GIB)
    attach("three@lab", "cuda", free=GIB // 4)
    assert run_jobs(KIND) == ["routed"]
    assert job().queue == "smoke.cuda"


def test_devices_that_are_gone_are_not_planned_with(checkpoint, settings):
    silent(attach("two@lab", "cuda"), settings)
    attach("one@lab", "cpu")
    run_jobs(KIND)
    assert job().queue == "smoke.cpu"


def test_where_nothing_is_attached_it_waits_for_a_first_worker_and_then_was_not_run(checkpoint, settings):
    assert run_jobs(KIND) == ["put back"]
    waiting = job()
    assert (waiting.error_code, waiting.attempts) == ("registry.no_device", 0)
    grown_old(settings)
    assert run_jobs(KIND) == ["succeeded"]
    made = Evidence.objects.get(kind="smoke")
    assert (made.outcome, made.report["code"]) == ("not_run", "no_device")
    assert "int4 needs" in made.summary
    assert "a machine with 8 GB of memory or an accelerator with 8 GB would do." in made.summary


def test_where_nothing_fits_it_says_what_would(checkpoint):
    attach(free=GIB // 4)
    assert run_jobs(KIND) == ["succeeded"]
    made = Evidence.objects.get(kind="smoke")
    assert (made.outcome, made.report["code"]) == ("not_run", "does_not_fit")
    assert "Nothing attached has room" in made.summary
    assert "would do." in made.report["reason"]
    assert {row["quantization"] for row in made.report["record"]["hardware"]} == {"bf16", "int8", "int4"}


def test_a_fitting_device_that_registers_has_it_looked_at_again(checkpoint):
    attach(free=GIB // 4)
    run_jobs(KIND)
    device_register.look()
    run_jobs(KIND)
    assert Evidence.objects.filter(kind="smoke").count() == 1, "the same device, found by the first look, is no news"
    attach("two@lab", "cuda", free=8 * GIB)
    assert [device.worker for device in device_register.look()] == ["two@lab"]
    assert run_jobs(KIND) == ["routed"]
    assert job().queue == "smoke.cuda"
    assert device_register.look() == [], "each device is news once"


def test_looking_again_in_vain_leaves_no_second_row(checkpoint):
    attach(free=GIB // 4)
    run_jobs(KIND)
    attach("two@lab", "cuda", free=GIB // 4)
    device_register.look()
    assert run_jobs(KIND) == ["succeeded"]
    assert Evidence.objects.filter(kind="smoke").count() == 1


def test_a_result_is_never_replaced_by_looking_again(checkpoint):
    from tests.factories import make_evidence

    make_evidence(checkpoint)
    attach()
    device_register.look()
    assert not Job.objects.filter(kind=KIND, finished_at=None).exists()


def test_work_that_waits_for_a_device_that_left_is_planned_anew(checkpoint, settings):
    accelerator = attach("two@lab", "cuda")
    attach("one@lab", "cpu")
    device_register.look()
    run_jobs(KIND)
    assert job().queue == "smoke.cuda"
    silent(accelerator, settings)
    assert device_register.look() == [accelerator]
    assert job().queue == "default"
    run_jobs(KIND)
    assert job().queue == "smoke.cpu"


def test_work_whose_worker_was_lost_with_the_only_device_is_planned_anew(checkpoint, settings):
    device = attach("two@lab", "cuda")
    device_register.look()
    run_jobs(KIND)
    taken = services.claim(str(job().pk), worker="two@lab")
    silent(device, settings)
    device_register.look()
    assert job().queue == "smoke.cuda", "its lease has not run out yet"
    Job.objects.filter(pk=taken.pk).update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
    device_register.look()
    assert job().queue == "default"
    attach("one@lab", "cpu")
    assert running.run(str(taken.pk), worker="test@lab") == "routed"
    assert (job().queue, job().attempts) == ("smoke.cpu", 1), "the lost attempt counts, the planning does not"


def test_a_worker_without_room_leaves_it_to_another_and_says_so_in_the_end(checkpoint, settings, monkeypatch):
    attach("test", "cuda", free=8 * GIB)
    run_jobs(KIND)
    Device.objects.update(free_bytes=GIB // 4)
    assert run_jobs(KIND) == ["put back"]
    assert (job().error_code, job().attempts, job().queue) == ("registry.no_room", 0, "smoke.cuda")
    ago = timedelta(hours=1)
    Job.objects.filter(kind=KIND).update(created_at=F("created_at") - ago, run_after=F("run_after") - ago)
    assert run_jobs(KIND) == ["succeeded"]
    assert Evidence.objects.get(kind="smoke").report["code"] == "does_not_fit"


def test_what_takes_its_workers_along_is_given_up_visibly(checkpoint):
    attach("test", "cpu")
    run_jobs(KIND)
    for _ in range(2):
        services.claim(str(job().pk), worker="test")
        Job.objects.update(lease_expires_at=F("lease_expires_at") - timedelta(hours=1))
    assert services.claim(str(job().pk), worker="test") is None
    assert (job().state, job().attempts) == ("failed", 2)
    made = Evidence.objects.get(kind="smoke")
    assert (made.outcome, made.report["code"], made.report["record"]["attempt"]) == ("not_run", "attempts_exhausted", 2)
    assert made.job_id == job().pk


def test_a_cancelled_run_leaves_no_result(checkpoint):
    attach()
    run_jobs(KIND)
    services.cancel(str(job().pk))
    assert job().state == "cancelled"
    assert not Evidence.objects.filter(kind="smoke").exists()


def test_a_cancel_that_comes_while_it_is_planned_is_heeded(checkpoint):
    attach()
    taken = services.claim(str(job().pk), worker="test")
    services.cancel(str(taken.pk))
    with pytest.raises(services.LeaseLost):
        services.route(taken, queue="smoke.cpu", payload={})
    assert services.stop_cancelled(taken)
    assert job().state == "cancelled"


def test_switched_off_says_so_without_waiting(checkpoint, settings):
    settings.IS_SMOKE_ENABLED = False
    assert run_jobs(KIND) == ["succeeded"]
    assert Evidence.objects.get(kind="smoke").report["code"] == "switched_off"


def test_a_worker_that_signs_off_is_gone_at_once(checkpoint):
    device = attach()
    device_register.look()
    device_register.sign_off(device.worker)
    assert [row.is_live for row in device_register.look()] == [False]
    device_register.beat(device.worker, [device.name], {device.name: 5})
    assert [(row.is_live, row.free_bytes) for row in device_register.look()] == [(True, 5)]
