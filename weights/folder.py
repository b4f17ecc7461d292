"""Walking a folder on disk without being led astray.

Owns what counts as a file of the checkpoint: regular files, found without following any link. Everything else is a
finding. Opens no file.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from weights.catalog.files import FS_COUNT, FS_GIT, FS_HARDLINK, FS_LINK, FS_NAME, FS_SPECIAL
from weights.findings import Finding
from weights.names import is_encodable

FILES_LIMIT = 100_000


@dataclass(slots=True)
class FolderListing:
    """The regular files below a folder, by posix path, with their sizes; and what else was there."""

    root: Path
    sizes: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def size_bytes(self) -> int:
        """Bytes in all files."""
        return sum(self.sizes.values())


def list_folder(root: str | os.PathLike[str]) -> FolderListing:
    """Everything below `root`; OSError if a folder cannot be read."""
    listing = FolderListing(Path(root))
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        with os.scandir(listing.root / folder) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if _take(entry, path, listing):
                    waiting.append(path)
        if len(listing.sizes) > FILES_LIMIT:
            listing.findings.append(FS_COUNT.at("", f"The folder has more than {FILES_LIMIT} files."))
            break
    return listing


def _take(entry: os.DirEntry[str], path: str, listing: FolderListing) -> bool:
    """Note one entry; whether it is a folder to descend into."""
    status = entry.stat(follow_symlinks=False)
    if not is_encodable(path):
        listing.findings.append(FS_NAME.at(path.encode("utf-8", "replace").decode(), "The name is not UTF-8."))
    elif stat.S_ISLNK(status.st_mode):
        listing.findings.append(FS_LINK.at(path, _describe_link(listing.root, path)))
    elif stat.S_ISDIR(status.st_mode):
        if entry.name.casefold() != ".git":
            return True
        listing.findings.append(FS_GIT.at(path, "The folder holds a Git repository; it was not read."))
    elif not stat.S_ISREG(status.st_mode):
        listing.findings.append(FS_SPECIAL.at(path, "The entry is a pipe, socket or device; it was not opened."))
    else:
        listing.sizes[path] = status.st_size
        if status.st_nlink > 1:
            listing.findings.append(FS_HARDLINK.at(path, f"The file has {status.st_nlink} names."))
    return False


def _describe_link(root: Path, path: str) -> str:
    place = root / path
    target = str(place.readlink())
    resolved = Path(os.path.realpath(place))
    inside = resolved.is_relative_to(Path(os.path.realpath(root)))
    return f"The link points to {target!r}, {'inside' if inside else 'outside'} the folder; it was not followed."
