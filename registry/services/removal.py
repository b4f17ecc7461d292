"""Renaming and deleting of variants, where nothing on record names them."""

from __future__ import annotations

from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError
from django.utils import timezone

import audit.services as audit
from accounts.models import User
from registry import policies
from registry.models import Ref, Variant
from registry.models.variant import NAME
from registry.services import turns
from rules import Refused


@transaction.atomic
def rename_variant(*, variant: Variant, name: str, by: User) -> Variant:
    """Give a variant another name in its organization; whether `by` may do so was asked at the door."""
    locked = turns.take(variant)
    if not NAME.regex.search(name):
        raise Refused.because(policies.BAD_NAME, name=name, reason=NAME.message)
    former, locked.name, locked.updated_at = locked.repo_id, name, timezone.now()
    try:
        with transaction.atomic():
            locked.save(update_fields=["name", "updated_at"])
    except IntegrityError as error:
        raise Refused.because(policies.NAME_TAKEN, what="model", name=locked.repo_id) from error
    audit.record(
        "registry:variant:renamed",
        subject=locked,
        actor=by,
        at=locked.updated_at,
        organization=locked.organization.name,
        former=former,
    )
    return locked


@transaction.atomic
def delete_variant(*, variant: Variant, by: User) -> None:
    """Delete a variant with its history; content stays in the store, where other variants may share it.

    Refused where anything on record names it: a download, a grant, a release, a child. Such a row must go on telling
    what it is about.
    """
    locked = turns.take(variant)
    audit.record(
        "registry:variant:deleted",
        subject=locked,
        actor=by,
        at=timezone.now(),
        organization=locked.organization.name,
    )
    try:
        with transaction.atomic():
            Ref.objects.filter(variant=locked).delete()
            # A commit protects its parent, which goes with it here; the database checks at the end of the block.
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM registry_commit WHERE variant_id = %s", [locked.pk])
            locked.delete()
            connection.check_constraints()
    except (ProtectedError, IntegrityError) as error:
        raise Refused.because(policies.ON_RECORD, repo_id=variant.repo_id) from error
