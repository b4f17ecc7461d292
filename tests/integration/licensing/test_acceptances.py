"""The page, the API and the export of acceptances: who sees whose, narrowed, streamed, on record."""

from __future__ import annotations

import csv
import io
import json

import pytest
from django.test import Client

from accounts.models import User
from accounts.services import erase_person
from audit.models import Event
from tests.factories import make_user
from tests.integration.gating.world import Gate, make_gate

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate() -> Gate:
    made = make_gate()
    formula = make_user("eve", full_name="=HYPERLINK(1)")
    for user, place in ((made.researcher, "192.0.2.1"), (formula, "192.0.2.2")):
        user.affiliation = f"{user.username} University"
        user.save(update_fields=["affiliation"])
        made.ask(user, from_address=place, agent="Browser/1")
    return made


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(user: User, query: str = "") -> str:
    answer = signed_in(user).get(f"/licenses/acceptances/{query}")
    assert answer.status_code == 200
    return answer.content.decode()


def test_those_who_keep_the_agreements_see_all_of_them(gate: Gate) -> None:
    for user in (gate.counsel, gate.reviewer, gate.auditor):
        found = shown(user)
        assert "Rae Searcher" in found and "192.0.2.2" in found and "eve University" in found


def test_others_see_their_own(gate: Gate) -> None:
    found = shown(gate.researcher)
    assert "Rae Searcher" in found and "192.0.2.2" not in found
    assert "No acceptance is shown" in shown(gate.manager)
    assert Client().get("/licenses/acceptances/").status_code == 302


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("", 2),
        ("?person=rae", 1),
        ("?person=searcher", 1),
        ("?organization=eve+uni", 1),
        ("?model=acme/nimbus", 2),
        ("?model=acme", 2),
        ("?model=other/model", 0),
        ("?license=apache-2.0", 2),
        ("?license=mit", 0),
        ("?text=ffff", 0),
        ("?since=2000-01-01&until=2001-01-01", 0),
        ("?since=2000-01-01", 2),
        ("?since=nonsense", 2),
    ],
)
def test_filters_narrow_page_api_and_export_alike(gate: Gate, query: str, count: int) -> None:
    client = signed_in(gate.auditor)
    assert shown(gate.auditor, query).count('data-label="Person"') == count
    assert len(client.get(f"/api/v1/acceptances/{query}").json()["results"]) == count
    words = dict(pair.split("=") for pair in query[1:].split("&")) if query else {}
    given = {name: word.replace("+", " ") for name, word in words.items()}
    answer = client.post("/licenses/acceptances/export/", {**given, "form": "jsonl"})
    assert len(b"".join(answer.streaming_content).splitlines()) == count


def test_the_export_is_a_file_without_formulas_and_on_record(gate: Gate) -> None:
    answer = signed_in(gate.counsel).post("/licenses/acceptances/export/", {"form": "csv", "license": "apache-2.0"})
    assert answer["Content-Disposition"] == 'attachment; filename="acceptances.csv"'
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert [row["person"] for row in rows] == ["eve", "rae"]
    assert rows[0]["name"] == "'=HYPERLINK(1)" and rows[1]["from_address"] == "192.0.2.1"
    assert rows[1]["text_sha256"] == gate.license.text_sha256 and rows[1]["accepted_at"].endswith("Z")
    event = Event.objects.get(kind="licensing:acceptances:exported")
    assert event.facts == {"form": "csv", "count": 2, "filters": {"license": "apache-2.0"}}
    assert event.actor_name == "legal"


def test_the_api_exports_too(gate: Gate) -> None:
    url = "/api/v1/acceptances/export/"
    answer = signed_in(gate.auditor).post(url, {"form": "jsonl", "person": "rae"}, content_type="application/json")
    (row,) = [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]
    assert (row["name"], row["organization"], row["model"]) == ("Rae Searcher", "rae University", "acme/nimbus")
    assert signed_in(gate.auditor).get(url).status_code == 405
    assert Client().get("/api/v1/acceptances/").status_code == 401
    bad = signed_in(gate.auditor).post(url, {"form": "pdf"}, content_type="application/json")
    assert bad.status_code == 422


def test_whoever_was_erased_stays_under_a_pseudonym(gate: Gate) -> None:
    pseudonym = erase_person(user_id=gate.researcher.pk, by=None)
    found = shown(gate.auditor, f"?person={pseudonym}")
    assert pseudonym in found and "Erased" in found and "Rae" not in found and "192.0.2.1" not in found


def test_the_page_costs_the_same_for_few_and_many(gate: Gate, django_assert_max_num_queries: object) -> None:
    client = signed_in(gate.auditor)
    client.get("/licenses/acceptances/")
    with django_assert_max_num_queries(12):
        client.get("/licenses/acceptances/")
