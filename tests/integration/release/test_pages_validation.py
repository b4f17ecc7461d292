"""The pages of a validation: what members see of it, what nobody else does, and what a page of many tensors costs."""

from __future__ import annotations

import time

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from safetensors.numpy import save

import jobs.services as jobs
from jobs.models import Job
from registry.blobs import blob_store
from registry.models import Evidence, FileInspection, Tensor
from registry.services.evidence import start_evidence
from registry.states import EvidenceKind, Outcome
from registry.validation import planning, storing
from tests.factories import make_commit, make_evidence, make_lab, make_organization, make_user, make_variant, run_jobs
from weights import RULESET, TensorRecord

pytestmark = pytest.mark.django_db

PAGES = ["validation/", "validation/tensors/", "validation/bytes/", "validation/compare/"]


@pytest.fixture
def lab():
    return make_lab("acme")


@pytest.fixture
def browser_of():
    def signed_in(user):
        client = Client()
        client.force_login(user)
        return client

    return signed_in


@pytest.fixture
def examined(lab):
    """A checkpoint whose tensors validation has read."""
    variant = make_variant(lab.organization, "examined")
    values = np.random.default_rng(5)
    tensors = {
        f"model.layers.{n}.up.weight": values.normal(0, 0.1 * (n + 1), (64, 96)).astype(np.float32) for n in range(11)
    }
    tensors["lm_head.weight"] = np.zeros((2, 8), np.float16)
    commit = make_commit(variant, {"README.md": b"# E\n", "model.safetensors": save(tensors)})
    assert run_jobs("registry.validate") == ["succeeded"]
    return commit


def names(answer):
    return [row.name for row, _ in answer.context["rows"]]


def test_nobody_but_members_sees_them(examined, browser_of, lab):
    nobody, stranger, of_others = Client(), browser_of(make_user()), browser_of(make_lab("other").manager)
    for page in [*PAGES, "validation/tensors/1/"]:
        path = f"/acme/examined/{page}"
        assert nobody.get(path).status_code in (302, 404)
        assert stranger.get(path).status_code == 404
        assert of_others.get(path).status_code == 404


def test_a_variant_without_a_checkpoint_or_a_result_says_so(lab, browser_of):
    variant = make_variant(lab.organization, "empty")
    client = browser_of(lab.auditor)
    for page in PAGES:
        assert "Nothing was uploaded yet" in client.get(f"/acme/empty/{page}").text
    make_commit(variant)
    Job.objects.all().delete()
    for page in PAGES:
        assert "It was not validated yet" in client.get(f"/acme/empty/{page}").text


def test_tensors_are_searched_narrowed_and_sorted(examined, lab, browser_of):
    client = browser_of(lab.auditor)
    path = "/acme/examined/validation/tensors/"
    in_order = names(client.get(path))
    assert in_order[0] == "lm_head.weight"
    assert in_order[3:5] == ["model.layers.2.up.weight", "model.layers.3.up.weight"]
    assert in_order[-1] == "model.layers.10.up.weight"
    assert names(client.get(path, {"q": "LAYERS.1."})) == ["model.layers.1.up.weight"]
    assert names(client.get(path, {"q": "%"})) == []
    assert names(client.get(path, {"dtype": "F16"})) == ["lm_head.weight"]
    assert len(names(client.get(path, {"path": "model.safetensors"}))) == 12
    assert names(client.get(path, {"sort": "max"}))[0] == "model.layers.10.up.weight"
    assert names(client.get(path, {"sort": "max", "reverse": "1"}))[0] == "lm_head.weight"
    assert names(client.get(path, {"sort": "zeros"}))[0] == "lm_head.weight"
    assert names(client.get(path, {"sort": "; DROP TABLE", "after": "-1"})) == in_order
    part = client.get(path, {"q": "lm_head"}, headers={"HX-Request": "true", "HX-Target": "tensors"})
    assert "lm_head.weight" in part.text
    assert "<html" not in part.text


