"""Removes what can be made again: caches, logs, collected files; with `--data` also databases, blobs and secrets.

Called by its path and without `.venv`, so it imports the standard library alone.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHES = (".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".import_linter_cache", "htmlcov", ".coverage")
REMADE = ("run", "log", "static", "static.digest", "screenshots")


def main(arguments: list[str] | None = None, root: Path = ROOT, var: Path | None = None) -> int:
    """Refuse while an instance runs; else remove, and say what."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", action="store_true", help="remove databases, blobs and secrets as well")
    options = parser.parse_args(arguments)
    var = var or Path(os.environ.get("IMPRIMATUR_VAR") or root / "var")
    if is_locked(var / "run" / "lock"):
        sys.stdout.write("An instance runs in this checkout; stop it first. Nothing was removed.\n")
        return 1
    doomed = [var] if options.data else [var / name for name in REMADE]
    doomed += [root / name for name in CACHES]
    for folder, folders, _ in os.walk(root):
        folders[:] = [name for name in folders if name not in {".venv", ".git", "var"}]
        doomed += [Path(folder) / name for name in folders if name == "__pycache__"]
    removed = [path for path in doomed if remove(path)]
    shown = [
        str(path.relative_to(root)) for path in removed if path.name != "__pycache__" and path.is_relative_to(root)
    ]
    sys.stdout.write(f"Removed {len(removed)} files and folders{': ' if shown else ''}{', '.join(shown)}.\n")
    if not options.data and (var / "postgres").exists():
        sys.stdout.write(f"Data in {var} stays; `make clean DATA=1` removes it, too.\n")
    return 0


def is_locked(path: Path) -> bool:
    """Whether a launcher holds the lock."""
    try:
        with path.open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        pass
    return False


def remove(path: Path) -> bool:
    """Remove a file or a folder, and say whether it was there; a link goes, never what it points to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
        return True
    if path.exists() or path.is_symlink():
        path.unlink()
        return True
    return False


if __name__ == "__main__":
    sys.exit(main())
