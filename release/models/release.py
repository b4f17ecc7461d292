"""A release: the unit of decision, and the votes on it."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from gating.models import GateVersion
from licensing.models import LicenseVersion
from registry.models import Checkpoint, Organization, Variant
from registry.states import Level
from release.models.policy import ReleasePolicy
from release.states import Decision, ReleaseState, Transition


class Release(models.Model):
    """Checkpoints × disclosure × license version × targets × schedule.

    `digest` covers all of these; it is computed again whenever one of them changes, so that votes on an older one no
    longer count. Only `move` assigns `state`.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="releases")
    title = models.CharField(max_length=150)
    summary = models.TextField(blank=True)
    state = models.CharField(
        max_length=12,
        default=ReleaseState.DRAFT.value,
        choices=[(state.value, state.value) for state in ReleaseState],
    )
    policy = models.ForeignKey(ReleasePolicy, on_delete=models.PROTECT, related_name="releases")
    targets = models.ManyToManyField("release.Target", related_name="releases")
    digest = models.CharField(max_length=71, blank=True)
    scheduled_for = models.DateTimeField(null=True, blank=True)
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField(default=timezone.now)
    submitted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(null=True)
    live_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "state", "-id"], name="release_board")]
        constraints = [
            models.CheckConstraint(
                condition=Q(submitted_by__isnull=True, submitted_at__isnull=True)
                | Q(submitted_by__isnull=False, submitted_at__isnull=False),
                name="submission_has_person_and_time",
            ),
            models.CheckConstraint(
                condition=~Q(state=ReleaseState.SCHEDULED.value) | Q(scheduled_for__isnull=False),
                name="scheduled_has_time",
            ),
            models.CheckConstraint(
                condition=Q(state=ReleaseState.DRAFT.value) | ~Q(digest=""), name="submitted_has_digest"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    def move(self, transition: Transition, *, at: object) -> None:
        """Assign the state that a transition leads to; the caller holds the row's lock and has asked for a verdict."""
        if not transition.starts_at(ReleaseState(self.state)):
            raise ValueError(f"{transition.name} does not start at {self.state}")
        self.state = transition.target
        self.updated_at = at


class ReleaseItem(models.Model):
    """One variant in a release: which checkpoint, at which level, under which license and gate.

    `packaged` is the checkpoint that leaves: the same weights with card and license files as the release demands;
    made at submission, so that reviewers sign the very bytes.
    """

    release = models.ForeignKey(Release, on_delete=models.CASCADE, related_name="items")
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="release_items")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+")
    packaged = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, null=True, related_name="+")
    level = models.CharField(max_length=10, choices=[(level.value, level.value) for level in Level])
    license_version = models.ForeignKey(LicenseVersion, on_delete=models.PROTECT, null=True, related_name="+")
    gate_version = models.ForeignKey(GateVersion, on_delete=models.PROTECT, null=True, related_name="+")
    disclosures = models.JSONField(
        default=list,
        help_text="One {component, level, reason_code, note, owner, review_on} for each component.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["release", "variant"], name="item_once_per_release")]

    def __str__(self) -> str:
        return f"{self.variant} in {self.release}"


class Review(models.Model):
    """One vote: a person, in a role, on exactly one release digest. Never changed; a new digest needs new votes."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="reviews")
    digest = models.CharField(max_length=71)
    role = models.CharField(max_length=30)
    decision = models.CharField(max_length=8, choices=[(decision.value, decision.value) for decision in Decision])
    reason = models.CharField(max_length=1000, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="reviews")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["release", "digest", "by"], name="one_vote_per_person"),
            models.UniqueConstraint(fields=["release", "digest", "role"], name="one_vote_per_role"),
            models.CheckConstraint(
                condition=Q(decision=Decision.APPROVE.value) | ~Q(reason=""), name="refusal_has_reason"
            ),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.role} {self.decision}"
