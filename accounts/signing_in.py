"""Signing in with a password: checking it, and pausing whoever guesses.

Attempts are counted in the cache, which may lose them: with the cache away nobody is paused, and nobody is locked out.
"""

from __future__ import annotations

import hashlib
import logging
from ipaddress import IPv6Address, IPv6Network, ip_address

from django.conf import settings
from django.contrib.auth import authenticate, login
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from accounts import events, policies
from accounts.counting import Counter
from accounts.models import User
from rules import Refused

log = logging.getLogger(__name__)
PAUSE_SECONDS = 15 * 60
FAILURES_PER_NAME_AND_ADDRESS = 5
FAILURES_PER_ADDRESS = 50
CUSTOMER_BITS = 64


def address_of(request: HttpRequest) -> str:
    """The address that the request came from; behind our proxy, the one that the proxy saw."""
    if settings.SECURE_PROXY_SSL_HEADER:
        return request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip() or request.META["REMOTE_ADDR"]
    return request.META.get("REMOTE_ADDR", "")


def network_of(address: str) -> str:
    """What attempts are counted by: an address, or, of IPv6, the network of which one customer has all addresses."""
    try:
        found = ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(IPv6Network((found, CUSTOMER_BITS), strict=False))
    return str(getattr(found, "ipv4_mapped", None) or found)


def sent_from(request: HttpRequest) -> dict[str, str | None]:
    """Where an agreement comes from, as it is recorded."""
    return {"from_address": address_of(request) or None, "agent": request.META.get("HTTP_USER_AGENT", "")[:500]}


def sign_in(request: HttpRequest, *, username: str, password: str) -> User:
    """Open a session for whoever gives the right password; Refused otherwise, without saying which part was wrong."""
    address = address_of(request)
    by_address = Counter(_key("address", network_of(address)), FAILURES_PER_ADDRESS, PAUSE_SECONDS)
    name_key = _key("name", username.casefold(), network_of(address))
    by_name = Counter(name_key, FAILURES_PER_NAME_AND_ADDRESS, PAUSE_SECONDS)
    for counter in (by_address, by_name):
        attempts = counter.count()
        if attempts > counter.limit:
            if attempts == counter.limit + 1:
                _note_pause(username, address)
            raise Refused.because(policies.TOO_MANY_FAILURES, minutes=PAUSE_SECONDS // 60)
    user = authenticate(request, username=username, password=password)
    if user is None:
        raise Refused.because(policies.WRONG_CREDENTIALS)
    by_name.forgive(all_of_them=True)
    by_address.forgive(all_of_them=False)
    with transaction.atomic():
        login(request, user)
        events.record(events.SESSION_OPENED, subject=user, actor=user, at=timezone.now())
    return user


def _key(*parts: str) -> str:
    """Hashed, since cache keys may hold neither spaces nor 10 kB of somebody's imagination."""
    return f"sign-in:{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()}"


def _note_pause(username: str, address: str) -> None:
    """Tell the log where it came from, and the record whom it was aimed at: events are kept forever, addresses and
    mistyped passwords must not be."""
    log.warning("Sign-in is paused for %s after repeated failures", address)
    user = User.objects.filter(username=username).first()
    if user:
        with transaction.atomic():
            events.record(
                events.SIGN_IN_PAUSED, subject=user, actor=None, at=timezone.now(), minutes=PAUSE_SECONDS // 60
            )
