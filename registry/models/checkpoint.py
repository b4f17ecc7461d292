"""Content and the names for it: blobs, checkpoints, commits, refs."""

from __future__ import annotations

import pgtrigger
from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models.variant import Organization, Variant
from registry.states import RefKind

SHA256 = RegexValidator(r"\A[0-9a-f]{64}\Z")


class Blob(models.Model):
    """File content, stored once under its SHA-256; the row is written after the bytes were hashed on arrival."""

    sha256 = models.CharField(max_length=64, primary_key=True, validators=[SHA256])
    size_bytes = models.BigIntegerField()
    git_sha1 = models.CharField(max_length=40, blank=True, help_text="Git's object id, for small content.")
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(
        default=timezone.now, help_text="When somebody last sent it, or was told that it need not be sent."
    )
    damaged_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When its stored bytes were found missing or changed; sending it again mends it.",
    )

    def __str__(self) -> str:
        return f"sha256:{self.sha256[:12]}"


class BlobHolding(models.Model):
    """That an organization has shown it has this content: only then may its commits refer to it by hash."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT)
    since = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "blob"], name="holding_unique")]

    def __str__(self) -> str:
        return f"{self.organization} holds {self.blob}"


class Checkpoint(models.Model):
    """An immutable set of files. Its identity is the manifest digest; evidence and approvals hang on it alone."""

    digest = models.CharField(max_length=71, unique=True, help_text="sha256:<hex> of the manifest")
    size_bytes = models.BigIntegerField()
    file_count = models.PositiveIntegerField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return self.short_digest

    @property
    def short_digest(self) -> str:
        """The first twelve hexadecimal digits of the digest."""
        return self.digest.removeprefix("sha256:")[:12]


class CheckpointFile(models.Model):
    """One path of a checkpoint. `is_large` says whether the Hub client moves it as a large file."""

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="files")
    path = models.CharField(max_length=1024)
    blob = models.ForeignKey(Blob, on_delete=models.PROTECT, related_name="+")
    is_large = models.BooleanField(default=False)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["checkpoint", "path"], name="checkpoint_path_unique")]
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return self.path

    @property
    def size_bytes(self) -> int:
        """Bytes of its content; the blob is to be fetched with it."""
        return self.blob.size_bytes


class Commit(models.Model):
    """One step of a variant's history; points at a checkpoint.

    Commits on the `released` line were made by a release of what it packaged, the others by uploads and imports.
    """

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="commits")
    oid = models.CharField(max_length=40)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="+")
    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="commits")
    title = models.CharField(max_length=500)
    message = models.TextField(blank=True)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    is_released = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["variant", "oid"], name="commit_oid_unique")]
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return self.oid[:8]


class Ref(models.Model):
    """A branch or tag of a variant."""

    variant = models.ForeignKey(Variant, on_delete=models.PROTECT, related_name="refs")
    kind = models.CharField(max_length=6, choices=[(kind.value, kind.value) for kind in RefKind])
    name = models.CharField(max_length=200)
    commit = models.ForeignKey(Commit, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["variant", "kind", "name"], name="ref_unique"),
            models.CheckConstraint(condition=~Q(name=""), name="ref_named"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
