"""People, service accounts and their tokens. Roles in an organization are facts of `registry`."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

from django.contrib.auth.models import AbstractUser
from django.contrib.auth.validators import ASCIIUsernameValidator
from django.db import models
from django.utils import timezone

from accounts.roles import Scope


class User(AbstractUser):
    """One person or service account; never deleted, only made inactive, since decisions carry its name."""

    first_name = None
    last_name = None
    username = models.CharField(
        max_length=96,
        unique=True,
        validators=[ASCIIUsernameValidator()],
        error_messages={"unique": "That user name is taken."},
    )
    full_name = models.CharField(max_length=150, blank=True)
    affiliation = models.CharField(max_length=150, blank=True)
    is_service = models.BooleanField(default=False)

    REQUIRED_FIELDS = []

    def __str__(self) -> str:
        return self.username

    @property
    def display_name(self) -> str:
        """The full name where there is one."""
        return self.full_name or self.username


class TokenQuerySet(models.QuerySet["Token"]):
    def usable(self, at: datetime | None = None) -> TokenQuerySet:
        """Tokens that open something at a moment, now unless it is named."""
        return self.filter(revoked_at=None, user__is_active=True, expires_at__gt=at or timezone.now())


class Token(models.Model):
    """One secret that stands for its owner, within its scopes, until it expires or is revoked.

    Only the SHA-256 of the secret is kept: the secret has 160 random bits, so that a slow hash would add nothing
    but work to each request.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    secret_sha256 = models.CharField(max_length=64, unique=True)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    objects = TokenQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.prefix}… of {self.user}"

    @staticmethod
    def make_secret() -> str:
        """A new secret; shown once, never stored."""
        return f"imp_{secrets.token_hex(20)}"

    @staticmethod
    def digest_of(secret: str) -> str:
        """What is stored of a secret."""
        return hashlib.sha256(secret.encode()).hexdigest()

    @property
    def scope_set(self) -> frozenset[Scope]:
        """The scopes with all that they imply."""
        return frozenset().union(*(Scope(scope).implied for scope in self.scopes))

    def is_usable_at(self, moment: datetime) -> bool:
        """Whether it opens anything then, as far as the token itself says; its owner must be active, too."""
        return self.revoked_at is None and self.expires_at > moment
