"""What was found out about a checkpoint."""

from __future__ import annotations

import uuid

import pgtrigger
from django.db import models
from django.utils import timezone

from registry.models.checkpoint import Blob, Checkpoint
from registry.states import EvidenceKind, Outcome


class Evidence(models.Model):
    """One result, bound to a checkpoint's digest, a tool's version and a rule set's version.

    Written by the job that made it; never changed: a later result is a later row, and the latest of a kind counts.
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="evidence")
    kind = models.CharField(max_length=20, choices=[(kind.value, kind.value) for kind in EvidenceKind])
    outcome = models.CharField(max_length=8, choices=[(outcome.value, outcome.value) for outcome in Outcome])
    summary = models.CharField(max_length=500)
    tool = models.CharField(max_length=40)
    tool_version = models.CharField(max_length=40)
    rules_version = models.CharField(max_length=40, blank=True)
    report = models.JSONField(default=dict)
    job_id = models.UUIDField(default=uuid.uuid4)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["checkpoint", "kind", "-id"], name="evidence_latest")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.kind}: {self.outcome}"


class FileInspection(models.Model):
    """What validation found in one file, kept so that a killed worker's successor need not read it again."""

    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="inspections")
    path = models.CharField(max_length=1024)
    rules_version = models.CharField(max_length=40)
    report = models.JSONField()
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["blob", "path", "rules_version"], name="inspection_unique")]

    def __str__(self) -> str:
        return f"inspection of {self.path}"
