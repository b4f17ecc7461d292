"""Whatever people do at a gate in whatever order: nobody reads without a grant, and no grant without its agreement."""

from __future__ import annotations

from datetime import timedelta
from unittest import mock

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.models import User
from accounts.roles import Role
from gating import services
from gating.models import AccessRequest, Grant, Revocation
from gating.selectors import access, gate_in_force
from gating.states import RequestState
from licensing.models import Acceptance
from licensing.selectors import version_of
from registry.services.variants import add_member
from rules import Refused
from tests.factories import make_user
from tests.integration.gating.world import ANSWERS, make_gate

pytestmark = pytest.mark.django_db
PEOPLE = st.sampled_from(["rae", "bo", "both"])
REVIEWERS = st.sampled_from(["access", "both", "rae"])
LICENSES = st.sampled_from(["apache-2.0", "mit", None])
REASON = "Because."


class Gate(RuleBasedStateMachine):
    """One gate; three people who ask, one of whom also decides, as does somebody who never asks."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = timezone.now()
        self.patch = mock.patch("django.utils.timezone.now", lambda: self.clock)
        self.patch.start()
        self.undo = transaction.atomic()
        self.undo.__enter__()
        self.gate = make_gate()
        self.people = {"rae": self.gate.researcher, "bo": make_user("bo"), "both": make_user("both")}
        self.people["access"] = self.gate.reviewer

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.undo.__exit__(None, None, None)
        self.patch.stop()

    @initialize()
    def make_both_a_reviewer_after_they_asked(self) -> None:
        self.gate.ask(self.people["both"])
        add_member(organization=self.gate.organization, user=self.people["both"], role=Role.ACCESS_REVIEWER, by=None)

    def act(self, what: object, **given: object) -> None:
        """Do it or be refused; a refusal leaves every row as it was."""
        self.tick()
        before = self.rows()
        try:
            with transaction.atomic():
                what(**given)
        except Refused:
            assert self.rows() == before

    def tick(self) -> None:
        """No two acts happen at the same moment, so that their order can be told from their times."""
        self.clock += timedelta(seconds=1)

    def rows(self) -> list:
        requests = AccessRequest.objects.order_by("pk").values_list("pk", "state", "asked_at", "decided_at", "reason")
        return [*requests, Grant.objects.count(), Revocation.objects.count(), Acceptance.objects.count()]

    def is_overdue(self, user: User) -> bool:
        """Whether the text demanded last is due and not accepted, told from the gates that came into force."""
        demanded, since, grace = None, self.clock, 0
        for row in self.gate.variant.gate_activations.select_related("gate_version__license_version").order_by("id"):
            text = row.gate_version.license_version.text_sha256 if row.gate_version.license_version else None
            if text != demanded:
                demanded, since, grace = text, row.since, row.gate_version.grace_days
        accepted = Acceptance.objects.filter(user=user, text_sha256=demanded).exists()
        return demanded is not None and not accepted and self.clock >= since + timedelta(days=grace)

    def request_of(self, person: str) -> AccessRequest | None:
        return AccessRequest.objects.filter(user=self.people[person]).order_by("-pk").first()

    @rule(hours=st.sampled_from([1, 24, 24 * 30, 24 * 61, 24 * 91]))
    def time_passes(self, hours: int) -> None:
        self.clock += timedelta(hours=hours)

    @rule(license=LICENSES, is_automatic=st.booleans(), days=st.sampled_from([1, 90]))
    def the_gate_changes(self, license: str | None, is_automatic: bool, days: int) -> None:
        self.tick()
        version = version_of(license) if license else None
        self.gate.set_gate(license_version=version, is_automatic=is_automatic, duration_days=days)

    @rule(person=PEOPLE, license=st.sampled_from(["apache-2.0", "mit"]))
    def somebody_accepts_the_new_text(self, person: str, license: str) -> None:
        digest, user = version_of(license).text_sha256, self.people[person]
        self.act(services.accept_text, variant=self.gate.variant, user=user, accepted_text_sha256=digest)

    @rule(person=PEOPLE, license=LICENSES)
    def somebody_asks(self, person: str, license: str | None) -> None:
        digest = version_of(license).text_sha256 if license else ""
        user = self.people[person]
        self.act(services.ask, variant=self.gate.variant, user=user, answers=ANSWERS, accepted_text_sha256=digest)

    @rule(person=PEOPLE, by=REVIEWERS, verb=st.sampled_from(["accept", "reject", "reopen"]))
    def somebody_decides(self, person: str, by: str, verb: str) -> None:
        request = self.request_of(person)
        if request:
            act = getattr(services, verb)
            self.act(act, request_id=request.pk, by=self.people[by], reason=REASON)

    @rule(person=PEOPLE, by=REVIEWERS)
    def somebody_grants(self, person: str, by: str) -> None:
        self.act(services.grant, variant=self.gate.variant, user=self.people[person], by=self.people[by])

    @rule(person=PEOPLE, by=REVIEWERS)
    def somebody_revokes(self, person: str, by: str) -> None:
        grant = Grant.objects.filter(user=self.people[person]).order_by("-pk").first()
        if grant:
            self.act(services.revoke, grant_id=grant.pk, by=self.people[by], reason=REASON)

    @rule(person=PEOPLE)
    def somebody_withdraws(self, person: str) -> None:
        request = self.request_of(person)
        if request:
            self.act(services.cancel, request_id=request.pk, by=self.people[person])

    @invariant()
    def only_a_live_grant_opens(self) -> None:
        for name in ("rae", "bo"):
            user = self.people[name]
            live = Grant.objects.filter(user=user, granted_at__lte=self.clock, expires_at__gt=self.clock)
            live = [grant for grant in live if not Revocation.objects.filter(grant=grant).exists()]
            assert access(user, self.gate.variant).reads.allowed is bool(live and not self.is_overdue(user))
            state = RequestState(request.state) if (request := self.request_of(name)) else None
            if live:
                assert state in {RequestState.ACCEPTED, RequestState.PENDING}

    @invariant()
    def no_grant_is_without_its_agreement(self) -> None:
        for grant in Grant.objects.select_related("user"):
            in_force = self.gate.variant.gate_activations.filter(since__lte=grant.granted_at).order_by("-id").first()
            demanded = in_force.gate_version.license_version_id
            accepted = set(
                Acceptance.objects.filter(user=grant.user, accepted_at__lte=grant.granted_at).values_list(
                    "license_version", flat=True
                )
            )
            assert demanded is None or demanded in accepted

    @invariant()
    def nobody_decides_for_themselves(self) -> None:
        assert not any(grant.granted_by_id == grant.user_id for grant in Grant.objects.all())
        assert not any(request.decided_by_id == request.user_id for request in AccessRequest.objects.all())
        assert not any(
            ended.revoked_by_id == ended.grant.user_id for ended in Revocation.objects.select_related("grant")
        )

    @invariant()
    def the_gate_in_force_is_the_newest_that_was_put_in_force(self) -> None:
        assert gate_in_force(self.gate.variant).number == self.gate.variant.gate_versions.count()


def test_the_gate_holds_in_any_order() -> None:
    run_state_machine_as_test(
        Gate,
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
