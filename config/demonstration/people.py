"""The people of the demonstration: one for each role, with passwords made on the spot."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from accounts.roles import Role, Scope
from accounts.services import create_token, create_user
from registry.models import Organization
from registry.services.variants import add_member, create_organization

ALL_SCOPES = (Scope.READ, Scope.WRITE, Scope.REVIEW)


@dataclass(frozen=True)
class Person:
    """Somebody to be made; without a role they belong to no organization."""

    username: str
    full_name: str
    roles: tuple[Role, ...] = ()
    scopes: tuple[Scope, ...] = (Scope.READ, Scope.WRITE)
    is_service: bool = False


LAB = (
    Person("manager", "Maya Ortiz", (Role.RELEASE_MANAGER, Role.OWNER), ALL_SCOPES),
    Person("safety", "Sami Lindqvist", (Role.SAFETY_REVIEWER,), ALL_SCOPES),
    Person("legal", "Leah Okafor", (Role.LEGAL_REVIEWER,), ALL_SCOPES),
    Person("security", "Sven Haas", (Role.SECURITY_REVIEWER,), ALL_SCOPES),
    Person("access", "Aiko Mori", (Role.ACCESS_REVIEWER,), ALL_SCOPES),
    Person("auditor", "Amal Haddad", (Role.AUDITOR,), (Scope.READ,)),
    Person("pipeline", "Training pipeline", (Role.AUTOMATION,), is_service=True),
    Person("researcher", "Rosa Silva"),
    Person("outsider", "Olu Adeyemi"),
)
HUB = (
    Person("publisher", "Acme's publisher", (Role.OWNER,)),
    Person("visitor", "Vera Novak"),
)


@dataclass(frozen=True)
class Login:
    """What a person needs to get in; it exists in the launcher's private files alone."""

    username: str
    password: str
    roles: list[str]
    token: str


@transaction.atomic
def make_people(people: tuple[Person, ...], *, organization: str, title: str, is_direct_control: bool) -> list[Login]:
    """Make the organization and its people, or give those who are there new passwords and tokens."""
    owner_name = next(person.username for person in people if Role.OWNER in person.roles)
    logins = [_login(person) for person in people]
    users = {user.username: user for user in User.objects.filter(username__in=[login.username for login in logins])}
    place = Organization.objects.filter(name=organization).first() or create_organization(
        name=organization, title=title, is_direct_control=is_direct_control, owner=users[owner_name]
    )
    for person in people:
        for role in person.roles:
            add_member(organization=place, user=users[person.username], role=role, by=users[owner_name])
    return logins


def _login(person: Person) -> Login:
    password = f"{secrets.choice(WORDS)}-{secrets.choice(WORDS)}-{secrets.randbelow(900_000) + 100_000}"
    user = User.objects.filter(username=person.username).first()
    if user is None:
        user = create_user(
            username=person.username, password=password, full_name=person.full_name, is_service=person.is_service
        )
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    token = create_token(user=user, name="demonstration", scopes=person.scopes, expires_days=365)
    return Login(person.username, password, [role.value for role in person.roles], token.secret)


WORDS = ("amber", "basil", "cedar", "delta", "ember", "fjord", "hazel", "indigo", "jasper", "maple", "ocean", "river")
