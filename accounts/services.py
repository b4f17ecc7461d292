"""Writes of accounts: users, and the tokens that stand for them."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts import erasure, events, policies
from accounts.models import Token, User
from rules import Refused


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
    by: User | None = None,
) -> User:
    """Create a person or a service account; without a password it can only use tokens."""
    user = User(username=username, full_name=full_name, email=email, is_service=is_service)
    user.set_password(password)
    user.full_clean(exclude=["password"])
    user.save()
    events.record(events.USER_CREATED, subject=user, actor=by, at=user.date_joined, is_service=is_service)
    return user


@transaction.atomic
def create_token(*, user: User, name: str, scopes: Iterable[str], expires_days: int = 90) -> NewToken:
    """Create a token, which lasts until it expires or is revoked; its secret is only in what this returns."""
    chosen = sorted(set(scopes))
    policies.may_create_token(name=name, scopes=chosen, expires_days=expires_days).require()
    now = timezone.now()
    secret = Token.make_secret()
    token = Token.objects.create(
        user=user,
        name=name,
        prefix=secret[:8],
        secret_sha256=Token.digest_of(secret),
        scopes=chosen,
        created_at=now,
        expires_at=now + timedelta(days=expires_days),
    )
    events.record(
        events.TOKEN_CREATED,
        subject=token,
        actor=user,
        at=now,
        name=name,
        scopes=chosen,
        expires_at=token.expires_at.isoformat(),
    )
    return NewToken(token, secret)


ERASED = "erased-"


def is_erased(user: User) -> bool:
    """Whether only a pseudonym is left of a person."""
    return user.username.startswith(ERASED) and not user.is_active


@transaction.atomic
def erase_person(*, user_id: int, by: User | None) -> str:
    """Take a person out: name, address and affiliation go, here and in every app that keeps any; what they did stays
    under a pseudonym, which is returned and cannot be traced back by what is left in their rows.

    The record of events keeps the user name under which they acted; it proves what was agreed, and is never changed.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    policies.may_erase(username=user.username, is_erased=is_erased(user), duties=erasure.duties_of(user)).require()
    now, pseudonym = timezone.now(), f"{ERASED}{secrets.token_hex(6)}"
    Token.objects.filter(user=user, revoked_at=None).update(revoked_at=now)
    user.username, user.full_name, user.affiliation, user.email = pseudonym, "", "", ""
    user.is_active, user.last_login = False, None
    user.set_unusable_password()
    user.save(update_fields=["username", "full_name", "affiliation", "email", "is_active", "last_login", "password"])
    erased = erasure.erase_elsewhere(user, pseudonym, now)
    events.record(events.USER_ERASED, subject=user, actor=by, at=now, rows=erased)
    return pseudonym


@transaction.atomic
def revoke_token(*, token_id: int, user: User) -> Token:
    """End one of the user's own tokens; Refused where they have none of that number that is not revoked yet."""
    token = Token.objects.select_for_update().filter(pk=token_id, user=user, revoked_at=None).first()
    if token is None:
        raise Refused.because(policies.NO_SUCH_TOKEN)
    token.revoked_at = timezone.now()
    token.save(update_fields=["revoked_at"])
    events.record(events.TOKEN_REVOKED, subject=token, actor=user, at=token.revoked_at, name=token.name)
    return token
