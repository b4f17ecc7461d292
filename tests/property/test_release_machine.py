"""Releases under any order of acts by anybody: nothing is published without two people, the submitter never
approves, and a changed digest voids what was signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from accounts.roles import Role
from registry.models import Serving
from registry.services.variants import add_member
from registry.states import Level, Outcome
from release.digest import release_digest
from release.models import Publication, Release, Review
from release.selectors import facts_of
from release.services import drafts, publications, reviews
from release.states import Decision, PublicationState, ReleaseState
from rules import Refused
from tests.factories import make_commit, make_evidence, make_gate, make_lab, make_license, make_variant, run_jobs

pytestmark = pytest.mark.django_db

PEOPLE = ("manager", "second", "safety", "legal", "security", "auditor", "pipeline")
SIGNED_STATES = (ReleaseState.APPROVED, ReleaseState.SCHEDULED, ReleaseState.PUBLISHING, ReleaseState.LIVE)
STALE = f"sha256:{'0' * 64}"
people, releases, variants = st.sampled_from(PEOPLE), st.integers(0, 1), st.integers(0, 1)


class ReleaseMachine(RuleBasedStateMachine):
    """Two releases over two variants; `second` and `safety` are release managers as well, `legal` is everything."""

    @initialize()
    def begin(self) -> None:
        self.lab = make_lab()
        self.users = {name: getattr(self.lab, name) for name in PEOPLE if name != "second"}
        self.users["second"] = self.lab.manager
        for role in (Role.RELEASE_MANAGER, Role.SAFETY_REVIEWER):
            for name in ("safety", "legal"):
                add_member(organization=self.lab.organization, user=self.users[name], role=role, by=None)
        self.license = make_license()
        self.variants = [make_variant(self.lab.organization) for _ in range(2)]
        self.commits = []
        for variant in self.variants:
            make_gate(variant, self.lab.manager)
            self.commits.append([make_commit(variant), make_commit(variant)])
            for commit in self.commits[-1]:
                make_evidence(commit.checkpoint)
        actor = self.lab.actor(self.lab.manager)
        self.ids = [
            drafts.create_draft(organization=self.lab.organization, title=title, by=self.lab.manager, actor=actor).pk
            for title in ("One", "Two")
        ]
        self.put(0, "manager", 0, 0, Level.PUBLIC)

    def attempt(self, who: str, act: Callable[..., object], **given: object) -> bool:
        """Do it as somebody; a refusal is an answer, anything else raised is a fault."""
        user = self.users[who]
        try:
            act(by=user, actor=self.lab.actor(user), **given)
        except Refused:
            return False
        return True

    @rule(at=releases, who=people, variant=variants, commit=st.integers(0, 1), level=st.sampled_from(Level))
    def put(self, at: int, who: str, variant: int, commit: int, level: Level) -> None:
        explained = {"reason_code": "safety", "review_on": timezone.localdate() + timedelta(days=9)}
        self.attempt(
            who,
            drafts.put_item,
            release_id=self.ids[at],
            variant=self.variants[variant],
            checkpoint=self.commits[variant][commit].checkpoint,
            level=level,
            license_version=self.license,
            **(explained if level != Level.PUBLIC else {}),
        )

    @rule(at=releases, who=people, variant=variants)
    def remove(self, at: int, who: str, variant: int) -> None:
        self.attempt(who, drafts.remove_item, release_id=self.ids[at], variant=self.variants[variant])

    @rule(at=releases, who=people, hours=st.none() | st.integers(1, 5))
    def name_hour(self, at: int, who: str, hours: int | None) -> None:
        hour = timezone.now() + timedelta(hours=hours) if hours else None
        self.attempt(who, drafts.describe, release_id=self.ids[at], title="T", summary="", scheduled_for=hour)

    @rule(at=releases, who=people)
    def submit(self, at: int, who: str) -> None:
        self.attempt(who, reviews.submit, release_id=self.ids[at])

    @rule(at=releases, who=people, is_stale=st.booleans())
    def approve(self, at: int, who: str, is_stale: bool) -> None:
        before = Release.objects.get(pk=self.ids[at])
        seen = STALE if is_stale else before.digest
        if self.attempt(who, reviews.approve, release_id=before.pk, seen=seen):
            assert not is_stale
            assert before.submitted_by_id != self.users[who].pk

    @rule(at=releases)
    def approve_by_all(self, at: int) -> None:
        for who in PEOPLE:
            self.approve(at, who, False)

    @rule(at=releases, who=people)
    def refuse(self, at: int, who: str) -> None:
        seen = Release.objects.get(pk=self.ids[at]).digest
        self.attempt(who, reviews.refuse, release_id=self.ids[at], seen=seen, reason="No.")

    @rule(at=releases, who=people)
    def recall(self, at: int, who: str) -> None:
        self.attempt(who, reviews.recall, release_id=self.ids[at])

    @rule(at=releases, who=people)
    def schedule(self, at: int, who: str) -> None:
        self.attempt(who, publications.schedule, release_id=self.ids[at])

    @rule(at=releases, who=people)
    def publish(self, at: int, who: str) -> None:
        self.attempt(who, publications.publish, release_id=self.ids[at])

    @rule()
    def work(self) -> None:
        run_jobs("release.publish")

    @rule(at=releases, who=people)
    def withdraw(self, at: int, who: str) -> None:
        self.attempt(who, publications.withdraw, release_id=self.ids[at], reason="A claim.")

    @rule(variant=variants, commit=st.integers(0, 1), outcome=st.sampled_from([Outcome.PASS, Outcome.FAIL]))
    def examine_again(self, variant: int, commit: int, outcome: Outcome) -> None:
        make_evidence(self.commits[variant][commit].checkpoint, outcome, kinds={"smoke"})

    @invariant()
    def what_is_signed_is_what_the_digest_covers(self) -> None:
        for release in Release.objects.filter(pk__in=self.ids).exclude(state=ReleaseState.DRAFT):
            assert release.digest == release_digest(facts_of(release))

    @invariant()
    def two_people_stand_behind_whatever_is_approved(self) -> None:
        for release in Release.objects.filter(pk__in=self.ids, state__in=SIGNED_STATES):
            if release.items.exclude(level=Level.HELD_BACK).exists():
                self._stands(release.digest, release.submitted_by_id)

    @invariant()
    def nothing_is_served_that_two_people_did_not_sign(self) -> None:
        for serving in Serving.objects.filter(variant__in=self.variants):
            release = Release.objects.get(pk__in=self.ids, digest=serving.release_digest)
            self._stands(serving.release_digest, release.submitted_by_id)
            item = release.items.get(variant=serving.variant)
            assert (item.level, item.packaged_id) == (serving.level, serving.checkpoint_id)

    @invariant()
    def what_is_withdrawn_is_not_served(self) -> None:
        for release in Release.objects.filter(pk__in=self.ids, state=ReleaseState.WITHDRAWN):
            assert not Serving.objects.filter(release_digest=release.digest, until=None).exists()
            live = Publication.objects.filter(release=release, state=PublicationState.LIVE)
            assert not live.exists()

    def _stands(self, digest: str, submitted_by: int) -> None:
        signed = Review.objects.filter(digest=digest, decision=Decision.APPROVE).exclude(by=submitted_by)
        assert len({vote.by_id for vote in signed}) >= 2
        assert {Role.SAFETY_REVIEWER, Role.LEGAL_REVIEWER} <= {vote.role for vote in signed}
        assert not Review.objects.filter(digest=digest, decision=Decision.REFUSE).exists()


def test_releases_hold_in_any_order_of_acts() -> None:
    run_state_machine_as_test(
        ReleaseMachine,
        settings=settings(
            max_examples=15,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
