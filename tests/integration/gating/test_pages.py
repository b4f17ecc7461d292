"""The pages of access: what each visitor meets, and that every act works as a plain form."""

from __future__ import annotations

import re

import pytest
from django.http import HttpResponse
from django.test import Client

from accounts.models import User
from gating import services
from gating.models import AccessRequest, Grant
from gating.selectors import access
from registry.states import Level
from tests.factories import make_user, make_variant, serve, stop_serving
from tests.integration.gating.world import ANSWERS, Gate

HTMX = {"HX-Request": "true"}
ASK = "/acme/nimbus/access/"


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def bare(answer: HttpResponse, name: str) -> str:
    """A page without what differs between any two requests."""
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    return page.replace(name, "").replace(answer["X-Request-Id"], "")


def form(gate: Gate, **changes: object) -> dict[str, object]:
    given = {**ANSWERS, "agree": "on", "license": gate.license.text_sha256, **changes}
    return {name: value for name, value in given.items() if value is not None}


# --- the portal --------------------------------------------------------------------------------


def test_the_portal_shows_what_one_may_know_of(gate: Gate) -> None:
    make_variant(gate.organization, "secret")
    public = make_variant(gate.organization, "open", summary="A small one")
    serve(public, Level.PUBLIC)
    page = Client().get("/models/").content.decode()
    assert "acme/nimbus" in page and "acme/open" in page and "A small one" in page
    assert "acme/secret" not in page
    assert "acme/secret" in signed_in(gate.manager).get("/models/").content.decode()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=nim", {"nimbus"}),
        ("q=acme/op", {"open"}),
        ("q=small", {"open"}),
        ("q=zzz", set()),
        ("level=gated", {"nimbus"}),
        ("level=public", {"open"}),
        ("level=held_back", set()),
        ("level=nonsense", {"nimbus", "open"}),
        ("license=apache-2.0", {"open"}),
        ("license=mit", set()),
    ],
)
def test_the_portal_is_narrowed(gate: Gate, query: str, found: set[str]) -> None:
    from django.utils import timezone

    from licensing.services import offer_under

    public = make_variant(gate.organization, "open", summary="A small one")
    serve(public, Level.PUBLIC)
    offer_under(variant=public, license_version=gate.license, at=timezone.now())
    page = Client().get(f"/models/?{query}").content.decode()
    assert {name for name in ("nimbus", "open") if f'href="/acme/{name}/"' in page} == found


def test_the_portal_costs_the_same_for_one_model_and_for_many(
    gate: Gate, django_assert_max_num_queries: object
) -> None:
    for _ in range(12):
        serve(make_variant(gate.organization), Level.GATED)
    client = signed_in(gate.researcher)
    client.get("/models/")
    with django_assert_max_num_queries(18):
        client.get("/models/")


def test_the_portal_answers_htmx_with_the_list_alone(gate: Gate) -> None:
    answer = Client().get("/models/", headers=HTMX)
    assert "<html" not in answer.content.decode() and 'id="models"' in answer.content.decode()
    assert "HX-Request" in answer["Vary"]


@pytest.mark.parametrize(
    ("path", "status"),
    [("/a%00/b/access/", 404), ("/licenses/a%00/", 404), ("/access/?model=a%00/b", 422), ("/licenses/?q=%00", 422)],
)
def test_an_address_that_holds_what_cannot_be_stored_breaks_nothing(gate: Gate, path: str, status: int) -> None:
    assert signed_in(gate.reviewer).get(path).status_code == status


# --- asking ------------------------------------------------------------------------------------


def test_nobody_reads_the_terms_and_is_led_to_sign_in(gate: Gate) -> None:
    page = Client().get(ASK).content.decode()
    assert gate.license.text_sha256 in page
    assert "TERMS AND CONDITIONS FOR USE" in page
    assert "/sign-in/?next=/acme/nimbus/access/" in page
    answer = Client().post(ASK, form(gate))
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in/")


