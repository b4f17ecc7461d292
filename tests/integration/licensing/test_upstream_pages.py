"""The pages on which legal reviewers put on record what verdicts on lineage rest on."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.roles import Role
from licensing.lineage_reads import established, licensee_of
from tests.factories import make_license, make_member, make_organization

pytestmark = pytest.mark.django_db
UPSTREAM, LICENSEE = "/licenses/upstream/", "/licenses/licensee/"


@pytest.fixture
def organization(db):
    return make_organization("acme")


def client_of(organization, role: Role) -> Client:
    client = Client()
    client.force_login(make_member(organization, role))
    return client


def filled(**given: object) -> dict[str, object]:
    version = make_license("llama3.1")
    return {
        "repo_id": "meta-llama/Llama-3.1-8B",
        "license_version": version.pk,
        "modality": "text",
        "source": "LICENSE at 0e9e39f",
        **given,
    }


def test_a_legal_reviewer_establishes_a_license(organization) -> None:
    counsel = client_of(organization, Role.LEGAL_REVIEWER)
    assert "Nobody established a license" in counsel.get(UPSTREAM).content.decode()
    assert counsel.post(UPSTREAM, filled()).status_code == 303
    assert established(["meta-llama/llama-3.1-8b"])
    page = counsel.get(UPSTREAM).content.decode()
    assert "meta-llama/llama-3.1-8b" in page and "LICENSE at 0e9e39f" in page and "not legal advice" in page
    assert "meta-llama/llama-3.1-8b" not in counsel.get(f"{UPSTREAM}?q=gemma").content.decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [({"repo_id": "llama"}, "no repository"), ({"source": ""}, "required"), ({"license_version": 0}, "valid choice")],
)
def test_what_cannot_be_read_is_told_beside_the_field(organization, given, says) -> None:
    answer = client_of(organization, Role.LEGAL_REVIEWER).post(UPSTREAM, filled(**given))
    assert answer.status_code == 422 and says in answer.content.decode()


@pytest.mark.parametrize("url", [UPSTREAM, LICENSEE])
def test_others_see_why_they_may_not(organization, url) -> None:
    other = client_of(organization, Role.RELEASE_MANAGER)
    page = other.get(url).content.decode()
    assert "established by legal reviewers" in page and "disabled" in page
    given = filled() if url == UPSTREAM else {"organization": "acme"}
    refused = other.post(url, given)
    assert refused.status_code == 403 and not established(["meta-llama/llama-3.1-8b"])


@pytest.mark.parametrize("url", [UPSTREAM, LICENSEE])
def test_strangers_sign_in_first(organization, url) -> None:
    assert Client().get(url).status_code == 302


def test_what_licenses_ask_about_us(organization) -> None:
    counsel = client_of(organization, Role.LEGAL_REVIEWER)
    given = {"organization": "acme", "kind": "company", "seat": "de", "mau_at": "2024-06: 1,000\n\n2025-03 = 2 000\n"}
    assert counsel.post(LICENSEE, given).status_code == 303
    known = licensee_of(organization)
    assert (known.kind, known.seat, known.mau_at) == ("company", "DE", {"2024-06": 1000, "2025-03": 2000})
    assert known.mau_now is None
    assert "2024-06: 1,000" in counsel.get(LICENSEE).content.decode()


@pytest.mark.parametrize(
    ("given", "says"),
    [({"mau_at": "June: 3"}, "no month"), ({"mau_at": "2024-13: 3"}, "no month"), ({"seat": "XX"}, "ISO 3166")],
)
def test_facts_that_are_none(organization, given, says) -> None:
    answer = client_of(organization, Role.LEGAL_REVIEWER).post(LICENSEE, {"organization": "acme", **given})
    assert answer.status_code == 422 and says in answer.content.decode()


def test_nobody_speaks_for_another_organization(organization) -> None:
    make_organization("other")
    answer = client_of(organization, Role.LEGAL_REVIEWER).post(LICENSEE, {"organization": "other"})
    assert answer.status_code == 422
