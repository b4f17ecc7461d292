"""The leak guard with real rows: what is held back does not leave in another form or under another name."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

import weights
from registry.blobs import blob_store
from registry.models import Checkpoint, Commit, Disclosure, FileInspection, LineageEdge, Variant
from registry.states import Component, Level, ReasonCode, Relation
from release.leaks import Leaks, leaks
from release.models import BlobFingerprints, Release
from release.requirements import evidence_requirements
from release.selectors.facts import facts_of
from release.services.policies import waive_for
from rules import Refused
from tests.factories import Lab, make_commit, make_draft, make_lab, make_variant, serve
from tests.unit.weights import families as make
from tests.unit.weights.families import Model, llama
from tests.unit.weights.makers import safetensors_bytes

HELD = llama(1)
PARENT = llama(2)
KINDS = {np.dtype("<f4"): "F32", np.dtype("<u2"): "BF16", np.dtype("<f2"): "F16", np.dtype("i1"): "I8"}


def content(model: Model) -> bytes:
    """A safetensors file."""
    return safetensors_bytes({n: (KINDS[a.dtype], list(a.shape), a.tobytes()) for n, a in model.items()})


def inspected(checkpoint: Checkpoint) -> None:
    """What the validation's jobs leave behind of each file."""
    for file in checkpoint.files.select_related("blob"):
        report = weights.inspect_file(blob_store().path(file.blob_id), file.path)
        FileInspection.objects.get_or_create(
            blob=file.blob, path=file.path, rules_version=weights.RULESET, defaults={"report": report.to_json()}
        )


def uploaded(variant: Variant, files: Mapping[str, bytes]) -> Commit:
    commit = make_commit(variant, files)
    inspected(commit.checkpoint)
    return commit


def hold_back(variant: Variant, lab: Lab) -> Variant:
    Disclosure.objects.create(
        variant=variant,
        component=Component.WEIGHTS,
        level=Level.HELD_BACK,
        reason_code=ReasonCode.SAFETY,
        owner=lab.safety,
        review_on=timezone.now().date() + timedelta(days=90),
    )
    return variant


@pytest.fixture
def lab(db: None) -> Lab:
    return make_lab("acme")


@pytest.fixture
def max_(lab: Lab) -> Variant:
    """A held-back variant with weights."""
    variant = hold_back(make_variant(lab.organization, "max"), lab)
    uploaded(variant, {"model.safetensors": content(HELD)})
    return variant


@pytest.fixture
def mini(lab: Lab) -> Variant:
    return make_variant(lab.organization, "mini")


def said(variant: Variant, files: Mapping[str, bytes]) -> str:
    commit = uploaded(variant, files)
    found = leaks(variant, commit.checkpoint_id)
    return " ".join((*found.sure, *found.doubtful))


CARRYING: list[tuple[str, Callable[[Model], Any], str]] = [
    ("cast", make.each(make.bf16), "copy of acme/max"),
    ("renamed and cast", lambda m: make.renamed(make.each(make.bf16)(m)), "copy of acme/max"),
    ("quantized", make.int8_rows, "copy of acme/max"),
    ("tuned", make.noisy(0.05), "copy of acme/max"),
    ("one tensor", lambda m: llama(9) | {"x": m["lm_head.weight"]}, "1 of its tensors belongs to acme/max"),
    ("within another", make.embedded, "of its tensors belong to acme/max"),
    ("cut and cast", lambda m: make.each(make.bf16)(make.cut(m, 2)), "acme/max"),
    ("fused and cast", lambda m: make.each(make.bf16)(make.fused(m)), "acme/max"),
    ("merged", lambda m: {n: m[n] + llama(9)[n] * np.float32(0.6) for n in m}, "resemble those of acme/max"),
]


@pytest.mark.parametrize(("name", "change", "sentence"), CARRYING, ids=[row[0] for row in CARRYING])
def test_content_is_known_in_any_form(
    name: str, change: Callable[[Model], Any], sentence: str, max_: Variant, mini: Variant
) -> None:
    assert sentence in said(mini, {"model.safetensors": content(change(HELD))})


def test_a_doubt_is_decided_by_security_alone(lab: Lab, max_: Variant, mini: Variant) -> None:
    merged = {name: HELD[name] + llama(9)[name] * np.float32(0.6) for name in HELD}
    commit = uploaded(mini, {"model.safetensors": content(merged)})
    found = leaks(mini, commit.checkpoint_id)
    assert found.sure == () and "resemble those of acme/max" in found.doubtful[0]
    release = make_draft(lab, variant=mini, commit=commit)
    given = {"what": f"likeness.decided@{commit.checkpoint.digest}", "reason": "Common data.", "days": 7}
    with pytest.raises(Refused, match="security reviewers"):
        waive_for(release=release, by=lab.legal, actor=lab.actor(lab.legal), **given)
    assert "likeness.decided" in unmet(release)
    waive_for(release=release, by=lab.security, actor=lab.actor(lab.security), **given)
    assert "likeness.decided" not in unmet(release)


def unmet(release: Release) -> set[str]:
    return {one.code for one in evidence_requirements(facts_of(release)) if not one.standing.is_settled}


@pytest.mark.parametrize("path", ["weights.json", "notes.txt", "README.md", "tokenizer.model", "LICENSE", "x.py"])
def test_another_name_is_no_way_around(path: str, max_: Variant, mini: Variant) -> None:
    assert "1 of its weight files belongs to acme/max" in said(mini, {path: content(HELD)})
    assert "copy of acme/max" in said(mini, {path: content(make.each(make.bf16)(HELD))})


def test_strangers_may_leave(max_: Variant, mini: Variant) -> None:
    assert said(mini, {"model.safetensors": content(llama(3))}) == ""
    assert said(mini, {"model.safetensors": content(make.int8_rows(llama(4)))}) == ""


