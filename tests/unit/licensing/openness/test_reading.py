"""How cases are read: unknown keys refused by name, absent ones unknown, values in the words that people use."""

from __future__ import annotations

from typing import Any

import pytest

from licensing.cases import CaseRefused
from licensing.openness.cases import check, read
from licensing.openness.facts import Earning, Gate
from licensing.openness.fitness import Fit, fitness_of, worst_of
from licensing.openness.framework import FRAMEWORK, OpennessClass, Part, required_for
from licensing.openness.words import earning_of, gate_of


@pytest.mark.parametrize(
    ("case", "key"),
    [
        ({"component": {}}, "component"),
        ({"components": {"Weights": "mit"}}, "components.Weights"),
        ({"components": {"model card": "mit"}}, "components.model card"),
        ({"components": {"Model card": 7}}, "components.Model card"),
        ({"components": ["Model card"]}, "components"),
        ({"components": {"Model card": "x" * 301}}, "components.Model card"),
        ({"global_licenses": {"weights": "mit"}}, "global_licenses.weights"),
        ({"data_information": {"descriptions": "full"}}, "data_information.descriptions"),
        ({"data_information": {"description": "good"}}, "data_information.description"),
        ({"data_information": {"public_data_list": 3}}, "data_information.public_data_list"),
        ({"eu": {"flops": 1}}, "eu.flops"),
        ({"eu": {"training_flop": "many"}}, "eu.training_flop"),
        ({"eu": {"training_flop": True}}, "eu.training_flop"),
        ({"eu": {"training_flop": -1}}, "eu.training_flop"),
        ({"eu": {"training_flop": float("nan")}}, "eu.training_flop"),
        ({"eu": {"training_flop": [1]}}, "eu.training_flop"),
        ({"eu": {"weights_architecture_usage_public": "maybe"}}, "eu.weights_architecture_usage_public"),
        ({"facts": {"claim": "I"}}, "facts.claim"),
        ({"facts": {"claimed_class": ["I"]}}, "facts.claimed_class"),
        ({"facts": {"data_card_included_in": "Appendix"}}, "facts.data_card_included_in"),
        ({"facts": {"evaluation_results_included_in": 3}}, "facts.evaluation_results_included_in"),
        ({"facts": {"declared_weights_license": 3}}, "facts.declared_weights_license"),
        ([], ""),
    ],
)
def test_refused_by_name(case: Any, key: str) -> None:
    with pytest.raises(CaseRefused) as refused:
        check(case)
    assert refused.value.key == key


def test_the_framework_has_its_components_and_classes() -> None:
    assert len(FRAMEWORK) == len(Part) == 17
    counts = [len(required_for(level)) for level in (OpennessClass(3), OpennessClass(2), OpennessClass(1))]
    assert counts == [6, 10, 14]
    assert required_for(OpennessClass.UNCLASSIFIED) == ()
    assert sorted(OpennessClass, key=lambda level: level.rank) == [0, 3, 2, 1]


@pytest.mark.parametrize(
    ("said", "earning"),
    [
        (None, None),
        ("unknown", None),
        (False, Earning.NONE),
        ([], Earning.NONE),
        (True, Earning.DISQUALIFYING),
        ("Separate commercial license", Earning.DISQUALIFYING),
        (["optional_support", "personal_data"], Earning.DISQUALIFYING),
        (["optional_support", "none"], Earning.ALLOWED),
        ({"kind": "dual_license"}, Earning.DISQUALIFYING),
        ("paid_api", Earning.UNSETTLED),
        ("No payment required", Earning.NONE),
        ("not_monetised", Earning.NONE),
        ("downloads", Earning.UNSETTLED),
        ("ad_funded", Earning.DISQUALIFYING),
        ("paid support needed", Earning.DISQUALIFYING),
        ("transactions_between_microenterprises", Earning.ALLOWED),
    ],
)
def test_words_about_money(said: object, earning: Earning | None) -> None:
    assert earning_of(said) is earning


@pytest.mark.parametrize(
    ("said", "gate"),
    [
        (None, None),
        ("", None),
        ("none", Gate.NONE),
        (False, Gate.NONE),
        ([], Gate.NONE),
        (True, Gate.UNSETTLED),
        ("discriminatory by nationality", Gate.UNFAIR),
        ("EU-excluded", Gate.UNFAIR),
        ("safety verification, discriminates by country", Gate.UNFAIR),
        (["identity_verification", "country_of_origin"], Gate.UNFAIR),
        ("identity_verification", Gate.FAIR),
        ("form", Gate.UNSETTLED),
        ("not gated", Gate.NONE),
        ("safety verification without discrimination", Gate.FAIR),
        ("excludes EU", Gate.UNFAIR),
        ("revenue", Gate.UNSETTLED),
    ],
)
def test_words_about_gates(said: object, gate: Gate | None) -> None:
    assert gate_of(said) is gate


