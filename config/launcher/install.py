"""Makes `.venv` and installs the pinned requirements into it, only when they changed; runs on a bare Python.

Called by its path, before anything is installed, so it imports the standard library alone.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OLDEST = (3, 11)


def main(arguments: list[str] | None = None) -> int:
    """Install the named requirement files; those that have not changed since the last time cost nothing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--venv", type=Path, default=ROOT / ".venv")
    parser.add_argument("files", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    python = options.venv / "bin" / "python"
    if not works(python):
        make_environment(options.venv)
    wanted = [path for path in options.files if not is_installed(path, options.venv)]
    if not wanted:
        return 0
    say(f"Installing {', '.join(path.name for path in wanted)} into {options.venv}")
    names = [word for path in wanted for word in ("-r", str(path))]
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", *names]
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        say("pip could not install the requirements; its message above says why. Nothing else was changed.")
        return status
    for path in wanted:
        stamp(path, options.venv).write_text(digest(path, options.venv), encoding="ascii")
    return 0


def works(python: Path) -> bool:
    """Whether an environment's Python starts, and is new enough; one whose base was removed or moved does not."""
    try:
        question = f"import sys, pip; sys.exit(sys.version_info < {OLDEST})"
        return subprocess.run([str(python), "-c", question], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_environment(folder: Path) -> None:
    """Make the virtual environment anew, with the Python that runs this."""
    if folder.exists():
        say(f"{folder} no longer works; making it anew.")
        shutil.rmtree(folder)
    say(f"Making {folder} with Python {sys.version.split()[0]}")
    made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False, capture_output=True, text=True)
    if made.returncode != 0:
        shutil.rmtree(folder, ignore_errors=True)
        say(made.stdout + made.stderr)
        say("This Python cannot make virtual environments. On Debian and Ubuntu: apt-get install python3-venv")
        raise SystemExit(1)


def is_installed(path: Path, folder: Path) -> bool:
    """Whether the file is what was installed last time, with this environment's Python."""
    note = stamp(path, folder)
    return note.exists() and note.read_text(encoding="ascii") == digest(path, folder)


def stamp(path: Path, folder: Path) -> Path:
    """Return where the digest of an installed requirement file is kept."""
    return folder / f".installed-{path.stem}"


def digest(path: Path, folder: Path) -> str:
    """Return a digest of a requirement file and of the Python it is installed for."""
    python = os.path.realpath(folder / "bin" / "python")
    return hashlib.sha256(path.read_bytes() + python.encode()).hexdigest()


def say(sentence: str) -> None:
    """Print at once, before pip's own output."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
