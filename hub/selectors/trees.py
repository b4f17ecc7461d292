"""The files and folders of a checkpoint as the protocol lists them.

A checkpoint never changes, so what was computed once is kept for the next pages of the same listing. Whether a caller
may know of the checkpoint was asked before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from django.db import connection

from accounts.lookups import Lookup
from hub import git
from hub.selectors.kept import Kept
from registry import policies as registry
from registry.blobs import blob_store
from registry.models import Checkpoint, CheckpointFile
from rules import Refused

# Some 30 MB in each process.
KEPT_ENTRIES = 60_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, or one folder where `sha256` is empty. `oid` is git's: of the pointer for a large file."""

    path: str
    oid: str
    size_bytes: int = 0
    sha256: str = ""
    is_large: bool = False
    is_damaged: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether it holds others."""
        return not self.sha256

    @property
    def etag(self) -> str:
        """What names its content to the client: the SHA-256 of a large file, git's id of a small one."""
        return self.sha256 if self.is_large else self.oid

    @property
    def pointer_size(self) -> int:
        """Bytes of the pointer file that stands for it in git."""
        return len(git.pointer(self.sha256, self.size_bytes))


@dataclass(frozen=True)
class Tree:
    """All entries of a checkpoint, by path in the order of code points."""

    entries: dict[str, Entry] = field(default_factory=dict)

    @property
    def files(self) -> Iterator[Entry]:
        """Files alone."""
        return (entry for entry in self.entries.values() if not entry.is_folder)

    def below(self, folder: str, *, is_recursive: bool) -> list[Entry]:
        """What a folder holds, or holds at any depth; the empty text is the root."""
        prefix = f"{folder}/" if folder else ""
        inside = (entry for path, entry in self.entries.items() if path.startswith(prefix))
        return [entry for entry in inside if is_recursive or "/" not in entry.path[len(prefix) :]]


def tree_of(checkpoint: Checkpoint | None) -> Tree:
    """The tree of a checkpoint; an empty one for none."""
    return _tree(checkpoint) if checkpoint else Tree()


def content_of(entry: Entry) -> bytes:
    """All of a small file; Refused where what is stored of it is missing."""
    try:
        with blob_store().open(entry.sha256) as source:
            return source.read()
    except FileNotFoundError:
        raise Refused.because(registry.BYTES_DIFFER, path=entry.path, sha256=entry.sha256) from None


def known_file_at(checkpoint: Checkpoint, path: str) -> Entry | None:
    """One file as it was committed, without asking whether it is damaged; None where the path is no file."""
    tree = _kept.get(checkpoint.digest)
    if tree is None:
        return file_at(checkpoint, path)
    entry = tree.entries.get(path)
    return None if entry is None or entry.is_folder else entry


_file = Lookup(
    lambda checkpoint, path: CheckpointFile.objects.filter(checkpoint_id=checkpoint, path=path).select_related("blob"),
    checkpoint=int,
    path=str,
)


def file_at(checkpoint: Checkpoint, path: str) -> Entry | None:
    """One file, by one query; None where the path is no file."""
    row = _file.first(checkpoint=checkpoint.pk, path=path)
    if row is None:
        return None
    entry = _entry(row.path, row.blob_id, row.blob.size_bytes, row.blob.git_sha1, row.is_large)
    return replace(entry, is_damaged=row.blob.damaged_at is not None)


_kept: Kept[Tree] = Kept(KEPT_ENTRIES)


def _tree(checkpoint: Checkpoint) -> Tree:
    found = _kept.get(checkpoint.digest)
    if found is None:
        found = _read(checkpoint.pk)
        _kept.put(checkpoint.digest, found, len(found.entries))
    return found


# Written out and prepared: the first question about each repository reads it.
FILES = """
SELECT f.path, f.blob_id, b.size_bytes, b.git_sha1, f.is_large
FROM registry_checkpointfile f JOIN registry_blob b ON b.sha256 = f.blob_id
WHERE f.checkpoint_id = %s
"""


def _read(checkpoint_id: int) -> Tree:
    with connection.prepared_cursor() as cursor:
        cursor.execute(FILES, [checkpoint_id])
        files = [_entry(*row) for row in cursor]
    entries = {entry.path: entry for entry in [*files, *_folders(files)]}
    return Tree({path: entries[path] for path in sorted(entries)})


def _entry(path: str, sha256: str, size_bytes: int, git_sha1: str, is_large: bool) -> Entry:
    # Content too large to have been given git's id on arrival is listed as large, whatever it was committed as.
    if is_large or not git_sha1:
        return Entry(path, git.blob_id(git.pointer(sha256, size_bytes)), size_bytes, sha256, is_large=True)
    return Entry(path, git_sha1, size_bytes, sha256)


def _folders(files: list[Entry]) -> Iterator[Entry]:
    """Every folder above the files, with git's id of it."""
    held: dict[str, list[tuple[str, str, bool]]] = {}
    for entry in files:
        parent, _, name = entry.path.rpartition("/")
        held.setdefault(parent, []).append((name, entry.oid, False))
        while parent:
            parent = parent.rpartition("/")[0]
            held.setdefault(parent, [])
    for folder in sorted(held, key=lambda path: path.count("/"), reverse=True):
        if folder:
            oid = git.tree_id(held[folder])
            parent, _, name = folder.rpartition("/")
            held[parent].append((name, oid, True))
            yield Entry(folder, oid)
