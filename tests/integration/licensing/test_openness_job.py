"""Openness as a job over real files: what is disclosed, what it amounts to, what the card claims beyond it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, transaction

from accounts.roles import Role
from audit.models import Event
from jobs import running
from jobs.models import Job
from licensing.models import OpennessStatement
from licensing.openness_reads import openness_of
from licensing.openness_writes import state_openness
from licensing.services import load_catalog
from registry.models import Evidence, Variant
from registry.selectors import actor_for
from registry.states import Level
from rules import Refused
from tests.factories import make_commit, make_member, make_organization, make_variant, serve

pytestmark = pytest.mark.django_db(transaction=True)
CARD = b"---\nlicense: apache-2.0\n---\n# Nimbus\n\nA small model.\n"
DATA = b"\n## Training data\n\n" + b"All of it was taken from public pages, filtered and counted. " * 8
CODE = dict.fromkeys(("train.py", "inference.py", "eval.py", "preprocess.py", "modeling_nimbus.py"), b"pass\n")
FULL = {
    "README.md": CARD + DATA, "model.safetensors": b"weights", "tokenization_nimbus.py": b"pass\n",
    "technical_report.pdf": b"%PDF", "eval_results.json": b"{}", **CODE,
}  # fmt: skip


def assessed(files: dict[str, bytes], variant: Variant | None = None) -> Evidence:
    load_catalog()
    checkpoint = make_commit(variant or make_variant(make_organization()), files).checkpoint
    job = Job.objects.filter(kind="licensing.openness", subject=f"registry.checkpoint:{checkpoint.pk}").latest("pk")
    assert running.run(str(job.pk), worker="test") == "succeeded"
    return Evidence.objects.get(checkpoint=checkpoint, kind="openness", job_id=job.pk)


def component(evidence: Evidence, name: str) -> dict[str, Any]:
    return next(one for one in evidence.report["assessment"]["components"] if one["name"] == name)


def test_each_component_with_file_and_digest() -> None:
    evidence = assessed(FULL)
    assert (evidence.outcome, evidence.report["assessment"]["label"]) == ("pass", "open weights")
    weights = component(evidence, "Model parameters (Final)")
    assert weights["files"][0]["path"] == "model.safetensors" and len(weights["files"][0]["sha256"]) == 64
    assert weights["license"] == "apache-2.0" and weights["counts"]
    assert component(evidence, "Data card")["files"][0]["path"] == "README.md"
    assert component(evidence, "Datasets")["availability"] == "unknown"
    assert evidence.report["assessment"]["mof_class"] == 3
    assert evidence.report["assessment"]["mof_blockers"] == ["Evaluation data"]
    assert evidence.report["checkpoint"] == evidence.checkpoint.digest
    assert evidence.report["assumed"].startswith("Nothing is decided yet")


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        (b"\nNimbus is an open source model.\n", "fail"),
        (b"\nBuilt with open source tools.\n", "pass"),
        (b"\nNimbus has open weights.\n", "pass"),
    ],
)
def test_a_card_that_claims_more(words: bytes, outcome: str) -> None:
    evidence = assessed({"README.md": CARD + words, "model.safetensors": b"weights"})
    assert evidence.outcome == outcome
    if outcome == "fail":
        (finding,) = evidence.report["findings"]
        assert finding["severity"] == "block" and "open weights" in finding["fix"]


def test_without_a_card_it_warns() -> None:
    evidence = assessed({"model.safetensors": b"weights"})
    assert evidence.outcome == "warn" and evidence.report["findings"][0]["check"] == "openness.no_card"


def test_what_is_served_behind_a_gate_is_gated_weights() -> None:
    variant = make_variant(make_organization())
    commit = make_commit(variant, {"README.md": CARD, "model.safetensors": b"weights"})
    serve(variant, Level.GATED, commit)
    found = openness_of(variant, commit.checkpoint).assessment
    assert found.label.label.value == "gated weights"
    assert found.disclosed.weights.availability.value == "gated"


def test_statements_are_recorded_and_count() -> None:
    organization = make_organization()
    variant = make_variant(organization)
    before = assessed(FULL, variant)
    manager = make_member(organization, Role.RELEASE_MANAGER)
    said = {
        "components": {"Datasets": {"is": "absent"}, "Evaluation data": {"is": "released", "license": "cc-by-4.0",
                       "place": "https://example.org/data"}},
        "description": "full", "public_list": True, "third_party_list": True, "training_flop": "3e22",
        "usage_public": True, "monetization": "none",
    }  # fmt: skip
    state_openness(variant=variant, said=said, by=manager, actor=actor_for(manager, organization))
    job = Job.objects.filter(kind="licensing.openness").latest("created_at")
    assert running.run(str(job.pk), worker="test") == "succeeded"
    after = Evidence.objects.filter(kind="openness").latest("pk")
    assert after.pk != before.pk and after.checkpoint == before.checkpoint
    assert after.report["assessment"]["osaid"] == "yes"
    assert after.report["assessment"]["label"] == "open source AI"
    assert after.report["assessment"]["eu_exemption"] == "yes"
    assert after.report["assessment"]["mof_class"] == 2
    assert component(after, "Evaluation data")["stated_by"].startswith(manager.display_name)
    assert Event.objects.get(kind="licensing:openness:stated").facts["said"]["description"] == "full"


def test_statements_by_others_and_bad_ones_are_refused() -> None:
    organization = make_organization()
    variant = make_variant(organization)
    auditor, manager = make_member(organization, Role.AUDITOR), make_member(organization, Role.RELEASE_MANAGER)
    with pytest.raises(Refused, match="release managers"):
        state_openness(variant=variant, said={}, by=auditor, actor=actor_for(auditor, organization))
    for said, place in [
        ({"flop": 1}, "flop"),
        ({"training_flop": "lots"}, "training_flop"),
        ({"monetization": "yes"}, "monetization"),
        ({"components": {"Model card": {"is": "released"}}}, "components.Model card"),
        ({"components": {"Datasets": {"is": "maybe"}}}, "components.Datasets"),
        ({"components": {"Datasets": {"is": "absent", "place": "a\nb"}}}, "components.Datasets"),
        ({"components": []}, "components"),
        ({"usage_public": "yes"}, "usage_public"),
    ]:
        with pytest.raises(Refused) as refused:
            state_openness(variant=variant, said=said, by=manager, actor=actor_for(manager, organization))
        assert place in str(refused.value)
    assert not OpennessStatement.objects.exists()


def test_statements_are_never_changed() -> None:
    organization = make_organization()
    manager = make_member(organization, Role.OWNER)
    actor = actor_for(manager, organization)
    made = state_openness(variant=make_variant(organization), said={}, by=manager, actor=actor)
    with pytest.raises(DatabaseError), transaction.atomic():
        OpennessStatement.objects.filter(pk=made.pk).update(by_name="nobody")
    with pytest.raises(DatabaseError), transaction.atomic():
        made.delete()
