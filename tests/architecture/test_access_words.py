"""Totality of what licensing and gating show: every state, kind, trigger and event has its words."""

from __future__ import annotations

import pytest

from gating.presenters import REQUESTS
from gating.presenters.access import STANDINGS
from gating.presenters.requests import ACTS
from gating.states import FieldType, RequestState
from gating.views.queue import DECISIONS, DONE
from licensing.catalog import shipped
from licensing.presenters import ANSWERS, CERTAINTIES, FLOWS, KINDS, REACHES, RETALIATION, SCOPES, TRIGGERS
from licensing.terms import Answer, Certainty, FlowDown, Kind, ShareAlike, UseScope


@pytest.mark.parametrize(
    ("words", "enum"),
    [
        (REQUESTS, RequestState),
        (KINDS, Kind),
        (CERTAINTIES, Certainty),
        (ANSWERS, Answer),
        (SCOPES, UseScope),
        (REACHES, ShareAlike),
        (FLOWS, FlowDown),
    ],
)
def test_every_member_has_words(words: dict, enum: type) -> None:
    assert set(words) == set(enum)


def test_every_type_of_field_has_words() -> None:
    assert all(kind.label for kind in FieldType)


def test_every_trigger_and_retaliation_of_the_catalog_has_words() -> None:
    terms = [entry.terms for entry in shipped().entries]
    assert {duty.trigger for one in terms for duty in one.obligations} <= set(TRIGGERS)
    assert {one.patent_retaliation for one in terms} - {"", "none"} <= set(RETALIATION)


def test_every_decision_has_an_act_and_a_sentence() -> None:
    assert set(DECISIONS) == set(ACTS) == set(DONE)


def test_every_code_that_closes_a_gate_has_a_standing() -> None:
    from gating.policies import access

    closing = {access.SIGN_IN_NEEDED, access.NOT_ASKED, access.PENDING, access.REJECTED, access.EXPIRED, access.REVOKED}
    closing |= {access.TEXT_CHANGED}
    assert {rule.code for rule in closing} == set(STANDINGS)
