"""A license text that changes: grants go on for a while, then wait for the new text to be accepted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from gating import services
from gating.models import TextDemand
from gating.selectors import access, access_facts, readable_variants
from licensing.models import Acceptance
from licensing.selectors import version_of
from rules import Refused
from tests.integration.gating.world import Gate, make_gate

pytestmark = pytest.mark.django_db


@pytest.fixture
def gate() -> Gate:
    made = make_gate()
    made.accepted()
    return made


def reads(gate: Gate) -> set[str]:
    codes = set(access(gate.researcher, gate.variant).reads.codes)
    assert (not codes) is readable_variants(gate.researcher).filter(pk=gate.variant.pk).exists()
    return codes


def change(gate: Gate, days: int = 30) -> None:
    """The gate demands another text from now on."""
    gate.license = version_of("mit")
    gate.version = gate.set_gate(license_version=gate.license, grace_days=days)


def client_of(gate: Gate) -> Client:
    client = Client()
    client.force_login(gate.researcher)
    return client


def test_a_grant_goes_on_until_the_grace_is_over(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    change(gate, days=30)
    assert reads(gate) == set()
    facts = access_facts(gate.researcher, [gate.variant])[gate.variant.pk]
    assert facts.standing.accept_by == TextDemand.objects.latest("id").due_at
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr("django.utils.timezone.now", lambda: later)
    assert reads(gate) == {"gating.text_changed"}
    sentence = access(gate.researcher, gate.variant).reads.sentence
    assert sentence.isascii() and "accept the new text" in sentence


def test_without_grace_it_waits_at_once_and_goes_on_when_accepted(gate: Gate) -> None:
    change(gate, days=0)
    assert reads(gate) == {"gating.text_changed"}
    made = services.accept_text(
        variant=gate.variant,
        user=gate.researcher,
        accepted_text_sha256=gate.license.text_sha256,
        from_address="192.0.2.9",
        agent="Browser/1",
    )
    assert reads(gate) == set()
    assert (made.form_version, made.text_sha256) == (gate.version.number, gate.license.text_sha256)
    assert len(made.agent_sha256) == 64 and "Browser" not in made.agent_sha256


def test_a_new_question_does_not_start_the_clock_anew(gate: Gate) -> None:
    change(gate, days=30)
    gate.set_gate(license_version=gate.license, prompt="Another prompt.", grace_days=300)
    assert TextDemand.objects.filter(variant=gate.variant).count() == 2
    assert TextDemand.objects.latest("id").due_at < timezone.now() + timedelta(days=31)


def test_a_text_that_was_accepted_before_needs_nothing(gate: Gate) -> None:
    old = gate.license
    change(gate, days=0)
    gate.set_gate(license_version=old, grace_days=0)
    assert reads(gate) == set()
    gate.set_gate(license_version=None, grace_days=0)
    assert reads(gate) == set()


def test_members_are_not_asked(gate: Gate) -> None:
    change(gate, days=0)
    assert access(gate.manager, gate.variant).reads.allowed


@pytest.mark.parametrize("digest", ["", "0" * 64])
def test_another_text_does_not_count(gate: Gate, digest: str) -> None:
    change(gate, days=0)
    with pytest.raises(Refused):
        services.accept_text(variant=gate.variant, user=gate.researcher, accepted_text_sha256=digest)
    assert reads(gate) == {"gating.text_changed"} and Acceptance.objects.count() == 1


def test_there_is_nothing_to_accept_where_nothing_changed(gate: Gate) -> None:
    with pytest.raises(Refused) as caught:
        services.accept_text(variant=gate.variant, user=gate.researcher, accepted_text_sha256=gate.license.text_sha256)
    assert caught.value.verdict.codes == {"gating.nothing_to_accept"}


def test_the_page_offers_the_new_text(gate: Gate) -> None:
    change(gate, days=30)
    client = client_of(gate)
    page = client.get("/acme/nimbus/access/").content.decode()
    assert "The license has changed" in page and "Accept the new license by" in page
    answer = client.post(
        "/acme/nimbus/access/text/", {"license": gate.license.text_sha256}, headers={"User-Agent": "B"}
    )
    assert (answer.status_code, answer["Location"]) == (303, "/acme/nimbus/access/")
    page = client.get("/acme/nimbus/access/").content.decode()
    assert "Your access goes on." in page and "The license has changed" not in page
    assert client.post("/acme/nimbus/access/text/", {"license": "x"}).status_code == 409


def test_the_api_offers_it_too(gate: Gate) -> None:
    change(gate, days=0)
    client = client_of(gate)
    shown = client.get("/api/v1/variants/acme/nimbus/access/").json()
    allowed = {action["name"]: action["allowed"] for action in shown["actions"]}
    assert allowed == {"read": False, "write": False, "ask": False, "accept_text": True} and shown["accept_by"]
    url, body = "/api/v1/variants/acme/nimbus/access/text/", {"accepted_text_sha256": gate.license.text_sha256}
    assert client.post(url, body, content_type="application/json").status_code == 204
    assert client.get("/api/v1/variants/acme/nimbus/access/").json()["accept_by"] is None


def test_the_gates_form_takes_the_grace(gate: Gate) -> None:
    client = Client()
    client.force_login(gate.manager)
    given = {"license_version": str(gate.license.pk), "duration_days": "90", "grace_days": "400"}
    assert client.post("/acme/nimbus/gate/", given).status_code == 422
    assert client.post("/acme/nimbus/gate/", {**given, "grace_days": "7"}).status_code == 303
    assert gate.variant.gate_versions.latest("number").grace_days == 7
