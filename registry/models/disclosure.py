"""What is disclosed, as a fact that only `release` writes and everybody else reads."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.checkpoint import Checkpoint, Commit
from registry.models.variant import Variant
from registry.states import Component, Level, ReasonCode


class Disclosure(models.Model):
    """The decision for one component of one variant, in force until another supersedes it."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="disclosures")
    component = models.CharField(max_length=20, choices=[(c.value, c.value) for c in Component])
    level = models.CharField(max_length=10, choices=[(level.value, level.value) for level in Level])
    reason_code = models.CharField(max_length=10, blank=True, choices=[(r.value, r.value) for r in ReasonCode])
    note = models.CharField(max_length=500, blank=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    review_on = models.DateField(null=True)
    decided_at = models.DateTimeField(default=timezone.now)
    release_digest = models.CharField(max_length=71, blank=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "component"],
                condition=Q(superseded_at__isnull=True),
                name="disclosure_one_in_force",
            ),
            models.CheckConstraint(
                condition=~Q(level=Level.HELD_BACK.value) | (Q(review_on__isnull=False) & ~Q(reason_code="")),
                name="held_back_has_reason_and_review",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.component} of {self.variant}: {self.level}"


class Serving(models.Model):
    """That this instance serves a checkpoint of an approved release to a public or gated audience, from when to when.

    Rows stay after their end: they answer what was public on a given day.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="servings")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="servings")
    commit = models.ForeignKey(Commit, on_delete=models.PROTECT, related_name="servings")
    level = models.CharField(max_length=10, choices=[(Level.PUBLIC.value, "public"), (Level.GATED.value, "gated")])
    release_digest = models.CharField(max_length=71)
    since = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["variant"], condition=Q(until__isnull=True), name="serving_one_at_a_time"),
        ]

    def __str__(self) -> str:
        return f"{self.variant} {self.level} since {self.since:%Y-%m-%d}"
