"""How many requests one token, or one address without a token, may send in a while.

Counted in the cache, which may lose them: with the cache away nobody is limited, since limits protect from haste and
not from theft. Uploads' own addresses and tokens are left out; they were given to somebody who was counted.
"""

from __future__ import annotations

import time

from django.conf import settings

from accounts.counting import Counter
from accounts.signing_in import address_of, network_of
from hub import policies
from hub.call import Call
from hub.errors import HubRefused
from hub.routing import Match, raw_path
from rules import Refused

WINDOW_SECONDS = 300
BY_TICKET, XET = frozenset({"ticket", "space"}), "/api/xet/"


def require(call: Call, match: Match | None) -> None:
    """Count a request, to whatever address; Refused with how long to wait where its sender has sent too many."""
    if _is_by_ticket(call, match):
        return
    who, limit = _sender(call)
    if not limit:
        return
    now = time.time()
    window, elapsed = divmod(int(now), WINDOW_SECONDS)
    if Counter(f"hub-requests:{who}:{window}", limit, WINDOW_SECONDS).is_exceeded():
        wait = WINDOW_SECONDS - elapsed
        verdict = Refused.because(
            policies.TOO_MANY_REQUESTS, limit=limit, minutes=WINDOW_SECONDS // 60, wait=wait
        ).verdict
        headers = {
            "RateLimit": f'"api";r=0;t={wait}',
            "RateLimit-Policy": f'"fixed window";"api";q={limit};w={WINDOW_SECONDS}',
            "Retry-After": str(wait),
        }
        raise HubRefused(verdict, headers=headers)


def _is_by_ticket(call: Call, match: Match | None) -> bool:
    if match is None:
        # What the Xet client asks for without need, before each of thousands of xorbs.
        return raw_path(call.request.META).startswith(XET)
    return bool(match.parts.keys() & BY_TICKET)


def _sender(call: Call) -> tuple[str, int]:
    """By whom a request is counted, and up to which number. Tokens that open nothing count for their address."""
    try:
        token = call.token
    except Refused:
        token = None
    if token is not None:
        return f"token:{token.pk}", settings.REQUESTS_PER_TOKEN
    return f"address:{network_of(address_of(call.request))}", settings.REQUESTS_PER_ADDRESS
