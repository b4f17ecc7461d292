"""Signed addresses by which content is uploaded: the client sends no token there.

A ticket names the content, the repository and the token that asked for it. When it is used, the token and its owner's
right to write are asked about again, so that revoking either ends a running upload's next file.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.core import signing
from django.utils import timezone

from accounts.models import Token
from gating.selectors import access
from hub import policies
from hub.models import PartedUpload
from registry.models import Variant
from registry.selectors import variants
from rules import Refused, Rule

SALT, PART_SALT = "hub.upload", "hub.part"
# A client asks for all addresses of an upload at once and may use the last one hours later.
TTL_SECONDS = 12 * 3600
# One file in parts may take longer than that: while its parts come, their addresses hold.
LONGEST_SECONDS = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class Ticket:
    """Leave to send one content to one repository's organization."""

    sha256: str
    size_bytes: int
    variant: Variant


@dataclass(frozen=True, slots=True)
class PartTicket:
    """Leave to send one part of a file that is sent in parts."""

    upload: PartedUpload | None
    number: int
    variant: Variant


def issue(*, sha256: str, size_bytes: int, variant: Variant, token: Token) -> str:
    """A ticket as it stands in an address."""
    return signing.dumps([sha256, size_bytes, variant.pk, token.pk], salt=SALT)


def redeem(text: str, ttl_seconds: int = TTL_SECONDS) -> Ticket:
    """The ticket; Refused where it was not issued here, is too old, or its token's owner may no longer write."""
    sha256, size_bytes, variant_id, token_id = loaded(text, SALT, ttl_seconds, policies.BAD_TICKET)
    return Ticket(sha256, size_bytes, writable(variant_id, token_id, policies.BAD_TICKET))


def issue_part(*, upload: PartedUpload, number: int, variant: Variant, token: Token) -> str:
    """Leave to send one part of an upload, or to say that all were sent where `number` is 0."""
    return signing.dumps([upload.pk, number, variant.pk, token.pk], salt=PART_SALT)


def redeem_part(text: str) -> PartTicket:
    """The same for a part; the upload is None where it is content, or was dropped.

    Refused as well where nothing came of the upload for as long as an address holds.
    """
    upload_id, number, variant_id, token_id = loaded(text, PART_SALT, LONGEST_SECONDS, policies.BAD_TICKET)
    variant = writable(variant_id, token_id, policies.BAD_TICKET)
    upload = PartedUpload.objects.filter(pk=upload_id, organization_id=variant.organization_id).first()
    if upload is not None and upload.used_at < timezone.now() - timedelta(seconds=TTL_SECONDS):
        raise Refused.because(policies.BAD_TICKET)
    return PartTicket(upload, number, variant)


def loaded(text: str, salt: str, ttl_seconds: int, otherwise: Rule) -> list:
    """What was signed here a while ago; Refused by the rule `otherwise` where it was not, or too long ago."""
    try:
        return signing.loads(text, salt=salt, max_age=ttl_seconds)
    except signing.BadSignature:
        raise Refused.because(otherwise) from None


def writable(variant_id: int, token_id: int, otherwise: Rule) -> Variant:
    """The variant, where the token still opens it for writing; Refused by the rule `otherwise` where either is gone."""
    token = Token.objects.usable().select_related("user").filter(pk=token_id).first()
    variant = variants().filter(pk=variant_id).first()
    if token is None or variant is None:
        raise Refused.because(otherwise)
    access(token.user, variant, scopes=token.scope_set).writes.require()
    return variant
