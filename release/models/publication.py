"""Targets, and what became of a release on each."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils import timezone

from registry.models import Organization
from release.models.release import Release, ReleaseItem
from release.states import PublicationState, TargetKind


class Target(models.Model):
    """Where releases of an organization can go. The token that publishes there comes from the environment
    (`TARGET_TOKEN_<NAME>`), never from this table."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="targets")
    name = models.SlugField(max_length=60)
    title = models.CharField(max_length=100)
    kind = models.CharField(max_length=4, choices=[(kind.value, kind.value) for kind in TargetKind])
    endpoint = models.URLField(blank=True)
    namespace = models.CharField(max_length=96, blank=True)
    is_active = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, help_text="Chosen for new drafts.")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="target_name_unique"),
            models.CheckConstraint(
                condition=Q(kind=TargetKind.HERE.value) | (~Q(endpoint="") & ~Q(namespace="")),
                name="hub_target_has_address",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Publication(models.Model):
    """One item of a release on one target. Each file has a row of its own, so that a successor resumes by digest."""

    release = models.ForeignKey(Release, on_delete=models.PROTECT, related_name="publications")
    item = models.ForeignKey(ReleaseItem, on_delete=models.PROTECT, related_name="publications")
    target = models.ForeignKey(Target, on_delete=models.PROTECT, related_name="publications")
    repo_id = models.CharField(max_length=193)
    state = models.CharField(
        max_length=10,
        default=PublicationState.PENDING.value,
        choices=[(state.value, state.value) for state in PublicationState],
    )
    remote_commit = models.CharField(max_length=40, blank=True)
    url = models.CharField(max_length=500, blank=True)
    message = models.CharField(max_length=1000, blank=True, help_text="What it waits for or why it failed.")
    tries = models.PositiveIntegerField(default=0)
    next_try_at = models.DateTimeField(null=True)
    staged_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    live_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["item", "target"], name="publication_once_per_target")]

    def __str__(self) -> str:
        return f"{self.repo_id} on {self.target}: {self.state}"


class PublicationFile(models.Model):
    """One file on its way to a target: the journal that makes a resumed publication repeat nothing."""

    publication = models.ForeignKey(Publication, on_delete=models.CASCADE, related_name="files")
    path = models.CharField(max_length=1024)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    uploaded_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["publication", "path"], name="publication_path_unique")]

    def __str__(self) -> str:
        return self.path
