"""The versioned release policy, and waivers from single rules of it."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

APPEND_ONLY = pgtrigger.Update | pgtrigger.Delete


class ReleasePolicy(models.Model):
    """One version of the policy as a document: which evidence and approvals each disclosure level needs.

    The highest version is in force for new releases; a release keeps the version that it was submitted under.
    """

    version = models.PositiveIntegerField(unique=True)
    document = models.JSONField()
    digest = models.CharField(max_length=71)
    note = models.CharField(max_length=300, blank=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-version"]
        verbose_name_plural = "release policies"
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"release policy {self.version}"


class Waiver(models.Model):
    """Leave to do without one named requirement, on one checkpoint digest, until a date, on somebody's authority."""

    requirement = models.CharField(max_length=80)
    digest = models.CharField(max_length=71)
    reason = models.CharField(max_length=500)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="waivers")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["digest", "requirement"], name="waiver_lookup")]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("made_at")), name="waiver_expires_later"),
            models.CheckConstraint(condition=~Q(reason=""), name="waiver_has_reason"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"waiver of {self.requirement}"
