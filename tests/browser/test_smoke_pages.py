"""The pages of smoke inference in a real browser: devices, reports of every outcome, and a run that is under way."""

from __future__ import annotations

from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db.models import F
from playwright.sync_api import expect

import jobs.services as jobs
from jobs import device_register
from jobs.models import Device, Job
from registry.services.variants import add_parent
from registry.states import EvidenceKind, Outcome, Relation
from tests.browser import smoke_reports
from tests.factories import make_commit, make_evidence, make_lab, make_variant, run_jobs
from tests.integration.registry.smoke_makers import GIB, attach, files

pytestmark = pytest.mark.django_db(transaction=True)


def examined(variant, report, checkpoint=None):
    checkpoint = checkpoint or make_commit(variant, files(word=report["code"])).checkpoint
    make_evidence(
        checkpoint,
        Outcome(report["outcome"]),
        kinds={EvidenceKind.SMOKE},
        summary=report["reason"][:500],
        report=report,
    )
    return checkpoint


@pytest.fixture
def scene():
    lab = make_lab("acme")
    named = {
        name: make_variant(lab.organization, name, by=lab.manager)
        for name in ("nimbus-8b", "nimbus-8b-chat", "nimbus-8b-max")
    }
    good, bad, big = named.values()
    add_parent(child=bad, relation=Relation.FINETUNE, by=lab.manager, parent=good)
    for speed in (655.0, 672.0):
        report = smoke_reports.healthy(code=f"was {speed}")
        report["measurements"] = report["measurements"] | {
            "bits_per_byte": 1.9 - speed / 1e5,
            "generation": {"tokens_per_second": speed},
        }
        examined(good, report)
    examined(good, smoke_reports.healthy())
    examined(bad, smoke_reports.broken())
    examined(big, smoke_reports.without_room(), examined(big, smoke_reports.healthy()))
    attach("worker-smoke@lab-2", "cpu", free=20 * GIB, name="Intel(R) Xeon(R) Platinum 8480+")
    attach("worker-smoke-cuda@lab-7", "cuda", free=120 * GIB, name="NVIDIA H200", uuid="GPU-5f2c",
           quantizations=["int8", "int4", "bf16"], detail={"capability": "9.0", "driver": "580.95"})  # fmt: skip
    attach("worker-smoke@lab-1", "cpu", free=6 * GIB, name="AMD EPYC 9654")
    Device.objects.filter(worker="worker-smoke@lab-1").update(seen_at=F("seen_at") - timedelta(hours=2))
    Job.objects.exclude(kind="registry.smoke").update(
        state="cancelled", finished_at=F("created_at"), lease_expires_at=None
    )
    Job.objects.filter(kind="registry.smoke", finished_at=None).update(state="cancelled", finished_at=F("created_at"))
    moving = make_variant(lab.organization, "nimbus-8b-vision", by=lab.manager)
    make_commit(moving, files(word="moving"))
    run_jobs("registry.smoke")
    row = Job.objects.get(kind="registry.smoke", finished_at=None)
    job = jobs.claim(str(row.pk), worker="worker-smoke-cuda@lab-7")
    jobs.beat(job, done=3, total=7, stage="Loading and quantizing: shard 3 of 7", rate=None)
    return SimpleNamespace(lab=lab, job=job)


PAGES = {"devices": "/devices/", "smoke-fail": "/acme/nimbus-8b-chat/evidence/smoke/"}
SIMILAR = {
    "smoke-pass": "/acme/nimbus-8b/evidence/smoke/",
    "smoke-not-run": "/acme/nimbus-8b-max/evidence/smoke/",
    "smoke-running": "/acme/nimbus-8b-vision/evidence/smoke/",
    "smoke-card": "/acme/nimbus-8b/",
    "smoke-probe": "/acme/nimbus-8b/evidence/smoke/probe/",
}


def test_every_page_is_accessible_and_fits(page, scene, live_server, sign_in, look_over, fits, screenshot):
    sign_in(page, scene.lab.manager)
    faults = []
    for name, path in (PAGES | SIMILAR).items():
        answer = page.goto(live_server.url + path)
        assert answer.status == 200, name
        if name in PAGES:
            faults += look_over(page, name)
        else:  # made of the same parts
            screenshot(page, f"{name}-small-dark-page")
            fits(page)
    assert not faults, "\n\n".join(faults)


def test_a_run_is_followed_and_stopped(page, scene, live_server, sign_in):
    sign_in(page, scene.lab.manager)
    page.goto(f"{live_server.url}/acme/nimbus-8b-vision/evidence/smoke/")
    expect(page.locator("#work").get_by_text("shard 3 of 7")).to_be_visible()
    jobs.beat(scene.job, done=2, total=5, stage="Writing from prompts: 2 of 5", rate=None)
    expect(page.locator("#work").get_by_text("Writing from prompts: 2 of 5")).to_be_visible()
    expect(page.get_by_role("status").filter(has_text="Writing from prompts: 2 of 5: 40 %")).to_have_count(1)
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("It was stopped.")).to_be_visible()
    assert jobs.stop_cancelled(scene.job)
    expect(page.get_by_text("The last run was stopped.")).to_be_visible()
    device_register.sign_off("worker-smoke-cuda@lab-7")
    page.goto(f"{live_server.url}/devices/")
    expect(page.get_by_role("row", name="NVIDIA H200")).to_contain_text("Signed off")
