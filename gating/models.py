"""Gates and what passes through them: forms, requests, grants, revocations."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from gating.states import RequestState
from licensing.models import Acceptance, LicenseVersion
from registry.models import Variant

APPEND_ONLY = pgtrigger.Update | pgtrigger.Delete


class GateVersion(models.Model):
    """The access policy of one gated variant as of one moment; the highest number is in force.

    `fields` is a list of `{name, label, type, required, help, options}`; requests keep the version that they answered.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="gate_versions")
    number = models.PositiveIntegerField()
    prompt = models.TextField(blank=True)
    fields = models.JSONField(default=list)
    license_version = models.ForeignKey(LicenseVersion, on_delete=models.PROTECT, null=True, related_name="+")
    is_automatic = models.BooleanField(default=False, help_text="Accept at once, without a reviewer.")
    duration_days = models.PositiveIntegerField(default=180)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["variant", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["variant", "number"], name="gate_version_unique"),
            models.CheckConstraint(condition=Q(duration_days__gte=1, duration_days__lte=3650), name="gate_lasts"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"gate {self.number} of {self.variant}"


class AccessRequest(models.Model):
    """One person's wish to read one gated variant; one row a person and variant, reopened rather than repeated."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="access_requests")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="access_requests")
    gate_version = models.ForeignKey(GateVersion, on_delete=models.PROTECT, related_name="+", null=True)
    answers = models.JSONField(default=dict)
    acceptance = models.ForeignKey(Acceptance, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(
        max_length=10,
        default=RequestState.PENDING.value,
        choices=[(state.value, state.value) for state in RequestState],
    )
    created_at = models.DateTimeField(default=timezone.now)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["variant", "user"],
                condition=~Q(state=RequestState.CANCELLED.value),
                name="one_request_per_person_and_variant",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[RequestState.PENDING.value, RequestState.CANCELLED.value])
                | Q(decided_at__isnull=False),
                name="decided_request_has_time",
            ),
        ]
        indexes = [models.Index(fields=["variant", "state", "-id"], name="request_queue")]

    def __str__(self) -> str:
        return f"{self.user} asks for {self.variant}: {self.state}"


class Grant(models.Model):
    """Leave for one person to read one gated variant until a given moment. Ended early only by a revocation."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="grants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="grants")
    request = models.ForeignKey(AccessRequest, on_delete=models.PROTECT, null=True, related_name="grants")
    granted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    granted_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "variant", "-expires_at"], name="grant_lookup")]
        constraints = [
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("granted_at")), name="grant_expires_later")
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.user} may read {self.variant} until {self.expires_at:%Y-%m-%d}"


class Revocation(models.Model):
    """The early end of a grant, by decision."""

    grant = models.OneToOneField(Grant, on_delete=models.PROTECT, related_name="revocation")
    revoked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    revoked_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=500, blank=True)

    class Meta:
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"revocation of grant {self.grant_id}"
