"""Gates and what passes through them: forms, requests, grants, revocations."""

from __future__ import annotations

from datetime import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from gating.states import RequestState
from licensing.models import Acceptance, LicenseVersion
from registry.models import Organization, Variant
from rules import Transition

APPEND_ONLY = pgtrigger.Update | pgtrigger.Delete


class GateVersion(models.Model):
    """The access policy of one variant, as a document that is never changed, only succeeded.

    Under direct control the highest number is in force at once; in a governed organization the one that a release
    last put in force (`GateActivation`), since requesters must meet the gate that reviewers signed.
    `fields` is a list of `{name, label, type, required, help, options}`; requests keep the version that they answered.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="gate_versions")
    number = models.PositiveIntegerField()
    prompt = models.TextField(blank=True)
    fields = models.JSONField(default=list)
    license_version = models.ForeignKey(LicenseVersion, on_delete=models.PROTECT, null=True, related_name="+")
    is_automatic = models.BooleanField(default=False, help_text="Accept at once, without a reviewer.")
    duration_days = models.PositiveIntegerField(default=180)
    grace_days = models.PositiveIntegerField(
        default=30, help_text="How long grants go on when the license text changes and is not accepted anew."
    )
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["variant", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["variant", "number"], name="gate_version_unique"),
            models.CheckConstraint(condition=Q(duration_days__gte=1, duration_days__lte=3650), name="gate_lasts"),
            models.CheckConstraint(condition=Q(grace_days__lte=365), name="gate_grace_ends"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"gate {self.number} of {self.variant}"


class GateActivation(models.Model):
    """That a version of a governed variant's gate came into force, and by which release; the newest row counts."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="gate_activations")
    gate_version = models.ForeignKey(GateVersion, on_delete=models.PROTECT, related_name="activations")
    release_digest = models.CharField(max_length=71, blank=True)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["variant", "-id"], name="gate_activation_newest")]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.gate_version} in force"


class TextDemand(models.Model):
    """That a variant's gate in force demands a license text from a moment on; empty where it demands none.

    A row is written when the demanded text changes, and only then, so that a new question never starts the clock anew.
    The newest row counts: grants of people who have not accepted its text open nothing from `due_at` on.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="text_demands")
    gate_version = models.ForeignKey(GateVersion, on_delete=models.PROTECT, related_name="text_demands")
    text_sha256 = models.CharField(max_length=64, blank=True)
    since = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["variant", "-id"], name="text_demand_newest")]
        constraints = [models.CheckConstraint(condition=Q(due_at__gte=models.F("since")), name="text_demand_is_due")]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"{self.variant} demands {self.text_sha256[:12] or 'no text'} from {self.due_at:%Y-%m-%d}"


class AccessRequest(models.Model):
    """One person's wish to read one gated variant; one row a person and variant, reopened rather than repeated.

    `asked_at` is when the form was last sent, for the first time or for renewal; only `move` assigns `state`.
    """

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="access_requests")
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
    asked_at = models.DateTimeField(default=timezone.now)
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
        indexes = [
            models.Index(fields=["variant", "state", "-id"], name="request_of_variant"),
            models.Index(fields=["organization", "state", "-id"], name="request_queue"),
            models.Index(fields=["organization", "-decided_at"], name="request_decided"),
        ]

    def __str__(self) -> str:
        return f"{self.user} asks for {self.variant}: {self.state}"

    def move(self, transition: Transition, *, at: datetime, by: object | None = None, reason: str = "") -> None:
        """Assign the state that a transition leads to, and who decided; the caller holds the row's lock and saves."""
        if not transition.starts_at(RequestState(self.state)):
            raise ValueError(f"{transition.name} does not start at {self.state}")
        self.state = transition.target.value
        is_open = transition.target in {RequestState.PENDING, RequestState.CANCELLED}
        self.decided_at, self.decided_by, self.reason = (None, None, "") if is_open else (at, by, reason)


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
    reason = models.CharField(max_length=500)

    class Meta:
        constraints = [models.CheckConstraint(condition=~Q(reason=""), name="revocation_has_reason")]
        triggers = [pgtrigger.Protect(name="append_only", operation=APPEND_ONLY)]

    def __str__(self) -> str:
        return f"revocation of grant {self.grant_id}"
