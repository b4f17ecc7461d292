"""Writes of accounts: users, and the tokens that stand for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import policies
from accounts.models import Token, User
from accounts.roles import Scope
from rules import Refused

LONGEST_TOKEN_DAYS = 365


@dataclass(frozen=True)
class NewToken:
    """A token with its secret, which exists only here and with its owner."""

    token: Token
    secret: str


@transaction.atomic
def create_user(
    *,
    username: str,
    password: str | None = None,
    full_name: str = "",
    email: str = "",
    is_service: bool = False,
) -> User:
    """Create a person or a service account; without a password it can only use tokens."""
    user = User(username=username, full_name=full_name, email=email, is_service=is_service)
    user.set_password(password)
    user.full_clean(exclude=["password"])
    user.save()
    return user


@transaction.atomic
def create_token(*, user: User, name: str, scopes: Iterable[str], expires_days: int | None = 90) -> NewToken:
    """Create a token; None for `expires_days` makes one that lasts until it is revoked."""
    chosen = list(scopes)
    for scope in chosen:
        if scope not in set(Scope):
            raise Refused.because(policies.UNKNOWN_SCOPE, scope=scope, known=", ".join(Scope))
    if expires_days is not None and not 1 <= expires_days <= LONGEST_TOKEN_DAYS:
        raise Refused.because(policies.EXPIRY_OUT_OF_RANGE, days=expires_days)
    now = timezone.now()
    secret = Token.make_secret()
    token = Token.objects.create(
        user=user,
        name=name,
        prefix=secret[:8],
        secret_sha256=Token.digest_of(secret),
        scopes=sorted(set(chosen)),
        created_at=now,
        expires_at=now + timedelta(days=expires_days) if expires_days is not None else None,
    )
    return NewToken(token, secret)


def revoke_token(*, token_id: int, user: User) -> bool:
    """End one of the user's own tokens; False where they have none of that id that is still open."""
    changed = Token.objects.filter(pk=token_id, user=user, revoked_at=None).update(revoked_at=timezone.now())
    return changed == 1
