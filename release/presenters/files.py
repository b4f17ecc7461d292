"""The files of a checkpoint as a folder shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

from gating.policies import Access
from registry.models import CheckpointFile, Commit, Variant
from web.tones import Status, Tone


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder, with what is below it."""

    name: str
    path: str
    size_bytes: int
    count: int


@dataclass(frozen=True, slots=True)
class File:
    """A file, with the address to download it from; empty where the viewer may not read it."""

    path: str
    size_bytes: int
    sha256: str
    url: str
    status: Status | None


@dataclass(frozen=True, slots=True)
class Listing:
    """One folder of a checkpoint; `trail` leads to it from the top."""

    folders: list[Folder]
    files: list[File]
    trail: list[tuple[str, str]]
    is_empty: bool


LARGE = Status("Large file", Tone.NEUTRAL, "package")
BEHIND_GATE = Status("Behind the gate", Tone.GATED, "lock")


def listing(
    variant: Variant, commit: Commit, rows: Iterable[CheckpointFile], access: Access, folder: str = ""
) -> Listing:
    """What is directly in a folder; folders first, each with the sum of what is below."""
    prefix = f"{folder.strip('/')}/" if folder.strip("/") else ""
    sizes: dict[str, list[int]] = {}
    files = []
    for row in rows:
        if not row.path.startswith(prefix):
            continue
        head, slash, _ = row.path.removeprefix(prefix).partition("/")
        if slash:
            sizes.setdefault(head, []).append(row.blob.size_bytes)
        else:
            files.append(_file(variant, commit, row, access))
    folders = [Folder(name, prefix + name, sum(found), len(found)) for name, found in sorted(sizes.items())]
    return Listing(folders, files, _trail(prefix), not (folders or files))


def download_url(variant: Variant, commit: Commit, path: str) -> str:
    """Where a file of a commit is downloaded from."""
    return f"/{variant.repo_id}/resolve/{commit.oid}/{quote(path)}"


def _file(variant: Variant, commit: Commit, row: CheckpointFile, access: Access) -> File:
    is_open = access.reads_path(row.path).allowed
    status = None if is_open else BEHIND_GATE
    url = download_url(variant, commit, row.path) if is_open else ""
    return File(row.path, row.blob.size_bytes, row.blob_id, url, status or (LARGE if row.is_large else None))


def _trail(prefix: str) -> list[tuple[str, str]]:
    parts = prefix.strip("/").split("/") if prefix else []
    return [(part, "/".join(parts[: count + 1])) for count, part in enumerate(parts)]
