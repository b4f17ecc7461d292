"""What a new installation is given: the demonstration, made by `manage.py demo` through the same services as all else.

Owns when it is made, and that the second instance's publishing token reaches the first; not what it consists of.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from config.launcher.commands import Command, run_all
from config.launcher.instance import ROOT, Folders, target_token_file, write_private
from config.launcher.supervisor import Supervisor

USERS, HUB_USERS = "demo-users.json", "demo-hub-users.json"
PUBLISHER = "publisher"


def forget(folders: Folders, name: str) -> None:
    """Drop the log-ins of a database that is no more."""
    (folders.secrets / name).unlink(missing_ok=True)


def prepare_hub(environment: Mapping[str, str], folders: Folders, supervisor: Supervisor) -> None:
    """Make the second instance's users where they are missing, and hand its publishing token to the first."""
    if _has_demo() and not (folders.secrets / HUB_USERS).exists():
        run_all([Command("demo-hub", ["demo", "--hub"], environment, is_shown=True)], supervisor)
    publish_token(folders)


def prepare(environment: Mapping[str, str], folders: Folders, supervisor: Supervisor) -> None:
    """Make the first instance's demonstration where it is missing."""
    if _has_demo() and not (folders.secrets / USERS).exists():
        supervisor.say("Making the demonstration; the first time takes a minute or two.")
        run_all([Command("demo", ["demo"], environment, is_shown=True)], supervisor)


def publish_token(folders: Folders) -> None:
    """Write the publisher's token where the first instance's settings look for it."""
    for user in users(folders, HUB_USERS):
        if user["username"] == PUBLISHER:
            write_private(target_token_file(folders), user["token"])


def users(folders: Folders, name: str) -> list[dict]:
    """Return log-ins as the demonstration wrote them: username, password, roles, token."""
    path = folders.secrets / name
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else []


def _has_demo() -> bool:
    return any(ROOT.glob("*/management/commands/demo.py"))
