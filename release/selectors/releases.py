"""Reads of releases and of what their pages are made of."""

from __future__ import annotations

from django.db.models import QuerySet

import jobs.services as jobs
from accounts.models import Token, User
from accounts.roles import Actor
from audit.models import Event
from licensing.models import LicenseVersion
from licensing.selectors import version_of
from registry.models import Checkpoint, Commit, Family, Membership, Organization, Variant
from registry.policies import UNKNOWN
from registry.selectors import actor_for, variant_named, variants
from release import policies
from release.models import Release, ReleaseItem, ReleasePolicy, Target
from rules import Refused


def releases_for(user: User) -> QuerySet[Release]:
    """The releases that a person may know of: those of organizations that they belong to."""
    if not user.is_authenticated:
        return Release.objects.none()
    mine = Membership.objects.filter(user=user).values("organization")
    return Release.objects.filter(organization__in=mine).select_related("organization", "policy", "submitted_by")


def release_for(user: User, release_id: int) -> Release:
    """One release; Refused as missing for everybody outside its organization."""
    found = releases_for(user).filter(pk=release_id).first()
    if found is None:
        raise Refused.because(policies.NOT_MEMBER)
    return found


def organizations_of(user: User) -> QuerySet[Organization]:
    """The organizations that somebody belongs to."""
    if not user.is_authenticated:
        return Organization.objects.none()
    return Organization.objects.filter(pk__in=Membership.objects.filter(user=user).values("organization"))


def is_member(user: User) -> bool:
    """Whether somebody belongs to any organization, so that releases concern them."""
    return user.is_authenticated and Membership.objects.filter(user=user).exists()


def actor_in(release: Release, user: User | None, token: Token | None = None) -> Actor:
    """Somebody as the release's policies see them."""
    return actor_for(user, release.organization, token)


def policy_in_force() -> ReleasePolicy:
    """The newest policy; there is always one once the instance is set up."""
    found = ReleasePolicy.objects.first()
    if found is None:
        raise RuntimeError("No release policy is installed; run `manage.py install_policy`.")
    return found


def targets_of(organization: Organization) -> QuerySet[Target]:
    """Where an organization's releases can go."""
    return Target.objects.filter(organization=organization, is_active=True)


def item_of(release: Release, name: str) -> ReleaseItem:
    """The item of the variant of this name; Refused where it is not in the release."""
    found = (
        release.items.select_related(
            "variant__organization", "checkpoint", "packaged", "license_version__license", "gate_version"
        )
        .filter(variant__name__iexact=name)
        .first()
    )
    if found is None:
        raise Refused.because(policies.NOT_IN_RELEASE, variant=name)
    return found


def own_variant(release: Release, name: str) -> Variant:
    """The variant of this name in the release's organization; Refused where there is none."""
    return variant_named(f"{release.organization.name}/{name}")


def variants_of(organization: Organization, search: str = "", limit: int = 50) -> list[Variant]:
    """An organization's variants whose names hold the words, by name."""
    rows = variants().filter(organization=organization)
    return list((rows.filter(name__icontains=search) if search else rows).order_by("name")[:limit])


def checkpoints_of(variant: Variant, limit: int = 50) -> list[Commit]:
    """The newest commit of each of a variant's checkpoints, newest first."""
    newest = Commit.objects.filter(variant=variant).order_by("checkpoint", "-id").distinct("checkpoint")
    rows = Commit.objects.filter(pk__in=newest.values("pk")).select_related("checkpoint", "author")
    return list(rows.order_by("-id")[:limit])


def own_checkpoint(variant: Variant, digest: str) -> Checkpoint:
    """A checkpoint of the variant by its digest; Refused where it has none such."""
    found = Checkpoint.objects.filter(digest=digest, commits__variant=variant).first()
    if found is None:
        raise Refused.because(policies.CHECKPOINT_FOREIGN, variant=variant.repo_id, digest=digest[:19])
    return found


def member_named(organization: Organization, username: str) -> User | None:
    """Somebody of the organization by user name; None without a name, Refused where nobody there has it."""
    if not username:
        return None
    inside = Membership.objects.filter(organization=organization).values("user")
    found = User.objects.filter(pk__in=inside, username__iexact=username).first()
    if found is None:
        raise Refused.because(policies.UNKNOWN_OWNER, name=username[:60], organization=organization.name)
    return found


def license_named(key: str, text_sha256: str = "") -> LicenseVersion | None:
    """A license version by key and, for an older one, text; None without a key, Refused where there is none."""
    if not key:
        return None
    try:
        return version_of(key, text_sha256)
    except Refused:
        raise Refused.because(policies.UNKNOWN_LICENSE, key=key[:80]) from None


def family_named(organization: Organization, name: str) -> Family | None:
    """A family of the organization; None without a name, Refused where there is none of it."""
    if not name:
        return None
    found = Family.objects.filter(organization=organization, name__iexact=name).first()
    if found is None:
        raise Refused.because(UNKNOWN, what="family", name=name[:60])
    return found


def members_of(organization: Organization) -> list[User]:
    """The people of an organization, by name; service accounts own no decision."""
    inside = Membership.objects.filter(organization=organization).values("user")
    return list(User.objects.filter(pk__in=inside, is_service=False, is_active=True).order_by("username"))


def files_of(checkpoint: Checkpoint) -> dict[str, str]:
    """Path to SHA-256 of a checkpoint's files."""
    return dict(checkpoint.files.values_list("path", "blob_id"))


def events_of(release: Release, limit: int = 40) -> list[Event]:
    """What happened to a release, newest first."""
    return list(Event.objects.filter(subject=jobs.subject_of(release)).order_by("-id")[:limit])
