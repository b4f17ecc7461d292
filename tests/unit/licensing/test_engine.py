"""The engine's parts, each by its table: names, sentences, regions, expressions, doubts, lineage."""

from __future__ import annotations

import pytest

from licensing.catalog import shipped
from licensing.engine import (
    Actor,
    Case,
    Circumstances,
    Disclosure,
    Edge,
    KnownLicense,
    LineageRefused,
    Node,
    OutputPurpose,
    Parent,
    Proposal,
    Purpose,
    Relation,
    Uses,
    Verdict,
    evaluate,
    evaluate_lineage,
    shipped_book,
)
from licensing.engine.bundle import SHIPPED_AS, begins_with, contains
from licensing.engine.case import SHIPPABLE
from licensing.engine.doubts import PLACED
from licensing.engine.expressions import BadExpression, choices
from licensing.engine.lineage import ancestors
from licensing.engine.reach import strand_of
from licensing.engine.regions import COUNTRIES, EU, countries_of
from licensing.engine.triggers import firing, way_of
from licensing.terms import Certainty, Kind, Terms


@pytest.mark.parametrize(
    ("name", "mark", "begins"),
    [
        ("acme/Llama-3.1-Nimbus", "Llama", True),
        ("acme/llama_nimbus", "Llama", True),
        ("acme/LLAMA", "Llama", True),
        ("Llama nimbus", "Llama", True),
        ("acme/Llama3", "Llama", True),
        ("acme/Llama.nimbus", "Llama", True),
        ("llama/nimbus", "Llama", False),
        ("acme/Llamazing", "Llama", False),
        ("acme/Nimbus-Llama", "Llama", False),
        ("acme/Meta-Llama-3-8B", "Llama 3", False),
        ("acme/DeepSeek-R1-Distill-Llama-8B", "Llama", False),
        ("acme/Llama-3-8B", "Llama 3", True),
        ("acme/Llama3-8B", "Llama 3", True),
        ("acme/llama-3.1-8b", "Llama 3", True),
        ("acme/Llama-30B", "Llama 3", False),
        ("acme/Llama-Nimbus", "Llama 3", False),
        ("acme/HyperCLOVAX-SEED", "HyperCLOVA X", True),
        ("acme/hyperclova-x", "HyperCLOVA X", True),
        ("acme/HyperCLOVA", "HyperCLOVA X", False),
        ("acme/EXAONE", "EXAONE", True),
        ("", "Llama", None),
        ("  ", "Llama", None),
    ],
)
def test_begins_with(name: str, mark: str, begins: bool | None) -> None:
    assert begins_with(name, mark) is begins


@pytest.mark.parametrize(
    ("text", "phrase", "holds"),
    [
        ("We are Built with Llama.", "Built with Llama", True),
        ("Built\n  with Llama", "Built with Llama", True),
        ("built with llama", "Built with Llama", False),
        ("Hawk is built using Falcon LLM technology", "[name of work] is built using Falcon LLM technology", True),
        ("anything", "", False),
    ],
)
def test_contains(text: str, phrase: str, holds: bool) -> None:
    assert contains(text, phrase) is holds


def test_regions() -> None:
    assert len(EU) == 27 and "GB" not in EU and "NO" not in EU and EU < COUNTRIES
    assert countries_of("uk") == {"GB"} and countries_of("EU") == EU and countries_of("worldwide") == COUNTRIES
    assert countries_of("EEA") == EU | {"NO", "IS", "LI"}
    assert countries_of("APAC") is None


@pytest.mark.parametrize(
    ("expression", "found"),
    [
        ("apache-2.0", [["apache-2.0"]]),
        ("Apache-2.0", [["apache-2.0"]]),
        ("GPL-3.0-or-later", [["gpl-3.0"]]),
        ("openrail++-m OR mit", [["openrail++-m"], ["mit"]]),
        ("mit AND (cc-by-4.0 OR cc0-1.0)", [["mit", "cc-by-4.0"], ["mit", "cc0-1.0"]]),
        ("LicenseRef-OpenMDW-1.1 and mit", [["openmdw-1.1", "mit"]]),
        ("mit AND mit", [["mit"]]),
        ("GPL-3.0-only WITH Classpath-exception-2.0", [["gpl-3.0"]]),
        ("isc", [["ISC"]]),
        ("", [["unknown"]]),
    ],
)
def test_choices_of_an_expression(expression: str, found: list[list[str]]) -> None:
    assert [[term.license.key for term in choice] for choice in choices(expression, shipped_book())] == found


