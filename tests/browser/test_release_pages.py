"""The pages of releases in a real browser: accessible in light and dark, and none wider than a small window."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from safetensors.numpy import save

import jobs.services as jobs
from jobs.models import Job
from registry.models import Variant
from registry.services.variants import add_parent
from registry.states import EvidenceKind, Level, Outcome, Relation
from release.models import Publication, PublicationFile
from release.services import publications, reviews
from release.services.targets import put_target
from release.states import PublicationState, TargetKind
from smoke.report import Metric, Sample, Severity, SmokeReport
from smoke.report import Outcome as SmokeOutcome
from tests.factories import (
    Lab,
    approve,
    make_approved,
    make_commit,
    make_draft,
    make_evidence,
    make_lab,
    make_live,
    make_variant,
    run_jobs,
    submit,
)

pytestmark = pytest.mark.django_db(transaction=True)

CARD = b"""---
license: apache-2.0
language: [en]
---
# Nimbus Nano

A small model for tests of everything around models.

| bits | perplexity |
| ---- | ---------- |
| 16   | 12.41      |
"""


@pytest.fixture
def scene() -> SimpleNamespace:
    """A lab with releases in every state, named as people would name them."""
    lab = make_lab("acme")
    owner = {"by": lab.manager}
    nano = make_variant(lab.organization, "nimbus-nano", summary="1 M parameters, for tests.", **owner)
    instruct = make_variant(lab.organization, "nimbus-nano-instruct", **owner)
    largest = make_variant(lab.organization, "nimbus-max", **owner)
    vision = make_variant(lab.organization, "nimbus-vision", **owner)
    first = make_live(lab, title="Nimbus 1, public", variant=nano, commit=make_commit(nano, _files("one")))
    make_live(lab, Level.GATED, title="Nimbus instruct for research", variant=instruct)
    make_live(lab, Level.HELD_BACK, title="Keep Max in", variant=largest, note="Until the audit is done.")
    draft = make_draft(lab, title="Vision preview", variant=vision, has_evidence=False)
    reviewed = submit(lab, make_draft(lab, title="Nimbus 2", variant=nano, commit=make_commit(nano, _files("two"))))
    approve(lab, reviewed, lab.safety)
    approved = make_approved(lab, Level.GATED, title="Vision for partners", variant=vision)
    refused = submit(lab, make_draft(lab, title="Vision for all", variant=vision, commit=make_commit(vision)))
    reviews.refuse(
        release_id=refused.pk,
        by=lab.legal,
        actor=lab.actor(lab.legal),
        seen=refused.digest,
        reason="The license of the image encoder forbids this.",
    )
    publishing = _publishing(lab)
    _examined(nano, instruct)
    return SimpleNamespace(
        lab=lab, live=first, draft=draft, reviewed=reviewed, approved=approved, refused=refused, publishing=publishing
    )


def _files(word: str) -> dict[str, bytes]:
    return {
        "README.md": CARD,
        "config.json": json.dumps({"model_type": "llama", "word": word}).encode(),
        "model.safetensors": b"\0" * 5000 + word.encode(),
    }


def _examined(nano: Variant, instruct: Variant) -> None:
    """A checkpoint with tensors that validation really read, a smoke report, a relative and a job that runs."""
    generator = np.random.default_rng(7)
    shapes = {"model.embed_tokens.weight": (256, 64), "lm_head.weight": (256, 64), "model.norm.weight": (64,)}
    for layer in range(6):
        shapes |= {f"model.layers.{layer}.mlp.{part}.weight": (172, 64) for part in ("up_proj", "gate_proj")}
        shapes |= {f"model.layers.{layer}.self_attn.{part}_proj.weight": (64, 64) for part in "qkvo"}
    weights = save({name: generator.normal(0, 0.02, shape).astype(np.float32) for name, shape in shapes.items()})
    files = {**_files("three"), "model.safetensors": weights, "tokenizer/vocab.json": b'{"a": 0}'}
    checkpoint = make_commit(nano, files, title="Upload folder using huggingface_hub").checkpoint
    run_jobs("registry.validate")
    report = SmokeReport(
        outcome=SmokeOutcome.WARN,
        code="calibration",
        reason="Calibration: It is surprised +0.71 nats more than it expects to be.",
        device="cpu",
        quantization="int8",
        metrics=(
            Metric("bits_per_byte", "Bits per byte", 1.842, "at most 2.101", True, "1.842 on its declared probe."),
            Metric("calibration", "Calibration", 0.71, "at most 0.5", False, "Too surprised.", Severity.WARN, "nats"),
        ),
        samples=(Sample("The lighthouse", " keeper <b>slept</b> & the sea went on.", 9, True),),
    )
    make_evidence(checkpoint, Outcome.WARN, kinds={EvidenceKind.SMOKE}, summary=report.reason, report=report.to_json())
    add_parent(child=nano, relation=Relation.FINETUNE, by=nano.created_by, external_parent="meta-llama/Llama-3.2-1B")
    add_parent(child=instruct, relation=Relation.FINETUNE, by=nano.created_by, parent=nano)
    job = jobs.claim(str(Job.objects.get(kind="licensing.review", subject=jobs.subject_of(checkpoint)).pk), worker="t")
    jobs.beat(job, done=1200, total=5000, stage="model.safetensors")


def _publishing(lab: Lab):
    """A release on its way to a Hub that answers 503, half of it sent."""
    put_target(
        organization=lab.organization,
        name="public-hub",
        title="Public Hub",
        kind=TargetKind.HUB,
        by=None,
        endpoint="http://127.0.0.1:9",
        namespace="acme",
        is_default=True,
    )
    release = make_approved(lab, title="Nimbus audio", variant=make_variant(lab.organization, "nimbus-audio"))
    publications.publish(release_id=release.pk, by=lab.manager, actor=lab.actor(lab.manager))
    row = Publication.objects.get(release=release, target__name="public-hub")
    job = jobs.claim(str(Job.objects.get(subject=jobs.subject_of(row)).pk), worker="test")
    publications.note(row, PublicationState.STAGED)
    first = row.files.first()
    PublicationFile.objects.filter(pk=first.pk).update(uploaded_at=job.started_at)
    jobs.put_back(job, code="release.target_busy", message="Public Hub answered 503; trying again.", after_seconds=3600)
    return release


PAGES = {
    "front": (None, "/"),
    "board": ("safety", "/releases/"),
    "level": ("auditor", "/releases/level/held_back/"),
    "new": ("manager", "/releases/new/"),
    "draft": ("manager", "/releases/{draft}/"),
    "edit": ("manager", "/releases/{draft}/edit/"),
    "choose": ("manager", "/releases/{draft}/items/"),
    "item": ("manager", "/releases/{draft}/items/nimbus-vision/"),
    "in-review": ("legal", "/releases/{reviewed}/"),
    "outsider": ("legal", "/releases/{reviewed}/items/nimbus-nano/outsider/"),
    "waive": ("safety", "/releases/{draft}/waive/"),
    "refused": ("manager", "/releases/{refused}/"),
    "approved": ("manager", "/releases/{approved}/"),
    "publish": ("manager", "/releases/{approved}/publish/"),
    "publishing": ("manager", "/releases/{publishing}/"),
    "journal": ("manager", "/releases/{publishing}/publications/{publication}/"),
    "live": ("auditor", "/releases/{live}/"),
    "withdraw": ("manager", "/releases/{live}/withdraw/"),
    "variant-card": ("manager", "/acme/nimbus-nano/"),
    "variant-outside": (None, "/acme/nimbus-nano/"),
    "variant-gated": (None, "/acme/nimbus-nano-instruct/files/"),
    "variant-files": ("manager", "/acme/nimbus-nano/files/"),
    "variant-evidence": ("manager", "/acme/nimbus-nano/evidence/"),
    "variant-license": (None, "/acme/nimbus-nano/license/"),
    "variant-lineage": ("manager", "/acme/nimbus-nano/lineage/"),
    "variant-history": ("auditor", "/acme/nimbus-nano/history/"),
}


def test_every_page_is_accessible_and_fits(scene, page, live_server, sign_in, look_over) -> None:
    ids = {name: row.pk for name, row in vars(scene).items() if name != "lab"}
    ids["publication"] = Publication.objects.get(release=scene.publishing, target__name="public-hub").pk
    faults = []
    for name, (role, path) in PAGES.items():
        page.context.clear_cookies()
        if role:
            sign_in(page, getattr(scene.lab, role))
        answer = page.goto(live_server.url + path.format(**ids))
        assert answer.status == 200, name
        faults += look_over(page, f"release-{name}")
    assert not faults, "\n\n".join(faults)
