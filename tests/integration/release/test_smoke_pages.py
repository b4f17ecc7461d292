"""Smoke inference as pages, API and cards show it: to whom, how much, and escaped."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client

import jobs.services as jobs
from jobs.models import Device, Job
from registry.models import DeclaredProbe, Evidence
from registry.selectors import latest_evidence
from registry.services.variants import add_parent
from registry.states import EvidenceKind, Outcome, Relation
from release.models import Release
from release.packaging import CARD, read_text
from release.selectors.smoke import trial_of
from tests.browser import smoke_reports
from tests.factories import (
    make_commit,
    make_draft,
    make_evidence,
    make_lab,
    make_token,
    make_user,
    make_variant,
    run_jobs,
    submit,
)
from tests.integration.registry.smoke_makers import attach, files

pytestmark = pytest.mark.django_db
PAGE = "/acme/model/evidence/smoke/"
API = "/api/v1/variants/acme/model"


@pytest.fixture
def variant(lab):
    return make_variant(lab.organization, "model")


def examine(variant, report, **others):
    """A checkpoint of the variant with this smoke report."""
    checkpoint = others.pop("checkpoint", None) or make_commit(variant, files() | {"README.md": b"# M\n"}).checkpoint
    make_evidence(
        checkpoint, Outcome(report["outcome"]), kinds={EvidenceKind.SMOKE}, summary=report["reason"], report=report
    )
    return checkpoint


@pytest.fixture
def ask(client):
    def asked(user, path, method="get", **body):
        token = {"Authorization": f"Bearer {make_token(user)}"} if user else {}
        return getattr(client, method)(path, body, headers=token, content_type="application/json")

    return asked


# --- reports ---------------------------------------------------------------------------------------


def test_an_attempt_that_was_not_run_hides_no_result_of_the_same_files(variant, lab, browser_of):
    """It is on record and shown as what it is; what was found out of the files stays what counts."""
    checkpoint = examine(variant, smoke_reports.broken())
    told = latest_evidence(checkpoint)[EvidenceKind.SMOKE]
    silent = {"outcome": "not_run", "code": "no_device", "reason": "No device is attached."}
    examine(variant, silent, checkpoint=checkpoint)
    assert latest_evidence(checkpoint)[EvidenceKind.SMOKE] == told
    text = browser_of(lab.auditor).get(PAGE).text
    assert "No device is attached." in text
    assert f"run={told.pk}" in text
    assert told.summary in browser_of(lab.auditor).get("/acme/model/evidence/").text
    assert trial_of(checkpoint)[0].outcome == told.outcome
    other = make_commit(variant, files() | {"README.md": b"# Another\n"}).checkpoint
    examine(variant, silent, checkpoint=other)
    assert latest_evidence(other)[EvidenceKind.SMOKE].outcome == "not_run"


@pytest.mark.parametrize(
    ("kind", "source", "page"),
    [
        ("smoke", "smoke", "evidence/smoke"),
        ("validation", "validation", "validation"),
        ("smoke", "", "evidence"),
        ("license", "license", "evidence"),
        ("smoke", "https://elsewhere", "evidence"),
    ],
)
def test_running_again_leads_back_to_where_it_was_asked_for(variant, lab, browser_of, kind, source, page):
    checkpoint = examine(variant, smoke_reports.broken())
    body = {"checkpoint": checkpoint.digest, "kind": kind, "from": source}
    answer = browser_of(lab.safety).post("/acme/model/evidence/again/", body)
    assert answer.url == f"/acme/model/{page}/?checkpoint={checkpoint.digest}#{kind}"


def test_every_part_of_a_report_is_told_and_escaped(variant, lab, browser_of):
    report = smoke_reports.broken()
    report["versions"] = {"<b>torch": "<i>2.13"}
    report["metrics"][0]["reason"] = "<u>worse</u>"
    examine(variant, report)
    answer = browser_of(lab.auditor).get(PAGE)
    text = answer.text
    for said in ("It rests on the loss that was declared", "27.13 percent", "Block 7, skipped", "German", "512 J"):
        assert said in text, said
    for raw in ("<script>alert", "<b>torch", "<i>2.13", "<u>worse"):
        assert raw not in text
    assert answer.context["metrics"][0]["status"].label == "Outside"


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"metrics": 5, "samples": "x", "plan": [], "measurements": {"depth": {"blocks": [1, {"skip_nats": "nan"}]}}},
        {
            "metrics": [None, {"value": True}],
            "starts": [1],
            "breakdown": [{}],
            "versions": 3,
            "sandbox": [],
            "record": 1,
        },
        {"measurements": {"languages": [{"language": "de", "bits_per_byte": 1.5}, 4]}, "seed": "x", "energy": None},
    ],
)
def test_a_report_of_any_form_has_a_page(report, variant, lab, browser_of):
    examine(variant, {"outcome": "fail", "reason": "Odd."} | report)
    assert browser_of(lab.auditor).get(PAGE).status_code == 200


def test_members_alone_see_it_and_know_of_no_other_runs(variant, lab, browser_of):
    examine(variant, smoke_reports.healthy())
    foreign = examine(make_variant(lab.organization, "other"), smoke_reports.healthy(code="x"), checkpoint=make_commit(
        make_variant(lab.organization, "third"), files(word="third")).checkpoint)  # fmt: skip
    other = Evidence.objects.get(checkpoint=foreign, kind="smoke").pk
    assert Client().get(PAGE).status_code == 302
    assert browser_of(make_user()).get(PAGE).status_code == 404
    for run in (other, "x", "9" * 30, "-1"):
        for path in (PAGE, f"{PAGE}report.json"):
            assert browser_of(lab.auditor).get(path, {"run": run}).status_code == 404


def test_the_downloaded_report_is_what_the_digest_names(variant, lab, browser_of):
    checkpoint = examine(variant, smoke_reports.healthy())
    client = browser_of(lab.auditor)
    body = client.get(f"{PAGE}report.json", {"checkpoint": checkpoint.digest}).content
    digest = f"sha256:{hashlib.sha256(body).hexdigest()}"
    assert client.get(PAGE).context["report_digest"] == digest
    assert json.loads(body) == Evidence.objects.get(kind="smoke").report


def test_it_is_laid_beside_the_parent_or_the_run_before(variant, lab, browser_of):
    parent = make_variant(lab.organization, "parent")
    examine(parent, smoke_reports.healthy(), checkpoint=make_commit(parent, files(word="p")).checkpoint)
    add_parent(child=variant, relation=Relation.FINETUNE, by=lab.manager, parent=parent)
    examine(variant, smoke_reports.broken())
    answer = browser_of(lab.auditor).get(PAGE)
    assert [title for title, _ in answer.context["choices"]] == ["acme/parent, its parent"]
    changes = {row.name: row.change for row in answer.context["compared"]}
    assert changes["Against the reference"] == "+27.1 points"
    examine(variant, smoke_reports.healthy(), checkpoint=make_commit(variant, files(word="later")).checkpoint)
    assert browser_of(lab.auditor).get(PAGE).context["beside"][0] == "The run before"


def test_a_run_under_way_is_polled_until_the_page_is_shown_anew(variant, lab, browser_of):
    attach("test")
    make_commit(variant, files())
    client, poll = browser_of(lab.manager), {"headers": {"HX-Request": "true", "HX-Target": "work"}}
    run_jobs("registry.smoke")
    assert "Waits for a worker of the queue smoke.cpu" in client.get(PAGE).text
    job = jobs.claim(str(Job.objects.get(kind="registry.smoke").pk), worker="test")
    jobs.beat(job, done=2, total=5, stage="Loading and quantizing: shard 2 of 5", rate=None)
    answer = client.get(PAGE, **poll)
    assert (answer.status_code, "shard 2 of 5" in answer.text) == (200, True)
    body = {"checkpoint": variant.commits.get().checkpoint.digest, "kind": "smoke"}
    assert browser_of(lab.auditor).post("/acme/model/evidence/stop/", body).status_code == 403
    assert client.post("/acme/model/evidence/stop/", body)["Location"].startswith(PAGE)
    assert jobs.stop_cancelled(job)
    answer = client.get(PAGE, **poll)
    assert (answer.status_code, answer["HX-Refresh"]) == (286, "true")


# --- devices ---------------------------------------------------------------------------------------


def test_devices_tell_what_they_are_and_what_they_do(variant, lab, browser_of, ask):
    attach("test", "cuda", quantizations=["int8", "int4"])
    gone = attach("lost@lab")
    Device.objects.filter(pk=gone.pk).update(seen_at=F("seen_at") - timedelta(hours=1))
    examine(variant, smoke_reports.healthy(device="cuda:0", record={"worker": "test"}))
    Job.objects.filter(state="queued").delete()
    make_commit(variant, files(word="next"))
    run_jobs("registry.smoke")
    job = jobs.claim(str(Job.objects.get(kind="registry.smoke", state="queued").pk), worker="test")
    jobs.beat(job, done=1, total=2, stage="Writing from prompts: 1 of 2", rate=None)

    text = browser_of(lab.auditor).get("/devices/").text
    for said in ("An Accelerator", "Working", "Writing from prompts: 1 of 2", "681.0", "int8, int4", "Gone"):
        assert said in text, said
    live, dead = ask(lab.auditor, "/api/v1/devices/").json()
    assert (live["state"], live["works_on"]["subject"], live["queue"]) == ("working", "acme/model", "smoke.cuda")
    assert (dead["state"], dead["is_live"], dead["works_on"]) == ("gone", False, None)


def test_the_work_of_others_is_not_named_and_strangers_see_no_devices(variant, browser_of, ask):
    attach("test")
    make_commit(variant, files())
    run_jobs("registry.smoke")
    jobs.claim(str(Job.objects.get(kind="registry.smoke").pk), worker="test")
    examine(
        variant,
        smoke_reports.healthy(record={"worker": "test"}),
        checkpoint=make_commit(variant, files(n=2)).checkpoint,
    )
    outsider = make_lab("rival").auditor
    text = browser_of(outsider).get("/devices/").text
    assert "acme/model" not in text
    (seen,) = ask(outsider, "/api/v1/devices/").json()
    assert seen["works_on"] == {"subject": None, "job": None, "stage": ""}
    assert browser_of(make_user()).get("/devices/").status_code == 403
    assert ask(make_user(), "/api/v1/devices/").status_code == 403
    assert ask(None, "/api/v1/devices/").status_code == 401
    assert Client().get("/devices/").status_code == 302


def test_devices_take_a_constant_number_of_queries(variant, lab, browser_of, django_assert_max_num_queries):
    client = browser_of(lab.auditor)
    examine(variant, smoke_reports.healthy())
    for number in range(12):
        attach(f"worker-{number}@lab")
    with django_assert_max_num_queries(22):
        client.get("/devices/")


# --- probes and the API ----------------------------------------------------------------------------


def test_a_probe_is_declared_by_page_and_api_by_whom_may(variant, lab, browser_of, ask):
    path, body = f"{PAGE}probe/", {"text": "Held out.\n", "bits_per_byte": "1.5", "window": "128"}
    assert ask(lab.auditor, f"{API}/probe/").json()["code"] == "release.no_probe"
    assert browser_of(lab.auditor).post(path, body).status_code == 403
    assert ask(lab.auditor, f"{API}/probe/", "put", text="x").status_code == 403
    assert browser_of(make_user()).get(path).status_code == 404
    assert not DeclaredProbe.objects.exists()
    assert browser_of(lab.manager).post(path, body).status_code == 303
    assert ask(lab.auditor, f"{API}/probe/").json()["bits_per_byte"] == 1.5
    for wrong in ({"bits_per_byte": "-1"}, {"window": "1"}, {"text": " "}):
        answer = browser_of(lab.manager).post(path, body | wrong)
        assert (answer.status_code, "There is a problem" in answer.text) == (422, True), wrong
    refused = ask(lab.manager, f"{API}/probe/", "put", text="x", bits_per_byte=-1)
    assert (refused.status_code, refused.json()["code"]) == (422, "registry.bad_probe")
    made = ask(lab.pipeline, f"{API}/probe/", "put", text=" y ").json()
    assert (made["text"], made["window"], made["declared_by"]) == (" y ", 256, lab.pipeline.username)
    assert made["token_losses"] is None
    assert browser_of(lab.manager).get(path).context["form"].initial["text"] == " y "


def test_losses_of_single_tokens_are_declared_by_page_and_api(variant, lab, browser_of, ask):
    losses = {"nats": [2.5, 0.25], "measured_in": "float32", "mantissa_bits": 7, "cast_nats": 0.004}
    empty = browser_of(lab.manager).get(f"{PAGE}probe/").context["form"]["token_losses"]
    assert empty.value() == "", "nothing is declared"
    body = {"text": "Held out.\r\nTwo lines.", "window": "128", "token_losses": json.dumps(losses)}
    assert browser_of(lab.manager).post(f"{PAGE}probe/", body).status_code == 303
    found = ask(lab.auditor, f"{API}/probe/").json()
    assert (found["token_losses"], found["text"]) == (losses, "Held out.\nTwo lines.")
    assert (
        json.loads(str(browser_of(lab.manager).get(f"{PAGE}probe/").context["form"]["token_losses"].value())) == losses
    )
    wrong = browser_of(lab.manager).post(f"{PAGE}probe/", body | {"token_losses": '{"nats": [-1]}'})
    assert (wrong.status_code, "number 1 is not between" in wrong.text) == (422, True)
    refused = ask(lab.manager, f"{API}/probe/", "put", text="x", token_losses={"nats": []})
    assert (refused.status_code, refused.json()["code"]) == (422, "registry.bad_probe")
    made = ask(lab.pipeline, f"{API}/probe/", "put", text="y", token_losses=losses).json()
    assert made["token_losses"] == losses


def test_the_api_gives_the_whole_report_and_its_history(variant, lab, ask):
    checkpoint = examine(variant, smoke_reports.healthy())
    found = ask(lab.auditor, f"{API}/checkpoints/{checkpoint.digest}/smoke/").json()
    stored = Evidence.objects.get(kind="smoke")
    assert (found["report"], found["basis"], found["outcome"]) == (stored.report, "declared_loss", "pass")
    assert {act["name"]: act["allowed"] for act in found["actions"]} == {"run evidence": False, "stop evidence": False}
    (run,) = ask(lab.auditor, f"{API}/smoke/").json()
    assert (run["id"], run["bits_per_byte"], run["tokens_per_second"]) == (stored.pk, 1.896, 681.03)
    empty = make_commit(variant, files(word="new")).checkpoint
    assert ask(lab.auditor, f"{API}/checkpoints/{empty.digest}/smoke/").json()["code"] == "release.no_run"
    for path in ("/smoke/", "/probe/", f"/checkpoints/{checkpoint.digest}/smoke/"):
        assert ask(make_user(), API + path).status_code == 404
    assert ask(lab.manager, f"{API}/checkpoints/{empty.digest}/evidence/", "post", kind="smoke").status_code == 202
    assert ask(lab.manager, f"{API}/checkpoints/{empty.digest}/evidence/stop/", "post", kind="smoke").status_code == 204
    assert Job.objects.filter(kind="registry.smoke").order_by("-pk").first().state == "cancelled"


# --- what the card says ----------------------------------------------------------------------------


def packaged(lab, variant, checkpoint):
    """The card of a release of this checkpoint, as it would leave."""
    make_evidence(checkpoint, kinds=set(EvidenceKind) - {EvidenceKind.SMOKE})
    commit = variant.commits.filter(checkpoint=checkpoint).first()
    release = submit(lab, make_draft(lab, variant=variant, commit=commit, has_evidence=False))
    return read_text(Release.objects.get(pk=release.pk).items.get().packaged, CARD)


def test_the_card_that_leaves_says_on_what_it_was_tested(variant, lab):
    checkpoint = examine(variant, smoke_reports.healthy())
    card = packaged(lab, variant, checkpoint)
    report = Evidence.objects.get(kind="smoke").report
    body = json.dumps(report, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    sums = (f"`{checkpoint.digest}`", f"`sha256:{hashlib.sha256(body).hexdigest()}`")
    rows = ("Outcome | Pass", "Quantization | int8", "Bits per byte | 1.8960", "Tokens per second | 681.0")
    for row in (*rows, *sums, "torch 2.13.0+cpu", "| int4 | 5.29 GiB | 16 GB | 12 GB |"):
        assert row in card, row
    assert "worker-smoke" not in card and "lab-2" not in card


@pytest.mark.parametrize(
    "report",
    [smoke_reports.healthy(manifest_digest="sha256:" + "0" * 64), {"outcome": "pass", "reason": "x", "code": ""}],
    ids=["of other files", "of no device"],
)
def test_a_report_of_something_else_is_not_told(report, variant, lab):
    checkpoint = examine(variant, report)
    assert "Tested on" not in packaged(lab, variant, checkpoint)


def test_what_was_not_run_is_not_told_as_tested_but_fits_somewhere(variant, lab):
    checkpoint = examine(variant, smoke_reports.without_room())
    found = trial_of(checkpoint)
    assert found[0] is None
    assert [row["quantization"] for row in found[1]] == ["bf16", "int8", "int4"]


def test_the_hardware_that_a_model_fits_is_on_its_page(variant, lab, browser_of):
    examine(variant, smoke_reports.without_room())
    text = browser_of(lab.auditor).get("/acme/model/").text
    assert "What it runs on" in text and "A machine from 16 GB, an accelerator from 12 GB" in text
