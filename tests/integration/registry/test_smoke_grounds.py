"""What a run is measured on and against: whose probe, whose report, which base."""

from __future__ import annotations

import hashlib
import json

import pytest
from django.db import DatabaseError, transaction

from audit.models import Event
from registry.inference import declared
from registry.inference.running import places_of
from registry.models import DeclaredProbe
from registry.services.probes import declare_probe
from registry.services.variants import add_parent
from registry.states import EvidenceKind, Outcome, Relation
from rules import Refused
from smoke.report import Outcome as SmokeOutcome
from smoke.report import SmokeReport
from tests.factories import make_commit, make_evidence, make_variant
from tests.integration.registry.smoke_makers import files

pytestmark = pytest.mark.django_db

TEXT = "The quick brown fox reads what no training has seen. " * 20
LOSSES = {"nats": [2.5, 0.25], "measured_in": "float32", "mantissa_bits": 7, "cast_nats": 0.004}
OWN = json.dumps({"text": "Held out of training, and shipped.", "bits_per_byte": 1.5, "window": 128}).encode()


def grounds_of(checkpoint):
    with places_of(checkpoint) as places:
        return declared.grounds(checkpoint, places)


def passed(variant, text, outcome=Outcome.PASS, **changes):
    """A parent's checkpoint with a report on this text."""
    report = SmokeReport(SmokeOutcome(outcome.value), "healthy", "Fine.", measurements={"bits_per_byte": 1.9}).to_json()
    report |= {"record": {"probe": {"text_sha256": hashlib.sha256(text.encode()).hexdigest()}}} | changes
    checkpoint = make_commit(variant, files(word=variant.name)).checkpoint
    make_evidence(checkpoint, outcome, kinds={EvidenceKind.SMOKE}, report=report)
    return checkpoint


@pytest.fixture
def family():
    parent = make_variant(name="parent")
    child = make_variant(parent.organization, "child", by=parent.created_by)
    return parent, child


def related(family, relation):
    parent, child = family
    add_parent(child=child, relation=relation, by=child.created_by, parent=parent)
    return make_commit(child, files(word="child")).checkpoint


def test_a_probe_that_a_person_declared_comes_first_and_is_named():
    variant = make_variant()
    declare_probe(variant=variant, text=TEXT, by=variant.created_by, bits_per_byte=1.9)
    found = grounds_of(make_commit(variant, files() | {declared.FILE: OWN}).checkpoint)
    assert (found.probe.text, found.probe.bits_per_byte, found.probe.declared) == (TEXT, 1.9, True)
    assert found.facts["probe"]["source"] == "variant"
    assert str(variant.created_by) in found.facts["probe"]["sentence"]
    assert found.reference is None and "reference" not in found.facts


def test_a_checkpoint_may_carry_its_own():
    found = grounds_of(make_commit(make_variant(), files() | {declared.FILE: OWN}).checkpoint)
    assert (found.probe.bits_per_byte, found.probe.window, found.facts["probe"]["source"]) == (1.5, 128, "checkpoint")


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b"\xff", b'{"text": ""}', b'{"text": "x", "bits_per_byte": -1}', b"[" * 99999]
)
def test_one_that_cannot_be_used_is_left_out_and_said_so(content):
    found = grounds_of(make_commit(make_variant(), files() | {declared.FILE: content}).checkpoint)
    assert (found.probe.declared, found.facts["probe"]["source"]) == (False, "plain")
    assert declared.FILE in found.facts["probe"]["sentence"]


def test_a_quantized_model_is_read_on_its_parents_probe_and_held_to_its_report(family):
    parent, _ = family
    declare_probe(variant=parent, text=TEXT, by=parent.created_by, bits_per_byte=1.9)
    source = passed(parent, TEXT)
    found = grounds_of(related(family, Relation.QUANTIZED))
    assert (found.probe.text, found.probe.bits_per_byte) == (TEXT, None)
    assert found.reference.measurements["bits_per_byte"] == 1.9
    said = found.facts["reference"]
    assert (said["checkpoint"], said["relation"]) == (source.digest, "quantized")
    assert said["report_sha256"].startswith("sha256:") and parent.repo_id in said["sentence"]


def test_a_model_that_was_trained_on_is_held_to_a_report_only_where_the_probe_was_declared_for_both(family):
    parent, child = family
    plain = grounds_of(make_commit(make_variant(), files(word="plain")).checkpoint).probe.text
    passed(parent, plain)
    checkpoint = related(family, Relation.FINETUNE)
    assert grounds_of(checkpoint).reference is None
    passed(parent, TEXT)
    declare_probe(variant=child, text=TEXT, by=child.created_by)
    assert grounds_of(checkpoint).reference is not None


@pytest.mark.parametrize(
    ("text", "outcome", "changes"),
    [(TEXT + "!", Outcome.PASS, {}), (TEXT, Outcome.FAIL, {}), (TEXT, Outcome.PASS, {"metrics": "none"})],
    ids=["another probe", "a failure", "no report"],
)
def test_a_report_that_does_not_fit_is_no_reference(family, text, outcome, changes):
    parent, child = family
    passed(parent, text, outcome, **changes)
    declare_probe(variant=child, text=TEXT, by=child.created_by)
    assert grounds_of(related(family, Relation.QUANTIZED)).reference is None


def test_an_adapter_is_put_on_the_newest_checkpoint_of_its_base(family):
    parent, child = family
    base = make_commit(parent, files(word="base")).checkpoint
    add_parent(child=child, relation=Relation.ADAPTER, by=child.created_by, parent=parent)
    adapter = make_commit(child, {"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"}).checkpoint
    assert declared.base_of(adapter) == base
    assert declared.base_of(base) is None


def test_declaring_replaces_and_keeps_what_was_there():
    variant = make_variant()
    first = declare_probe(variant=variant, text=TEXT, by=variant.created_by, bits_per_byte=1.9)
    assert declare_probe(variant=variant, text=TEXT, by=variant.created_by, bits_per_byte=1.9) == first
    second = declare_probe(variant=variant, text=TEXT, by=variant.created_by, bits_per_byte=1.9, token_losses=LOSSES)
    assert (
        declare_probe(variant=variant, text=TEXT, by=variant.created_by, bits_per_byte=1.9, token_losses=LOSSES)
        == second
    )
    assert grounds_of(make_commit(variant, files()).checkpoint).probe.token_losses.to_json() == LOSSES
    assert list(DeclaredProbe.objects.filter(superseded_at=None)) == [second]
    assert DeclaredProbe.objects.count() == 2
    assert Event.objects.filter(kind="registry:probe:declared").count() == 2
    for change in (lambda: first.delete(), lambda: DeclaredProbe.objects.update(bits_per_byte=9.0)):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


@pytest.mark.parametrize(
    ("text", "rest"),
    [("", {}), (" \n", {}), ("x" * ((256 << 10) + 1), {}), ("a\0b", {}), ("\ud800", {}), ("x", {"bits_per_byte": 0.0}),
     ("x", {"bits_per_byte": float("nan")}), ("x", {"window": 1}), ("x", {"window": 9000})],
)  # fmt: skip
def test_what_cannot_be_a_probe_is_refused(text, rest):
    variant = make_variant()
    with pytest.raises(Refused) as refused:
        declare_probe(variant=variant, text=text, by=variant.created_by, **rest)
    assert refused.value.verdict.codes == {"registry.bad_probe"} or refused.value.verdict.codes == (
        "registry.bad_probe",
    )
