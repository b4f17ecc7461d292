"""What is known of a repository: the object that `model_info` reads, and card metadata from the files themselves."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from hub import cards, presenters
from hub.call import malformed
from hub.selectors import descriptions, security
from hub.selectors.repositories import Repository
from hub.selectors.trees import Tree, content_of, tree_of
from registry.models import Checkpoint

CARD = descriptions.CARD


def info(repository: Repository, revision: str, *, with_blobs: bool, with_security: bool) -> dict[str, Any]:
    """The repository at a revision; of one without any commit, what is known without."""
    commit = repository.commit_or_none(revision)
    checkpoint = commit.checkpoint if commit else None
    tree = tree_of(checkpoint)
    variant = repository.variant
    is_outside = repository.access.only_commit_id is not None
    shown = presenters.summary(
        variant,
        is_private=is_private(repository),
        gated=repository.gate_word(),
        # Outside the organization, nothing tells that work goes on behind what is served.
        modified=repository.head.created_at if is_outside else variant.updated_at,
        sha=commit.oid if commit else "",
    )
    if is_outside:
        shown["createdAt"] = shown["lastModified"]
    shown |= presenters.card_fields(card_of(tree))
    shown["siblings"] = [presenters.sibling(entry, with_blobs=with_blobs) for entry in tree.files]
    shown["usedStorage"] = checkpoint.size_bytes if checkpoint else 0
    if repository.access.reads.allowed and (found := config_of(tree)):
        shown["config"] = found
    if with_security:
        shown["securityRepoStatus"] = security.of_repository(repository, checkpoint)
    return shown


def properties(names: Iterable[str]) -> frozenset[str]:
    """The properties that a caller names; Refused where there is no such property."""
    wanted = frozenset(names)
    if unknown := wanted - presenters.EXPANDABLE:
        raise malformed(f"There is no property {min(unknown)!r} to expand.")
    return wanted


def is_private(repository: Repository) -> bool:
    """Whether people outside the organization know nothing of it."""
    if repository.variant.organization.is_direct_control:
        return repository.variant.is_private
    return repository.access.only_commit_id is None and not repository.variant.servings.filter(until=None).exists()


def card_of(tree: Tree) -> dict[str, Any]:
    """The card's metadata; empty where there is no card, or none that can be read."""
    entry = tree.entries.get(CARD)
    if entry is None or entry.is_folder or entry.size_bytes > cards.CARD_LIMIT_BYTES:
        return {}
    return descriptions.card_at(entry.sha256)


def config_of(tree: Tree) -> dict[str, Any]:
    """What is told of the configuration; empty where there is none, or none that can be read."""
    entry = tree.entries.get(descriptions.CONFIG)
    if entry is None or entry.is_folder or entry.size_bytes > cards.CARD_LIMIT_BYTES:
        return {}
    return descriptions.config_at(entry.sha256)


def text_of_file(checkpoint: Checkpoint | None, path: str, limit_bytes: int) -> str | None:
    """A small file as text; None where it is missing, too large or no text."""
    entry = tree_of(checkpoint).entries.get(path)
    if entry is None or entry.is_folder or entry.size_bytes > limit_bytes:
        return None
    return content_of(entry).decode("utf-8", errors="replace")
