"""Rows for tests, made by the services that make them in life, so that test data cannot be illegal."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.roles import Role, Scope
from accounts.services import create_token, create_user
from registry.models import Commit, Organization, Serving, Variant
from registry.services import commits, content, variants
from registry.states import Level

_numbers = itertools.count(1)


def make_user(username: str = "", **options: object) -> User:
    """A person who can sign in with the password `password`."""
    name = username or f"user-{next(_numbers)}"
    return create_user(**{"username": name, "password": "password", **options})


def make_token(user: User, *scopes: str, **options: object) -> str:
    """The secret of a new token; without scopes it has them all."""
    chosen = scopes or tuple(Scope)
    return create_token(**{"user": user, "name": "test", "scopes": chosen, "expires_days": 30, **options}).secret


def make_organization(name: str = "", **options: object) -> Organization:
    """A namespace, governed unless `is_direct_control`."""
    return variants.create_organization(**{"name": name or f"lab-{next(_numbers)}", **options})


def make_member(organization: Organization, role: Role, username: str = "") -> User:
    """A new person with one role."""
    user = make_user(username)
    variants.add_member(organization=organization, user=user, role=role, by=None)
    return user


def make_variant(organization: Organization | None = None, name: str = "", **options: object) -> Variant:
    """A variant without files, made by a new owner unless `by` names somebody."""
    organization = organization or make_organization()
    by = options.pop("by", None) or make_member(organization, Role.OWNER)
    name = name or f"model-{next(_numbers)}"
    return variants.create_variant(**{"organization": organization, "name": name, "by": by, **options})


def make_commit(variant: Variant, files: Mapping[str, bytes] | None = None, **options: object) -> Commit:
    """A commit that makes these files the whole content of a branch."""
    given = files or {"README.md": b"# A model\n", "config.json": f'{{"n": {next(_numbers)}}}'.encode()}
    placed = {
        path: commits.Placed(content.receive([data], organization=variant.organization).sha256)
        for path, data in given.items()
    }
    changes = commits.Changes(add=placed, replace_all=True)
    return commits.commit(
        **{"variant": variant, "changes": changes, "title": "Upload", "author": variant.created_by, **options}
    )


def serve(variant: Variant, level: Level = Level.GATED, commit: Commit | None = None) -> Serving:
    """What a release leaves when it is live here: a checkpoint on the released line, served at a level."""
    source = commit or make_commit(variant)
    now = timezone.now()
    with transaction.atomic():
        stop_serving(variant)
        released = commits.commit_released(
            variant=variant, checkpoint=source.checkpoint, title="Release", author=None, at=now
        )
        return Serving.objects.create(
            variant=variant,
            checkpoint=source.checkpoint,
            commit=released,
            level=level,
            release_digest=f"sha256:{next(_numbers):064x}",
            since=now,
        )


def stop_serving(variant: Variant) -> None:
    """End what is served of a variant."""
    Serving.objects.filter(variant=variant, until=None).update(until=timezone.now())
