"""What the protocol's own doors record. Repositories, commits and refs are facts of `registry`."""

from __future__ import annotations

from datetime import datetime

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone

from accounts.models import Token
from gating.models import Grant
from hub.states import PullEventKind, PullState
from registry.models import Blob, Commit, Organization, Variant
from rules import Transition


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


class XetSpace(models.Model):
    """The name under which an organization's xorbs are known to clients, which remember for weeks what they sent to it.

    It is changed when something that a client relied on is not there: everybody then sends anew.
    """

    organization = models.OneToOneField(Organization, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=32)
    since = models.DateTimeField(default=timezone.now)
    collected_at = models.DateTimeField(default=timezone.now, help_text="When leftovers were last looked for.")

    def __str__(self) -> str:
        return f"{self.organization}/{self.name}"


class Xorb(models.Model):
    """A run of chunks that an organization sent, whose hash was checked on arrival.

    Its bytes lie in a file of their own, or where they were written on their way into a larger one, until files that
    were made of it hold them all. The row outlives them, since clients go on referring to it, and is dropped weeks
    after it was last used.
    """

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    digest = models.BinaryField(max_length=32)
    chunks = models.BinaryField(help_text="For each chunk its hash, and its length as four bytes.")
    has_bytes = models.BooleanField(default=True)
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "digest"], name="xorb_unique")]
        indexes = [models.Index(fields=["used_at"], name="xorb_used")]

    def __str__(self) -> str:
        return bytes(self.digest).hex()[:12]


class XorbPart(models.Model):
    """Where some chunks of a xorb stand in verified content."""

    xorb = models.ForeignKey(Xorb, on_delete=models.CASCADE, related_name="parts")
    first = models.PositiveIntegerField()
    end = models.PositiveIntegerField()
    blob = models.ForeignKey(Blob, on_delete=models.CASCADE, related_name="+")
    offset_bytes = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["xorb", "first", "end", "blob"], name="xorb_part_unique"),
            models.CheckConstraint(condition=models.Q(first__lt=models.F("end")), name="xorb_part_not_empty"),
        ]

    def __str__(self) -> str:
        return f"{self.xorb} {self.first}-{self.end}"


class PartedUpload(models.Model):
    """A large file that is sent in parts, from the first address given out until it is content, or too old."""

    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    part_bytes = models.BigIntegerField()
    used_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sha256", "size_bytes", "part_bytes"], name="parted_upload_unique"
            )
        ]

    def __str__(self) -> str:
        return f"{self.organization} sha256:{self.sha256[:12]}"

    @property
    def part_count(self) -> int:
        """How many parts there are."""
        return -(-self.size_bytes // self.part_bytes)

    def length_of(self, number: int) -> int:
        """How many bytes a part has; parts are numbered from one."""
        return min(self.part_bytes, self.size_bytes - (number - 1) * self.part_bytes)


class ArrivedPart(models.Model):
    """A part that arrived whole; its bytes lie in a file of their own until the upload is content."""

    upload = models.ForeignKey(PartedUpload, on_delete=models.CASCADE, related_name="parts")
    number = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["upload", "number"], name="arrived_part_unique")]

    def __str__(self) -> str:
        return f"{self.upload} {self.number}"


class PullRequest(models.Model):
    """Changes to the main branch that somebody proposes, with a line of commits of their own.

    Its head is the registry's name `refs/pr/<number>`; every commit there is a checkpoint that gathers evidence. Kept
    when it is closed or merged; it goes with its repository.
    """

    variant = models.ForeignKey(Variant, on_delete=models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=6, choices=[(state.value, state.value) for state in PullState])
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    base = models.ForeignKey(
        Commit, on_delete=models.PROTECT, related_name="+", help_text="The commit that it began at."
    )
    merge_commit = models.ForeignKey(Commit, on_delete=models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["variant", "number"], name="pull_request_number_unique"),
            models.CheckConstraint(
                condition=models.Q(state="merged", merge_commit__isnull=False)
                | (~models.Q(state="merged") & models.Q(merge_commit=None)),
                name="pull_request_merged_by_a_commit",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.variant} #{self.number}"

    @property
    def ref(self) -> str:
        """The revision by which its files are known."""
        return f"refs/pr/{self.number}"

    def move(self, transition: Transition, *, at: datetime, merge_commit: Commit | None = None) -> None:
        """Take a step that was allowed; ValueError where it does not start here."""
        if not transition.starts_at(PullState(self.state)):
            raise ValueError(f"{transition.name} does not start at {self.state}")
        self.state, self.merge_commit, self.updated_at = str(transition.target), merge_commit, at
        self.save(update_fields=["state", "merge_commit", "updated_at"])


class PullRequestEvent(models.Model):
    """One thing that was said or done in a pull request. What is corrected is a row of its own."""

    pull_request = models.ForeignKey(PullRequest, on_delete=models.CASCADE, related_name="events")
    kind = models.CharField(max_length=7, choices=[(kind.value, kind.value) for kind in PullEventKind])
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    text = models.TextField(blank=True, help_text="A comment's words, a title, or a state.")
    former = models.CharField(max_length=200, blank=True, help_text="The title before.")
    commit = models.ForeignKey(Commit, on_delete=models.PROTECT, null=True, related_name="+")
    about = models.ForeignKey("self", on_delete=models.CASCADE, null=True, related_name="later")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(kind__in=["edit", "hide"], about__isnull=False)
                | (~models.Q(kind__in=["edit", "hide"]) & models.Q(about=None)),
                name="pull_event_about_a_comment",
            )
        ]
        triggers = [pgtrigger.Protect(name="immutable", operation=pgtrigger.Update)]

    def __str__(self) -> str:
        return f"{self.pull_request} {self.kind}"


class DeviceLogin(models.Model):
    """A program that waits for its person to confirm, in a browser, that it is theirs; dropped a day after its end.

    The program holds the long code, of which only the SHA-256 is kept; the person types the short one.
    """

    device_code_sha256 = models.CharField(max_length=64, unique=True)
    user_code = models.CharField(max_length=8, unique=True)
    address = models.CharField(max_length=64, blank=True, help_text="From where it asked.")
    agent = models.CharField(max_length=200, blank=True, help_text="What the program calls itself.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    polled_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="+")
    scopes = models.JSONField(default=list, help_text="Empty where the person said no.")
    token = models.OneToOneField(Token, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(decided_at=None, user=None) | models.Q(decided_at__isnull=False, user__isnull=False),
                name="device_login_decided_by_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"login from {self.address}"
