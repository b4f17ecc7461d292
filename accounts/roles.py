"""The roles that people and service accounts can hold in an organization, in the words of the product."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """A pen that somebody holds; what it may write is said by the policies, not here."""

    OWNER = "owner"
    """Owns a namespace: members, settings, and, under direct control, its repositories."""
    RELEASE_MANAGER = "release_manager"
    """Drafts, submits, schedules, publishes and withdraws releases."""
    SAFETY_REVIEWER = "safety_reviewer"
    LEGAL_REVIEWER = "legal_reviewer"
    SECURITY_REVIEWER = "security_reviewer"
    ACCESS_REVIEWER = "access_reviewer"
    """Decides requests for gated access, and revokes grants."""
    AUDITOR = "auditor"
    """Reads everything, writes nothing."""
    AUTOMATION = "automation"
    """Uploads checkpoints and opens releases; never approves."""

    @property
    def label(self) -> str:
        """The role in words."""
        return self.value.replace("_", " ")


REVIEWER_ROLES = frozenset({Role.SAFETY_REVIEWER, Role.LEGAL_REVIEWER, Role.SECURITY_REVIEWER})
WRITER_ROLES = frozenset({Role.OWNER, Role.RELEASE_MANAGER, Role.AUTOMATION})


class Scope(StrEnum):
    """What a token may be used for; a token never allows more than its owner may."""

    READ = "read"
    WRITE = "write"
    """Upload checkpoints, draft and submit releases, ask for access."""
    REVIEW = "review"
    """Approve and refuse releases, decide access requests."""

    @property
    def implied(self) -> frozenset[Scope]:
        """The scopes that come with this one."""
        return frozenset({Scope.READ, self})


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody as a policy sees them: in one organization, through one door.

    `roles` are those in the organization at hand. `scopes` is None for a signed-in session, which is not limited.
    """

    id: int | None
    name: str
    roles: frozenset[Role] = frozenset()
    scopes: frozenset[Scope] | None = None
    is_service: bool = False
    is_system: bool = False

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody is signed in."""
        return self.id is None and not self.is_system

    @property
    def is_member(self) -> bool:
        """Whether they belong to the organization at hand."""
        return bool(self.roles)

    def may_use(self, scope: Scope) -> bool:
        """Whether the door they came through is open for this kind of act."""
        return self.scopes is None or scope in self.scopes


SYSTEM = Actor(id=None, name="system", is_system=True)
NOBODY = Actor(id=None, name="nobody")