@pytest.mark.parametrize(
    "expression",
    [
        "gemma",
        "mit AND",
        "(mit",
        "mit OR nosuch",
        "mit WITH nonsense",
        "mit WITH mit",
        "proprietary",
        "x" * 600,
        " AND ".join(["(mit OR cc0-1.0)"] * 7),
        " OR ".join(f"(mit AND {key})" for key in list(shipped_book().licenses)[:40]),
    ],
)
def test_bad_expressions(expression: str) -> None:
    with pytest.raises(BadExpression):
        choices(expression, shipped_book())


def test_every_doubt_of_the_catalog_is_placed() -> None:
    said = {" ".join(sentence.split()) for entry in shipped().entries for sentence in entry.unverified}
    assert said == set(PLACED)


def test_every_trigger_of_the_catalog_has_a_meaning() -> None:
    license = shipped_book().licenses["apache-2.0"]
    strand = strand_of(license, Parent("apache-2.0", relation=Relation.FINETUNE), "x")
    known = firing(strand, way_of(Circumstances(), license))
    assert {duty.trigger for entry in shipped().entries for duty in entry.terms.obligations} <= set(known)


def test_everything_shippable_meets_a_duty() -> None:
    assert set(SHIPPED_AS.values()) == set(SHIPPABLE)
    assert set(SHIPPED_AS) <= set(shipped().obligations)


def test_doubts_that_nobody_placed_touch_everything() -> None:
    doubtful = KnownLicense("ours", "Ours", Terms(), Kind.CUSTOM, unverified=("section 4",))
    book = shipped_book().with_licenses([doubtful])
    answer = evaluate(Case((Parent("ours", relation=Relation.NONE),), release=Circumstances(Disclosure.INTERNAL)), book)
    assert answer.verdict == Verdict.REVIEW


def test_a_license_from_memory_never_allows() -> None:
    remembered = KnownLicense("ours", "Ours", Terms(), Kind.PERMISSIVE, certainty=Certainty.MEMORY)
    book = shipped_book().with_licenses([remembered])
    for relation in (Relation.NONE, Relation.DATA):
        case = Case((Parent("ours", relation=relation),), release=Circumstances(Disclosure.INTERNAL))
        assert evaluate(case, book).verdict == Verdict.REVIEW


def test_contradicting_relation_and_use_ask() -> None:
    case = Case(
        (Parent("mit", relation=Relation.QUANTIZED, uses=Uses.OUTPUTS),), release=Circumstances(Disclosure.INTERNAL)
    )
    answer = evaluate(case)
    assert answer.verdict == Verdict.REVIEW and "contradict" in answer.questions[0].text


def test_too_many_choices_are_settled_parent_by_parent() -> None:
    parents = tuple(Parent("mit OR gpl-3.0", f"a/{number}", relation=Relation.MERGE) for number in range(8))
    case = Case(parents, Proposal("mit", name="x/y"), release=Circumstances(Disclosure.PUBLIC))
    assert evaluate(case).verdict == Verdict.CONDITIONS


# --- lineage ---------------------------------------------------------------------------------

OPEN = Circumstances(Disclosure.PUBLIC, ("worldwide",), Purpose.COMMERCIAL)
PROPOSED = Proposal("proprietary", name="acme/nimbus-8b")
PERSON = Actor(kind="person", seat="CH")


def test_an_obligation_names_the_path_to_its_root() -> None:
    graph = {
        "acme/nimbus-8b": Node("", (Edge("acme/middle", Relation.QUANTIZED),), is_own=True),
        "acme/middle": Node("", (Edge("meta-llama/Llama-3.1-8B", Relation.FINETUNE),), is_own=True),
        "meta-llama/Llama-3.1-8B": Node("llama3.1", modality="text"),
    }
    answer = evaluate_lineage(graph, "acme/nimbus-8b", proposed=PROPOSED, actor=PERSON, release=OPEN)
    assert answer.verdict == Verdict.DENY and {violation.id for violation in answer.violations} == {"CF-NAME-PREFIX"}
    assert str(answer.obligations[0].origin) == "acme/nimbus-8b ← acme/middle ← meta-llama/Llama-3.1-8B (llama3.1)"


