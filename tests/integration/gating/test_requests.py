"""From asking to access and back: every act on a request, and each of its refusals."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.utils import timezone

from accounts.roles import Role, Scope
from audit.models import Event
from gating import services
from gating.models import AccessRequest, Grant, Revocation
from gating.selectors import access, request_for
from licensing.models import Acceptance
from rules import Refused
from tests.factories import make_member, make_user
from tests.integration.gating.world import ANSWERS, Gate


def codes(act: Callable[..., Any], **given: Any) -> set[str]:
    """The codes of the refusal that an act must meet."""
    with pytest.raises(Refused) as caught:
        act(**given)
    return set(caught.value.verdict.codes)


def reads(gate: Gate, user: Any = None) -> set[str]:
    """Why a person may not read; empty where they may."""
    return set(access(user or gate.researcher, gate.variant).reads.codes)


def age_grant(gate: Gate, by: timedelta) -> None:
    """Let time pass for the grants of the researcher, which the database lets nobody change."""
    with transaction.atomic():
        old = list(Grant.objects.filter(variant=gate.variant, user=gate.researcher, revocation=None))
        for grant in old:
            Grant.objects.create(
                variant=grant.variant,
                user=grant.user,
                request=grant.request,
                granted_at=grant.granted_at - by,
                expires_at=grant.expires_at - by,
            )
            Revocation.objects.create(grant=grant, reason="superseded by its aged copy")
        # The aged copies must be the newest, so that the standing speaks of them.
        assert Grant.objects.filter(revocation=None, user=gate.researcher).count() == len(old)


def test_asking_binds_answers_and_the_text_that_was_seen(gate: Gate) -> None:
    request = gate.ask(from_address="192.0.2.7")
    assert request.state == "pending" and request.answers == ANSWERS
    acceptance = Acceptance.objects.get(user=gate.researcher)
    assert request.acceptance == acceptance
    assert acceptance.text_sha256 == gate.license.text_sha256
    assert (acceptance.form_version, acceptance.from_address) == (gate.version.number, "192.0.2.7")
    assert reads(gate) == {"gating.pending"}
    kinds = set(Event.objects.values_list("kind", flat=True))
    assert {"gating:request:asked", "licensing:license:accepted"} <= kinds


def test_events_never_hold_answers(gate: Gate) -> None:
    gate.ask(answers={**ANSWERS, "purpose": "a very private purpose"})
    assert "very private" not in "".join(Event.objects.values_list("body", flat=True))


def test_accepting_opens_the_files_for_as_long_as_the_gate_says(gate: Gate) -> None:
    request = gate.accepted()
    grant = Grant.objects.get(request=request)
    assert grant.expires_at - grant.granted_at == timedelta(days=90)
    assert grant.granted_by == gate.reviewer and request.decided_by == gate.reviewer
    assert reads(gate) == set()
    assert reads(gate, make_user()) == {"gating.not_asked"}


def test_revoking_closes_them_at_the_next_question(gate: Gate) -> None:
    grant = Grant.objects.get(request=gate.accepted())
    services.revoke(grant_id=grant.pk, by=gate.reviewer, reason="Shared the files.")
    assert reads(gate) == {"gating.revoked"}
    assert AccessRequest.objects.get().state == "revoked"
    assert codes(services.revoke, grant_id=grant.pk, by=gate.reviewer, reason="again") == {
        "gating.wrong_state",
        "gating.grant_is_over",
    }


def test_rejecting_tells_why_and_ends_what_still_runs(gate: Gate) -> None:
    request = gate.accepted()
    services.reject(request_id=request.pk, by=gate.reviewer, reason="Wrong purpose.")
    request.refresh_from_db()
    assert (request.state, request.reason) == ("rejected", "Wrong purpose.")
    assert reads(gate) == {"gating.rejected"}
    assert codes(gate.ask) == {"gating.ask_closed"}


def test_reopening_ends_access_and_puts_it_back_in_the_queue(gate: Gate) -> None:
    request = gate.accepted()
    services.reopen(request_id=request.pk, by=gate.reviewer, reason="A question came up.")
    assert reads(gate) == {"gating.pending"}
    services.accept(request_id=request.pk, by=gate.reviewer)
    assert reads(gate) == set()


@pytest.mark.parametrize("act", [services.reject, services.reopen])
@pytest.mark.parametrize(
    ("reason", "code"),
    [("", "gating.reason_missing"), ("  ", "gating.reason_missing"), ("x" * 501, "gating.reason_too_long")],
)
def test_taking_away_needs_a_reason(gate: Gate, act: Callable[..., Any], reason: str, code: str) -> None:
    request = gate.accepted()
    assert codes(act, request_id=request.pk, by=gate.reviewer, reason=reason) == {code}
    assert reads(gate) == set()


def test_a_reason_that_cannot_be_stored_is_refused(gate: Gate) -> None:
    request = gate.ask()
    given = {"request_id": request.pk, "by": gate.reviewer, "reason": "no\x00"}
    assert codes(services.reject, **given) == {"gating.reason_unreadable"}


def test_nobody_decides_their_own_request(gate: Gate) -> None:
    # Members need no grant; somebody who asked and then became a reviewer must still not decide it.
    request = gate.ask()
    Membership = gate.organization.memberships.model
    Membership.objects.create(organization=gate.organization, user=gate.researcher, role=Role.ACCESS_REVIEWER)
    assert codes(services.accept, request_id=request.pk, by=gate.researcher) == {"gating.own_request"}
    assert codes(services.grant, variant=gate.variant, user=gate.researcher, by=gate.researcher) == {
        "gating.own_request"
    }


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.ACCESS_REVIEWER, Role.OWNER}))
def test_other_roles_decide_nothing(gate: Gate, role: Role) -> None:
    request, member = gate.ask(), make_member(gate.organization, role)
    found = codes(services.accept, request_id=request.pk, by=member)
    # Who may read the answers is told that they may not decide; for the others the request does not exist.
    expected = "gating.not_a_reviewer" if role == Role.AUDITOR else "gating.request_not_found"
    assert found == {expected}


def test_a_reviewer_of_another_organization_finds_nothing(gate: Gate) -> None:
    from tests.factories import make_organization

    stranger = make_member(make_organization(), Role.ACCESS_REVIEWER)
    request = gate.ask()
    assert codes(services.accept, request_id=request.pk, by=stranger) == {"gating.request_not_found"}
    assert codes(services.accept, request_id=request.pk + 999, by=stranger) == {"gating.request_not_found"}


@pytest.mark.parametrize(
    ("scopes", "code"),
    [
        (frozenset(), "gating.request_not_found"),
        ({Scope.READ}, "gating.review_scope_missing"),
        ({Scope.READ, Scope.WRITE}, "gating.review_scope_missing"),
    ],
)
def test_a_reviewers_token_needs_the_scope(gate: Gate, scopes: Iterable[Scope], code: str) -> None:
    request = gate.ask()
    assert codes(services.accept, request_id=request.pk, by=gate.reviewer, scopes=frozenset(scopes)) == {code}


def test_asking_needs_a_token_that_writes(gate: Gate) -> None:
    assert codes(gate.ask, scopes=frozenset({Scope.READ})) == {"gating.write_scope_missing"}
    assert gate.ask(scopes=frozenset({Scope.READ, Scope.WRITE})).state == "pending"


def test_asking_twice_changes_nothing(gate: Gate) -> None:
    first = gate.ask()
    assert codes(gate.ask, answers={**ANSWERS, "purpose": "another"}) == {"gating.already_asked"}
    assert AccessRequest.objects.get().answers == first.answers
    assert Acceptance.objects.count() == 1


def test_a_new_form_may_be_answered_while_one_waits(gate: Gate) -> None:
    first = gate.ask()
    gate.set_gate(prompt="Changed.")
    assert gate.ask(answers={**ANSWERS, "purpose": "another"}).pk == first.pk
    assert AccessRequest.objects.get().answers["purpose"] == "another"


def test_nothing_is_granted_under_terms_that_were_not_accepted(gate: Gate) -> None:
    from licensing.selectors import version_of

    request = gate.ask()
    gate.set_gate(license_version=version_of("mit"))
    assert codes(services.accept, request_id=request.pk, by=gate.reviewer) == {"gating.license_not_accepted"}
    stranger = make_user()
    given = {"variant": gate.variant, "user": stranger, "by": gate.reviewer}
    assert codes(services.grant, **given) == {"gating.license_not_accepted"}
    gate.ask(accepted_text_sha256=version_of("mit").text_sha256)
    services.accept(request_id=request.pk, by=gate.reviewer)
    assert reads(gate) == set()


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"purpose": ""}, "purpose", "gating.answer_missing"),
        ({"purpose": None}, "purpose", "gating.answer_missing"),
        ({"purpose": "   "}, "purpose", "gating.answer_missing"),
        ({"purpose": "x" * 2001}, "purpose", "gating.answer_too_long"),
        ({"purpose": "nul \x00"}, "purpose", "gating.answer_unreadable"),
        ({"purpose": "half \ud800"}, "purpose", "gating.answer_unreadable"),
        ({"purpose": ["a"]}, "purpose", "gating.answer_unreadable"),
        ({"kind": "Neither"}, "kind", "gating.no_such_option"),
        ({"country": "XX"}, "country", "gating.no_such_country"),
        ({"country": "Switzerland"}, "country", "gating.no_such_country"),
        ({"until": "2026-02-30"}, "until", "gating.no_such_date"),
        ({"until": "tomorrow"}, "until", "gating.no_such_date"),
        ({"until": "20260101"}, "until", "gating.no_such_date"),
        ({"agree": False}, "agree", "gating.not_ticked"),
        ({"agree": "off"}, "agree", "gating.not_ticked"),
        ({"agree": 3}, "agree", "gating.answer_unreadable"),
        ({"surprise": "x"}, "surprise", "gating.unknown_field"),
    ],
)
def test_a_bad_answer_names_its_field(gate: Gate, changes: dict, field: str, code: str) -> None:
    with pytest.raises(Refused) as caught:
        gate.ask(answers={**ANSWERS, **changes})
    verdict = caught.value.verdict
    assert [(reason.field, reason.code) for reason in verdict.reasons] == [(field, code)]
    assert verdict.status == 422
    assert not AccessRequest.objects.exists() and not Acceptance.objects.exists()


def test_all_faults_are_told_at_once(gate: Gate) -> None:
    with pytest.raises(Refused) as caught:
        gate.ask(answers={}, accepted_text_sha256="")
    fields = [reason.field for reason in caught.value.verdict.reasons]
    assert fields == ["purpose", "country", "kind", "agree", "license"]


@pytest.mark.parametrize("seen", ["0" * 64, "nonsense"])
def test_a_text_that_is_not_the_license_cannot_be_accepted(gate: Gate, seen: str) -> None:
    assert codes(gate.ask, accepted_text_sha256=seen) == {"licensing.text_differs"}
    assert not AccessRequest.objects.exists()


def test_withdrawing_lets_one_ask_anew(gate: Gate) -> None:
    request = gate.ask()
    assert codes(services.cancel, request_id=request.pk, by=gate.reviewer) == {"gating.not_the_requester"}
    services.cancel(request_id=request.pk, by=gate.researcher)
    assert reads(gate) == {"gating.not_asked"}
    assert codes(services.cancel, request_id=request.pk, by=gate.researcher) == {"gating.wrong_state"}
    assert gate.ask().pk != request.pk


def test_renewal_opens_thirty_days_before_the_end(gate: Gate) -> None:
    request = gate.accepted()
    assert codes(gate.ask) == {"gating.already_granted"}
    age_grant(gate, timedelta(days=59))
    assert codes(gate.ask) == {"gating.already_granted"}
    age_grant(gate, timedelta(days=2))
    assert gate.ask().pk == request.pk
    assert reads(gate) == set(), "the grant still runs while its renewal waits"
    services.accept(request_id=request.pk, by=gate.reviewer)
    running = Grant.objects.filter(revocation=None, expires_at__gt=timezone.now() + timedelta(days=80))
    assert running.count() == 1


def test_withdrawing_a_renewal_keeps_the_grant(gate: Gate) -> None:
    request = gate.accepted()
    age_grant(gate, timedelta(days=80))
    gate.ask()
    services.cancel(request_id=request.pk, by=gate.researcher)
    request.refresh_from_db()
    assert request.state == "accepted"
    assert reads(gate) == set()


def test_an_expired_grant_says_so_and_can_be_renewed(gate: Gate) -> None:
    gate.accepted()
    age_grant(gate, timedelta(days=91))
    assert reads(gate) == {"gating.expired"}
    gate.ask()
    assert reads(gate) == {"gating.pending"}


def test_an_automatic_gate_accepts_at_once(gate: Gate) -> None:
    gate.set_gate(is_automatic=True)
    request = gate.ask()
    assert request.state == "accepted" and request.decided_by is None
    assert reads(gate) == set()


def test_members_and_service_accounts_do_not_ask(gate: Gate) -> None:
    assert codes(gate.ask, user=gate.manager) == {"gating.needs_no_grant"}
    robot = make_user(is_service=True)
    assert codes(gate.ask, user=robot) == {"gating.person_needed"}


def test_a_gate_that_no_release_put_in_force_cannot_be_asked(gate: Gate) -> None:
    from registry.states import Level
    from tests.factories import make_variant, serve

    other = make_variant(gate.organization)
    serve(other, Level.GATED)
    services.set_gate(variant=other, fields=[], license_version=None, duration_days=9, by=gate.manager)
    gate.variant = other
    assert codes(gate.ask) == {"gating.no_gate"}


def test_granting_without_a_request_makes_the_request_that_it_answers(gate: Gate) -> None:
    gate.set_gate(license_version=None, fields=[])
    robot = make_user(is_service=True)
    made = services.grant(variant=gate.variant, user=robot, by=gate.reviewer, days=3)
    assert made.expires_at - made.granted_at == timedelta(days=3)
    assert request_for(gate.reviewer, made.request_id).state == "accepted"
    assert reads(gate, robot) == set()
    given = {"variant": gate.variant, "user": robot, "by": gate.reviewer}
    assert codes(services.grant, **given) == {"gating.already_has_grant"}
    assert codes(services.grant, **given | {"days": 0}) == {"gating.already_has_grant", "gating.days_out_of_range"}


def test_answers_are_read_by_their_author_and_by_those_who_decide(gate: Gate) -> None:
    request = gate.ask()
    for reader in (gate.researcher, gate.reviewer, gate.auditor):
        assert request_for(reader, request.pk) == request
    for stranger in (gate.manager, make_user(), None):
        with pytest.raises(Refused) as caught:
            request_for(stranger, request.pk)
        assert caught.value.verdict.codes == {"gating.request_not_found"}


@pytest.mark.parametrize("model", [Grant, Revocation, Acceptance])
def test_the_database_keeps_what_was_granted_and_accepted(gate: Gate, model: type) -> None:
    grant = Grant.objects.get(request=gate.accepted())
    services.revoke(grant_id=grant.pk, by=gate.reviewer, reason="Shared.")
    for attempt in (lambda rows: rows.update(id=77_777), lambda rows: rows._raw_delete("default")):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt(model.objects.all())


def test_granting_after_an_earlier_grant_ran_out(gate: Gate) -> None:
    request = gate.accepted()
    age_grant(gate, timedelta(days=91))
    made = services.grant(variant=gate.variant, user=gate.researcher, by=gate.reviewer)
    request.refresh_from_db()
    assert made.request == request and request.state == "accepted"
    assert reads(gate) == set()


def test_only_a_grant_that_runs_is_revoked(gate: Gate) -> None:
    request = gate.accepted()
    age_grant(gate, timedelta(days=80))
    old = Grant.objects.filter(revocation=None).get()
    services.accept(request_id=gate.ask().pk, by=gate.reviewer)
    ended = Grant.objects.exclude(revocation=None).first()
    given = {"by": gate.reviewer, "reason": "Shared."}
    assert codes(services.revoke, grant_id=ended.pk, **given) == {"gating.grant_is_over"}
    assert codes(services.revoke, grant_id=ended.pk + 999, **given) == {"gating.request_not_found"}
    services.revoke(grant_id=old.pk, **given)
    request.refresh_from_db()
    assert request.state == "revoked" and reads(gate) == {"gating.revoked"}


def test_a_grant_is_revoked_while_its_renewal_waits(gate: Gate) -> None:
    gate.accepted()
    age_grant(gate, timedelta(days=80))
    request = gate.ask()
    running = Grant.objects.get(revocation=None)
    services.revoke(grant_id=running.pk, by=gate.reviewer, reason="Shared.")
    request.refresh_from_db()
    assert request.state == "revoked" and reads(gate) == {"gating.revoked"}
