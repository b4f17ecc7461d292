"""Renaming and deleting of repositories by the client: only under direct control."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Q, Value
from django.db.models.functions import Lower
from django.db.models.lookups import Exact

from accounts.models import Token
from hub import policies
from hub.models import FormerName
from hub.selectors.repositories import Repository
from hub.services.repositories import require_control
from registry.services import removal
from rules import Refused


@transaction.atomic
def rename(*, repository: Repository, token: Token | None, to: str) -> None:
    """Give a repository another name in its namespace; requests for the old one are sent on."""
    require_control(policies.GOVERNED_MOVE, repository, token)
    organization = repository.variant.organization
    namespace, _, name = to.partition("/")
    if namespace.lower() != organization.name.lower():
        raise Refused.because(policies.OTHER_NAMESPACE, repo_id=repository.repo_id, namespace=namespace)
    former = repository.variant.name
    removal.rename_variant(variant=repository.variant, name=name, by=repository.user)
    # Whatever was called so before, in any case; and whoever takes a name back is no longer sent on from it.
    FormerName.objects.filter(organization=organization).filter(_called(former) | _called(name)).delete()
    if former.lower() != name.lower():
        FormerName.objects.create(organization=organization, name=former, variant=repository.variant)


def _called(name: str) -> Q:
    """The condition that a former name is this one, as its index is written."""
    return Q(Exact(Lower("name"), Lower(Value(name))))


@transaction.atomic
def delete(*, repository: Repository, token: Token | None) -> None:
    """Delete a repository: nobody finds it under its name, or is sent on to where what is on record of it is kept."""
    require_control(policies.GOVERNED_DELETE, repository, token)
    FormerName.objects.filter(variant=repository.variant).delete()
    removal.delete_variant(variant=repository.variant, by=repository.user)
