"""Accounts in words: scopes, the state of a token, and the roles somebody holds, which another app knows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from accounts import events
from accounts.models import Token, User
from accounts.roles import Role, Scope
from web.tones import Status, Tone

SCOPE_SENTENCES = {
    Scope.READ: "Read what you may see: find, look at and download",
    Scope.WRITE: "Write: upload checkpoints, draft and submit releases, ask for access",
    Scope.REVIEW: "Review: approve or refuse releases, decide access requests",
}
EXPIRES_SOON = timedelta(days=7)


class Recorded(Protocol):
    """An event of an account, as whoever keeps events hands it over."""

    subject_label: str
    facts: dict[str, Any]


def _created_user(event: Recorded) -> str:
    what = "service account" if event.facts.get("is_service") else "account"
    return f"Made the {what} {event.subject_label}."


SENTENCES: dict[str, Callable[[Any], str]] = {
    events.USER_CREATED: _created_user,
    events.SESSION_OPENED: lambda e: "Signed in.",
    events.SIGN_IN_PAUSED: lambda e: (
        f"Sign-in as {e.subject_label} was paused for {e.facts.get('minutes')} minutes after repeated failures."
    ),
    events.USER_ERASED: lambda e: f"Took the person out of the account that is now {e.subject_label}.",
    events.TOKEN_CREATED: lambda e: f"Made the token “{e.facts.get('name')}” ({', '.join(e.facts.get('scopes', []))}).",
    events.TOKEN_REVOKED: lambda e: f"Revoked the token “{e.facts.get('name')}”.",
}


@dataclass(frozen=True, slots=True)
class HeldRoles:
    """What somebody is in one organization."""

    organization: str
    title: str
    roles: tuple[Role, ...]


_roles_provider: Callable[[User], list[HeldRoles]] = lambda user: []  # noqa: E731


def register_roles_provider(provider: Callable[[User], list[HeldRoles]]) -> None:
    """Name the function that knows the roles; the app that keeps memberships does this once."""
    global _roles_provider
    _roles_provider = provider


def roles_of(user: User) -> list[HeldRoles]:
    """The roles somebody holds, by organization."""
    return _roles_provider(user)


def token_status(token: Token, now: datetime) -> Status:
    """Whether a token still opens anything, and whether it will for long."""
    if token.revoked_at is not None:
        return Status("Revoked", Tone.MUTED, "ban")
    if token.expires_at <= now:
        return Status("Expired", Tone.MUTED, "hourglass")
    if token.expires_at - now <= EXPIRES_SOON:
        return Status("Expires soon", Tone.WARNING, "clock")
    return Status("Open", Tone.SUCCESS, "key")


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as the account page lists it."""

    token: Token
    status: Status
    is_open: bool


def token_rows(tokens: list[Token], now: datetime) -> list[TokenRow]:
    """Tokens with their states at one moment."""
    return [TokenRow(token, token_status(token, now), token.is_usable_at(now)) for token in tokens]