def test_a_tensor_shows_its_values_and_its_siblings(examined, lab, browser_of):
    tensor = Tensor.objects.get(name="model.layers.4.up.weight")
    answer = browser_of(lab.auditor).get(f"/acme/examined/validation/tensors/{tensor.pk}/")
    assert len(answer.context["layers"]) == 11
    assert [one["row"].pk for one in answer.context["layers"] if one["is_here"]] == [tensor.pk]
    assert "64 × 96" in answer.text
    row = FileInspection.objects.get(path="model.safetensors")
    sample = next(one["sample"] for one in row.report["tensors"] if one["name"] == tensor.name)
    assert sample
    assert sample not in answer.text


def test_a_tensor_of_another_checkpoint_is_missing(examined, lab, browser_of):
    foreign = make_variant(make_organization("else"), "secret")
    make_commit(foreign, {"model.safetensors": save({"a.weight": np.ones((4, 4), np.float32)})})
    run_jobs("registry.validate")
    tensor = Tensor.objects.get(name="a.weight")
    answer = browser_of(lab.auditor).get(f"/acme/examined/validation/tensors/{tensor.pk}/")
    assert answer.status_code == 404
    assert "has no such tensor" in answer.text


def test_bytes_are_added_up_by_module_and_type(examined, lab, browser_of):
    shown = browser_of(lab.auditor).get("/acme/examined/validation/bytes/").context
    assert [(part.path, part.size_bytes, part.tensors) for part, _ in shown["modules"]] == [
        ("model", 11 * 64 * 96 * 4, 11),
        ("lm_head", 32, 1),
    ]
    assert [(one.dtype, one.elements) for one, _ in shown["dtypes"]] == [("F32", 11 * 64 * 96), ("F16", 16)]
    inside = browser_of(lab.auditor).get("/acme/examined/validation/bytes/", {"at": "model.layers"}).context
    assert [part.name for part, _ in inside["modules"]] == [str(n) for n in range(11)]
    nowhere = browser_of(lab.auditor).get("/acme/examined/validation/bytes/", {"at": "no'such\\"})
    assert "no tensor below" in nowhere.text


def test_checkpoints_are_compared_without_showing_how(examined, lab, browser_of):
    relative = make_variant(lab.organization, "relative")
    row = FileInspection.objects.get(path="model.safetensors")
    content = blob_store().path(row.blob_id).read_bytes()
    other = make_commit(relative, {"README.md": b"# R\n", "weights.safetensors": content})
    run_jobs("registry.validate")
    client = browser_of(lab.auditor)
    path = "/acme/examined/validation/compare/"
    assert [one.digest for one in client.get(path).context["others"]] == [other.checkpoint.digest]
    answer = client.get(path, {"with": other.checkpoint.digest})
    assert answer.context["relation"].label == "Same"
    for tensor in row.report["tensors"]:
        for secret in (tensor["sample"], tensor["digest"]):
            assert not secret or secret not in answer.text
    assert client.get(path, {"with": "sha256:" + "0" * 64}).status_code == 404
    hidden = make_commit(make_variant(make_organization("else"), "hidden"), {"model.safetensors": content})
    run_jobs("registry.validate")
    assert client.get(path, {"with": hidden.checkpoint.digest}).status_code == 404


def test_findings_are_shown_escaped_and_narrowed(lab, browser_of):
    variant = make_variant(lab.organization, "odd")
    places = [{"severity": "warn", "check": "WV-ZERO", "path": f"f{n}", "message": "zero"} for n in range(150)]
    report = {
        "verdict": "block",
        "files": 1,
        "findings": [
            {"severity": "block", "check": "X", "message": "<img src=x onerror=1>", "path": "<b>", "tensor": "<i>t"},
            "odd",
            *places,
        ],
        "manifest": [{"path": "<u>", "size_bytes": 3, "sha256": "0" * 64}],
    }
    checkpoint = make_commit(variant).checkpoint
    make_evidence(checkpoint, Outcome.FAIL, report=report, summary="<u>bad</u>", rules_version=RULESET)
    client = browser_of(lab.auditor)
    text = client.get("/acme/odd/validation/").text
    for raw in ("<img src=x", "<i>t", "<b>", "<u>"):
        assert raw not in text
    assert "All 150 places" in text
    narrowed = client.get("/acme/odd/validation/", {"check": "WV-ZERO", "after": "100"})
    [section] = narrowed.context["sections"]
    assert len(section.checks[0].places) == 50
    found = {"HX-Request": "true", "HX-Target": "found"}
    part = client.get("/acme/odd/validation/", {"severity": "block"}, headers=found)
    assert ("<html" in part.text, "WV-ZERO" in part.text) == (False, False)


