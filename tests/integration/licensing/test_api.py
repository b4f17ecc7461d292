"""The API of licenses."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.roles import Role
from licensing.models import LicenseVersion
from licensing.selectors import version_of
from licensing.services import load_catalog
from tests.factories import make_member, make_organization, make_token, make_user

pytestmark = pytest.mark.django_db
LICENSES = "/api/v1/licenses/"
NEW = {"name": "Ours", "version": "1", "text": "Ours\n\nBe kind.\n", "terms": {"commercial_use": "no"}}


@pytest.fixture(autouse=True)
def catalog() -> None:
    load_catalog()


def bearer(user: object, *scopes: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {make_token(user, *scopes)}"}


def test_the_list_is_open_filtered_and_paged() -> None:
    client = Client()
    first = client.get(f"{LICENSES}?limit=50").json()
    assert len(first["results"]) == 50 and first["next"]
    rest = client.get(first["next"]).json()
    keys = [row["key"] for row in first["results"] + rest["results"]]
    assert len(set(keys)) == 62 and keys == sorted(keys)
    assert {row["kind"] for row in client.get(f"{LICENSES}?kind=rail").json()["results"]} == {"rail"}
    assert len(client.get(f"{LICENSES}?has_text=true").json()["results"]) == 16
    [found] = client.get(f"{LICENSES}?search=CC0").json()["results"]
    assert found["card"] == {"license": "cc0-1.0"}


def test_a_license_shows_terms_doubts_and_text() -> None:
    found = Client().get(f"{LICENSES}mit/").json()
    assert found["text_sha256"] == version_of("mit").text_sha256 and "AS IS" in found["text"]
    assert found["terms"]["commercial_use"] == "yes" and found["certainty"] == "well_known"
    doubtful = Client().get(f"{LICENSES}kimi-k3/").json()
    assert doubtful["unverified"] == ["exact wording"] and doubtful["text"] == ""
    assert doubtful["card"] == {"license": "other", "license_name": "kimi-k3"}
    for path in ("nope/", f"apache-2.0/?version={found['versions'][0]['id']}", "apache-2.0/?version=x"):
        assert Client().get(f"{LICENSES}{path}").status_code == 404


def test_a_legal_reviewer_adds_and_succeeds() -> None:
    counsel = make_member(make_organization(), Role.LEGAL_REVIEWER)
    made = Client().post(LICENSES, NEW, content_type="application/json", headers=bearer(counsel))
    assert made.status_code == 201 and made["Location"] == "/api/v1/licenses/ours/"
    assert [action["name"] for action in made.json()["actions"]] == ["succeed"]
    more = {**NEW, "key": "ours", "version": "2", "text": "Ours\n\nBe kinder.\n"}
    assert Client().post(LICENSES, more, content_type="application/json", headers=bearer(counsel)).status_code == 201
    assert [row["version"] for row in Client().get(f"{LICENSES}ours/").json()["versions"]] == ["2", "1"]


@pytest.mark.parametrize(
    ("changes", "status", "code"),
    [
        ({"text": ""}, 422, "invalid"),
        ({"text": "x" * 200_001}, 422, "invalid"),
        ({"name": "MIT"}, 422, "licensing.key_taken"),
        ({"key": "Not A Key!"}, 422, "licensing.bad_key"),
        ({"terms": {"commercial_use": "perhaps"}}, 422, "licensing.terms_malformed"),
        ({"terms": []}, 422, "invalid"),
    ],
)
def test_a_license_that_cannot_be_added_says_why(changes: dict, status: int, code: str) -> None:
    counsel = make_member(make_organization(), Role.LEGAL_REVIEWER)
    answer = Client().post(LICENSES, NEW | changes, content_type="application/json", headers=bearer(counsel))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not LicenseVersion.objects.filter(license__is_custom=True).exists()


def test_others_add_nothing() -> None:
    assert Client().post(LICENSES, NEW, content_type="application/json").status_code == 401
    counsel = make_member(make_organization(), Role.LEGAL_REVIEWER)
    for headers, code in (
        (bearer(make_user()), "licensing.not_a_legal_reviewer"),
        (bearer(counsel, "read"), "licensing.write_scope_missing"),
    ):
        answer = Client().post(LICENSES, NEW, content_type="application/json", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (403, code)
