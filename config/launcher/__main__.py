"""`python -m config.launcher`: runs both instances until Ctrl-C or SIGTERM."""

from __future__ import annotations

import os
import signal
import sys

from config.environment import BadSetting, integer
from config.launcher.account import NoAccount
from config.launcher.child import adopt_orphans, end_with_parent
from config.launcher.commands import CommandFailed
from config.launcher.instance import Folders
from config.launcher.launch import Launch, LaunchFailed
from config.launcher.postgres import PostgresFailed
from config.launcher.redis import RedisMissing
from config.launcher.supervisor import Supervisor

EXPECTED = (BadSetting, CommandFailed, LaunchFailed, NoAccount, PostgresFailed, RedisMissing)


def main() -> int:
    """Return 0 after a clean stop, 1 where it could not start, 3 where one runs already."""
    folders = Folders.of_environment()
    supervisor = Supervisor(folders.run, folders.logs, say, adopts=True)
    adopt_orphans()
    if "MAKELEVEL" in os.environ:  # a shell, unlike make, may well end before us
        end_with_parent()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: supervisor.stopping.set())
    try:
        return Launch(folders, integer("PORT", 8000, at_least=1), supervisor).run()
    except EXPECTED as failure:
        say(str(failure))
        return 1


def say(sentence: str) -> None:
    """Print one line at once."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
