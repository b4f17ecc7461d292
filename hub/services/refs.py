"""Branches and tags as the client makes them."""

from __future__ import annotations

from typing import NoReturn

from hub import policies
from hub.selectors.repositories import MAIN_NAMES, Repository
from hub.services.repositories import open_history
from registry.services import commits
from registry.states import RefKind
from rules import Refused


def create_branch(*, repository: Repository, name: str, starting_point: str) -> None:
    """Make a branch; in a repository without any commit the first one is made for it to begin at."""
    start = repository.commit_or_none(starting_point)
    if start is None and name not in MAIN_NAMES:
        start = open_history(variant=repository.variant, by=repository.user)
    commits.create_ref(
        variant=repository.variant,
        kind=RefKind.BRANCH,
        name=name,
        commit=start or repository.commit(starting_point),
        by=repository.user,
    )


def create_tag(*, repository: Repository, name: str, revision: str) -> None:
    """Name the commit that a revision is now."""
    commit = repository.commit(revision)
    commits.create_ref(variant=repository.variant, kind=RefKind.TAG, name=name, commit=commit, by=repository.user)


def delete(*, repository: Repository, kind: RefKind, name: str) -> None:
    """Forget a branch or tag; the commits stay."""
    commits.delete_ref(variant=repository.variant, kind=kind, name=name, by=repository.user)


def refuse_rewriting(repository: Repository) -> NoReturn:
    """Refuse to make history shorter than it was."""
    raise Refused.because(policies.HISTORY_KEPT, repo_id=repository.repo_id)
