"""The API of access: the same verbs as the pages, the same refusals."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from gating.models import AccessRequest, Grant
from gating.selectors import access
from registry.states import Level
from tests.factories import make_token, make_user, make_variant, serve, stop_serving
from tests.integration.gating.world import ANSWERS, FIELDS, Gate

BASE = "/api/v1/"
HERE = f"{BASE}variants/acme/nimbus/"


class Api:
    """A program that speaks for one person, through a token."""

    def __init__(self, user: User | None, *scopes: str) -> None:
        self.headers = {"Authorization": f"Bearer {make_token(user, *scopes)}"} if user else {}
        self.client = Client(enforce_csrf_checks=True)

    def get(self, path: str) -> HttpResponse:
        return self.client.get(path, headers=self.headers)

    def post(self, path: str, body: Any = None) -> HttpResponse:
        return self.client.post(path, body or {}, content_type="application/json", headers=self.headers)


def actions(answer: HttpResponse) -> dict[str, bool]:
    return {action["name"]: action["allowed"] for action in answer.json()["actions"]}


def asking(gate: Gate, **changes: Any) -> dict[str, Any]:
    return {"answers": ANSWERS, "accepted_text_sha256": gate.license.text_sha256, **changes}


def test_from_asking_to_access_and_back(gate: Gate) -> None:
    rae, reviewer = Api(gate.researcher), Api(gate.reviewer)
    before = rae.get(f"{HERE}access/")
    assert actions(before) == {"read": False, "write": False, "ask": True, "accept_text": False}
    assert before.json()["actions"][0]["reasons"][0]["code"] == "gating.not_asked"
    assert [field["name"] for field in before.json()["gate"]["form"]] == [field["name"] for field in FIELDS]
    assert before.json()["gate"]["license"]["text_sha256"] == gate.license.text_sha256

    asked = rae.post(f"{HERE}access/", asking(gate))
    assert asked.status_code == 201 and asked.json()["state"] == "pending"
    assert asked["Location"] == asked.json()["url"] == f"{BASE}access-requests/{asked.json()['id']}/"
    assert actions(asked) == {"accept": False, "reject": False, "reopen": False, "cancel": True}

    url = asked.json()["url"]
    assert reviewer.get(url).json()["answers"] == ANSWERS
    assert actions(reviewer.get(url)) == {"accept": True, "reject": True, "reopen": False, "cancel": False}
    accepted = reviewer.post(f"{url}accept/")
    assert accepted.status_code == 200 and accepted.json()["state"] == "accepted"
    [grant] = accepted.json()["grants"]
    assert grant["state"] == "live"
    after = rae.get(f"{HERE}access/").json()
    assert after["expires_at"] == grant["expires_at"] and after["expires_at"].endswith("Z")

    refused = reviewer.post(f"{BASE}grants/{grant['id']}/revoke/")
    assert (refused.status_code, refused.json()["code"]) == (422, "gating.reason_missing")
    assert refused.json()["reasons"][0]["field"] == "reason"
    revoked = reviewer.post(f"{BASE}grants/{grant['id']}/revoke/", {"reason": "Shared."})
    assert revoked.json()["state"] == "revoked" and revoked.json()["revoked_reason"] == "Shared."
    assert access(gate.researcher, gate.variant).reads.codes == {"gating.revoked"}


def test_rejecting_reopening_cancelling(gate: Gate) -> None:
    rae, reviewer = Api(gate.researcher), Api(gate.reviewer)
    url = rae.post(f"{HERE}access/", asking(gate)).json()["url"]
    assert reviewer.post(f"{url}reject/", {"reason": "Too vague."}).json()["state"] == "rejected"
    assert rae.post(f"{HERE}access/", asking(gate)).json()["code"] == "gating.ask_closed"
    assert reviewer.post(f"{url}reopen/", {"reason": "After a call."}).json()["state"] == "pending"
    assert rae.post(f"{url}cancel/").json()["state"] == "cancelled"
    late = reviewer.post(f"{url}accept/")
    assert (late.status_code, late.json()["code"]) == (409, "gating.wrong_state")
    assert late["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("changes", "status", "code", "field"),
    [
        ({"answers": {**ANSWERS, "purpose": ""}}, 422, "gating.answer_missing", "purpose"),
        ({"answers": {**ANSWERS, "purpose": "x\x00"}}, 422, "gating.answer_unreadable", "purpose"),
        ({"answers": {**ANSWERS, "country": "ZZ"}}, 422, "gating.no_such_country", "country"),
        ({"answers": {**ANSWERS, "more": 1}}, 422, "gating.unknown_field", "more"),
        ({"answers": ["a"]}, 422, "invalid", "answers"),
        ({"accepted_text_sha256": ""}, 422, "gating.terms_not_accepted", "license"),
        ({"accepted_text_sha256": "0" * 64}, 422, "licensing.text_differs", "license"),
        ({"accepted_text_sha256": "0" * 99}, 422, "invalid", "accepted_text_sha256"),
    ],
)
def test_a_bad_request_for_access_names_its_field(
    gate: Gate, changes: dict, status: int, code: str, field: str
) -> None:
    answer = Api(gate.researcher).post(f"{HERE}access/", asking(gate, **changes))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["reasons"][0]["field"] == field
    assert not AccessRequest.objects.exists()


def test_hidden_and_missing_answer_alike(gate: Gate) -> None:
    stop_serving(gate.variant)
    for api in (Api(None), Api(gate.researcher)):
        for verb in (api.get, api.post):
            hidden, missing = verb(f"{HERE}access/"), verb(f"{BASE}variants/acme/nowhere/access/")
            assert hidden.status_code == missing.status_code == 404
            assert hidden.json()["code"] == missing.json()["code"] == "gating.not_found"
            assert hidden.json()["detail"] == missing.json()["detail"]


def test_nobody_reads_terms_and_asks_for_nothing(gate: Gate) -> None:
    api = Api(None)
    assert api.get(f"{HERE}access/").json()["gate"]["prompt"] == "For research on safety."
    answer = api.post(f"{HERE}access/", asking(gate))
    assert (answer.status_code, answer.json()["code"]) == (401, "gating.ask_sign_in")
    assert api.get(f"{BASE}access-requests/").status_code == 401


@pytest.mark.parametrize(
    ("scopes", "status", "code"),
    [(("read",), 403, "gating.review_scope_missing"), (("write",), 403, "gating.review_scope_missing")],
)
def test_a_token_decides_only_with_the_scope(gate: Gate, scopes: tuple, status: int, code: str) -> None:
    asked = gate.ask()
    answer = Api(gate.reviewer, *scopes).post(f"{BASE}access-requests/{asked.pk}/accept/")
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert not Grant.objects.exists()
    assert Api(gate.reviewer, "review").post(f"{BASE}access-requests/{asked.pk}/accept/").status_code == 200


def test_a_token_asks_only_with_the_scope(gate: Gate) -> None:
    answer = Api(gate.researcher, "read").post(f"{HERE}access/", asking(gate))
    assert (answer.status_code, answer.json()["code"]) == (403, "gating.write_scope_missing")


def test_lists_hold_ones_own_and_those_of_ones_organizations(gate: Gate) -> None:
    gate.ask()
    gate.accepted(make_user("bo"))
    stranger = make_user()

    def users(user: User, query: str = "") -> list[str]:
        return [row["user"] for row in Api(user).get(f"{BASE}access-requests/{query}").json()["results"]]

    assert users(gate.reviewer) == users(gate.auditor) == ["bo", "rae"]
    assert users(gate.researcher) == ["rae"]
    assert users(stranger) == users(gate.manager) == []
    assert users(gate.reviewer, "?state=pending") == ["rae"]
    assert users(gate.reviewer, "?user=bo") == ["bo"]
    assert users(gate.reviewer, "?variant=ACME/nimbus") == ["bo", "rae"]
    assert users(gate.reviewer, "?variant=acme/other") == []
    grants = Api(gate.reviewer).get(f"{BASE}grants/?variant=acme/nimbus").json()["results"]
    assert [grant["user"] for grant in grants] == ["bo"]
    assert Api(stranger).get(f"{BASE}grants/").json()["results"] == []


def test_a_list_costs_the_same_for_one_and_for_many(gate: Gate, django_assert_max_num_queries: object) -> None:
    for _ in range(6):
        gate.ask(make_user())
    api = Api(gate.reviewer)
    with django_assert_max_num_queries(4):
        assert len(api.get(f"{BASE}access-requests/").json()["results"]) == 6


def test_requests_of_others_do_not_exist(gate: Gate) -> None:
    asked = gate.ask()
    for user in (make_user(), gate.manager):
        for path in ("", "accept/", "cancel/"):
            verb = Api(user).post if path else Api(user).get
            answer = verb(f"{BASE}access-requests/{asked.pk}/{path}")
            assert (answer.status_code, answer.json()["code"]) == (404, "gating.request_not_found")


def test_granting_and_its_refusals(gate: Gate) -> None:
    friend, reviewer = make_user("friend"), Api(gate.reviewer)
    for body, status, code in (
        ({"user": "friend"}, 409, "gating.license_not_accepted"),
        ({"user": "nobody"}, 422, "gating.unknown_user"),
        ({}, 422, "invalid"),
    ):
        answer = reviewer.post(f"{HERE}grants/", body)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    gate.set_gate(license_version=None)
    made = reviewer.post(f"{HERE}grants/", {"user": "friend", "days": 3})
    assert made.status_code == 201 and made.json()["state"] == "live"
    assert access(friend, gate.variant).reads.allowed
    assert Api(friend).post(f"{HERE}grants/", {"user": "friend"}).status_code == 403
    # Who may not grant is not told which users exist.
    for name in ("friend", "nobody"):
        assert Api(friend).post(f"{HERE}grants/", {"user": name}).json()["code"] == "gating.not_a_reviewer"


def test_keeping_a_gate(gate: Gate) -> None:
    manager = Api(gate.manager)
    body = {"prompt": "Why?", "form": FIELDS[:1], "license": "apache-2.0", "duration_days": 10}
    made = manager.post(f"{HERE}gate/", body)
    assert made.status_code == 201
    assert (made.json()["number"], made.json()["is_in_force"]) == (2, False)
    assert [row["is_in_force"] for row in manager.get(f"{HERE}gate/").json()] == [False, True]
    for changes, status, code in (
        ({"form": [{"name": "X"}]}, 422, "gating.bad_form"),
        ({"license": "llama3.1"}, 422, "gating.license_without_text"),
        ({"license": "nope"}, 404, "licensing.unknown_license"),
        ({"duration_days": 0}, 422, "gating.duration_out_of_range"),
        ({"duration_days": "x"}, 422, "invalid"),
    ):
        answer = manager.post(f"{HERE}gate/", body | changes)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert Api(gate.auditor).get(f"{HERE}gate/").json()["code"] == "gating.not_a_gate_keeper"
    assert Api(gate.manager, "read").post(f"{HERE}gate/", body).status_code == 403


def test_what_is_not_gated_says_so(gate: Gate) -> None:
    public = make_variant(gate.organization, "open")
    serve(public, Level.PUBLIC)
    found = Api(gate.researcher).get(f"{BASE}variants/acme/open/access/").json()
    assert (found["is_gated"], found["gate"]) == (False, None)
    answer = Api(gate.researcher).post(f"{BASE}variants/acme/open/access/")
    assert (answer.status_code, answer.json()["code"]) == (409, "gating.not_gated")