def test_what_others_made_adds_its_own_terms() -> None:
    graph = {
        "x": Node("", (Edge("other/tune", Relation.MERGE),), is_own=True),
        "other/tune": Node("cc-by-nc-4.0", (Edge("base", Relation.FINETUNE),)),
        "base": Node("apache-2.0"),
    }
    answer = evaluate_lineage(graph, "x", proposed=PROPOSED, actor=PERSON, release=OPEN)
    assert {violation.id for violation in answer.violations} == {"CF-NC"}
    assert {duty.origin.license_key for duty in answer.obligations} == {"cc-by-nc-4.0", "apache-2.0"}


def test_a_parent_outside_the_graph_is_unknown() -> None:
    answer = evaluate_lineage(
        {"x": Node("", (Edge("lost", Relation.MERGE),), is_own=True)}, "x", proposed=PROPOSED, release=OPEN
    )
    assert {violation.id for violation in answer.violations} == {"CF-UNKNOWN-LICENSE"}


@pytest.mark.parametrize(
    ("edges", "relation", "uses", "purpose"),
    [
        (["finetune", "quantized"], Relation.FINETUNE, Uses.MATERIALS, None),
        (["finetune", "adapter"], Relation.ADAPTER, Uses.MATERIALS, None),
        (["none", "none"], Relation.NONE, Uses.MATERIALS, None),
        (["none", "merge"], Relation.FINETUNE, Uses.MATERIALS, None),
        (["finetune", "outputs"], Relation.OUTPUTS, Uses.OUTPUTS, None),
        (["outputs", "finetune"], Relation.OUTPUTS, Uses.OUTPUTS, None),
        (["distilled", "distilled"], Relation.OUTPUTS, Uses.OUTPUTS, OutputPurpose.PERFORM_SIMILARLY),
        (["outputs", "distilled"], Relation.OUTPUTS, Uses.OUTPUTS, None),
        (["finetune", "data"], Relation.DATA, Uses.DATA, None),
        (["data", "none"], Relation.DATA, Uses.DATA, None),
        (["data", "outputs"], Relation.OUTPUTS, Uses.OUTPUTS, None),
        ([None, "finetune"], None, None, None),
    ],
)
def test_relations_add_up_along_a_path(
    edges: list[str | None], relation: Relation | None, uses: Uses | None, purpose: OutputPurpose | None
) -> None:
    graph = {"r": Node("", (Edge("m", edges[0]),), is_own=True), "m": Node("", (Edge("root", edges[1]),), is_own=True)}
    (found,) = ancestors({**graph, "root": Node("mit")}, "r")
    assert (found.relation, found.uses, found.purpose, found.path) == (relation, uses, purpose, ("m",))


def test_a_different_task_anywhere_on_the_path_counts() -> None:
    other = Edge("m", Relation.OUTPUTS, purpose=OutputPurpose.DIFFERENT_TASK)
    graph = {"r": Node("", (other,), is_own=True), "m": Node("", (Edge("g", Relation.DISTILLED),), is_own=True)}
    (found,) = ancestors({**graph, "g": Node("gemma-terms-2025-03-24")}, "r")
    assert found.purpose == OutputPurpose.DIFFERENT_TASK


def test_ancestors_that_rules_cannot_tell_apart_are_counted() -> None:
    edges = tuple(Edge(f"m{number}", Relation.MERGE) for number in range(5))
    graph = {"r": Node("", edges, is_own=True)} | {f"m{number}": Node("mit") for number in range(5)}
    (found,) = ancestors(graph, "r")
    assert found.also == 4
    answer = evaluate_lineage(graph, "r", proposed=PROPOSED, release=OPEN)
    assert str(answer.obligations[0].origin) == "acme/nimbus-8b ← m0 (mit) and 4 more"


def test_a_circle_is_refused() -> None:
    graph = {
        "a": Node("mit", (Edge("b", Relation.MERGE),)),
        "b": Node("mit", (Edge("c", Relation.MERGE),)),
        "c": Node("mit", (Edge("b", Relation.MERGE),)),
    }
    with pytest.raises(LineageRefused, match="b ← c ← b"):
        evaluate_lineage(graph, "a", proposed=PROPOSED)


def test_long_paths_are_shown_by_their_ends() -> None:
    graph = {f"m{n}": Node("", (Edge(f"m{n + 1}", Relation.QUANTIZED),), is_own=True) for n in range(2000)}
    answer = evaluate_lineage({**graph, "m2000": Node("mit")}, "m0", proposed=PROPOSED, release=OPEN)
    assert "… 1992 more …" in str(answer.obligations[0].origin)


def test_a_word_that_is_no_relation_is_refused() -> None:
    with pytest.raises(ValueError, match="copied"):
        Edge("m", "copied")
