"""Import of a local folder as a checkpoint."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from accounts.models import User
from registry import policies
from registry.drafts import BLOCK_BYTES
from registry.models import Commit, Variant
from registry.services import content
from registry.services.commits import Changes, Placed, commit
from rules import Refused
from weights.findings import Severity
from weights.names import check_paths

LARGE_BYTES = 10_000_000
LARGE_ENDINGS = (".safetensors", ".gguf", ".bin", ".pt", ".onnx", ".h5", ".npz", ".msgpack")


def import_folder(
    *,
    variant: Variant,
    folder: Path,
    by: User,
    title: str = "",
    branch: str = "main",
    progress: Callable[[int, int, str], None] = lambda done, total, path: None,
) -> Commit:
    """Make the folder's files the whole content of a branch.

    The folder must lie below one of IMPORT_ROOTS. Links, devices and pipes are refused by name; every file is opened
    without following links and below the folder's own handle, so that a swap during the import leads nowhere else.
    """
    root = _allowed(folder)
    found = dict(_walk(root))
    if not found:
        raise Refused.because(policies.IMPORT_EMPTY, folder=folder)
    for finding in check_paths(found):
        if finding.severity == Severity.BLOCK:
            raise Refused.because(policies.BAD_PATH, path=finding.path, reason=finding.message)
    total, before = sum(found.values()), 0
    placed = {}
    for path, size in sorted(found.items()):
        arrived = content.receive(
            _blocks(root, path),
            organization=variant.organization,
            expected_size=size,
            progress=lambda done, before=before, path=path: progress(before + done, total, path),
        )
        before += size
        placed[path] = Placed(arrived.sha256, size > LARGE_BYTES or path.endswith(LARGE_ENDINGS))
    return commit(
        variant=variant,
        changes=Changes(add=placed, replace_all=True),
        title=title or f"Import {root.name}",
        author=by,
        branch=branch,
    )


def _allowed(folder: Path) -> Path:
    real = folder.resolve()
    roots = [root.resolve() for root in settings.IMPORT_ROOTS]
    if not any(real.is_relative_to(root) for root in roots) or not real.is_dir():
        raise Refused.because(
            policies.OUTSIDE_IMPORT_ROOTS, folder=folder, roots=", ".join(str(root) for root in roots)
        )
    return real


def _walk(root: Path) -> Iterator[tuple[str, int]]:
    """Each ordinary file as (posix path, size in bytes)."""
    for folder, names, files in os.walk(root, followlinks=False):
        names[:] = sorted(name for name in names if not (name == ".git" or _is_cache(Path(folder) / name, root)))
        for name in [*names, *files]:
            place = Path(folder) / name
            path = place.relative_to(root).as_posix()
            found = place.lstat()
            if stat.S_ISLNK(found.st_mode):
                raise Refused.because(policies.IMPORT_LINK, path=path)
            if stat.S_ISREG(found.st_mode):
                yield path, found.st_size
            elif not stat.S_ISDIR(found.st_mode):
                raise Refused.because(policies.IMPORT_SPECIAL, path=path)


def _is_cache(folder: Path, root: Path) -> bool:
    """The Hub client's own notes below `.cache/huggingface`, which it leaves out of uploads itself."""
    return folder == root / ".cache" and (folder / "huggingface").is_dir()


def _blocks(root: Path, path: str) -> Iterator[bytes]:
    handle = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        *folders, name = path.split("/")
        for folder in folders:
            below = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=handle)
            os.close(handle)
            handle = below
        try:
            opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
        except OSError as error:
            raise Refused.because(policies.IMPORT_LINK, path=path) from error
        with os.fdopen(opened, "rb") as source:
            if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
                raise Refused.because(policies.IMPORT_SPECIAL, path=path)
            while block := source.read(BLOCK_BYTES):
                yield block
    finally:
        os.close(handle)
