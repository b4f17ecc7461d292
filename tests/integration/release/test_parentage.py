"""Verified lineage with real rows: what weights say of the parents that are named, and of those that are not."""

from __future__ import annotations

import numpy as np
import pytest
from django.test import Client

from registry.models import LineageEdge, Variant
from registry.services.variants import add_parent
from registry.states import Level, Relation
from release.parentage import Standing, comparable_with, parentage_of, unnamed_relatives
from release.requirements import LINEAGE_VERIFIED, evidence_requirements
from release.selectors.facts import facts_of
from release.services.policies import waive_for
from rules import Refused
from tests.factories import Lab, make_commit, make_draft, make_organization, make_token, make_variant, serve
from tests.integration.release.test_leaks import content, uploaded
from tests.unit.weights.families import Model, int8_rows, llama, noisy

BASE = llama(2)


@pytest.fixture
def base(lab: Lab) -> Variant:
    found = make_variant(lab.organization, "base")
    uploaded(found, {"model.safetensors": content(BASE)})
    return found


def child(lab: Lab, model: Model, card: bytes = b"# Child\n", name: str = "child"):
    """A variant with a model, and its commit."""
    variant = make_variant(lab.organization, name)
    return variant, uploaded(variant, {"model.safetensors": content(model), "README.md": card})


def standings(variant: Variant, commit) -> dict[str, Standing]:
    return {one.parent: one.standing for one in parentage_of(variant, commit.checkpoint)}


@pytest.mark.parametrize(
    ("relation", "model", "standing"),
    [
        (Relation.FINETUNE, noisy(0.1, 5)(BASE), Standing.BORNE_OUT),
        (Relation.FINETUNE, llama(9), Standing.CONTRADICTED),
        (Relation.QUANTIZED, int8_rows(BASE), Standing.BORNE_OUT),
        (Relation.MERGE, noisy(0.1, 6)(BASE), Standing.BORNE_OUT),
        (Relation.DISTILLED, llama(9), Standing.UNSEEN),
        (Relation.ADAPTER, {"lora_A": np.ones((4, 64), np.float32)}, Standing.UNSEEN),
    ],
)
def test_weights_answer_for_a_parent(lab, base, relation, model, standing) -> None:
    variant, commit = child(lab, model)
    add_parent(child=variant, relation=relation, by=lab.manager, parent=base)
    assert standings(variant, commit) == {"acme/base": standing}


def test_a_card_names_parents_too_and_the_record_goes_first(lab, base) -> None:
    card = b"---\nbase_model: [ACME/base, far/away, acme/child]\nbase_model_relation: quantized\n---\n"
    variant, commit = child(lab, llama(9), card)
    assert standings(variant, commit) == {"ACME/base": Standing.CONTRADICTED, "far/away": Standing.UNSEEN}
    add_parent(child=variant, relation=Relation.DISTILLED, by=lab.manager, parent=base)
    assert standings(variant, commit) == {"acme/base": Standing.UNSEEN, "far/away": Standing.UNSEEN}


def test_a_parent_that_was_not_validated_is_unseen_not_contradicted(lab, base) -> None:
    variant, commit = child(lab, llama(9))
    fresh = make_variant(lab.organization, "fresh")
    make_commit(fresh, {"model.safetensors": content(llama(3))})
    add_parent(child=variant, relation=Relation.FINETUNE, by=lab.manager, parent=fresh)
    assert standings(variant, commit) == {"acme/fresh": Standing.UNSEEN}


def test_half_of_a_parent_is_borne_out_in_part(lab, base) -> None:
    own = llama(9)
    mixed = {name: (BASE if number % 3 == 0 else own)[name] for number, name in enumerate(own)}
    variant, commit = child(lab, mixed)
    add_parent(child=variant, relation=Relation.MERGE, by=lab.manager, parent=base)
    assert standings(variant, commit) == {"acme/base": Standing.IN_PART}


def test_relatives_that_nobody_named_are_found_and_siblings_are_not(lab, base) -> None:
    variant, commit = child(lab, noisy(0.1, 5)(BASE))
    stranger, _ = child(lab, llama(9), name="stranger")
    sibling, _ = child(lab, noisy(0.1, 7)(BASE), name="sibling")
    everyone = [base, stranger, sibling]
    assert {one.repo_id for one in unnamed_relatives(variant, commit.checkpoint, everyone)} == {
        "acme/base",
        "acme/sibling",
    }
    add_parent(child=variant, relation=Relation.FINETUNE, by=lab.manager, parent=base)
    assert unnamed_relatives(variant, commit.checkpoint, everyone) == []


def test_a_contradicted_parent_waits_for_legal(lab, base) -> None:
    variant, commit = child(lab, llama(9))
    add_parent(child=variant, relation=Relation.FINETUNE, by=lab.manager, parent=base)
    release = make_draft(lab, variant=variant, commit=commit)

    def asked():
        return next(one for one in evidence_requirements(facts_of(release)) if one.code == LINEAGE_VERIFIED)

    assert not asked().standing.is_settled
    assert "acme/base: None of its matrices is known again." in asked().explanation
    given = {"what": f"{LINEAGE_VERIFIED}@{commit.checkpoint.digest}", "reason": "Retrained from it.", "days": 7}
    with pytest.raises(Refused):
        waive_for(release=release, by=lab.security, actor=lab.actor(lab.security), **given)
    waive_for(release=release, by=lab.legal, actor=lab.actor(lab.legal), **given)
    assert asked().standing.is_settled


