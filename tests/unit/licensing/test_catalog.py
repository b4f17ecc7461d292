"""The catalog as it ships, and the strictness of its reading."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from licensing import catalog as catalog_module
from licensing.catalog import shipped
from licensing.models import KEY
from licensing.reading import Malformed, Reader
from licensing.terms import Answer, Certainty, ShareAlike, Terms, UseScope, terms_of


def test_every_entry_is_read_without_a_word_left_over() -> None:
    catalog = shipped()
    assert len(catalog.entries) == 62
    assert {"apache-2.0", "mit", "llama3.1", "gemma-terms-2025-03-24", "cc-by-nc-4.0", "unknown"} <= {
        entry.key for entry in catalog.entries
    }


def test_every_key_fits_an_address_and_every_obligation_has_words() -> None:
    catalog = shipped()
    for entry in catalog.entries:
        KEY(entry.key)
        for obligation in entry.terms.obligations:
            assert catalog.obligations[obligation.id]


def test_terms_survive_storing() -> None:
    for entry in shipped().entries:
        assert terms_of(entry.stored_terms) == entry.terms


def test_doubt_stays_visible() -> None:
    by_key = {entry.key: entry for entry in shipped().entries}
    assert by_key["kimi-k3"].certainty == Certainty.SECONDARY and not Certainty.SECONDARY.is_solid
    assert by_key["mnpl-0.1"].unverified
    assert by_key["apache-2.0"].certainty.is_solid


def test_facts_of_well_known_licenses_are_typed() -> None:
    by_key = {entry.key: entry.terms for entry in shipped().entries}
    assert by_key["apache-2.0"].commercial_use == Answer.YES
    assert by_key["cc-by-nc-4.0"].use_scope == UseScope.NON_COMMERCIAL
    assert by_key["agpl-3.0"].share_alike == ShareAlike.NETWORK
    assert by_key["llama3.1"].naming.value == "Llama"
    assert by_key["llama3.1"].thresholds[0].value == 700_000_000


def test_a_changed_doubt_is_a_changed_version() -> None:
    from dataclasses import replace

    entry = shipped().entries[0]
    assert replace(entry, unverified=("patent",)).terms_sha256 != entry.terms_sha256
    assert replace(entry, text="other").terms_sha256 == entry.terms_sha256


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"commercial_use": "maybe"}, "commercial_use must be one of"),
        ({"comercial_use": "yes"}, "unknown keys: comercial_use"),
        ({"obligations": [{"id": "OB-X", "when": "always"}]}, "obligations.0 has unknown keys: when"),
        ({"obligations": {}, "notes": 3}, "notes must be text"),
        ({"osi_approved": "yes"}, "osi_approved must be true, false or null"),
        ({"artefacts": "model"}, "artefacts must be a list of texts"),
        ({"thresholds": [{"value": 1.5}]}, "thresholds.0.value must be a number"),
        ({"distribution": "yes"}, "distribution is no mapping"),
        ({"thresholds": "none"}, "thresholds must be a list"),
    ],
)
def test_a_fault_is_named_with_its_path(given: dict, said: str) -> None:
    with pytest.raises(Malformed, match=said):
        terms_of(given)


def test_what_is_absent_is_unknown() -> None:
    assert Terms.read(Reader({})) == Terms()
    assert Terms().commercial_use is None and Terms().redistribution is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda catalog: catalog.update(schema_version=2), "has the schema 2"),
        (lambda catalog: catalog["licenses"].append(catalog["licenses"][0]), "used twice"),
        (lambda catalog: catalog["licenses"][0].update(spdx="MIT"), "unknown keys: spdx"),
        (
            lambda catalog: catalog["licenses"][0].update(obligations=[{"id": "OB-NEW", "trigger": "always"}]),
            "obligations that are not defined: OB-NEW",
        ),
    ],
)
def test_a_catalog_with_a_fault_is_not_read(
    change: object, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = yaml.safe_load((catalog_module.FOLDER / "licenses.yaml").read_text(encoding="utf-8"))
    change(read)
    (tmp_path / "licenses.yaml").write_text(yaml.safe_dump(read), encoding="utf-8")
    monkeypatch.setattr(catalog_module, "FOLDER", tmp_path)
    with pytest.raises(Malformed, match=said):
        shipped.__wrapped__()
