"""Duties become files, sentences and metadata, in the very words that licenses prescribe."""

from __future__ import annotations

from licensing.engine import (
    Actor,
    Case,
    Circumstances,
    Disclosure,
    Duties,
    Parent,
    Proposal,
    Relation,
    duties,
    evaluate,
    shipped_book,
)
from licensing.engine.publication import with_notices

BOOK = shipped_book()


def made(*parents: Parent, license: str = "proprietary", name: str = "acme/hawk", how: str = "public") -> Duties:
    case = Case(parents, Proposal(license, name=name), Actor(kind="person", seat="CH"), Circumstances(Disclosure(how)))
    return duties(evaluate(case), case, BOOK)


def test_llama_asks_for_copy_notice_phrase_and_mark() -> None:
    found = made(Parent("llama3.1", "meta-llama/Llama-3.1-8B", "text", Relation.FINETUNE))
    assert [(file.path, file.text) for file in found.files] == [("LICENSE.llama3.1.txt", "")]
    assert found.notices == (BOOK.licenses["llama3.1"].terms.notice_text,)
    assert found.display == ("Built with Llama",) and found.name_marks == ("Llama",)


def test_texts_that_may_be_held_go_along() -> None:
    found = made(
        Parent("apache-2.0", "a/b", relation=Relation.QUANTIZED), Parent("apache-2.0", "c/d", relation=Relation.MERGE)
    )
    (file,) = found.files
    assert file.text == BOOK.licenses["apache-2.0"].text and "Apache" in file.why
    assert found.sentences == ("This model is a modified version of a/b.", "This model is a modified version of c/d.")
    assert found.notices == ()  # a NOTICE only where the parent has one
    assert any("Keep every notice" in one for one in found.for_people)


def test_sentences_are_made_of_names() -> None:
    found = made(
        Parent("falcon-2-1.0", "tiiuae/falcon-11B", relation=Relation.FINETUNE),
        Parent("cc-by-4.0", "maria/poet", relation=Relation.MERGE),
        Parent("mrl-0.1", "mistralai/Ministral-8B", relation=Relation.MERGE),
    )
    assert "hawk is built using Falcon LLM technology from the Technology Innovation Institute." in found.sentences
    assert (
        "poet by maria, licensed under Creative Commons Attribution 4.0 "
        "(https://spdx.org/licenses/CC-BY-4.0.html); modified." in found.sentences
    )
    assert any(one.startswith("Rights in mistralai/Ministral-8B are granted") for one in found.sentences)
    assert set(found.card_lines) == {*found.display, *found.sentences}


def test_one_phrase_of_two_is_enough() -> None:
    assert made(Parent("qwen-2024", "Qwen/Qwen2.5-72B", relation=Relation.FINETUNE)).display == ("Built with Qwen",)


def test_card_metadata() -> None:
    found = made(
        Parent("gemma-terms-2025-03-24", "google/gemma-3-4b-it", relation=Relation.QUANTIZED),
        Parent("hunyuan-3d-2.0", "tencent/Hunyuan3D-2", relation=Relation.MERGE),
        Parent("mit", "far/root", relation=Relation.FINETUNE, path=("between",)),
        license="kimi-k2-modified-mit",
        how="gated",
    )
    assert found.card == {
        "license": "other",
        "license_name": "modified-mit",
        "license_link": "LICENSE",
        "base_model": ["google/gemma-3-4b-it", "tencent/Hunyuan3D-2"],
        "base_model_relation": "quantized",
        "extra_gated_eu_disallowed": True,
    }
    assert made(Parent("mit", "a/b", relation=Relation.MERGE), license="mit").card == {
        "license": "mit",
        "base_model": "a/b",
        "base_model_relation": "merge",
    }


def test_nothing_owed_is_nothing_made() -> None:
    assert made(license="") == Duties()


def test_notices_are_added_once() -> None:
    notice = with_notices("", ["One.", "Two."])
    assert notice == "One.\n\nTwo.\n" and with_notices(notice, ["Two."]) == notice
    assert with_notices("Ours.\n", ["One."]) == "Ours.\n\nOne.\n"
