"""What a model is measured on, as a person declared it."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.variant import Variant


class DeclaredProbe(models.Model):
    """A text held out of a variant's training, and the loss that was measured on it at export.

    Written by `services.probes` alone; one that another replaces stays, since reports name it by its text's hash.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="probes")
    text = models.TextField()
    text_sha256 = models.CharField(max_length=64)
    bits_per_byte = models.FloatField(null=True, help_text="Measured at export, with the same window.")
    token_losses = models.JSONField(
        null=True, help_text="The loss of each token, as `smoke.by_token.TokenLosses` writes it."
    )
    window = models.PositiveIntegerField(help_text="Tokens read at once.")
    declared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(default=timezone.now)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["variant"], condition=Q(superseded_at=None), name="one_probe_in_force"),
            models.CheckConstraint(
                condition=Q(bits_per_byte=None) | Q(bits_per_byte__gt=0), name="probe_loss_is_positive"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="kept", operation=pgtrigger.Delete),
            pgtrigger.ReadOnly(
                name="unchanged",
                fields=[
                    "variant",
                    "text",
                    "text_sha256",
                    "bits_per_byte",
                    "token_losses",
                    "window",
                    "declared_by",
                    "declared_at",
                ],
            ),
        ]

    def __str__(self) -> str:
        return f"probe of {self.variant}, sha256:{self.text_sha256[:12]}"
