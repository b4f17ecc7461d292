"""What was found out about a checkpoint."""

from __future__ import annotations

import uuid

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from registry.models.checkpoint import Blob, Checkpoint
from registry.states import EvidenceKind, Outcome


class Evidence(models.Model):
    """One result, bound to a checkpoint's digest, a tool's version and a rule set's version.

    Written by the job that made it; never changed: a later result is a later row, and the latest of a kind counts;
    an attempt that was not run counts where there is no result.
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
    """What validation found in one file, kept so that the same content need not be read again under the same rules.

    Written by the job that read it. One that limits ended is no last word: the next validation tries it again.
    """

    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="inspections")
    path = models.CharField(max_length=1024)
    rules_version = models.CharField(max_length=40)
    report = models.JSONField()
    made_at = models.DateTimeField(default=timezone.now)
    is_complete = models.BooleanField(default=True, help_text="Whether the file was read to its end.")
    tensor_count = models.PositiveIntegerField(null=True, help_text="None where its tensors are not rows yet.")
    overview = models.JSONField(default=list, help_text="Its tensors added up by module, four levels deep, and type.")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["blob", "path", "rules_version"], name="inspection_unique")]

    def __str__(self) -> str:
        return f"inspection of {self.path}"


class Tensor(models.Model):
    """One tensor of an inspected file, for searching and sorting; a copy of what the report says, without fingerprints.

    Written with its inspection and gone with it. `zeros` counts what the format stores singly: elements, or blocks of
    a quantized type; `zero_share` is its share of those.
    """

    inspection = models.ForeignKey(FileInspection, on_delete=models.CASCADE, related_name="tensors", db_index=False)
    position = models.PositiveIntegerField()
    name = models.TextField(db_collation="C")
    sort_key = models.TextField(
        db_collation="C", help_text="The name with its numbers filled up, so that 2 is before 10."
    )
    dtype = models.CharField(max_length=40)
    shape = ArrayField(models.BigIntegerField())
    elements = models.BigIntegerField()
    size_bytes = models.BigIntegerField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    mean = models.FloatField(null=True)
    rms = models.FloatField(null=True)
    zeros = models.BigIntegerField()
    zero_share = models.FloatField()
    nans = models.BigIntegerField()
    infinities = models.BigIntegerField()

    class Meta:
        ordering = ["sort_key", "id"]
        indexes = [models.Index(fields=["inspection", "sort_key"], name="tensor_by_name")]

    def __str__(self) -> str:
        return self.name
