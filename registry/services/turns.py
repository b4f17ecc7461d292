"""That those who change a variant's history or name take turns, and keep nobody else waiting.

A lock of the row, or even of the organization beside it, would hold up every download and upload that writes a row
about it, for as long as a large commit takes.
"""

from __future__ import annotations

from django.db import connection

from registry import policies
from registry.models import Variant
from rules import Refused

# Any number that no other lock of this database has: the letters "turn".
KIND = 0x7475726E
LARGEST = 1 << 31


def take(variant: Variant) -> Variant:
    """The variant as it is now, its turn held until the transaction ends; Refused where it was deleted meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [KIND, variant.pk % LARGEST])
    found = Variant.objects.select_related("organization").filter(pk=variant.pk).first()
    if found is None:
        raise Refused.because(policies.UNKNOWN, what="model", name=variant.repo_id)
    return found
