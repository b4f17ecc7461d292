"""Reads of accounts."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import QuerySet
from django.utils import timezone

from accounts.lookups import Lookup
from accounts.models import Token, User

# A use is noted at most this often, so that a busy token does not write a row with every request.
NOTE_USE_EVERY = timedelta(minutes=5)


_USABLE = Lookup(
    lambda digest, now: Token.objects.usable(now).select_related("user").filter(secret_sha256=digest),
    digest=str,
    now=datetime,
)


def token_of(secret: str) -> Token | None:
    """The usable token with this secret, its user loaded; notes that it was used."""
    now = timezone.now()
    token = _USABLE.first(digest=Token.digest_of(secret), now=now) if secret else None
    if token and (token.last_used_at is None or now - token.last_used_at > NOTE_USE_EVERY):
        Token.objects.filter(pk=token.pk).update(last_used_at=now)
    return token


def tokens_of(user: User) -> QuerySet[Token]:
    """The user's own tokens, ended ones too, newest first."""
    return Token.objects.filter(user=user)


def user_named(username: str) -> User | None:
    """The active user of this name; None where there is none."""
    return User.objects.filter(username=username, is_active=True).first() if "\x00" not in username else None
