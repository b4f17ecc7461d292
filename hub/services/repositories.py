"""Repositories as the client makes and changes them: at once under direct control, hardly at all when governed."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction

from accounts.models import Token, User
from accounts.roles import Actor
from hub import policies
from hub.call import malformed
from hub.errors import HubRefused
from hub.selectors.repositories import Repository
from hub.uploading import DEFAULT_ATTRIBUTES
from registry.models import Commit, Organization, Variant
from registry.selectors import actor_for, variants
from registry.services import content
from registry.services.commits import Changes, Placed, commit, files_of
from registry.services.variants import create_variant, set_direct_control
from rules import Refused, Rule

GATES = {False: "", "auto": "auto", "manual": "manual"}
FIRST_TITLE = "initial commit"


def create(*, namespace: str, name: str, by: User | None, token: Token | None, is_private: bool, url: str) -> Variant:
    """Make a repository; `url` is where it will be, `{repo_id}` standing for its name.

    In a governed namespace it is private whatever was asked. Where the name is taken, the refusal carries the address.
    """
    organization = Organization.objects.filter(name__iexact=namespace).first()
    policies.may_create(namespace, _actor(by, organization, token)).require()
    _refuse_taken(organization, name, url)
    is_governed = not organization.is_direct_control
    try:
        with transaction.atomic():
            made = create_variant(organization=organization, name=name, by=by, is_private=is_private or is_governed)
            if not is_governed:
                open_history(variant=made, by=by)
    except Refused:
        _refuse_taken(organization, name, url)  # somebody may have been quicker
        raise
    return made


def duplicate(
    *, source: Repository, to: str, by: User, token: Token | None, is_private: bool | None, url: str
) -> Variant:
    """Make a repository of the same organization with the newest files of another, its gate included.

    It begins with one commit, at the checkpoint that is there: its evidence is known already.
    """
    organization = source.variant.organization
    namespace, _, name = to.partition("/")
    if namespace.lower() != organization.name.lower():
        raise Refused.because(policies.COPY_ELSEWHERE, repo_id=source.repo_id, organization=organization.name)
    policies.may_create(namespace, _actor(by, organization, token)).require()
    if source.head is None:
        raise Refused.because(policies.NOTHING_TO_COPY, repo_id=source.repo_id)
    _refuse_taken(organization, name, url)
    is_private = source.variant.is_private if is_private is None else is_private
    with transaction.atomic():
        is_hidden = is_private or not organization.is_direct_control
        made = create_variant(organization=organization, name=name, by=by, is_private=is_hidden)
        if source.variant.gate_mode:
            set_direct_control(variant=made, by=by, gate_mode=source.variant.gate_mode)
        changes = Changes(add=files_of(source.head.checkpoint))
        commit(variant=made, changes=changes, title=f"Duplicate {source.repo_id}", author=by)
    return made


def _refuse_taken(organization: Organization, name: str, url: str) -> None:
    taken = variants().filter(organization=organization, name__iexact=name).first()
    if taken is not None:
        verdict = Refused.because(policies.CREATED_ALREADY, repo_id=taken.repo_id).verdict
        raise HubRefused(verdict, fields={"url": url.format(repo_id=taken.repo_id)})


def _actor(user: User | None, organization: Organization | None, token: Token | None) -> Actor:
    if organization is not None or user is None:
        return actor_for(user, organization, token)
    return Actor(id=user.pk, name=user.username, scopes=token.scope_set if token else None)


def open_history(*, variant: Variant, by: User) -> Commit:
    """Make the first commit, which says how files are uploaded, as the Hub does.

    Governed repositories begin empty instead: each of their commits is a checkpoint that gathers evidence.
    """
    kept = content.receive([DEFAULT_ATTRIBUTES.encode()], organization=variant.organization)
    changes = Changes(add={".gitattributes": Placed(kept.sha256)})
    return commit(variant=variant, changes=changes, title=FIRST_TITLE, author=by)


def change_settings(
    *, repository: Repository, token: Token | None, is_private: bool | None, gate: str | bool | None
) -> None:
    """Set visibility and gate at once; Refused in a governed namespace, with where to go instead."""
    if gate is not None and (not isinstance(gate, str | bool) or gate not in GATES):
        raise malformed('The field gated must be "auto", "manual" or false.')
    require_control(policies.GOVERNED_SETTINGS, repository, token)
    set_direct_control(
        variant=repository.variant,
        by=repository.user,
        is_private=is_private,
        gate_mode=None if gate is None else GATES[gate],
    )


def require_control(governed: Rule, repository: Repository, token: Token | None) -> None:
    """Ask whether the caller may change what a repository discloses, at once."""
    organization = repository.variant.organization
    policies.may_control(
        governed,
        actor_for(repository.user, organization, token),
        is_direct_control=organization.is_direct_control,
        repo_id=repository.repo_id,
        organization=organization.name,
        url=f"{settings.PUBLIC_URL}/{repository.repo_id}/",
    ).require()
