"""The pages of licenses: found, read in plain words, added."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from licensing.models import License, LicenseVersion
from licensing.selectors import version_of
from licensing.services import load_catalog
from licensing.spdx import listed
from licensing.terms import terms_of
from tests.factories import make_member, make_organization, make_user

pytestmark = pytest.mark.django_db
FORM = {
    "name": "Acme License",
    "version": "1.0",
    "text": "Acme License\r\n\r\nDo good.\r\n",
    "commercial_use": "no",
    "use_scope": "research_only",
    "redistribution": "conditional",
    "notes": "Ask us.",
}


@pytest.fixture(autouse=True)
def catalog() -> None:
    load_catalog()


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def counsel() -> Client:
    return signed_in(make_member(make_organization(), Role.LEGAL_REVIEWER))


def page(url: str, client: Client | None = None) -> str:
    answer = (client or Client()).get(url)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize(
    ("query", "there", "absent"),
    [
        ("q=gemma", "gemma-terms-2025-03-24", "llama3.1"),
        ("kind=rail", "bigcode-openrail-m", "apache-2.0"),
        ("text=held", "apache-2.0", "llama3.1"),
        ("text=missing", "kimi-k3", "apache-2.0"),
        ("kind=nonsense", "apache-2.0", "nothing of the sort"),
    ],
)
def test_the_list_is_narrowed(query: str, there: str, absent: str) -> None:
    found = page(f"/licenses/?{query}")
    assert f"<code>{there}</code>" in found and f"<code>{absent}</code>" not in found


def test_the_list_has_pages() -> None:
    first = page("/licenses/")
    assert "Further licenses" in first and "<code>openrail++-m</code>" not in first
    assert "Gathered 2026" in first and "not legal advice" in first


def test_every_license_has_a_page() -> None:
    for key in License.objects.values_list("key", flat=True):
        assert f"<code>{key}</code>" in page(f"/licenses/{key}/")


def test_a_license_in_plain_words() -> None:
    found = page("/licenses/llama3.1/")
    assert (
        "Above 700,000,000 monthly active users, as of the release of this version, a separate license is needed."
        in found
    )
    assert "Built with Llama" in found and "OB-NAME-PREFIX" in found
    assert "The text is not held here" in found and "not legal advice" in found


def test_doubt_is_shown() -> None:
    found = page("/licenses/kimi-k3/")
    assert "Nothing may be concluded" in found and "Doubtful" in found and "exact wording" in found
    assert "Nothing may be concluded" not in page("/licenses/apache-2.0/")


def test_a_held_text_is_shown_with_its_digest() -> None:
    version = version_of("mit")
    found = page("/licenses/mit/")
    assert version.text_sha256 in found and "WITHOUT WARRANTY OF ANY KIND" in found
    assert "Copyright (c) &lt;year&gt;" in found


def test_unknown_licenses_and_versions_are_not_found() -> None:
    other = version_of("mit").pk
    for url in ("/licenses/nope/", "/licenses/apache-2.0/?version=x", f"/licenses/apache-2.0/?version={other}"):
        assert Client().get(url).status_code == 404


def test_a_legal_reviewer_adds_a_license(counsel: Client) -> None:
    assert "Add license" in page("/licenses/new/", counsel)
    answer = counsel.post("/licenses/new/", FORM)
    assert (answer.status_code, answer["Location"]) == (303, "/licenses/acme-license/")
    made = version_of("acme-license")
    assert made.text == "Acme License\n\nDo good.\n"
    assert made.terms == {
        "commercial_use": "no",
        "use_scope": "research_only",
        "notes": "Ask us.",
        "distribution": {"allowed": "conditional"},
    }
    found = page("/licenses/acme-license/", counsel)
    assert "Research only" in found and "With conditions" in found and "Add a version" in found


def test_a_new_version_leaves_the_old_one(counsel: Client) -> None:
    counsel.post("/licenses/new/", FORM)
    old = version_of("acme-license")
    answer = counsel.post(
        "/licenses/acme-license/new-version/", {**FORM, "version": "2.0", "text": "Acme License\n\nDo better.\n"}
    )
    assert answer.status_code == 303
    assert "Do better." in page("/licenses/acme-license/")
    assert "Do good." in page(f"/licenses/acme-license/?version={old.pk}")
    assert "Older version" in page(f"/licenses/acme-license/?version={old.pk}")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"text": ""}, "This field is required."),
        ({"text": "x" * 200_001}, "at most 200000 characters"),
        ({"name": ""}, "This field is required."),
        ({"name": "MIT"}, "The catalog has a license mit already."),
        ({"text": "nul \x00"}, "Null characters are not allowed."),
        ({"commercial_use": "perhaps"}, "not one of the available choices"),
    ],
)
def test_a_faulty_license_says_why_and_keeps_the_words(counsel: Client, changes: dict, said: str) -> None:
    answer = counsel.post("/licenses/new/", {**FORM, **changes})
    found = answer.content.decode()
    assert answer.status_code == 422 and said in found and "Ask us." in found
    assert not LicenseVersion.objects.filter(license__is_custom=True).exists()


def test_others_add_nothing() -> None:
    assert Client().get("/licenses/new/").status_code == 302
    other = signed_in(make_user())
    assert other.get("/licenses/new/").status_code == 403
    assert other.post("/licenses/new/", FORM).status_code == 403
    assert "Licenses are added by legal reviewers." in page("/licenses/", other)


FULL = {
    **FORM,
    "own_terms": "no",
    "covers": ["finetune", "outputs"],
    "train_other_models": "conditional",
    "metric_1": "mau",
    "op_1": ">=",
    "value_1": "1000000",
    "measured_1": "continuous",
    "effect_1": "no_rights",
    "excluded_regions": "eu, gb",
    "territory_test": "place_of_use_or_distribution",
    "aup_flow_down": "enforceable",
    "aup_prohibits": "Military, medical advice",
    "OB-COPY-LICENSE": "distribute",
    "OB-DISPLAY": "distribute_or_product",
    "must_carry": ["OB-COPY-LICENSE"],
    "display_text": "Built with Acme",
    "naming_value": "Acme",
    "naming_outputs": "true",
    "share_alike": "strong",
    "revocable": "true",
}


def test_all_terms_are_filled_in_as_a_form_and_said_in_words(counsel: Client) -> None:
    assert counsel.post("/licenses/new/", FULL).status_code == 303
    terms = terms_of(version_of("acme-license").terms)
    assert terms.thresholds[0].value == 1_000_000 and terms.thresholds[0].op == ">="
    assert terms.territory.excluded_regions == ("EU", "GB")
    assert terms.acceptable_use.prohibits == ("military", "medical_advice")
    assert terms.obligation_ids == {"OB-COPY-LICENSE", "OB-DISPLAY"}
    assert terms.derivatives.must_carry == ("OB-COPY-LICENSE",) and terms.naming.triggers == ("materials", "outputs")
    found = page("/licenses/acme-license/")
    for said in (
        "From 1,000,000 monthly active users, nothing is granted.",
        "Not granted in EU, GB (every model, by the place of use).",
        "Military, medical advice.",
        "Built with Acme",
        "Stays attached to whatever is made from it.",
        "The licensor may revoke it.",
        "not legal advice",
    ):
        assert said in found
    again = counsel.get("/licenses/acme-license/new-version/").content.decode()
    assert "1000000" in again and 'value="enforceable" selected' in again and "Built with Acme" in again


def test_a_threshold_without_an_amount_is_refused(counsel: Client) -> None:
    answer = counsel.post("/licenses/new/", {**FORM, "metric_1": "mau"})
    assert answer.status_code == 422 and "from which amount" in answer.content.decode()


@pytest.mark.parametrize("name", ["Compare", "New", "SPDX", "Check"])
def test_words_of_our_addresses_are_no_keys(counsel: Client, name: str) -> None:
    answer = counsel.post("/licenses/new/", {**FORM, "name": name})
    assert answer.status_code == 422 and "word of our own addresses" in answer.content.decode()


def test_two_licenses_beside_each_other() -> None:
    found = page("/licenses/compare/?a=llama3.1&b=apache-2.0")
    assert "terms differ" in found and "Built with Llama" in found and "Says nothing about it" in found
    assert "not both are held here" in found and "not legal advice" in found
    assert "<strong>0 of" in page("/licenses/compare/?a=mit&b=mit")
    assert "Choose two licenses" in page("/licenses/compare/?a=mit")
    assert Client().get("/licenses/compare/?a=mit&b=nope").status_code == 404
    assert "Not certain: Its terms are known from reports only" in page("/licenses/compare/?a=kimi-k3&b=mit")


def test_two_versions_of_a_license_show_what_changed(counsel: Client) -> None:
    counsel.post("/licenses/new/", FORM)
    old = version_of("acme-license")
    counsel.post(
        "/licenses/acme-license/new-version/",
        {**FORM, "version": "2.0", "text": "Acme License\n\nDo <b>harm</b>.\n", "commercial_use": "yes"},
    )
    new = version_of("acme-license")
    found = page(f"/licenses/compare/?a=acme-license@{old.pk}&b=acme-license@{new.pk}")
    assert "<strong>1 of" in found and "</span>good</del>" in found and "b&gt;harm" in found and "<b>harm" not in found
    assert f"?a=acme-license@{old.pk}&amp;b=acme-license@{new.pk}" in page("/licenses/acme-license/")


def test_the_spdx_list_stands_behind_the_catalog(counsel: Client) -> None:
    assert "50 of 740" in page("/licenses/spdx/") and "451 to" in page("/licenses/spdx/?page=10")
    found = page("/licenses/spdx/?q=isc+license")
    assert "<code>ISC</code>" in found and "<code>0BSD</code>" not in found
    assert "Permission to use, copy, modify" in page("/licenses/spdx/ISC/")
    assert 'href="/licenses/mit/"' in page("/licenses/spdx/mit/")
    assert Client().get("/licenses/spdx/NOPE/").status_code == 404


def test_a_listed_license_is_taken_into_the_catalog(counsel: Client) -> None:
    form = counsel.get("/licenses/new/?spdx=ISC").content.decode()
    assert "Permission to use, copy, modify" in form and "ISC License" in form
    text = listed()["ISC"].text
    answer = counsel.post("/licenses/new/?spdx=ISC", {"name": "ISC License", "text": text, "commercial_use": "yes"})
    assert answer.status_code == 303
    made = version_of("isc-license")
    assert (made.license.spdx_id, made.license.hub_license) == ("ISC", "isc")
    assert made.terms["osi_approved"] is True
    assert "/licenses/isc-license/" in page("/licenses/spdx/ISC/")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("", ""), "This is the text of MIT License."),
        (("<year>", "2026"), "no term does"),
        (("free of charge", "for a fee"), "one place differs"),
        (("USE OR OTHER DEALINGS IN THE SOFTWARE.", "USE OR OTHER DEALINGS IN THE SOFTWARE. Pay."), "other words"),
    ],
)
def test_a_pasted_text_is_identified(change: tuple[str, str], said: str) -> None:
    text = version_of("mit").text.replace(*change)
    assert said in Client().post("/licenses/identify/", {"text": text}).content.decode()


def test_what_is_pasted_is_shown_escaped() -> None:
    answer = Client().post("/licenses/identify/", {"text": version_of("mit").text + "<script>alert(1)</script> pay"})
    assert "<script>alert" not in answer.content.decode() and "&lt;script&gt;" in answer.content.decode()
    assert Client().post("/licenses/identify/", {"text": ""}).status_code == 422
    assert "No text that is held here" in Client().post("/licenses/identify/", {"text": "Hello."}).content.decode()
