"""Digests of files and of a whole checkpoint.

Owns the manifest digest, which is a checkpoint's identity. Reads no file: the entries come from whoever hashed the
bytes.

The manifest digest is the SHA-256 of one byte string, made so that a few lines in any language can make it again:

    "imprimatur-manifest-1" NUL
    then for each file, sorted by the UTF-8 bytes of its path:
        SHA-256 in 64 lower-case hex digits, space, size in decimal, space, path in UTF-8, NUL

No path holds a NUL, so no two manifests share a byte string.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_PREFIX = b"imprimatur-manifest-1\0"
_HEX64 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """A SHA-256, written `sha256:<64 hex digits>`."""

    hex: str

    def __post_init__(self) -> None:
        if not _HEX64.fullmatch(self.hex):
            raise ValueError(f"not a SHA-256 in lower-case hex: {self.hex[:80]!r}")

    @classmethod
    def parse(cls, text: str) -> Digest:
        """The digest that `text` names, with or without the `sha256:` before it; ValueError otherwise."""
        return cls(text.removeprefix("sha256:"))

    @classmethod
    def of(cls, content: bytes) -> Digest:
        """The digest of `content`."""
        return cls(hashlib.sha256(content).hexdigest())

    def __str__(self) -> str:
        return f"sha256:{self.hex}"


@dataclass(frozen=True, slots=True, order=True)
class FileEntry:
    """One file of a manifest: posix path, size in bytes and SHA-256 in hex."""

    path: str
    size_bytes: int
    sha256: str

    def __post_init__(self) -> None:
        if not _HEX64.fullmatch(self.sha256):
            raise ValueError(f"not a SHA-256 in lower-case hex: {self.sha256[:80]!r}")
        if self.size_bytes < 0:
            raise ValueError(f"a file cannot have {self.size_bytes} bytes")
        if not self.path or "\0" in self.path:
            raise ValueError(f"not a path: {self.path[:80]!r}")

    def to_json(self) -> dict[str, Any]:
        """Path, size and SHA-256."""
        return {"path": self.path, "size_bytes": self.size_bytes, "sha256": self.sha256}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> FileEntry:
        """The entry that `to_json` wrote."""
        return cls(value["path"], value["size_bytes"], value["sha256"])


def manifest_digest(files: Iterable[FileEntry]) -> str:
    """The identity of a checkpoint with exactly these files, as `sha256:<hex>`; ValueError if a path comes twice."""
    entries = sorted((entry.path.encode("utf-8"), entry) for entry in files)
    digest = hashlib.sha256(_PREFIX)
    previous = b""
    for path, entry in entries:
        if path == previous:
            raise ValueError(f"the path {entry.path[:80]!r} comes twice")
        digest.update(f"{entry.sha256} {entry.size_bytes} ".encode("ascii") + path + b"\0")
        previous = path
    return str(Digest(digest.hexdigest()))
