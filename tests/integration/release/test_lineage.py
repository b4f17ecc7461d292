"""Releases and the licenses of their lineage: what blocks, what legal decides, what is made and leaves."""

from __future__ import annotations

import pytest

from licensing.lineage_writes import establish_upstream, state_licensee
from registry.services.variants import add_parent
from registry.states import Level, Relation
from release.packaging import card_text, small_texts
from release.selectors.facts import facts_of
from release.services import policies as policy_services
from rules import Refused
from tests.factories import approve, make_commit, make_draft, make_lab, make_license, make_live, make_variant, submit

pytestmark = pytest.mark.django_db

BASE = "meta-llama/Llama-3.1-8B"


@pytest.fixture
def lab(db):
    return make_lab("acme")


def derived(lab, name: str, *, base: str = BASE, key: str = "", relation=Relation.FINETUNE, **files: bytes):
    """A variant of ours made from a model elsewhere, of which a legal reviewer established the license."""
    variant = make_variant(lab.organization, name)
    add_parent(child=variant, relation=relation, by=lab.manager, external_parent=base)
    if key:
        establish_upstream(
            repo_id=base,
            license_version=make_license(key),
            source="LICENSE at main",
            modality="text",
            by=lab.legal,
            actor=lab.actor(lab.legal),
        )
    commit = make_commit(variant, {"README.md": b"# Hello\n", "config.json": b"{}", **files})
    return variant, commit


def codes(refused) -> set[str]:
    return {reason.code for reason in refused.value.verdict.reasons}


def test_an_unlawful_release_is_not_submitted(lab) -> None:
    variant, commit = derived(lab, "nimbus", key="llama3.1")
    release = make_draft(lab, variant=variant, commit=commit, license_version=make_license("llama3.1"))
    with pytest.raises(Refused, match="begin with “Llama”") as refused:
        submit(lab, release)
    assert "release.requirement.lineage.lawful" in codes(refused)


def test_an_open_question_waits_for_legal(lab) -> None:
    variant, commit = derived(lab, "nimbus", base="far/away")
    release = submit(lab, make_draft(lab, variant=variant, commit=commit))
    with pytest.raises(Refused, match="Nobody recorded") as refused:
        approve(lab, release)
    assert codes(refused) == {"release.requirement.lineage.decided"}
    given = {"what": f"lineage.decided@{commit.checkpoint.digest}", "reason": "Read it: MIT.", "days": 30}
    with pytest.raises(Refused) as refused:
        policy_services.waive_for(release=release, by=lab.safety, actor=lab.actor(lab.safety), **given)
    assert codes(refused) == {"release.not_legal"}
    policy_services.waive_for(release=release, by=lab.legal, actor=lab.actor(lab.legal), **given)
    assert approve(lab, release).state == "approved"


def test_what_is_unlawful_is_not_waived(lab) -> None:
    variant, commit = derived(lab, "nimbus", key="llama3.1")
    release = make_draft(lab, variant=variant, commit=commit, license_version=make_license("llama3.1"))
    with pytest.raises(Refused) as refused:
        policy_services.waive_for(
            release=release,
            what=f"lineage.lawful@{commit.checkpoint.digest}",
            reason="No.",
            days=3,
            by=lab.legal,
            actor=lab.actor(lab.legal),
        )
    assert codes(refused) == {"release.not_waivable"}


def test_conditions_are_made_and_leave(lab) -> None:
    variant, commit = derived(lab, "nimbus-int4", base="Qwen/Qwen3-8B", key="apache-2.0", relation=Relation.QUANTIZED)
    live = make_live(lab, variant=variant, commit=commit, license_version=make_license("mit"))
    assert live.state == "live"
    packaged = live.items.get().packaged
    card, texts = card_text(packaged), small_texts(packaged)
    assert "base_model: Qwen/Qwen3-8B" in card and "base_model_relation: quantized" in card
    assert card.endswith("## License notices\n\n- This model is a modified version of Qwen/Qwen3-8B.\n")
    assert texts["LICENSE.apache-2.0.txt"] == make_license("apache-2.0").text
    (found,) = [item.lineage for item in facts_of(live).items]
    assert found.verdict == "conditions" and not (found.missing or found.questions or found.against)


def test_llama_with_everything_its_license_asks(lab) -> None:
    state_licensee(
        organization=lab.organization,
        said={"kind": "company", "seat": "DE", "mau_at": {"2024-06": 1000}},
        by=lab.legal,
        actor=lab.actor(lab.legal),
    )
    variant, commit = derived(lab, "Llama-Nimbus-8B", key="llama3.1")
    license = make_license("llama3.1")
    release = make_draft(lab, variant=variant, commit=commit, license_version=license)
    with pytest.raises(Refused, match=r"LICENSE\.llama3\.1\.txt") as refused:
        submit(lab, release)
    assert codes(refused) == {"release.requirement.lineage.texts"}

    variant, commit = derived(lab, "Llama-Nimbus-9B", **{"LICENSE.llama3.1.txt": b"LLAMA 3.1 COMMUNITY LICENSE"})
    release = submit(lab, make_draft(lab, variant=variant, commit=commit, license_version=license))
    packaged = release.items.get().packaged
    assert "- Built with Llama\n" in card_text(packaged)
    assert small_texts(packaged)["NOTICE"].startswith("Llama 3.1 is licensed under")
    assert approve(lab, release).state == "approved"


def test_a_base_model_of_the_card_that_nobody_recorded(lab) -> None:
    variant = make_variant(lab.organization, "nimbus")
    commit = make_commit(variant, {"README.md": b"---\nbase_model: far/away\n---\n# Hello\n"})
    release = submit(lab, make_draft(lab, variant=variant, commit=commit))
    with pytest.raises(Refused, match="far/away") as refused:
        approve(lab, release)
    assert codes(refused) == {"release.requirement.lineage.decided"}


def test_a_base_model_of_the_card_that_is_ours_is_followed(lab) -> None:
    derived(lab, "Llama-base", key="llama3.1")
    variant = make_variant(lab.organization, "nimbus")
    commit = make_commit(variant, {"README.md": b"---\nbase_model: ACME/llama-base\n---\n# Hello\n"})
    lineage = facts_of(make_draft(lab, variant=variant, commit=commit)).items[0].lineage
    assert any("begin with “Llama”" in one for one in lineage.against)
    plain = make_variant(lab.organization, "stratus")
    make_commit(plain)
    commit = make_commit(
        make_variant(lab.organization, "cirrus"), {"README.md": b"---\nbase_model: acme/stratus\n---\n"}
    )
    assert facts_of(make_draft(lab, variant=commit.variant, commit=commit)).items[0].lineage is None


def test_what_is_held_back_asks_nothing(lab) -> None:
    variant, commit = derived(lab, "nimbus", key="llama3.1")
    release = make_draft(lab, Level.HELD_BACK, variant=variant, commit=commit)
    assert facts_of(release).items[0].lineage is None
