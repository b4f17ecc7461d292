"""Walking a folder on disk without being led astray.

Owns what counts as a file of the checkpoint: regular files, found without following any link. Everything else is a
finding. Opens no file.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from weights.catalog.files import (
    FS_COUNT,
    FS_GIT,
    FS_HARDLINK,
    FS_HUGE,
    FS_LINK,
    FS_LONG,
    FS_NAME,
    FS_SPARSE,
    FS_SPECIAL,
    FS_TWIN,
)
from weights.findings import Finding
from weights.names import PATH_LIMIT_BYTES, is_encodable

FILES_LIMIT = 100_000
HUGE_BYTES = 500 * 10**9
SPARSE_BYTES = 1 << 30  # smaller files are read whatever they hold
SPARSE_SHARE = 0.05  # disks that compress store less than a file has, but never so much less of weights


@dataclass(slots=True)
class FolderListing:
    """The regular files below a folder, by posix path, with their sizes; and what else was there."""

    root: Path
    sizes: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    is_cut: bool = False  # there are more files than a checkpoint may have; the rest was not listed

    @property
    def size_bytes(self) -> int:
        """Bytes in all files."""
        return sum(self.sizes.values())


def list_folder(root: str | os.PathLike[str]) -> FolderListing:
    """Everything below `root`; OSError if a folder cannot be read."""
    listing = FolderListing(Path(root))
    waiting = [""]
    entries_seen = 0
    links: dict[tuple[int, int], list[str]] = {}
    while waiting:
        folder = waiting.pop()
        with os.scandir(listing.root / folder) as entries:
            found = list(islice(entries, FILES_LIMIT + 1 - entries_seen))
        entries_seen += len(found)
        if entries_seen > FILES_LIMIT:
            listing.findings.append(FS_COUNT.at("", f"The folder has more than {FILES_LIMIT} entries; none was read."))
            listing.sizes.clear()
            listing.is_cut = True
            return listing
        for entry in sorted(found, key=lambda entry: entry.name):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if _take(entry, path, listing, links):
                waiting.append(path)
    listing.findings += _hard_links(listing, links)
    return listing


def _hard_links(listing: FolderListing, links: dict[tuple[int, int], list[str]]) -> list[Finding]:
    """Files with further names; by one outside of the folder somebody may write while the file is read."""
    findings = []
    for paths in links.values():
        count = (listing.root / paths[0]).lstat().st_nlink
        if count > len(paths):
            findings += [FS_HARDLINK.at(path, f"{count - len(paths)} of its names lie elsewhere.") for path in paths]
        else:
            findings += [FS_TWIN.at(path, f"The file is the same as {paths[0]!r}.") for path in paths[1:]]
    return findings


def _take(entry: os.DirEntry[str], path: str, listing: FolderListing, links: dict[tuple[int, int], list[str]]) -> bool:
    """Note one entry; whether it is a folder to descend into."""
    status = entry.stat(follow_symlinks=False)
    if not is_encodable(path):
        listing.findings.append(FS_NAME.at(path.encode("utf-8", "replace").decode(), "The name is not UTF-8."))
    elif stat.S_ISLNK(status.st_mode):
        listing.findings.append(FS_LINK.at(path, _describe_link(listing.root, path)))
    elif stat.S_ISDIR(status.st_mode):
        if len(path.encode()) > PATH_LIMIT_BYTES:
            listing.findings.append(FS_LONG.at(path, "The folder lies too deep; it was not read."))
            return False
        if entry.name.casefold() != ".git":
            return True
        listing.findings.append(FS_GIT.at(path, "The folder holds a Git repository; it was not read."))
    elif not stat.S_ISREG(status.st_mode):
        listing.findings.append(FS_SPECIAL.at(path, "The entry is a pipe, socket or device; it was not opened."))
    elif status.st_size > HUGE_BYTES:
        listing.findings.append(FS_HUGE.at(path, f"The file has {status.st_size} bytes; it was not read."))
    elif status.st_size > SPARSE_BYTES and status.st_blocks * 512 < status.st_size * SPARSE_SHARE:
        message = f"Of {status.st_size} bytes, {status.st_blocks * 512} are stored; the file was not read."
        listing.findings.append(FS_SPARSE.at(path, message))
    else:
        listing.sizes[path] = status.st_size
        if status.st_nlink > 1:
            links.setdefault((status.st_dev, status.st_ino), []).append(path)
    return False


def _describe_link(root: Path, path: str) -> str:
    place = root / path
    target = str(place.readlink())
    resolved = Path(os.path.realpath(place))
    inside = resolved.is_relative_to(Path(os.path.realpath(root)))
    return f"The link points to {target!r}, {'inside' if inside else 'outside'} the folder; it was not followed."