def test_work_under_way_is_shown_file_by_file_and_can_be_stopped(lab, browser_of, monkeypatch):
    monkeypatch.setattr(planning, "LARGE_BYTES", 64)
    variant = make_variant(lab.organization, "busy")
    checkpoint = make_commit(variant, {f"part-{n}.txt": b"word " * (20 + n) for n in range(3)}).checkpoint
    assert run_jobs("registry.validate") == ["divided"]
    whole = Job.objects.get(kind="registry.validate")
    first = whole.parts.order_by("pk").first()
    jobs.succeed(jobs.claim(str(first.pk), worker="t"))
    client = browser_of(lab.security)
    poll = {"headers": {"HX-Request": "true", "HX-Target": "work"}}
    answer = client.get("/acme/busy/validation/", **poll)
    assert (answer.status_code, answer.context["job"].done, answer.context["job"].total) == (200, 110, 315)
    assert "1 of 3 parts done" in answer.text
    assert "part-1.txt" in answer.text
    body = {"checkpoint": checkpoint.digest, "kind": "validation"}
    assert browser_of(lab.auditor).post("/acme/busy/evidence/stop/", body).status_code == 403
    assert client.post("/acme/busy/evidence/stop/", body | {"kind": "mood"}).status_code == 422
    assert client.post("/acme/busy/evidence/stop/", body).status_code == 303
    assert set(whole.parts.values_list("state", flat=True)) == {"succeeded", "cancelled"}
    last = client.get("/acme/busy/validation/", **poll)
    assert (last.status_code, last.headers["HX-Refresh"]) == (286, "true")
    assert "was stopped" in client.get("/acme/busy/validation/").text
    assert client.post("/acme/busy/evidence/stop/", body).status_code == 303
    start_evidence(checkpoint=checkpoint, kinds={EvidenceKind.VALIDATION}, again=True)
    assert Job.objects.filter(kind="registry.validate", state="queued").exists()


COUNT = 70_000


def _seconds(client, address):
    begun = time.perf_counter()
    client.get(address)
    return time.perf_counter() - begun


def test_a_page_of_70_000_tensors_is_one_page(examined, lab, browser_of, django_assert_max_num_queries):
    """As many as a large mixture of experts has; the rows are written as validation writes them."""
    row = FileInspection.objects.get(path="model.safetensors")
    records = [
        TensorRecord(
            f"model.layers.{n // 1200}.mlp.experts.{n % 1200 // 3}.{n % 3}.weight",
            *("BF16", (64, 64), 4096, 8192),
            low=-n / 7,
            high=n / 3,
        )
        for n in range(COUNT)
    ]
    Tensor.objects.all().delete()
    row.tensor_count = None
    storing.write_tensors(row, records)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE registry_tensor")
    client = browser_of(lab.auditor)
    paths = ["tensors/", "tensors/?sort=max", "tensors/?q=experts.17.&sort=bytes", "tensors/?after=69900", "bytes/"]
    for path in [*paths, "bytes/?at=model.layers.3.mlp"]:
        client.get(f"/acme/examined/validation/{path}")
        with django_assert_max_num_queries(30) as asked:
            answer = client.get(f"/acme/examined/validation/{path}")
        queries = len(asked)
        took = min(_seconds(client, f"/acme/examined/validation/{path}") for _ in range(3))
        print(f"{path:40} {took * 1000:.0f} ms, {queries} queries, {len(answer.content)} bytes")
        assert answer.status_code == 200
        assert took < 1.5, "0.2 s and less on a quiet machine"
    assert Evidence.objects.filter(checkpoint=examined.checkpoint, kind="validation").count() == 1
