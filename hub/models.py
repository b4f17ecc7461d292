"""What the protocol's own doors record. Repositories, commits and refs are facts of `registry`."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from gating.models import Grant
from registry.models import Commit, Variant


class Download(models.Model):
    """That somebody began to read a file: the ledger from which a recall notice and the counters are made."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    commit = models.ForeignKey(Commit, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=1024)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, related_name="+")
    size_bytes = models.BigIntegerField(help_text="Bytes of the part that was asked for.")
    request_id = models.CharField(max_length=128, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["variant", "-id"], name="download_variant")]

    def __str__(self) -> str:
        return f"{self.variant} {self.path}"