def test_members_name_parents_on_the_page_and_take_them_back(lab, base, browser_of) -> None:
    variant, _ = child(lab, noisy(0.1, 5)(BASE))
    page = browser_of(lab.manager)
    named = page.post("/acme/child/lineage/add/", {"parent": "acme/base", "relation": "finetune"}, follow=True)
    assert "Borne out by its weights" in named.text
    page.post("/acme/child/lineage/add/", {"parent": "far/away", "relation": "merge"})
    assert {edge.parent_name for edge in LineageEdge.objects.filter(child=variant)} == {"acme/base", "far/away"}
    page.post("/acme/child/lineage/add/", {"parent": "acme/base", "relation": "merge"})
    assert LineageEdge.objects.get(parent=base).relation == "merge"
    page.post("/acme/child/lineage/remove/", {"parent": "ACME/base"})
    assert [edge.parent_name for edge in LineageEdge.objects.filter(child=variant)] == ["far/away"]
    assert "acme/base" in page.get("/acme/child/lineage/?look=1").text


@pytest.mark.parametrize(
    ("parent", "words"),
    [("acme/child", "cannot come from itself"), ("../etc", "names no model"), ("a b/c", "names no model")],
)
def test_a_parent_that_cannot_be_is_refused_in_the_form(lab, base, browser_of, parent, words) -> None:
    child(lab, noisy(0.1, 5)(BASE))
    answer = browser_of(lab.manager).post("/acme/child/lineage/add/", {"parent": parent, "relation": "finetune"})
    assert answer.status_code == 422
    assert words in answer.text
    assert not LineageEdge.objects.exists()


def test_who_may_not_write_names_no_parent_and_learns_why(lab, base, browser_of) -> None:
    child(lab, noisy(0.1, 5)(BASE))
    page = browser_of(lab.auditor)
    answer = page.post("/acme/child/lineage/add/", {"parent": "acme/base", "relation": "finetune"})
    assert answer.status_code == 422
    assert "name the parents of" in answer.text
    assert page.post("/acme/child/lineage/remove/", {"parent": "acme/base"}).status_code == 403


def test_a_hidden_model_of_others_is_just_a_name(lab, base, browser_of) -> None:
    others = make_organization("others")
    make_variant(others, "secret")
    child(lab, noisy(0.1, 5)(BASE))
    browser_of(lab.manager).post("/acme/child/lineage/add/", {"parent": "others/secret", "relation": "finetune"})
    assert LineageEdge.objects.get().external_parent == "others/secret"


def test_automation_does_the_same_by_the_api(lab, base) -> None:
    child(lab, noisy(0.1, 5)(BASE))
    client = Client(headers={"Authorization": f"Bearer {make_token(lab.manager, 'read', 'write')}"})
    address = "/api/v1/variants/acme/child/parents/"
    named = {"parent": "acme/base", "relation": "finetune"}
    made = client.post(address, named, content_type="application/json")
    assert (made.status_code, made.json()[0]["standing"]) == (201, "borne_out")
    assert client.get(address).json()[0]["parent"] == "acme/base"
    assert client.delete(f"{address}?parent=acme/base").status_code == 204
    assert client.delete(f"{address}?parent=acme/base").status_code == 404
    assert client.get(address).json() == []
    assert Client().get(address).status_code == 404


@pytest.mark.parametrize("is_recorded", [True, False], ids=["recorded", "in the card"])
def test_weights_tell_nothing_of_what_others_keep(lab, base, is_recorded) -> None:
    others = make_organization("others")
    secret = make_variant(others, "secret")
    uploaded(secret, {"model.safetensors": content(BASE)})
    card = b"" if is_recorded else b"---\nbase_model: [others/secret, others/nothing]\n---\n"
    variant, commit = child(lab, noisy(0.1, 5)(BASE), card)
    if is_recorded:
        add_parent(child=variant, relation=Relation.FINETUNE, by=lab.manager, external_parent="others/secret")
    found = parentage_of(variant, commit.checkpoint)
    assert {one.sentence for one in found} == {"It is elsewhere, so nothing of it could be compared."}
    near = unnamed_relatives(variant, commit.checkpoint, comparable_with(variant))
    assert {one.repo_id for one in near} == {"acme/base"}


def test_of_a_public_model_of_others_only_what_is_served_is_compared(lab) -> None:
    shown = make_variant(make_organization("others"), "shown")
    served = uploaded(shown, {"model.safetensors": content(llama(9))})
    serve(shown, Level.PUBLIC, served)
    uploaded(shown, {"model.safetensors": content(BASE)})
    variant, commit = child(lab, noisy(0.1, 5)(BASE))
    add_parent(child=variant, relation=Relation.FINETUNE, by=lab.manager, parent=shown)
    assert standings(variant, commit) == {"others/shown": Standing.CONTRADICTED}
    other, tune = child(lab, noisy(0.1, 6)(llama(9)), name="other")
    add_parent(child=other, relation=Relation.FINETUNE, by=lab.manager, parent=shown)
    assert standings(other, tune) == {"others/shown": Standing.BORNE_OUT}
