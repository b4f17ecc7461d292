"""People, organizations and served models for the protocol's tests, made through the services of the product."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import SimpleNamespace

import httpx2 as httpx
from django.utils import timezone
from huggingface_hub import HfApi

from accounts.models import Token, User
from accounts.roles import Role
from accounts.services import create_token, create_user
from registry.models import Organization, Serving, Variant
from registry.selectors import head_of
from registry.services.commits import commit_released
from registry.services.variants import add_member, create_organization
from registry.states import Level

numbers = itertools.count(1)


@dataclass
class Person:
    """Somebody with a token, and the client that they use."""

    user: User
    secret: str
    token: Token
    url: str

    @property
    def api(self) -> HfApi:
        """The unmodified client."""
        return HfApi(endpoint=self.url, token=self.secret)

    @property
    def http(self) -> httpx.Client:
        """Bare HTTP with their token."""
        return httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {self.secret}"}, timeout=60)


def person(
    url: str,
    organization: Organization | None = None,
    *roles: Role,
    scopes: tuple[str, ...] = ("write", "review"),
    is_service: bool = False,
) -> Person:
    """Somebody, with roles in an organization or none."""
    user = create_user(username=f"user{next(numbers)}", email="somebody@example.org", is_service=is_service)
    for role in roles:
        add_member(organization=organization, user=user, role=role, by=None)
    made = create_token(user=user, name="laptop", scopes=scopes)
    return Person(user, made.secret, made.token, url)


def namespace(url: str, *, is_direct_control: bool) -> SimpleNamespace:
    """An organization: `name`, `organization`, `writer`, `owner`, `reviewer`, `outsider`."""
    name = f"lab{next(numbers)}"
    organization = create_organization(name=name, title="A lab", is_direct_control=is_direct_control)
    return SimpleNamespace(
        name=name,
        organization=organization,
        writer=person(url, organization, Role.AUTOMATION),
        owner=person(url, organization, Role.OWNER),
        reviewer=person(url, organization, Role.ACCESS_REVIEWER),
        outsider=person(url),
    )


def serve(repo_id: str, level: Level = Level.PUBLIC) -> Serving:
    """Serve a governed model's head to the outside, as a release does."""
    organization, _, name = repo_id.partition("/")
    variant = Variant.objects.get(organization__name=organization, name=name)
    checkpoint, now = head_of(variant).checkpoint, timezone.now()
    commit = commit_released(variant=variant, checkpoint=checkpoint, title="Release", author=variant.created_by, at=now)
    Serving.objects.filter(variant=variant, until=None).update(until=now)
    return Serving.objects.create(
        variant=variant, checkpoint=checkpoint, commit=commit, level=level, release_digest="sha256:" + "0" * 64
    )
