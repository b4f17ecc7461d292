"""People as the protocol names them."""

from __future__ import annotations

from accounts.models import User
from accounts.roles import Role
from hub import policies
from registry.models import Membership
from rules import Refused


def roles_of(user: User) -> dict[tuple[str, str], set[Role]]:
    """Roles by organization, as (name, title)."""
    found: dict[tuple[str, str], set[Role]] = {}
    held = Membership.objects.filter(user=user).select_related("organization").order_by("organization__name")
    for membership in held:
        key = (membership.organization.name, membership.organization.title)
        found.setdefault(key, set()).add(Role(membership.role))
    return found


def named(username: str) -> User:
    """An active account by its name; Refused where there is none."""
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise Refused.because(policies.NO_USER)
    return found


def with_id(user_id: str) -> User:
    """An active account by the id that lists show; Refused where there is none."""
    is_id = user_id.isascii() and user_id.isdecimal() and len(user_id) < 19
    found = User.objects.filter(pk=int(user_id), is_active=True).first() if is_id else None
    if found is None:
        raise Refused.because(policies.NO_USER)
    return found
