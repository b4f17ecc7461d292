"""Access told in a browser: find, read the terms, ask, decide, download, revoke; and every page fit for everyone."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.integration.gating.world import ANSWERS, Gate, make_gate

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def gate(db: None) -> Gate:
    return make_gate()


def test_from_asking_to_access_and_back(live_server, open_page, sign_in, gate) -> None:
    here, there = open_page(viewport={"width": 1280, "height": 900}), open_page(viewport={"width": 1280, "height": 900})
    sign_in(here, gate.researcher)
    sign_in(there, gate.reviewer)

    here.goto(f"{live_server.url}/models/")
    here.get_by_label("Find").fill("nimbus")
    here.get_by_label("Find").press("Enter")
    expect(here.get_by_role("link", name="acme/nimbus")).to_be_visible()
    here.goto(f"{live_server.url}/acme/nimbus/access/")
    expect(here.get_by_role("region", name="Text of Apache License 2.0")).to_contain_text("TERMS AND CONDITIONS")
    here.get_by_label("What for?").fill("Evaluation")
    here.get_by_label("Where do you work?").select_option("CH")
    here.get_by_label("Who are you?").select_option("Academia")
    here.get_by_label("I will not redistribute").check()
    here.get_by_label("I have read and accept").check()
    here.get_by_role("button", name="Send request").click()
    expect(here.get_by_text("Your request is sent")).to_be_visible()

    there.goto(f"{live_server.url}/access/")
    there.get_by_role("link", name="Rae Searcher").click()
    expect(there.get_by_text("Switzerland (CH)")).to_be_visible()
    there.get_by_role("button", name="Accept").click()
    expect(there.get_by_text("rae may read acme/nimbus now.")).to_be_visible()

    here.reload()
    expect(here.get_by_text("hf download acme/nimbus")).to_be_visible()

    there.locator("form[action$='/revoke/']").get_by_label("Reason").fill("Shared the files.")
    there.get_by_role("button", name="Revoke access").click()
    expect(there.get_by_text("rae may no longer read acme/nimbus")).to_be_visible()
    here.reload()
    expect(here.get_by_text("Access revoked")).to_be_visible()
    expect(here.get_by_text("Shared the files.")).to_be_visible()
    expect(here.get_by_text("hf download")).to_have_count(0)


def test_a_faulty_form_takes_the_focus_to_its_faults(live_server, page, sign_in, gate) -> None:
    sign_in(page, gate.researcher)
    page.goto(f"{live_server.url}/acme/nimbus/access/")
    page.locator("#asking form.form").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.get_by_role("alert").get_by_role("link", name="Where do you work?").click()
    expect(page.get_by_label("Where do you work?")).to_be_focused()


def test_pages_are_accessible_and_fit(page, live_server, sign_in, look_over, gate) -> None:
    asked = gate.ask(answers={**ANSWERS, "purpose": "Comparing refusals of small models, " * 12})
    decided = gate.accepted(gate_other(gate))
    faults = []
    for user, name, path in (
        (None, "models", "/models/"),
        (None, "ask-nobody", "/acme/nimbus/access/"),
        (gate.researcher, "ask-pending", "/acme/nimbus/access/"),
        (gate.researcher, "mine", "/access/mine/"),
        (gate.researcher, "request-own", f"/access/{asked.pk}/"),
        (decided.user, "ask-granted", "/acme/nimbus/access/"),
        (gate_new(gate), "ask-form", "/acme/nimbus/access/"),
        (gate.reviewer, "queue", "/access/"),
        (gate.reviewer, "request", f"/access/{asked.pk}/"),
        (gate.reviewer, "request-accepted", f"/access/{decided.pk}/"),
        (gate.auditor, "request-auditor", f"/access/{asked.pk}/"),
        (gate.manager, "gate", "/acme/nimbus/gate/"),
        (gate.manager, "ask-member", "/acme/nimbus/access/"),
        (None, "licenses", "/licenses/"),
        (None, "license", "/licenses/llama3.1/"),
        (None, "license-text", "/licenses/apache-2.0/"),
        (gate.counsel, "license-new", "/licenses/new/"),
    ):
        page.context.clear_cookies()
        if user is not None:
            sign_in(page, user)
        page.goto(f"{live_server.url}{path}")
        faults += look_over(page, f"access-{name}")
    assert not faults, "\n\n".join(faults)


def gate_other(gate: Gate):
    from tests.factories import make_user

    return make_user("bo", full_name="Bo Reader")


def gate_new(gate: Gate):
    from tests.factories import make_user

    return make_user("cy", full_name="Cy Newcomer")
