"""Leave to send by Xet: a signed token of minutes, bound to repository, user token and the right to write.

When it is used, the user's token and the right to write are asked about again, as for every other upload.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from django.core import signing

from accounts.models import Token
from hub import policies
from hub.models import XetSpace
from hub.services import tickets
from hub.services.xet.ahead import Upload
from registry.models import Organization, Variant
from rules import Refused

SALT = "hub.xet"
WRITE = "write"
# The client asks for another by itself before this one ends, by its own clock.
TTL_SECONDS = 15 * 60
# By how much that clock may be behind ours: a client that is refused meanwhile does not ask again.
SLACK_SECONDS = 2 * 3600


@dataclass(frozen=True, slots=True)
class Leave:
    """What the client is given: a token, when it ends, and the name of the space that it opens."""

    text: str
    ends_at: int
    space: str


@dataclass(frozen=True, slots=True)
class Opened:
    """What a token opens: an organization, and whose upload it is."""

    organization: Organization
    upload: Upload


def issue(*, variant: Variant, token: Token) -> Leave:
    """Leave to send content to a variant's organization; whether `token` may write was asked at the door."""
    text = signing.dumps([WRITE, variant.pk, token.pk], salt=SALT)
    return Leave(text, int(time.time()) + TTL_SECONDS, space_of(variant.organization))


def redeem(text: str, organization_id: str) -> Opened:
    """To whom content may be sent, and for what; Refused where the token does not open it, or no longer."""
    may, variant_id, token_id = tickets.loaded(text, SALT, TTL_SECONDS + SLACK_SECONDS, policies.BAD_XET_TOKEN)
    variant = tickets.writable(variant_id, token_id, policies.BAD_XET_TOKEN)
    if may != WRITE or str(variant.organization_id) != organization_id:
        raise Refused.because(policies.BAD_XET_TOKEN)
    return Opened(variant.organization, Upload(variant.organization_id, variant_id, token_id))


def space_of(organization: Organization) -> str:
    """The name under which the organization's xorbs are known to clients now."""
    space, _ = XetSpace.objects.get_or_create(organization=organization, defaults={"name": _new_name()})
    return space.name


def change_space(organization: Organization) -> None:
    """Have clients forget what they sent, because some of it is not there; the next upload sends everything."""
    XetSpace.objects.update_or_create(organization=organization, defaults={"name": _new_name()})


def _new_name() -> str:
    return secrets.token_hex(8)
