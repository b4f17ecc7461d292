"""What an outsider would see of one variant: the packaged checkpoint's files and its card, and nothing else."""

from __future__ import annotations

from typing import Any

from gating.policies.access import UNGATED_FILES
from registry.presenters import LEVELS
from registry.states import Level
from release.card import BadCard
from release.models import Release, ReleaseItem
from release.packaging import CARD, additions, read_text
from web.tones import Status, Tone

OPEN = Status("Open", Tone.SUCCESS, "download")
CLOSED = Status("Takes a grant", Tone.GATED, "lock-open")


def view(release: Release, item: ReleaseItem) -> dict[str, Any]:
    """The context of the page; a draft that is not packaged yet is shown with the card as it would be written."""
    level = Level(item.level)
    shown = {"release": release, "item": item, "status": LEVELS[level], "is_hidden": level == Level.HELD_BACK}
    if level == Level.HELD_BACK:
        return shown
    if item.packaged:
        files = list(item.packaged.files.select_related("blob"))
        return shown | {
            "files": [_row(file.path, file.blob.size_bytes, file.blob_id, level) for file in files],
            "card": read_text(item.packaged, CARD),
            "digest": item.packaged.digest,
            "added": _added(item, {file.path: file.blob_id for file in files}),
        }
    written, problem = _written(item)
    files = [
        (file.path, file.blob.size_bytes, file.blob_id)
        for file in item.checkpoint.files.select_related("blob")
        if file.path not in written
    ]
    files += [(path, len(text.encode()), "") for path, text in written.items()]
    return shown | {
        "files": [_row(path, size, sha256, level) for path, size, sha256 in sorted(files)],
        "card": written.get(CARD) or read_text(item.checkpoint, CARD),
        "digest": "",
        "problem": problem,
        "added": sorted(written),
    }


def _written(item: ReleaseItem) -> tuple[dict[str, str], str]:
    try:
        return additions(item), ""
    except BadCard as error:
        return {}, f"README.md cannot be read: {error}."


def _row(path: str, size_bytes: int, sha256: str, level: Level) -> dict[str, Any]:
    is_open = level == Level.PUBLIC or path in UNGATED_FILES
    return {"file": {"path": path, "size_bytes": size_bytes, "sha256": sha256}, "status": OPEN if is_open else CLOSED}


def _added(item: ReleaseItem, packaged: dict[str, str]) -> list[str]:
    """The files that packaging wrote or changed."""
    before = dict(item.checkpoint.files.values_list("path", "blob_id"))
    return sorted(path for path, blob in packaged.items() if before.get(path) != blob)
