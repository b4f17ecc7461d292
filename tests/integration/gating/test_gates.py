"""Gates: versions, which is in force, cards under direct control, and two who act at once."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.roles import Role, Scope
from gating import services
from gating.form import stored_fields
from gating.models import AccessRequest, GateVersion, Grant
from gating.selectors import access, gate_in_force, newest_gate
from licensing.selectors import offers, version_of
from registry.services.variants import set_direct_control
from rules import Refused
from tests.factories import make_member, make_organization, make_user, make_variant
from tests.integration.gating.world import FIELDS, Gate

CARD = {
    "license": "mit",
    "extra_gated_prompt": "Who are you?",
    "extra_gated_fields": {"Company": "text", "I agree": "checkbox"},
}


def refusal(act: Any, **given: Any) -> set[str]:
    with pytest.raises(Refused) as caught:
        act(**given)
    return set(caught.value.verdict.codes)


def written(gate: Gate, **changes: Any) -> GateVersion:
    given = {
        "variant": gate.variant,
        "fields": FIELDS,
        "license_version": gate.license,
        "duration_days": 90,
        "prompt": "For research on safety.",
        "by": gate.manager,
    }
    return services.set_gate(**given | changes)


def test_the_same_terms_again_are_the_same_version(gate: Gate) -> None:
    assert written(gate) == gate.version
    changed = written(gate, duration_days=91)
    assert changed.number == gate.version.number + 1
    assert newest_gate(gate.variant) == changed


def test_a_new_version_waits_for_the_release_that_carries_it(gate: Gate) -> None:
    changed = written(gate, is_automatic=True)
    assert gate_in_force(gate.variant) == gate.version
    assert gate.ask().state == "pending"
    given = {"gate_version": changed, "release_digest": "sha256:" + "2" * 64, "at": timezone.now()}
    first = services.put_in_force(**given)
    assert services.put_in_force(**given) == first
    assert gate_in_force(gate.variant) == changed


@pytest.mark.parametrize("role", sorted({Role.AUDITOR, Role.AUTOMATION, Role.SAFETY_REVIEWER}))
def test_who_keeps_no_gate_writes_none(gate: Gate, role: Role) -> None:
    member = make_member(gate.organization, role)
    assert refusal(written, gate=gate, by=member, duration_days=5) == {"gating.not_a_gate_keeper"}


def test_writing_a_gate_needs_sight_scope_and_sense(gate: Gate) -> None:
    assert refusal(written, gate=gate, scopes=frozenset({Scope.READ})) == {"gating.write_scope_missing"}
    hidden = make_variant(gate.organization)
    assert refusal(written, gate=gate, variant=hidden, by=make_user()) == {"gating.not_found"}
    assert refusal(written, gate=gate, license_version=version_of("llama3.1")) == {"gating.license_without_text"}
    assert refusal(written, gate=gate, fields=[{"name": "x"}]) == {"gating.bad_form"}
    assert refusal(written, gate=gate, prompt="turned \u202e") == {"gating.bad_form"}


@pytest.mark.parametrize("attempt", [lambda rows: rows.update(prompt="x"), lambda rows: rows._raw_delete("default")])
def test_the_database_keeps_every_version(gate: Gate, attempt: Any) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        attempt(GateVersion.objects.all())


def test_under_direct_control_the_card_makes_the_form(gate: Gate) -> None:
    hub = make_organization("hub", is_direct_control=True)
    publisher = make_member(hub, Role.OWNER)
    variant = make_variant(hub, "nimbus", by=publisher)
    set_direct_control(variant=variant, by=publisher, is_private=False, gate_mode="manual")
    variant.refresh_from_db()
    made = services.follow_card(variant=variant, metadata=CARD, by=publisher)
    assert made == gate_in_force(variant) and made.prompt == "Who are you?"
    assert [field.name for field in stored_fields(made.fields)] == ["company", "i_agree"]
    assert services.follow_card(variant=variant, metadata=CARD, by=publisher) == made
    assert offers([variant])[variant.pk].license.key == "mit"
    asked = services.ask(variant=variant, user=gate.researcher, answers={"company": "Acme", "i_agree": "on"})
    assert asked.state == "pending"
    assert services.follow_card(variant=gate.variant, metadata=CARD, by=gate.manager) is None


@pytest.mark.parametrize(("mode", "state"), [("auto", "accepted"), ("manual", "pending")])
def test_a_bare_gate_under_direct_control_asks_nothing(gate: Gate, mode: str, state: str) -> None:
    hub = make_organization("hub", is_direct_control=True)
    publisher = make_member(hub, Role.OWNER)
    variant = make_variant(hub, "nimbus", by=publisher)
    variant = set_direct_control(variant=variant, by=publisher, is_private=False, gate_mode=mode)
    asked = services.ask(variant=variant, user=gate.researcher, answers={})
    assert asked.state == state
    assert access(gate.researcher, variant).reads.allowed is (state == "accepted")
    if state == "pending":
        services.accept(request_id=asked.pk, by=publisher)
    grant = Grant.objects.get()
    assert (grant.expires_at - grant.granted_at).days == 3650


def test_a_decision_costs_a_constant_number_of_queries(gate: Gate, django_assert_max_num_queries: Any) -> None:
    gate.accepted()
    with django_assert_max_num_queries(5):
        access(gate.researcher, gate.variant)
    with django_assert_max_num_queries(2):
        access(None, gate.variant)


@pytest.mark.django_db(transaction=True)
def test_two_tabs_that_ask_at_once_make_one_request(transactional_db: None) -> None:
    from tests.integration.gating.world import make_gate

    gate = make_gate()
    assert sorted(at_once(gate.ask, gate.ask)) == ["done", "gating.already_asked"]
    assert AccessRequest.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_reviewers_who_decide_at_once_decide_once(transactional_db: None) -> None:
    from tests.integration.gating.world import make_gate

    gate = make_gate()
    asked = gate.ask()
    given = {"request_id": asked.pk, "by": gate.reviewer}
    found = at_once(lambda: services.accept(**given), lambda: services.accept(**given))
    assert sorted(found) == ["done", "gating.wrong_state"]
    assert Grant.objects.count() == 1


def at_once(*acts: Any) -> list[str]:
    """What each act came to, begun together in threads with connections of their own."""
    found, start = [], threading.Barrier(len(acts))

    def run(act: Any) -> None:
        start.wait()
        try:
            act()
            found.append("done")
        except Refused as refused:
            found.append(refused.verdict.reasons[0].code)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found
