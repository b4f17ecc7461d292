"""The identity of the files that are run: the manifest digest that the rest of the product knows a checkpoint by.

Owns: hashing a folder's files. Refuses to own: the definition, which is that of `weights.manifest`; a test holds the
two together, because neither package may import the other.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable

from smoke.checkpoint import Source, logical_files

PREFIX = b"imprimatur-manifest-1\0"
BLOCK = 1 << 20


def manifest_digest(
    source: Source,
    progress: Callable[[int, int], None] | None = None,
    cancel: threading.Event | None = None,
) -> str:
    """`sha256:<hex>` over sorted paths, sizes and digests; empty if canceled. Reads every byte once."""
    files = sorted((name.encode(), path) for name, path in logical_files(source) if _counted(name))
    total, done = sum(path.stat().st_size for _, path in files), 0
    whole = hashlib.sha256(PREFIX)
    for name, path in files:
        one, size = hashlib.sha256(), 0
        with path.open("rb") as file:
            while block := file.read(BLOCK):
                if cancel is not None and cancel.is_set():
                    return ""
                one.update(block)
                size += len(block)
                if progress is not None:
                    progress(done + size, total)
        done += size
        whole.update(f"{one.hexdigest()} {size} ".encode() + name + b"\0")
    return f"sha256:{whole.hexdigest()}"


def _counted(name: str) -> bool:
    """Whether a manifest counts this file: not what lies in a folder of Git's, nor a name that is not UTF-8."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return not any(part.casefold() == ".git" for part in name.split("/")[:-1])
