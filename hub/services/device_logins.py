"""Logging in a program by a browser: it shows a short code, its person confirms it, and it is given a token.

Source: RFC 8628, device authorization grant. No refresh tokens: whoever's token has ended confirms again.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

import audit.services as audit
from accounts.counting import Counter
from accounts.models import User
from accounts.policies import may_create_token
from accounts.services import create_token
from accounts.signing_in import PAUSE_SECONDS, network_of
from hub import policies
from hub.models import DeviceLogin
from rules import Refused

TTL, KEPT_FOR = timedelta(minutes=15), timedelta(days=1)
INTERVAL_SECONDS = 5
# The client sleeps before it asks again; half a second is what a clock may be off.
LEAST_PAUSE = timedelta(seconds=INTERVAL_SECONDS - 0.5)
TOKEN_DAYS = 30
# No vowels, so that no word comes of it, and nothing that is taken for something else.
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
CODE_LETTERS = 8
GUESSES = 20
# Programs that wait from one address; many people may share one.
WAITING_LOGINS = 200


@dataclass(frozen=True, slots=True)
class Begun:
    """What the program is given: the code that it keeps to itself, and the one that it shows."""

    device_code: str
    user_code: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the program is told when it asks: a token's secret, or why there is none, in the protocol's words."""

    secret: str = ""
    scopes: tuple[str, ...] = ()
    error: str = ""


def begin(*, address: str, agent: str) -> Begun:
    """Let a program wait for its person; Refused where too many wait from its address."""
    now, wait = timezone.now(), int(TTL.total_seconds())
    if Counter(f"device-logins:{network_of(address)}", WAITING_LOGINS, wait).is_exceeded():
        raise Refused.because(policies.TOO_MANY_REQUESTS, limit=WAITING_LOGINS, minutes=wait // 60, wait=wait)
    DeviceLogin.objects.filter(expires_at__lt=now - KEPT_FOR).delete()
    device_code, user_code = secrets.token_urlsafe(32), "".join(secrets.choice(LETTERS) for _ in range(CODE_LETTERS))
    DeviceLogin.objects.create(
        device_code_sha256=_digest(device_code),
        user_code=user_code,
        address=address[:64],
        agent=agent[:200],
        created_at=now,
        expires_at=now + TTL,
    )
    return Begun(device_code, shown(user_code))


def waiting(*, code: str, user: User) -> DeviceLogin:
    """The program that waits under a code; Refused where none does, or the person has tried too many codes."""
    tried = Counter(f"device-login:{user.pk}", GUESSES, PAUSE_SECONDS)
    if tried.is_exceeded():
        raise Refused.because(policies.TOO_MANY_CODES, minutes=PAUSE_SECONDS // 60)
    found = _open().filter(user_code=_typed(code)).first()
    if found is None:
        raise Refused.because(policies.NO_SUCH_LOGIN)
    tried.forgive(all_of_them=False)
    return found


@transaction.atomic
def decide(*, code: str, user: User, scopes: Iterable[str]) -> None:
    """Confirm that a program is one's own, for some scopes; without any, turn it away."""
    pk = waiting(code=code, user=user).pk
    found = _open().select_for_update().filter(pk=pk).first()
    if found is None:
        raise Refused.because(policies.NO_SUCH_LOGIN)
    found.user, found.decided_at, found.scopes = user, timezone.now(), sorted(set(scopes))
    if found.scopes:
        may_create_token(name=_name(found), scopes=found.scopes, expires_days=TOKEN_DAYS).require()
    found.save(update_fields=["user", "decided_at", "scopes"])
    kind = "hub:device_login:confirmed" if found.scopes else "hub:device_login:denied"
    audit.record(kind, subject=user, actor=user, at=found.decided_at, address=found.address, scopes=found.scopes)


@transaction.atomic
def redeem(*, device_code: str) -> Answer:
    """What a waiting program is told; the token is made now, and given once."""
    found = DeviceLogin.objects.select_for_update(of=("self",)).filter(device_code_sha256=_digest(device_code)).first()
    now = timezone.now()
    if found is None or found.token_id:
        return Answer(error="invalid_grant")
    if found.expires_at <= now:
        return Answer(error="expired_token")
    if found.decided_at is None:
        # A clock that was set back makes nobody hasty.
        is_hasty = found.polled_at is not None and timedelta(0) <= now - found.polled_at < LEAST_PAUSE
        found.polled_at = now
        found.save(update_fields=["polled_at"])
        return Answer(error="slow_down" if is_hasty else "authorization_pending")
    if not found.scopes or not found.user.is_active:
        return Answer(error="access_denied")
    made = create_token(user=found.user, name=_name(found), scopes=found.scopes, expires_days=TOKEN_DAYS)
    found.token = made.token
    found.save(update_fields=["token"])
    return Answer(secret=made.secret, scopes=tuple(found.scopes))


def shown(user_code: str) -> str:
    """A short code as it is shown."""
    return f"{user_code[:4]}-{user_code[4:]}"


def _open():
    return DeviceLogin.objects.filter(decided_at=None, expires_at__gt=timezone.now())


def _typed(code: str) -> str:
    return "".join(letter for letter in code.upper() if letter.isalnum())[: CODE_LETTERS + 1]


def _name(login: DeviceLogin) -> str:
    return f"hf auth login, {login.created_at:%Y-%m-%d %H:%M}"


def _digest(device_code: str) -> str:
    return hashlib.sha256(device_code.encode()).hexdigest()
