"""Catalog, licenses of a lab, acceptances: what is written, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.core.management import call_command
from django.db import DatabaseError, transaction

from accounts.models import User
from accounts.roles import Role, Scope
from audit.models import Event
from licensing.catalog import shipped
from licensing.models import Acceptance, License, LicenseVersion
from licensing.selectors import acceptable_versions, identify_text, licenses, licenses_in_card, version_of
from licensing.services import accept, add_license, load_catalog
from rules import Refused
from tests.factories import make_member, make_organization, make_user, make_variant

pytestmark = pytest.mark.django_db
TEXT = "Acme Research License\n\nYou may study the model, and publish what you learn.\n"
TERMS = {"commercial_use": "no", "use_scope": "research_only"}


@pytest.fixture
def counsel() -> User:
    return make_member(make_organization(), Role.LEGAL_REVIEWER)


def add(by: User, **given: object) -> LicenseVersion:
    return add_license(
        **{"name": "Acme Research License", "version": "1", "text": TEXT, "terms": TERMS, "by": by, **given}
    )


def refusal(**given: object) -> set[str]:
    with pytest.raises(Refused) as caught:
        add(**given)
    return set(caught.value.verdict.codes)


def test_the_catalog_is_loaded_once() -> None:
    first = load_catalog()
    assert (first.licenses_added, first.versions_added) == (62, 62)
    second = load_catalog()
    assert (second.licenses_added, second.versions_added) == (0, 0)
    assert Event.objects.filter(kind="licensing:catalog:loaded").count() == 1


def test_the_command_says_what_it_added(capsys: pytest.CaptureFixture) -> None:
    call_command("load_catalog")
    call_command("load_catalog")
    said = capsys.readouterr().out
    assert said == "62 licenses and 62 versions added.\n0 licenses and 0 versions added.\n"


def test_changed_terms_become_a_new_version_and_the_old_one_stays() -> None:
    load_catalog()
    catalog = shipped()
    changed = replace(catalog.entries[0], unverified=("patent",), name="Apache License, Version 2.0")
    loaded = load_catalog(replace(catalog, entries=(changed, *catalog.entries[1:])))
    assert (loaded.licenses_added, loaded.versions_added) == (0, 1)
    versions = LicenseVersion.objects.filter(license__key="apache-2.0").order_by("id")
    assert [version.unverified for version in versions] == [[], ["patent"]]
    assert version_of("apache-2.0") == versions[1]
    assert License.objects.get(key="apache-2.0").name == "Apache License, Version 2.0"


def test_a_lab_adds_its_own_license_and_succeeds_it(counsel: User) -> None:
    made = add(counsel, text=TEXT.replace("\n", "\r\n"))
    assert made.text == TEXT and len(made.text_sha256) == 64
    assert (made.license.key, made.license.hub_license) == ("acme-research-license", "other")
    assert made.license.spdx_id == "LicenseRef-acme-research-license"
    second = add(counsel, key="acme-research-license", version="2", text=TEXT + "Cite us.\n")
    assert second.license == made.license
    assert version_of("acme-research-license") == second
    assert version_of("acme-research-license", made.text_sha256) == made


def test_who_adds_a_license_is_a_legal_reviewer(counsel: User) -> None:
    assert refusal(by=make_user()) == {"licensing.not_a_legal_reviewer"}
    assert refusal(by=make_member(make_organization(), Role.OWNER)) == {"licensing.not_a_legal_reviewer"}
    assert refusal(by=counsel, scopes=frozenset({Scope.READ})) == {"licensing.write_scope_missing"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"name": " "}, "licensing.name_missing"),
        ({"name": "x" * 201}, "licensing.name_missing"),
        ({"name": "許諾"}, "licensing.name_without_key"),
        ({"version": "x" * 61}, "licensing.version_too_long"),
        ({"text": "  "}, "licensing.text_missing"),
        ({"text": "x" * 200_001}, "licensing.text_too_long"),
        ({"text": "nul \x00"}, "licensing.text_not_storable"),
        ({"terms": {"commercial_use": "perhaps"}}, "licensing.terms_malformed"),
        ({"name": "MIT"}, "licensing.key_taken"),
        ({"key": "mit"}, "licensing.key_taken"),
    ],
)
def test_a_license_that_cannot_be_added_says_why(counsel: User, given: dict, code: str) -> None:
    load_catalog()
    assert refusal(by=counsel, **given) == {code}


def test_a_text_that_is_held_is_not_added_again(counsel: User) -> None:
    add(counsel)
    assert refusal(by=counsel, name="Another name") == {"licensing.text_known"}


def test_texts_are_identified_exactly_and_by_likeness(counsel: User) -> None:
    load_catalog()
    mit = version_of("mit")
    assert identify_text(mit.text) == mit
    assert identify_text(mit.text.replace("<year> <copyright holders>", "2026 Acme")) == mit
    assert identify_text("All rights are mine.") is None
    assert identify_text("") is None


def test_a_likeness_shared_by_two_licenses_identifies_neither(counsel: User) -> None:
    add(counsel)
    add(counsel, name="Other License", text=TEXT.replace("Acme Research", "Other"))
    assert identify_text(TEXT.replace("You may", "you may")) is None
    assert identify_text(TEXT).license.key == "acme-research-license"


def test_a_cards_words_lead_to_all_licenses_that_they_can_mean() -> None:
    load_catalog()
    assert [license.key for license in licenses_in_card("Apache-2.0")] == ["apache-2.0"]
    assert {license.key for license in licenses_in_card("other", "modified-mit")} == {
        "kimi-k2-modified-mit",
        "mistral-modified-mit",
    }
    assert licenses_in_card("other") == []
    assert licenses_in_card("nonsense") == []


def test_only_licenses_with_a_text_can_be_asked_for() -> None:
    load_catalog()
    keys = {version.license.key for version in acceptable_versions()}
    assert {"apache-2.0", "mit", "cc0-1.0"} <= keys
    assert "llama3.1" not in keys


def test_licenses_are_found_by_words_kind_and_text(django_assert_num_queries: object) -> None:
    load_catalog()
    assert "gemma-terms-2025-03-24" in {license.key for license in licenses(search="gemma")}
    assert {license.kind for license in licenses(kind="rail")} == {"rail"}
    assert licenses(has_text=True).count() == 16
    assert licenses(has_text=False).count() == 46
    with django_assert_num_queries(2):
        assert all(license.current_versions for license in licenses())


def accepting(**given: object) -> Acceptance:
    version = given.pop("license_version", None) or version_of("apache-2.0")
    return accept(
        **{
            "user": given.pop("user", None) or make_user(),
            "license_version": version,
            "variant": make_variant(),
            "form_version": 1,
            "seen_sha256": version.text_sha256,
            "from_address": "192.0.2.1",
            **given,
        }
    )


def test_an_acceptance_names_person_text_and_place() -> None:
    load_catalog()
    made = accepting(user=make_user(full_name="Rae Searcher"))
    assert (made.user_name, made.from_address) == ("Rae Searcher", "192.0.2.1")
    assert made.text_sha256 == version_of("apache-2.0").text_sha256
    prefixed = accepting(seen_sha256=f"sha256:{made.text_sha256}", from_address="unix:/run/socket")
    assert prefixed.from_address is None


@pytest.mark.parametrize("given", [{"seen_sha256": ""}, {"seen_sha256": "0" * 64}])
def test_another_text_than_the_one_seen_is_not_accepted(given: dict) -> None:
    load_catalog()
    with pytest.raises(Refused) as caught:
        accepting(**given)
    assert caught.value.verdict.codes == {"licensing.text_differs"}
    assert not Acceptance.objects.exists()


def test_what_has_no_text_cannot_be_accepted() -> None:
    load_catalog()
    with pytest.raises(Refused) as caught:
        accepting(license_version=version_of("llama3.1"))
    assert caught.value.verdict.codes == {"licensing.text_not_held"}


def test_a_service_account_accepts_nothing() -> None:
    load_catalog()
    with pytest.raises(Refused) as caught:
        accepting(user=make_user(is_service=True))
    assert caught.value.verdict.codes == {"licensing.person_needed"}


def test_the_database_changes_no_version() -> None:
    load_catalog()
    for attempt in (lambda rows: rows.update(text="other"), lambda rows: rows._raw_delete("default")):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt(LicenseVersion.objects.filter(license__key="mit"))
