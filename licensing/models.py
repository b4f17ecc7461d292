"""Licenses, their versions with exact text, and who accepted which text. Identity of a text is its SHA-256."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from registry.models import Organization, Variant

KEY = RegexValidator(
    r"\A[a-z0-9](?:[a-z0-9.+-]{0,78}[a-z0-9+])?\Z", "Use lower-case letters, digits, “.”, “+” and “-”."
)


class License(models.Model):
    """A license by name, from the catalog or added by the lab. What it demands stands in its versions."""

    key = models.CharField(max_length=80, unique=True, validators=[KEY])
    name = models.CharField(max_length=200)
    spdx_id = models.CharField(max_length=100, blank=True, help_text="SPDX identifier or LicenseRef-…")
    hub_license = models.CharField(max_length=60, help_text="Value of `license` in a model card.")
    hub_license_name = models.CharField(max_length=100, blank=True, help_text="`license_name` where it is `other`.")
    licensor = models.CharField(max_length=200, blank=True)
    aliases = models.JSONField(default=list, help_text="Models and spellings that point here: a help to find it.")
    kind = models.CharField(max_length=40)
    is_custom = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["key"]
        indexes = [models.Index(fields=["hub_license", "hub_license_name"], name="license_in_cards")]

    def __str__(self) -> str:
        return self.name


class LicenseVersion(models.Model):
    """One version of a license: terms as data, and the text where it may be held. Never changed, only succeeded."""

    license = models.ForeignKey(License, on_delete=models.PROTECT, related_name="versions")
    version = models.CharField(max_length=60)
    text = models.TextField(blank=True)
    text_sha256 = models.CharField(max_length=64, blank=True)
    likeness_sha256 = models.CharField(
        max_length=64, blank=True, help_text="Of the text without case, punctuation, title and copyright lines."
    )
    terms = models.JSONField(default=dict)
    sources = models.JSONField(default=list)
    certainty = models.CharField(max_length=20, help_text="How the terms are known: full_text, excerpt, secondary, …")
    unverified = models.JSONField(default=list, help_text="Terms that are doubtful.")
    terms_sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        ordering = ["license__name", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["license", "version", "text_sha256", "terms_sha256"], name="license_version_unique"
            ),
        ]
        indexes = [
            models.Index(fields=["text_sha256"], name="license_text"),
            models.Index(fields=["likeness_sha256"], name="license_likeness"),
        ]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.license.name} {self.version}" if self.version not in self.license.name else self.license.name

    @property
    def has_text(self) -> bool:
        """Whether the text is held here, so that somebody can accept it."""
        return bool(self.text_sha256)


class Offer(models.Model):
    """That a variant is offered to people outside under a license version, from a moment on; the newest row counts."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="offers")
    license_version = models.ForeignKey(LicenseVersion, on_delete=models.PROTECT, related_name="offers")
    release_digest = models.CharField(max_length=71, blank=True)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["variant", "-id"], name="offer_newest")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.variant} under {self.license_version}"


class Acceptance(models.Model):
    """That a person accepted exactly this text for this variant, when and from where. Never deleted.

    `user_name`, `affiliation` and `from_address` are as they were then; of the browser only a digest is kept. When the
    person is erased, these become a pseudonym and nothing, which is the single change that the database allows.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="acceptances")
    user_name = models.CharField(max_length=150)
    affiliation = models.CharField(max_length=150, blank=True)
    license_version = models.ForeignKey(LicenseVersion, on_delete=models.PROTECT, related_name="acceptances")
    text_sha256 = models.CharField(max_length=64)
    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="acceptances")
    form_version = models.PositiveIntegerField()
    from_address = models.GenericIPAddressField(null=True)
    agent_sha256 = models.CharField(max_length=64, blank=True, default="", help_text="Of the User-Agent header.")
    accepted_at = models.DateTimeField(default=timezone.now)
    erased_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~models.Q(text_sha256=""), name="acceptance_names_a_text")]
        indexes = [
            models.Index(fields=["variant", "user", "text_sha256"], name="acceptance_of_person"),
            models.Index(fields=["license_version", "-id"], name="acceptance_of_license"),
        ]
        triggers = [
            pgtrigger.Protect(name="keep", operation=pgtrigger.Delete),
            # The single change an acceptance sees is that its person is erased; which text was accepted, stays.
            pgtrigger.Trigger(
                name="only_erased",
                operation=pgtrigger.Update,
                when=pgtrigger.Before,
                func="""
                    IF OLD.erased_at IS NULL AND NEW.erased_at IS NOT NULL
                       AND NEW.user_name LIKE 'erased-%' AND NEW.affiliation = ''
                       AND NEW.from_address IS NULL AND NEW.agent_sha256 = ''
                       AND (to_jsonb(OLD) - 'user_name' - 'affiliation' - 'from_address' - 'agent_sha256' - 'erased_at')
                         = (to_jsonb(NEW) - 'user_name' - 'affiliation' - 'from_address' - 'agent_sha256' - 'erased_at')
                    THEN RETURN NEW;
                    END IF;
                    RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_name} accepted {self.license_version}"


class OpennessStatement(models.Model):
    """What an owner states of a variant's openness that no file tells; the newest row counts. Never changed."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="openness_statements")
    said = models.JSONField(default=dict, help_text="As `licensing.openness.statements` reads it.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=150)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["variant", "-id"], name="statement_newest")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.by_name} on {self.variant}"


class UpstreamLicense(models.Model):
    """Under which license a model elsewhere is, as a legal reviewer established it; the newest row of a repository
    counts. Never changed."""

    repo_id = models.CharField(max_length=193, help_text="In lower case, as names on the Hub are compared.")
    license_version = models.ForeignKey(LicenseVersion, on_delete=models.PROTECT, related_name="upstream_models")
    modality = models.CharField(max_length=20, blank=True, help_text="text, multimodal, image, …; empty is unknown.")
    source = models.CharField(max_length=300, help_text="Where that was seen: file and revision.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=150)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["repo_id", "-id"], name="upstream_newest")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.repo_id} under {self.license_version}"


class LicenseeStatement(models.Model):
    """What is true of an organization where licenses ask for it: kind, seat, users by month, revenue; the newest row
    counts. Never changed."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="licensee_statements")
    said = models.JSONField(default=dict, help_text="The keys of `actor` in a license case.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=150)
    made_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["organization", "-id"], name="licensee_newest")]
        triggers = [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"{self.by_name} on {self.organization}"