def test_published_parts_may_be_told_one_by_one() -> None:
    def published(**told: object) -> bool | None:
        return read({"eu": {"weights_architecture_usage_public": told}}).eu.are_weights_architecture_usage_public

    assert published(weights=True, architecture="yes", usage=True) is True
    assert published(weights=True, usage=False) is False
    assert published(weights=True, usage=None) is None
    assert published() is None


def test_lists_show_themselves() -> None:
    def listed(value: object) -> bool | None:
        return read({"data_information": {"public_data_list": value}}).data.has_public_list

    assert listed(["fineweb"]) is True
    assert listed("not_applicable") is True
    assert listed([]) is None
    assert listed("unknown") is None


def test_a_component_that_forms_call_absent_is_absent() -> None:
    found = check({"components": {"Model card": "Component not included", "Data card": "License not specified"}})
    by_name = {component["name"]: component for component in found["components"]}
    assert by_name["Model card"]["availability"] == "absent"
    assert by_name["Data card"]["why_not"].startswith("it is released without a license")


@pytest.mark.parametrize("host", ["model_card", "the Model card's data section", "README.md", True, ["Model card"]])
def test_a_host_may_be_named_in_words(host: object) -> None:
    found = check({"components": {"Model card": "mit"}, "facts": {"data_card_included_in": host}})
    assert "Data card" not in found["mof_blockers"] and "Model card" not in found["mof_blockers"]


def test_a_claim_is_told_apart_from_what_is_found() -> None:
    assert "Claims don't count" in " ".join(check({"facts": {"claimed_class": "Class II"}})["reasons"])
    assert "Claims" not in " ".join(check({"facts": {"claimed_class": 0}})["reasons"])


def test_a_license_made_for_other_content_is_worth_a_warning() -> None:
    reasons = check({"components": {"Model parameters (Final)": "mit", "Model card": "mit"}})["reasons"]
    assert any("Model parameters (Final)" in reason and "other content" in reason for reason in reasons)


@pytest.mark.parametrize(
    ("license", "mof", "osaid", "eu"),
    [
        ("apache-2.0", True, Fit.YES, Fit.YES),
        ("GPL-3.0-only", True, Fit.YES, Fit.YES),
        ("PDDL-1.0", True, Fit.DISPUTED, Fit.YES),
        ("CC-BY-NC-ND-3.0", False, Fit.NO, Fit.NO),
        ("HPND-doc-sell", False, Fit.DISPUTED, Fit.UNKNOWN),
        ("openmdw-1.1", False, Fit.DISPUTED, Fit.YES),
        ("openrail++", False, Fit.NO, Fit.DISPUTED),
        ("gemma", False, Fit.NO, Fit.DISPUTED),
        ("modified-mit", False, Fit.NO, Fit.NO),
        ("nvidia-nemotron-open-model", False, Fit.UNKNOWN, Fit.UNKNOWN),
        ("unknown", False, Fit.UNKNOWN, Fit.UNKNOWN),
        ("unlicensed", False, Fit.NO, Fit.NO),
        ("", False, Fit.NO, Fit.NO),
        ("Mixed", False, Fit.NO, Fit.NO),
        ("MIT OR", False, Fit.UNKNOWN, Fit.UNKNOWN),
        ("a license (ours", False, Fit.UNKNOWN, Fit.UNKNOWN),
        ("MIT OR LicenseRef-acme", True, Fit.YES, Fit.YES),
        ("MIT AND LicenseRef-acme", False, Fit.UNKNOWN, Fit.UNKNOWN),
        ("(MIT OR Apache-2.0) AND CC-BY-4.0", True, Fit.DISPUTED, Fit.YES),
        ("GPL-2.0-only WITH Classpath-exception-2.0", True, Fit.YES, Fit.YES),
    ],
)
def test_fitness(license: str, mof: bool, osaid: Fit, eu: Fit) -> None:
    found = fitness_of(license)
    assert (found.mof, found.osaid, found.eu) == (mof, osaid, eu)
    assert found.source


def test_the_worst_of_contradicting_licenses_counts() -> None:
    found = worst_of("apache-2.0", "llama3.1")
    assert (found.mof, found.osaid, found.eu) == (False, Fit.NO, Fit.NO)