def test_what_a_family_shares_by_nature_may_leave(max_: Variant, mini: Variant) -> None:
    tokenizer = json.dumps({"vocab": {f"t{n}": n for n in range(2000)}}).encode()
    uploaded(max_, {"model.safetensors": content(HELD), "tokenizer.json": tokenizer})
    assert said(mini, {"model.safetensors": content(llama(3)), "tokenizer.json": tokenizer}) == ""


def test_trivial_tensors_prove_nothing(max_: Variant, mini: Variant) -> None:
    ones = {name: np.ones((64, 64), dtype="<f4") for name in ("a", "b")}
    uploaded(max_, {"model.safetensors": content(HELD | ones)})
    assert said(mini, {"model.safetensors": content(llama(3) | ones)}) == ""


class TestWithAPublicParent:
    @pytest.fixture
    def parent(self, lab: Lab) -> Variant:
        variant = make_variant(lab.organization, "base")
        serve(variant, Level.PUBLIC, uploaded(variant, {"model.safetensors": content(PARENT)}))
        return variant

    @pytest.fixture
    def tune(self, lab: Lab, parent: Variant) -> dict[str, Any]:
        tuned = make.noisy(0.1, seed=5)(PARENT)
        variant = hold_back(make_variant(lab.organization, "tune"), lab)
        LineageEdge.objects.create(child=variant, parent=parent, relation=Relation.FINETUNE)
        uploaded(variant, {"model.safetensors": content(tuned)})
        return tuned

    def test_another_tune_of_it_may_leave(self, tune: Model, mini: Variant) -> None:
        sibling = make.noisy(0.1, seed=6)(PARENT)
        assert said(mini, {"model.safetensors": content(sibling)}) == ""
        assert said(mini, {"model.safetensors": content(make.each(make.bf16)(sibling))}) == ""
        assert said(mini, {"model.safetensors": content(make.int8_rows(PARENT))}) == ""
        assert said(mini, {"model.safetensors": content(make.fused(make.each(make.bf16)(PARENT)))}) == ""

    def test_a_copy_of_the_tune_may_not(self, tune: Model, mini: Variant) -> None:
        for model in (
            make.each(make.bf16)(tune),
            make.int8_rows(tune),
            make.noisy(0.02, seed=7)(tune),
            {name: (tune[name] + PARENT[name]) / 2 for name in tune},
        ):
            assert "a changed copy of acme/tune" in said(mini, {"model.safetensors": content(model)})

    def test_what_lies_between_is_for_people_to_judge(self, tune: Model, mini: Variant) -> None:
        half = make.noisy(0.11, seed=8)({name: PARENT[name] + (tune[name] - PARENT[name]) / 2 for name in tune})
        assert "may partly come from acme/tune" in said(mini, {"model.safetensors": content(half)})

    def test_layers_left_as_they_were_prove_nothing(
        self, lab: Lab, parent: Variant, tune: Model, mini: Variant
    ) -> None:
        frozen = dict(list(PARENT.items())[:4])
        variant = Variant.objects.get(name="tune")
        uploaded(variant, {"model.safetensors": content({**tune, **frozen})})
        sibling = make.noisy(0.1, seed=9)(PARENT) | frozen
        assert said(mini, {"model.safetensors": content(sibling)}) == ""

    def test_the_parent_itself_may_leave(self, tune: Model, mini: Variant) -> None:
        assert said(mini, {"model.safetensors": content(PARENT)}) == ""


def test_the_number_of_queries_does_not_grow(lab: Lab, max_: Variant, mini: Variant) -> None:
    commit = uploaded(mini, {"model.safetensors": content(make.each(make.bf16)(HELD))})

    def queries() -> int:
        leaks(mini, commit.checkpoint_id)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert leaks(mini, commit.checkpoint_id).sure
        return len(captured)

    before = queries()
    for number in range(6):
        uploaded(hold_back(make_variant(lab.organization), lab), {"m.safetensors": content(llama(20 + number))})
    assert queries() == before <= 9


def test_a_new_inspection_replaces_the_fingerprints(max_: Variant, mini: Variant) -> None:
    made = FileInspection.objects.get(blob__in=[f.blob_id for f in max_.commits.get().checkpoint.files.all()])
    bare = [tensor | {"sample": None} for tensor in made.report["tensors"]]
    FileInspection.objects.filter(pk=made.pk).update(report=made.report | {"tensors": bare})
    cast = content(make.each(make.bf16)(HELD))
    assert said(mini, {"model.safetensors": cast}) == ""
    FileInspection.objects.create(blob=made.blob, path=made.path, rules_version="later", report=made.report)
    assert "copy of acme/max" in said(mini, {"model.safetensors": cast})
    assert BlobFingerprints.objects.get(blob=made.blob).inspection_id > made.pk


def test_other_organizations_are_not_asked(max_: Variant, db: None) -> None:
    other = make_lab("globex")
    variant = make_variant(other.organization, "copy")
    assert said(variant, {"model.safetensors": content(HELD)}) == ""


def test_the_variant_itself_may_leave(max_: Variant) -> None:
    assert leaks(max_, max_.commits.get().checkpoint_id) == Leaks()


def test_sentences_tell_no_fingerprint(max_: Variant, mini: Variant) -> None:
    sentence = said(mini, {"model.safetensors": content(make.each(make.bf16)(HELD))})
    assert "model.embed_tokens.weight" in sentence
    stored = FileInspection.objects.filter(path="model.safetensors").first()
    assert stored is not None
    for tensor in stored.report["tensors"]:
        assert not tensor["sample"] or tensor["sample"][:20] not in sentence
        assert tensor["digest"] not in sentence
