"""Gives `manage.py` the settings of the instance that runs, so that a second terminal needs no variables.

`IMPRIMATUR_INSTANCE=hub` chooses the second instance. An environment that names a database is left alone.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence

from config.launcher.instance import GOVERNING, HUB, Folders
from config.launcher.lock import Lock

# These read and write files, never rows; they run with settings that lead nowhere.
WITHOUT_DATABASE = frozenset(
    {
        "check",
        "check_license",
        "collectstatic",
        "compile_templates",
        "diffsettings",
        "help",
        "makemigrations",
        "spectacular",
        "version",
    }
)
NOWHERE = {
    "SECRET_KEY": "never signs anything: this process serves nobody",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
    "REDIS_URL": "redis://127.0.0.1:1/0",
}


def attach_to_running_instance(arguments: Sequence[str] | None = None, folders: Folders | None = None) -> None:
    """Put the running instance's settings into the environment; ends the process with one sentence where none runs."""
    if all(name in os.environ or f"{name}_FILE" in os.environ for name in NOWHERE):
        return
    folders = folders or Folders.of_environment()
    words = list(sys.argv[1:] if arguments is None else arguments)
    which = os.environ.get("IMPRIMATUR_INSTANCE", GOVERNING)
    if which not in {GOVERNING, HUB}:
        _refuse(f"IMPRIMATUR_INSTANCE={which!r} is neither {GOVERNING!r} nor {HUB!r}.")
    if found := _running(folders, which):
        os.environ.update(found)
    elif _needs_no_database(words):
        for name, value in NOWHERE.items():
            os.environ.setdefault(name, value)
    else:
        _refuse(
            "No instance runs here and DATABASE_URL, REDIS_URL and SECRET_KEY are not all set: "
            "start one with `make run`, or set them."
        )


def _running(folders: Folders, which: str) -> dict[str, str] | None:
    if Lock(folders.run / "lock").holder() is None:
        return None
    try:
        return json.loads((folders.run / "environment.json").read_text(encoding="utf-8")).get(which)
    except (FileNotFoundError, ValueError):  # it is only just starting
        return None


def _needs_no_database(words: Sequence[str]) -> bool:
    return not words or words[0] in WITHOUT_DATABASE or bool({"-h", "--help", "--version"} & set(words))


def _refuse(sentence: str) -> None:
    sys.stderr.write(sentence + "\n")
    raise SystemExit(2)