def test_a_hidden_model_is_not_found_by_anybody_outside(gate: Gate) -> None:
    stop_serving(gate.variant)
    for client in (Client(), signed_in(gate.researcher)):
        missing, hidden = client.get("/acme/nowhere/access/"), client.get(ASK)
        assert missing.status_code == hidden.status_code == 404
        assert bare(missing, "nowhere") == bare(hidden, "nimbus")
    assert signed_in(gate.manager).get(ASK).status_code == 200


def test_asking_as_a_plain_form(gate: Gate) -> None:
    client = signed_in(gate.researcher)
    page = client.get(ASK).content.decode()
    for label in ("What for?", "Where do you work?", "Academia", "I will not redistribute", "Until when?"):
        assert label in page
    answer = client.post(ASK, form(gate))
    assert (answer.status_code, answer["Location"]) == (303, ASK)
    asked = AccessRequest.objects.get()
    assert asked.answers == ANSWERS and asked.acceptance.from_address == "127.0.0.1"
    page = client.get(ASK).content.decode()
    assert "Your request is sent" in page and "awaiting a review" in page
    assert "Send request" not in page


def test_a_faulty_form_keeps_what_was_filled_in(gate: Gate) -> None:
    client = signed_in(gate.researcher)
    answer = client.post(ASK, form(gate, purpose="<b>mine</b>", country="XX", agree=None, license=None))
    page = answer.content.decode()
    assert answer.status_code == 422
    assert "&lt;b&gt;mine&lt;/b&gt;" in page and "<b>mine</b>" not in page
    for target in ("#answer-country", "#answer-agree", "#answer-license"):
        assert f'href="{target}"' in page
    assert "checked" not in page.split('id="answer-license"')[1][:200]
    assert not AccessRequest.objects.exists()


def test_the_digest_of_another_text_is_not_accepted(gate: Gate) -> None:
    answer = signed_in(gate.researcher).post(ASK, form(gate, license="0" * 64))
    assert answer.status_code == 422
    assert "is not the text of Apache License 2.0" in answer.content.decode()


def test_asking_with_htmx(gate: Gate) -> None:
    client = signed_in(gate.researcher)
    answer = client.post(ASK, form(gate, purpose=""), headers=HTMX)
    assert answer.status_code == 422 and "<html" not in answer.content.decode()
    answer = client.post(ASK, form(gate), headers=HTMX)
    assert answer["HX-Redirect"] == ASK


def test_asking_needs_the_token_of_our_own_pages(gate: Gate) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(gate.researcher)
    assert client.post(ASK, form(gate)).status_code == 403
    assert not AccessRequest.objects.exists()


def test_a_member_is_told_that_they_need_no_grant(gate: Gate) -> None:
    page = signed_in(gate.manager).get(ASK).content.decode()
    assert "You read it as a member of acme." in page and "Send request" not in page
    assert "/acme/nimbus/gate/" in page


def test_asking_twice_shows_why_not(gate: Gate) -> None:
    gate.ask()
    answer = signed_in(gate.researcher).post(ASK, form(gate))
    assert answer.status_code == 409
    assert "nobody has decided yet" in answer.content.decode()


def test_whoever_has_access_sees_how_to_download(gate: Gate) -> None:
    gate.accepted()
    page = signed_in(gate.researcher).get(ASK).content.decode()
    assert "hf download acme/nimbus" in page and "HF_ENDPOINT=http://testserver" in page
    assert "Access granted" in page


def test_ones_own_requests(gate: Gate) -> None:
    gate.ask()
    page = signed_in(gate.researcher).get("/access/mine/").content.decode()
    assert "acme/nimbus" in page and "Waiting for a decision" in page
    assert "acme/nimbus" not in signed_in(make_user()).get("/access/mine/").content.decode()
    assert Client().get("/access/mine/").status_code == 302


