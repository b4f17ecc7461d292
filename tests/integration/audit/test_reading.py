"""Who reads which events: pages, exports and API agree."""

import csv
import io
import json
from datetime import UTC, datetime

import pytest
from django.db import connection, transaction

from accounts.roles import Role
from audit.models import Event
from audit.services import record
from tests.factories import make_member, make_organization, make_token, make_user

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


@pytest.fixture
def world():
    """Events of two organizations and of none, beside those that making people records."""
    acme, other = make_organization("acme"), make_organization("other")
    people = {role: make_member(acme, role, role.value) for role in Role}
    people["outsider"] = make_user("outsider")
    for place in (acme, other):
        record("test:thing:done", subject=place, actor=None, at=DAY, organization=place.name, label=f"{place} thing")
    record("test:instance:changed", subject="test.thing:9", actor=people[Role.OWNER], at=DAY, label="the instance")
    record("test:thing:asked", subject=other, actor=people["outsider"], at=DAY, organization="other", label="=cmd()")
    connection.check_constraints()  # seals, as the commit will
    return people


def labels(client, user, query=""):
    client.force_login(user)
    answer = client.get(f"/api/v1/events/?limit=200&{query}")
    assert answer.status_code == 200, answer.content
    return {event["label"] for event in answer.json()["results"] if event["kind"].startswith("test:")}


@pytest.mark.parametrize("role", list(Role))
def test_people_read_their_organizations_and_auditors_and_owners_the_instance(client, world, role):
    expected = set() if role == Role.AUTOMATION else {"acme thing"}
    if role in {Role.AUDITOR, Role.OWNER}:
        expected |= {"the instance"}
    assert labels(client, world[role]) == expected


def test_everybody_reads_their_own_acts(client, world):
    assert labels(client, world["outsider"]) == {"=cmd()"}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("kind=test:thing:done", {"acme thing"}),
        ("kind=test:instance:", {"the instance"}),
        ("kind=test:th", set()),
        ("actor=system", {"acme thing"}),
        ("actor=owner", {"the instance"}),
        ("subject=acme%20thing", {"acme thing"}),
        ("subject=test.thing:9", {"the instance"}),
        ("day=2026-03-04", {"acme thing", "the instance"}),
        ("day=2026-03-05", set()),
        ("kind=test:thing:done&actor=owner", set()),
    ],
)
def test_filters_narrow_what_may_be_read(client, world, query, expected):
    assert labels(client, world[Role.OWNER], query) == expected


def test_a_faulty_filter_is_named(client, world):
    client.force_login(world[Role.OWNER])
    assert client.get("/api/v1/events/?day=yesterday").json()["reasons"][0]["field"] == "day"
    page = client.get("/audit/?day=yesterday")
    assert page.status_code == 422
    assert "Enter a valid date" in page.content.decode()


def test_the_page_shows_sentences_and_leads_to_the_event(client, world):
    client.force_login(world[Role.AUDITOR])
    page = client.get("/audit/?kind=test:instance:changed").content.decode()
    event = Event.objects.get(kind="test:instance:changed")
    assert "test:instance:changed: the instance." in page
    detail = client.get(f"/audit/{event.position}/").content.decode()
    assert event.chain_sha256 in detail
    assert Event.objects.get(position=event.position - 1).chain_sha256 in detail
    assert "&quot;actor&quot;: &quot;owner&quot;" in detail


def test_an_event_of_others_does_not_exist(client, world):
    hidden = Event.objects.get(subject_label="other thing")
    client.force_login(world[Role.AUDITOR])
    assert client.get(f"/audit/{hidden.position}/").status_code == 404
    refused = client.get(f"/api/v1/events/{hidden.position}/")
    missing = client.get("/api/v1/events/999999/")
    assert (refused.status_code, refused.json()["code"]) == (404, "audit.unknown_event")
    assert refused.json()["detail"] == missing.json()["detail"]


def test_nobody_reads_without_signing_in(client):
    assert client.get("/audit/").status_code == 302
    assert client.get("/audit/export.csv").status_code == 302
    assert client.get("/api/v1/events/").status_code == 401


def test_pages_by_key_hold_every_event_once(client, world):
    client.force_login(world[Role.OWNER])
    seen, url = [], "/api/v1/events/?limit=7"
    while url:
        page = client.get(url).json()
        seen += [event["position"] for event in page["results"]]
        url = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) > 14


def body_of(answer):
    return b"".join(answer.streaming_content).decode()


def test_json_lines_hold_what_verifies_them_and_the_export_is_recorded(client, world):
    client.force_login(world[Role.AUDITOR])
    answer = client.get("/audit/export.jsonl?kind=test:")
    assert answer["Content-Disposition"].endswith('.jsonl"')
    lines = [json.loads(line) for line in body_of(answer).splitlines()]
    assert {line["label"] for line in lines} == {"acme thing", "the instance"}
    assert lines[0]["body"] == Event.objects.get(position=lines[0]["position"]).body
    event = Event.objects.get(kind="audit:events:exported")
    assert (event.actor_name, event.facts) == ("auditor", {"form": "jsonl", "filters": {"kind": "test:"}})


def test_csv_cannot_run_in_a_spreadsheet(client, world):
    client.force_login(world["outsider"])
    rows = list(csv.DictReader(io.StringIO(body_of(client.get("/audit/export.csv?kind=test:")))))
    assert [row["label"] for row in rows] == ["'=cmd()"]


def test_an_export_of_more_than_one_chunk_is_whole(client, world, monkeypatch):
    monkeypatch.setattr("audit.selectors.CHUNK", 3)
    client.force_login(world[Role.OWNER])
    lines = body_of(client.get("/audit/export.jsonl")).splitlines()
    positions = [json.loads(line)["position"] for line in lines]
    assert len(positions) == len(set(positions)) > 10


@pytest.mark.parametrize("path", ["/audit/export.xml", "/audit/export.csv?day=never"])
def test_no_other_export(client, world, path):
    client.force_login(world[Role.OWNER])
    assert client.get(path).status_code == 404


def test_a_token_reads_as_its_owner(client, world):
    secret = make_token(world[Role.AUDITOR], "read")
    answer = client.get("/api/v1/events/?kind=test:thing:done", headers={"Authorization": f"Bearer {secret}"})
    assert [event["label"] for event in answer.json()["results"]] == ["acme thing"]


def test_the_list_makes_a_constant_number_of_queries(client, world, django_assert_max_num_queries):
    client.force_login(world[Role.OWNER])
    for number in range(60):
        with transaction.atomic():
            record("test:thing:done", subject="test.thing:1", actor=None, at=DAY, organization="acme", number=number)
    connection.check_constraints()
    with django_assert_max_num_queries(9):
        client.get("/audit/")
