"""Renaming and deleting of variants; what something on record names is kept, out of sight."""

from __future__ import annotations

from copy import copy
from datetime import datetime

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

NAME_CHARACTERS = 96


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

    Where something on record names it (a download, a grant, a release, a child), such a row must go on telling what it
    is about: the variant is kept, private and under another name, so that its own is free. Refused where that was done.
    """
    locked = turns.take(variant)
    before, at = copy(locked), timezone.now()
    kept_as = "" if _is_removed(locked) else _set_aside(locked, at)
    audit.record(
        "registry:variant:deleted",
        subject=before,
        actor=by,
        at=at,
        organization=before.organization.name,
        kept_as=kept_as,
    )


def _is_removed(variant: Variant) -> bool:
    """Delete the rows of a variant, all or none; False where others name them."""
    try:
        with transaction.atomic():
            Ref.objects.filter(variant=variant).delete()
            # A commit protects its parent, which goes with it here; the database checks at the end of the block.
            with connection.cursor() as cursor:
                cursor.execute("DELETE FROM registry_commit WHERE variant_id = %s", [variant.pk])
            copy(variant).delete()
            connection.check_constraints()
    except (ProtectedError, IntegrityError):
        return False
    return True


def _set_aside(variant: Variant, at: datetime) -> str:
    """Make a variant private under a name that says that it was deleted; returns the name."""
    mark = f"-deleted-{variant.pk}"
    if variant.name.endswith(mark):
        raise Refused.because(policies.ON_RECORD, repo_id=variant.repo_id)
    stem = variant.name[: NAME_CHARACTERS - len(mark)].rstrip("-.")
    variant.name, variant.is_private, variant.updated_at = stem + mark, True, at
    try:
        with transaction.atomic():
            variant.save(update_fields=["name", "is_private", "updated_at"])
    except IntegrityError as error:
        raise Refused.because(policies.NAME_TAKEN, what="model", name=variant.repo_id) from error
    return variant.repo_id
