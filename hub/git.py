"""Object ids as git computes them, which the client compares with local files. Pure: no repository is touched.

Source: git 2.x, object format of blobs and trees; Git LFS specification v1, pointer files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

FILE_MODE, FOLDER_MODE = b"100644", b"40000"


def pointer(sha256: str, size_bytes: int) -> bytes:
    """The pointer file that git keeps in place of large content."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size_bytes}\n".encode()


def blob_id(content: bytes) -> str:
    """The id of a file's content."""
    return _id(b"blob", content)


def tree_id(entries: Iterable[tuple[str, str, bool]]) -> str:
    """The id of a folder from (name, id, whether it is a folder) of what it holds."""
    ordered = sorted(entries, key=lambda entry: entry[0].encode() + (b"/" if entry[2] else b""))
    body = b"".join(
        (FOLDER_MODE if is_folder else FILE_MODE) + b" " + name.encode() + b"\0" + bytes.fromhex(oid)
        for name, oid, is_folder in ordered
    )
    return _id(b"tree", body)


def _id(kind: bytes, body: bytes) -> str:
    return hashlib.sha1(kind + b" %d\0" % len(body) + body, usedforsecurity=False).hexdigest()
