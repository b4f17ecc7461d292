"""What the protocol's own doors record. Repositories, commits and refs are facts of `registry`."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from gating.models import Grant
from registry.models import Commit, Organization, Variant


class Download(models.Model):
    """That somebody began to read a file: the ledger from which a recall notice and the counters are made.

    Written when the bytes begin to flow, so that a transfer that breaks is there as well.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    commit = models.ForeignKey(Commit, on_delete=models.PROTECT, related_name="+")
    path = models.CharField(max_length=1024)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, related_name="+")
    first_byte = models.BigIntegerField(default=0)
    size_bytes = models.BigIntegerField(help_text="Bytes of the part that was asked for.")
    request_id = models.CharField(max_length=128, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["variant", "-id"], name="download_variant"),
            models.Index(fields=["user", "-id"], name="download_user"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.variant} {self.path}"


class FormerName(models.Model):
    """A name that a repository had before it was renamed; requests for it are sent on, until the name is used anew."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=96)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint("organization", Lower("name"), name="former_name_unique")]

    def __str__(self) -> str:
        return f"{self.organization}/{self.name}"
