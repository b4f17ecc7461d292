"""The pages of licenses: found, read in plain words, added."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import User
from accounts.roles import Role
from licensing.models import License, LicenseVersion
from licensing.selectors import version_of
from licensing.services import load_catalog
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
