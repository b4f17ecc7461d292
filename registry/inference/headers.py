"""A checkpoint as planning needs it: the headers of its files, without their weights.

Owns files with holes that stand for the real ones while a plan is made: a store in a bucket is asked for the beginning
of each file, and nothing large crosses the network before it is known that there is a device for it. What a header is
knows `smoke.checkpoint`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from registry.blobs import blob_store
from registry.models import Checkpoint
from smoke.checkpoint import DESCRIPTIONS, beginning

WITH_HEADERS = (".safetensors", ".gguf")


@contextmanager
def headers_of(checkpoint: Checkpoint | None) -> Iterator[Mapping[str, Path] | None]:
    """Files by their paths that are as long as the real ones and begin like them; None for no checkpoint."""
    if checkpoint is None:
        yield None
        return
    places = {}
    rows = checkpoint.files.order_by("path").values_list("path", "blob_id", "blob__size_bytes")
    with tempfile.TemporaryDirectory(prefix="headers-") as folder:
        for number, (path, sha256, size_bytes) in enumerate(rows):
            places[path] = Path(folder) / str(number)
            with suppress(FileNotFoundError):  # what is gone has no file here either, and the plan says so
                _write(path, sha256, size_bytes, places[path])
        yield places


def _write(path: str, sha256: str, size_bytes: int, place: Path) -> None:
    begun = b""
    if path in DESCRIPTIONS or path.endswith(WITH_HEADERS):
        with closing(blob_store().stream(sha256)) as content:
            begun = beginning(path, content)
    with place.open("wb") as file:
        file.write(begun)
        file.truncate(size_bytes)
