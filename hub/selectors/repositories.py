"""One repository as one caller meets it: which commits of it exist for them, and under which names."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache

from django.utils import timezone

from accounts.lookups import Lookup
from accounts.models import User
from accounts.roles import Scope
from gating.policies import Access
from gating.selectors import standings_of, visible_variant
from hub.models import FormerName
from registry import policies as registry
from registry.models import Commit, Ref, Variant
from registry.selectors import OID, commit_at, head_of, is_named
from registry.services.commits import MAIN
from registry.states import RefKind
from rules import Refused

Scopes = frozenset[Scope] | None
MAIN_NAMES = frozenset({MAIN, f"refs/heads/{MAIN}"})
KEPT_COMMITS = 4096


@dataclass(frozen=True)
class Repository:
    """A variant with what the caller may do; whoever holds one may know that it exists."""

    variant: Variant
    access: Access
    user: User | None

    @property
    def repo_id(self) -> str:
        """`organization/name` as stored."""
        return self.variant.repo_id

    @cached_property
    def head(self) -> Commit | None:
        """The commit that `main` is for the caller; None where nothing was committed yet."""
        if self.access.only_commit_id is not None:
            return _served_commit(self.access.only_commit_id)
        return head_of(self.variant)

    def commit(self, revision: str) -> Commit:
        """The commit that a revision names for the caller; Refused where there is none that they may know of.

        People outside a governed organization know one commit, the one that is served, as `main` and by its id.
        """
        if self.access.only_commit_id is None:
            return commit_at(self.variant, revision)
        head = self.head
        if revision in MAIN_NAMES or (OID.fullmatch(revision) and head.oid.startswith(revision)):
            return head
        raise Refused.because(registry.REVISION_MISSING, revision=revision, repo=self.repo_id)

    def commit_or_none(self, revision: str) -> Commit | None:
        """The same, with None for `main` of a repository in which nothing was committed yet."""
        if revision in MAIN_NAMES and self.head is None:
            return None
        return self.commit(revision)

    def refs(self) -> list[tuple[str, str, str]]:
        """(kind, name, commit id) of each branch and tag that the caller may know of."""
        if self.access.only_commit_id is not None:
            return [(RefKind.BRANCH, MAIN, self.head.oid)]
        refs = Ref.objects.filter(variant=self.variant).select_related("commit").order_by("kind", "name")
        return [(ref.kind, ref.name, ref.commit.oid) for ref in refs]

    def history(self, revision: str, *, skip: int, limit: int) -> list[Commit]:
        """Commits from a revision backwards, newest first."""
        commit = self.commit_or_none(revision)
        if commit is None:
            return []
        line = [commit.pk]
        if self.access.only_commit_id is None:
            parents = dict(Commit.objects.filter(variant=self.variant).values_list("pk", "parent_id"))
            while len(line) < skip + limit and (parent := parents.get(line[-1])):
                line.append(parent)
        wanted = line[skip : skip + limit]
        found = self._commits().in_bulk(wanted)
        return [found[pk] for pk in wanted]

    def author_of(self, commit: Commit) -> str:
        """Whom a commit names to the caller: outside the organization, the organization."""
        if self.access.is_member or self.variant.organization.is_direct_control:
            return commit.author.username if commit.author else self.variant.organization.name
        return self.variant.organization.name

    def gate_word(self) -> str | bool:
        """The gate in the client's words."""
        return gate_word(self.variant, self.access)

    def grant_id(self) -> int | None:
        """The grant by which the caller reads; None where they need none."""
        if self.user is None or self.access.is_member or not self.access.is_gated:
            return None
        standing = standings_of(self.user, [self.variant]).get(self.variant.pk)
        live = standing.live_grant(timezone.now()) if standing else None
        return live.id if live else None

    def _commits(self):
        return Commit.objects.filter(variant=self.variant).select_related("checkpoint", "author")


def gate_word(variant: Variant, access: Access) -> str | bool:
    """A gate in the client's words: false, "auto" or "manual"."""
    if not access.is_gated:
        return False
    if variant.organization.is_direct_control:
        return variant.gate_mode
    return "auto" if access.is_gate_automatic else "manual"


_COMMIT = Lookup(lambda commit: Commit.objects.filter(pk=commit).select_related("checkpoint", "author"), commit=int)


@lru_cache(maxsize=KEPT_COMMITS)
def _served_commit(commit_id: int) -> Commit:
    """A commit with its checkpoint; neither ever changes. Which one is served was asked before."""
    return _COMMIT.first(commit=commit_id)


def repository(user: User | None, scopes: Scopes, repo_id: str) -> Repository:
    """The repository of this name; Refused alike where it is missing and where it is hidden from the caller."""
    variant, access = visible_variant(user, repo_id, scopes=scopes)
    return Repository(variant, access, user)


def renamed(user: User | None, scopes: Scopes, repo_id: str) -> str | None:
    """The name that a repository formerly of this name has now, where the caller may see it.

    As much is asked where there was none, so that the time does not tell.
    """
    namespace, _, name = repo_id.partition("/")
    rows = FormerName.objects.filter(is_named(namespace, name)).select_related("variant__organization")
    former = rows.first() if "\x00" not in repo_id else None
    try:
        return repository(user, scopes, former.variant.repo_id if former else repo_id).repo_id
    except Refused:
        return None
