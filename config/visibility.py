"""Who sees events and jobs: answered here, where roles and what jobs work on are known, for apps that know neither."""

from __future__ import annotations

from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse

from accounts.roles import Role
from audit.access import Readership
from jobs.subjects import Subject
from registry.models import Checkpoint, Commit, Membership
from release.models import Publication, Release

READERS = frozenset(Role) - {Role.AUTOMATION}
READS_ALL = frozenset({Role.AUDITOR, Role.OWNER})


def held_roles(user: Any) -> list[tuple[str, Role]]:
    """The pairs of organization and role that somebody holds; read once for each request's user."""
    if not user.is_authenticated:
        return []
    if not hasattr(user, "_held_roles"):
        rows = Membership.objects.filter(user=user).values_list("organization__name", "role")
        user._held_roles = [(name, Role(role)) for name, role in rows]
    return user._held_roles


def readership(user: Any) -> Readership:
    """People read what happened in their organizations; auditors and owners also what belongs to none."""
    held = held_roles(user)
    return Readership(
        organizations=frozenset(name for name, role in held if role in READERS),
        reads_all=any(role in READS_ALL for _, role in held),
    )


def sees_jobs(user: Any) -> bool:
    """Whether jobs concern somebody at all: members of an organization, automation among them."""
    return bool(held_roles(user))


def checkpoints(user: Any) -> QuerySet[Checkpoint]:
    """Checkpoints that somebody's organizations have committed."""
    names = [name for name, _ in held_roles(user)]
    committed = Commit.objects.filter(variant__organization__name__in=names)
    return Checkpoint.objects.filter(pk__in=committed.values("checkpoint"))


def describe_checkpoints(keys: list[str]) -> dict[str, Subject]:
    """A checkpoint by the variant that it was first committed to."""
    rows = Commit.objects.filter(checkpoint__in=keys).select_related("variant__organization").order_by("-pk")
    return {
        str(row.checkpoint_id): Subject(
            row.variant.repo_id,
            reverse("variant:evidence", args=[row.variant.organization.name, row.variant.name]),
        )
        for row in rows
    }


def releases(user: Any) -> QuerySet[Release]:
    """The releases of somebody's organizations."""
    return Release.objects.filter(organization__name__in=[name for name, _ in held_roles(user)])


def describe_releases(keys: list[str]) -> dict[str, Subject]:
    """A release by its title."""
    rows = Release.objects.filter(pk__in=keys)
    return {str(row.pk): Subject(str(row.title), reverse("release:cockpit", args=[row.pk])) for row in rows}


def publications(user: Any) -> QuerySet[Publication]:
    """The publications of somebody's organizations."""
    names = [name for name, _ in held_roles(user)]
    return Publication.objects.filter(Q(release__organization__name__in=names))


def describe_publications(keys: list[str]) -> dict[str, Subject]:
    """A publication by what goes where."""
    rows = Publication.objects.filter(pk__in=keys).select_related("target", "release")
    return {
        str(row.pk): Subject(
            f"{row.repo_id} to {row.target.title}",
            reverse("release:journal", args=[row.release_id, row.pk]),
        )
        for row in rows
    }


JOB_SUBJECTS = {
    "registry.checkpoint": (checkpoints, describe_checkpoints),
    "release.release": (releases, describe_releases),
    "release.publication": (publications, describe_publications),
}