def test_withdrawing_ones_request(gate: Gate) -> None:
    asked = gate.ask()
    assert signed_in(make_user()).post(f"/access/{asked.pk}/cancel/").status_code == 404
    answer = signed_in(gate.researcher).post(f"/access/{asked.pk}/cancel/")
    assert (answer.status_code, answer["Location"]) == (303, "/access/mine/")
    assert signed_in(gate.researcher).get(f"/access/{asked.pk}/cancel/").status_code == 405


# --- the queue ---------------------------------------------------------------------------------


def test_the_queue_is_for_those_who_decide(gate: Gate) -> None:
    gate.ask()
    assert "Rae Searcher" in signed_in(gate.reviewer).get("/access/").content.decode()
    assert "Rae Searcher" in signed_in(gate.auditor).get("/access/").content.decode()
    for other in (gate.manager, gate.researcher):
        assert signed_in(other).get("/access/").status_code == 403
    assert Client().get("/access/").status_code == 302


def test_the_queue_is_filtered_by_state_and_model(gate: Gate) -> None:
    client = signed_in(gate.reviewer)
    gate.accepted()
    assert "Nobody waits" in client.get("/access/").content.decode()
    assert "Rae Searcher" in client.get("/access/?state=accepted").content.decode()
    assert "Rae Searcher" in client.get("/access/?state=accepted&model=acme/nimbus").content.decode()
    assert "Rae Searcher" not in client.get("/access/?state=accepted&model=acme/other").content.decode()
    assert "Half of the latest decisions came within" in client.get("/access/").content.decode()


def test_the_queue_costs_the_same_for_one_request_and_for_many(
    gate: Gate, django_assert_max_num_queries: object
) -> None:
    for _ in range(8):
        gate.ask(make_user())
    client = signed_in(gate.reviewer)
    with django_assert_max_num_queries(14):
        client.get("/access/")


def test_answers_are_shown_escaped_to_those_who_decide(gate: Gate) -> None:
    asked = gate.ask(answers={**ANSWERS, "purpose": "<script>alert(1)</script>"})
    page = signed_in(gate.reviewer).get(f"/access/{asked.pk}/").content.decode()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page and "<script>alert" not in page
    assert "Switzerland (CH)" in page and gate.license.text_sha256 in page
    for other in (gate.manager, make_user()):
        assert signed_in(other).get(f"/access/{asked.pk}/").status_code == 404


def test_deciding_as_plain_forms(gate: Gate) -> None:
    asked, client = gate.ask(), signed_in(gate.reviewer)
    url = f"/access/{asked.pk}/"
    assert client.post(f"{url}accept/").status_code == 303
    assert access(gate.researcher, gate.variant).reads.allowed
    answer = client.post(f"{url}revoke/", {"revoke-reason": ""})
    assert answer.status_code == 422 and "Say why" in answer.content.decode()
    assert client.post(f"{url}revoke/", {"revoke-reason": "Shared the files."}).status_code == 303
    assert access(gate.researcher, gate.variant).reads.codes == {"gating.revoked"}
    page = client.get(url).content.decode()
    assert "Shared the files." in page and "Reopen" in page
    assert client.post(f"{url}reopen/", {"reopen-reason": "A mistake."}).status_code == 303
    assert client.post(f"{url}reject/", {"reject-reason": "After all."}).status_code == 303
    assert "After all." in signed_in(gate.researcher).get(url).content.decode()


def test_a_decision_that_comes_too_late_is_explained(gate: Gate) -> None:
    asked, client = gate.ask(), signed_in(gate.reviewer)
    services.cancel(request_id=asked.pk, by=gate.researcher)
    answer = client.post(f"/access/{asked.pk}/accept/")
    assert answer.status_code == 409 and "cannot be moved by: accept" in answer.content.decode()
    assert not Grant.objects.exists()


