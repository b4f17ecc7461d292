"""What is recorded of every act, and that each event reads as a sentence."""

from __future__ import annotations

from audit.models import Event
from audit.presenters import sentence
from gating import services
from gating.models import Grant
from tests.factories import make_user
from tests.integration.gating.world import Gate

ACTS = {
    "gating:gate:set",
    "gating:gate:put_in_force",
    "gating:request:asked",
    "gating:request:renewal_asked",
    "gating:request:accepted",
    "gating:request:granted",
    "gating:request:rejected",
    "gating:request:reopened",
    "gating:request:cancelled",
    "gating:request:revoked",
    "licensing:catalog:loaded",
    "licensing:license:accepted",
    "licensing:license:added",
    "licensing:offer:made",
}


def test_every_act_is_recorded_and_reads_as_a_sentence(gate: Gate) -> None:
    from django.utils import timezone

    from licensing.services import add_license, offer_under

    asked = gate.ask()
    services.cancel(request_id=asked.pk, by=gate.researcher)
    asked = gate.ask()
    services.reject(request_id=asked.pk, by=gate.reviewer, reason="Not yet.")
    services.reopen(request_id=asked.pk, by=gate.reviewer, reason="Now.")
    gate.set_gate(duration_days=20)
    services.accept(request_id=asked.pk, by=gate.reviewer)
    gate.ask()
    services.revoke(grant_id=Grant.objects.get().pk, by=gate.reviewer, reason="Shared.")
    gate.set_gate(license_version=None)
    services.grant(variant=gate.variant, user=make_user(), by=gate.reviewer)
    mine = add_license(name="Ours", version="1", text="Ours\n\nBe kind.", terms={}, by=gate.counsel)
    offer_under(variant=gate.variant, license_version=mine, at=timezone.now())

    events = [event for event in Event.objects.all() if event.kind.startswith(("gating:", "licensing:"))]
    assert {event.kind for event in events} == ACTS
    for event in events:
        said = sentence(event)
        assert event.kind not in said and "None" not in said and said.endswith((".", "Not yet.", "Now."))
    assert "Reason: Not yet." in " ".join(sentence(event) for event in events)
