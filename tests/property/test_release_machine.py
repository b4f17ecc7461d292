"""Releases under any order of acts by anybody: nothing is published without two people, the submitter never
approves, and a changed digest voids what was signed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from accounts.roles import Role
from registry.models import Serving
from registry.services.variants import add_member
from registry.states import Level, Outcome
from release.digest import release_digest
from release.models import Publication, Release, Review
from release.requirements import requirements
from release.selectors import facts_of
from release.services import drafts, publications, reviews
from release.states import Decision, PublicationState, ReleaseState
from rules import Refused
from tests.factories import (
    make_commit,
    make_evidence,
    make_gate,
    make_lab,
    make_license,
    make_member,
    make_variant,
    run_jobs,
)

pytestmark = pytest.mark.django_db

PEOPLE = ("manager", "safety", "legal", "guard", "counsel", "security", "auditor", "pipeline")
SIGNERS = PEOPLE[:5]
SIGNED_STATES = (ReleaseState.APPROVED, ReleaseState.SCHEDULED, ReleaseState.PUBLISHING, ReleaseState.LIVE)
STALE = f"sha256:{'0' * 64}"
people, releases, variants = st.sampled_from(PEOPLE), st.integers(0, 1), st.integers(0, 1)


TRYING = {
    "submit": reviews.submit,
    "approve": reviews.approve,
    "refuse": reviews.refuse,
    "recall": reviews.recall,
    "schedule": publications.schedule,
    "publish": publications.publish,
    "withdraw": publications.withdraw,
}
GIVEN = {"refuse": lambda seen: {"seen": seen, "reason": "No."}, "withdraw": lambda seen: {"reason": "A claim."}}
REACHED: Counter[str] = Counter()


def make_scene() -> dict[str, object]:
    """People, two variants with two examined checkpoints each, and two empty drafts."""
    lab = make_lab()
    users = {name: getattr(lab, name) for name in PEOPLE if hasattr(lab, name)}
    users["guard"] = make_member(lab.organization, Role.SAFETY_REVIEWER)
    users["counsel"] = make_member(lab.organization, Role.LEGAL_REVIEWER)
    for role in (Role.RELEASE_MANAGER, Role.SAFETY_REVIEWER):
        for name in ("safety", "legal"):
            add_member(organization=lab.organization, user=users[name], role=role, by=None)
    variants = [make_variant(lab.organization) for _ in range(2)]
    commits = []
    for variant in variants:
        make_gate(variant, lab.manager)
        commits.append([make_commit(variant), make_commit(variant)])
        for commit in commits[-1]:
            make_evidence(commit.checkpoint)
    actor = lab.actor(lab.manager)
    drafted = [
        drafts.create_draft(organization=lab.organization, title=title, by=lab.manager, actor=actor)
        for title in ("One", "Two")
    ]
    return {
        "lab": lab,
        "users": users,
        "license": make_license(),
        "variants": variants,
        "commits": commits,
        "ids": [release.pk for release in drafted],
    }


class ReleaseMachine(RuleBasedStateMachine):
    """Two releases over two variants; `safety` and `legal` are release managers as well, and `legal` may sign for
    safety; `guard` and `counsel` only sign."""

    scene: dict[str, object]

    @initialize()
    def begin(self) -> None:
        """Start where every order of acts starts; what one did is undone before the next."""
        self.before = transaction.savepoint()
        vars(self).update(self.scene)
        self.put(0, "manager", 0, 0, Level.PUBLIC)
        self.put(1, "manager", 1, 0, Level.GATED)

    def teardown(self) -> None:
        transaction.savepoint_rollback(self.before)

    def attempt(self, who: str, act: Callable[..., object], **given: object) -> bool:
        """Do it as somebody; a refusal is an answer, anything else raised is a fault."""
        user = self.users[who]
        try:
            act(by=user, actor=self.lab.actor(user), **given)
        except Refused:
            return False
        return True

    def put(self, at: int, who: str, variant: int, commit: int, level: Level) -> None:
        """Say how a variant stands in a release."""
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

    def states(self) -> set[str]:
        """The states that releases are in now."""
        return set(Release.objects.filter(pk__in=self.ids).values_list("state", flat=True))

    def seen(self, at: int) -> str:
        """The digest that is shown now."""
        return Release.objects.get(pk=self.ids[at]).digest

    def approve(self, at: int, who: str, seen: str) -> None:
        """Sign what was seen."""
        before = Release.objects.get(pk=self.ids[at])
        if self.attempt(who, reviews.approve, release_id=before.pk, seen=seen):
            assert seen == before.digest
            assert before.submitted_by_id != self.users[who].pk

    @precondition(lambda self: ReleaseState.DRAFT in self.states())
    @rule(
        at=releases,
        variant=variants,
        commit=st.integers(0, 1),
        level=st.sampled_from(Level),
        hours=st.sampled_from([None, None, 3]),
    )
    def change(self, at: int, variant: int, commit: int, level: Level, hours: int | None) -> None:
        self.put(at, "manager", variant, commit, level)
        hour = timezone.now() + timedelta(hours=hours) if hours else None
        self.attempt("manager", drafts.describe, release_id=self.ids[at], title="T", summary="", scheduled_for=hour)

    @precondition(lambda self: ReleaseState.DRAFT in self.states())
    @rule(at=releases, who=st.sampled_from(("manager", "safety", "legal")))
    def submit(self, at: int, who: str) -> None:
        self.attempt(who, reviews.submit, release_id=self.ids[at])

    @precondition(lambda self: ReleaseState.IN_REVIEW in self.states())
    @rule(at=releases, who=st.sampled_from(("safety", "legal", "security")))
    def sign(self, at: int, who: str) -> None:
        self.approve(at, who, self.seen(at))

    @precondition(lambda self: ReleaseState.IN_REVIEW in self.states())
    @rule(at=releases)
    def all_sign(self, at: int) -> None:
        """All who ever may try in turn, until nothing is left to sign."""
        for who in SIGNERS:
            release = Release.objects.get(pk=self.ids[at])
            if release.state == ReleaseState.IN_REVIEW:
                self.approve(at, who, release.digest)

    @rule(at=releases, who=st.sampled_from(("manager", "safety", "legal")), stage=st.integers(2, 4))
    def go_far(self, at: int, who: str, stage: int) -> None:
        """The usual way, as far as a stage; random acts alone hardly ever get so far."""
        self.attempt(who, reviews.submit, release_id=self.ids[at])
        for step in (self.all_sign, self.publish, lambda at: self.work())[: stage - 1]:
            step(at)

    @precondition(lambda self: self.states() & {ReleaseState.IN_REVIEW, ReleaseState.APPROVED})
    @rule(at=releases, who=st.sampled_from(("safety", "legal")))
    def sign_recall_and_submit_again(self, at: int, who: str) -> None:
        self.approve(at, who, self.seen(at))
        self.attempt("manager", reviews.recall, release_id=self.ids[at])
        self.attempt(who, reviews.submit, release_id=self.ids[at])

    @precondition(lambda self: self.states() & {ReleaseState.APPROVED, ReleaseState.SCHEDULED})
    @rule(at=releases)
    def publish(self, at: int) -> None:
        asked = requirements(facts_of(Release.objects.select_related("organization", "policy").get(pk=self.ids[at])))
        if self.attempt("manager", publications.publish, release_id=self.ids[at]):
            assert all(one.standing.is_settled for one in asked)

    @rule(at=releases)
    def go_and_schedule(self, at: int) -> None:
        """The usual way to a release that waits for its hour."""
        hour = timezone.now() + timedelta(hours=3)
        self.attempt("manager", drafts.describe, release_id=self.ids[at], title="T", summary="", scheduled_for=hour)
        self.attempt("manager", reviews.submit, release_id=self.ids[at])
        self.all_sign(at)
        self.attempt("manager", publications.schedule, release_id=self.ids[at])

    @precondition(lambda self: ReleaseState.PUBLISHING in self.states())
    @rule()
    def work(self) -> None:
        run_jobs("release.publish")

    @precondition(lambda self: ReleaseState.IN_REVIEW in self.states())
    @rule(at=releases, who=st.sampled_from(("guard", "counsel")))
    def refuse(self, at: int, who: str) -> None:
        self.attempt(who, reviews.refuse, release_id=self.ids[at], seen=self.seen(at), reason="No.")

    @precondition(lambda self: self.states() & {ReleaseState.REFUSED, ReleaseState.IN_REVIEW})
    @rule(at=releases)
    def recall(self, at: int) -> None:
        self.attempt("manager", reviews.recall, release_id=self.ids[at])

    @precondition(lambda self: self.states() & {ReleaseState.PUBLISHING, ReleaseState.LIVE})
    @rule(at=releases)
    def withdraw(self, at: int) -> None:
        self.attempt("manager", publications.withdraw, release_id=self.ids[at], reason="A claim.")

    @rule(at=releases, who=people, verb=st.sampled_from(list(TRYING)), is_stale=st.booleans())
    def anybody_tries(self, at: int, who: str, verb: str, is_stale: bool) -> None:
        seen = STALE if is_stale else self.seen(at)
        if verb == "approve":
            self.approve(at, who, seen)
        else:
            self.attempt(who, TRYING[verb], release_id=self.ids[at], **GIVEN.get(verb, lambda seen: {})(seen))

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

    @invariant()
    def what_was_reached_is_noted(self) -> None:
        REACHED.update(self.states())

    def _stands(self, digest: str, submitted_by: int) -> None:
        signed = Review.objects.filter(digest=digest, decision=Decision.APPROVE).exclude(by=submitted_by)
        assert len({vote.by_id for vote in signed}) >= 2
        assert {Role.SAFETY_REVIEWER, Role.LEGAL_REVIEWER} <= {vote.role for vote in signed}
        assert not Review.objects.filter(digest=digest, decision=Decision.REFUSE).exists()


def test_releases_hold_in_any_order_of_acts() -> None:
    REACHED.clear()
    ReleaseMachine.scene = make_scene()
    run_state_machine_as_test(
        ReleaseMachine,
        settings=settings(
            max_examples=10,
            stateful_step_count=30,
            deadline=None,
            derandomize=True,  # so that what is reached, which is asked below, does not depend on luck
            suppress_health_check=list(HealthCheck),
        ),
    )
    # A machine that never comes far holds no invariant worth holding.
    assert all(REACHED[state] for state in (*SIGNED_STATES, ReleaseState.WITHDRAWN, ReleaseState.REFUSED)), REACHED