def test_an_auditor_reads_and_decides_nothing(gate: Gate) -> None:
    asked, client = gate.ask(), signed_in(gate.auditor)
    page = client.get(f"/access/{asked.pk}/").content.decode()
    assert "decided by its access reviewers" in page
    assert client.post(f"/access/{asked.pk}/accept/").status_code == 403


def test_no_other_verb_has_an_address(gate: Gate) -> None:
    asked = gate.ask()
    assert signed_in(gate.reviewer).post(f"/access/{asked.pk}/renew/").status_code == 404
    assert signed_in(gate.reviewer).get("/access/99999999999999999999/").status_code == 404
    assert signed_in(gate.reviewer).post("/access/999999999999999999/accept/").status_code == 404


# --- the gate ----------------------------------------------------------------------------------


def gate_form(gate: Gate, **changes: object) -> dict[str, object]:
    given = {
        "prompt": "Tell us.",
        "license_version": str(gate.license.pk),
        "duration_days": "30",
        "question-0-name": "purpose",
        "question-0-label": "What for?",
        "question-0-type": "text",
        "question-0-required": "on",
        "question-1-label": "Which field?",
        "question-1-type": "select",
        "question-1-options": "Biology\r\n\r\nChemistry ",
        "question-2-label": "",
        "question-2-type": "text",
    }
    return {**given, **changes}


def test_keeping_a_gate_as_a_plain_form(gate: Gate) -> None:
    client = signed_in(gate.manager)
    page = client.get("/acme/nimbus/gate/").content.decode()
    assert "In force" in page and "What for?" in page
    answer = client.post("/acme/nimbus/gate/", gate_form(gate))
    assert answer.status_code == 303
    made = gate.variant.gate_versions.first()
    assert made.number == gate.version.number + 1
    assert [(field["name"], field["required"], field["options"]) for field in made.fields] == [
        ("purpose", True, []),
        ("which_field", False, ["Biology", "Chemistry"]),
    ]
    assert "comes into force with the release" in client.get("/acme/nimbus/gate/").content.decode()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"duration_days": "0"}, "greater than or equal to 1"),
        ({"duration_days": "x"}, "whole number"),
        ({"license_version": "999999"}, "not one of the available choices"),
        ({"question-1-options": ""}, "1 to 100 options"),
        ({"question-1-label": "x" * 201}, "a label has 1 to 200"),
        ({"question-1-type": "file"}, "a type is one of"),
        ({"question-1-label": "what for?"}, "the same label"),
        ({"prompt": "nul \x00"}, "Null characters are not allowed"),
    ],
)
def test_a_faulty_gate_says_why(gate: Gate, changes: dict, said: str) -> None:
    answer = signed_in(gate.manager).post("/acme/nimbus/gate/", gate_form(gate, **changes))
    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert gate.variant.gate_versions.count() == 1


def test_who_keeps_no_gate_sees_none(gate: Gate) -> None:
    assert signed_in(gate.auditor).get("/acme/nimbus/gate/").status_code == 403
    assert signed_in(gate.researcher).get("/acme/nimbus/gate/").status_code == 403
    stop_serving(gate.variant)
    assert signed_in(gate.researcher).get("/acme/nimbus/gate/").status_code == 404


def test_granting_as_a_plain_form(gate: Gate) -> None:
    gate.set_gate(license_version=None)
    client, friend = signed_in(gate.reviewer), make_user("friend")
    for given, said in (
        ({"user": "nobody-of-this-name"}, "There is no user"),
        ({"user": "friend", "days": "x"}, "A grant lasts from 1 to 3650 days"),
        ({"user": "access"}, "Nobody decides their own request"),
    ):
        answer = client.post("/acme/nimbus/gate/grant/", given)
        assert answer.status_code in {403, 422} and said in answer.content.decode()
    assert client.post("/acme/nimbus/gate/grant/", {"user": "friend", "days": "5"}).status_code == 303
    assert access(friend, gate.variant).reads.allowed
    assert "friend" in client.get("/acme/nimbus/gate/").content.decode()
