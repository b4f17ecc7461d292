"""Which commit last changed each of some paths, for expanded listings."""

from __future__ import annotations

from collections.abc import Iterable

from hub.selectors.repositories import Repository
from hub.selectors.trees import Entry, tree_of
from registry.models import Commit

# Each step compares two checkpoints; beyond so many of them, or of their files, the oldest commit looked at answers.
MOST_STEPS, MOST_FILES = 200, 200_000


def last_commits(repository: Repository, commit: Commit, entries: Iterable[Entry]) -> dict[str, Commit]:
    """By path, the newest commit up to `commit` since which the entry is as it is now.

    People who know a single commit are told that one.
    """
    waiting = {entry.path: entry.oid for entry in entries}
    if repository.access.only_commit_id is not None:
        return dict.fromkeys(waiting, commit)
    found: dict[str, Commit] = {}
    newer, looked_through = commit, 0
    for _ in range(MOST_STEPS):
        if not waiting or newer.parent_id is None:
            break
        older = Commit.objects.select_related("checkpoint").get(pk=newer.parent_id)
        looked_through += older.checkpoint.file_count
        if looked_through > MOST_FILES:
            break
        before = tree_of(older.checkpoint).entries
        for path in [path for path, oid in waiting.items() if path not in before or before[path].oid != oid]:
            found[path] = newer
            del waiting[path]
        newer = older
    return found | dict.fromkeys(waiting, newer)
