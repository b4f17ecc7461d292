"""The API of a validation: what members read, page by page, and that nobody else learns of it."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import save

from jobs.models import Job
from registry.models import FileInspection
from tests.factories import make_commit, make_lab, make_token, make_user, make_variant, run_jobs

pytestmark = pytest.mark.django_db


@pytest.fixture
def lab():
    return make_lab("acme")


@pytest.fixture
def ask(client):
    """Ask below the examined checkpoint with somebody's token."""

    def asked(user, path, digest, method="get", **query):
        address = f"/api/v1/variants/acme/examined/checkpoints/{digest}/{path}"
        token = {"Authorization": f"Bearer {make_token(user)}"} if user else {}
        return getattr(client, method)(address, query, headers=token, content_type="application/json")

    return asked


@pytest.fixture
def examined(lab):
    values = np.random.default_rng(5)
    tensors = {f"layers.{n}.up.weight": values.normal(0, n + 1, (64, 96)).astype(np.float32) for n in range(11)}
    tensors["head.weight"] = np.full((8, 8), np.nan, np.float16)
    variant = make_variant(lab.organization, "examined")
    commit = make_commit(variant, {"README.md": b"# E\n", "model.safetensors": save(tensors)})
    run_jobs("registry.validate")
    return commit.checkpoint


PATHS = ["validation/", "validation/findings/", "validation/tensors/", "validation/files/", "validation/compare/"]


def test_nobody_but_members_learns_of_it(examined, ask, lab):
    stranger = make_user()
    for path in PATHS:
        assert ask(None, path, examined.digest).status_code in (401, 404)
        assert ask(stranger, path, examined.digest).status_code == 404
        assert ask(lab.auditor, path, "sha256:" + "0" * 64).status_code == 404


def test_what_was_not_validated_is_missing(ask, lab):
    commit = make_commit(make_variant(lab.organization, "examined"))
    for path in PATHS:
        refused = ask(lab.auditor, path, commit.checkpoint.digest)
        assert (refused.status_code, refused.json()["code"]) == (404, "release.not_validated")


def test_the_report_in_short(examined, ask, lab):
    told = ask(lab.auditor, "validation/", examined.digest).json()
    assert (told["verdict"], told["files"], told["tensors"]) == ("block", 2, 12)
    assert told["dtypes"] == [
        {"dtype": "F32", "tensors": 11, "elements": 11 * 6144, "size_bytes": 11 * 24576},
        {"dtype": "F16", "tensors": 1, "elements": 64, "size_bytes": 128},
    ]
    assert told["findings"][0]["severity"] == "block"


def test_findings_say_what_they_mean_and_are_narrowed(examined, ask, lab):
    path = "validation/findings/"
    [found] = ask(lab.auditor, path, examined.digest, check="WV-NAN").json()["results"]
    assert (found["path"], found["tensor"], found["severity"]) == ("model.safetensors", "head.weight", "block")
    assert found["meaning"]
    assert found["fix"]
    assert ask(lab.auditor, path, examined.digest, severity="note").json()["results"] == []


def test_tensors_come_in_pages_sorted_and_narrowed_without_fingerprints(examined, ask, lab, client):
    path = "validation/tensors/"
    page = ask(lab.auditor, path, examined.digest, limit=5, sort="max")
    told = page.json()
    assert [row["name"] for row in told["results"]][:2] == ["layers.10.up.weight", "layers.9.up.weight"]
    assert told["previous"] is None
    names = []
    address = told["next"]
    while address:
        told = client.get(address, headers={"Authorization": f"Bearer {make_token(lab.auditor)}"}).json()
        names += [row["name"] for row in told["results"]]
        address = told["next"]
    assert len(names) == 7
    assert names[-1] == "head.weight", "what was not measured comes last"
    row = ask(lab.auditor, path, examined.digest, search="LAYERS.3", dtype="F32").json()["results"][0]
    assert (row["shape"], row["elements"], row["nans"], row["path"]) == ([64, 96], 6144, 0, "model.safetensors")
    report = FileInspection.objects.get(path="model.safetensors").report
    secrets = [tensor[name] for tensor in report["tensors"] for name in ("sample", "digest") if tensor[name]]
    assert secrets
    whole = ask(lab.auditor, path, examined.digest).content.decode()
    assert not [secret for secret in secrets if secret in whole]
    reverse = ask(lab.auditor, path, examined.digest, sort="max", reverse="true").json()["results"]
    assert reverse[0]["name"] == "layers.0.up.weight"


def test_a_forged_cursor_is_refused(examined, ask, lab):
    for cursor in ("x", "YXQ9eA==", "YXQ9LTE=", "bm89MQ=="):
        assert ask(lab.auditor, "validation/tensors/", examined.digest, cursor=cursor).status_code == 422


def test_files_tell_what_was_found_in_them(examined, ask, lab):
    first, second = ask(lab.auditor, "validation/files/", examined.digest).json()["results"]
    assert (first["path"], first["tensors"], first["is_complete"]) == ("model.safetensors", 12, True)
    assert first["findings"][0]["severity"] == "block"
    assert (second["path"], second["tensors"]) == ("README.md", 0)


def test_checkpoints_are_compared(examined, ask, lab):
    refused = ask(lab.auditor, "validation/compare/", examined.digest, **{"with": "sha256:" + "1" * 64})
    assert (refused.status_code, refused.json()["code"]) == (404, "release.not_comparable")
    told = ask(lab.auditor, "validation/compare/", examined.digest, **{"with": examined.digest}).json()
    assert (told["relation"], told["missing"]) == ("same", 0)
    assert {row["relation"] for row in told["tensors"]} == {"same"}


def test_the_making_is_stopped_by_whom_may(lab, ask):
    digest = make_commit(make_variant(lab.organization, "examined")).checkpoint.digest
    body = {"kind": "validation"}
    assert ask(lab.auditor, "evidence/stop/", digest, "post", **body).status_code == 403
    assert ask(lab.security, "evidence/stop/", digest, "post", **body).status_code == 204
    assert Job.objects.get(kind="registry.validate").state == "cancelled"
