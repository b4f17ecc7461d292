#!/usr/bin/env python
"""Runs a management command; `make run` and `docs/operations.md` say which exist."""

import os
import sys


def main() -> None:
    """Take the settings of a running instance where the environment names none, then run the command."""
    if sys.argv[1:2] == ["check_license"]:  # pure: it is spared settings, apps and the second they take
        from licensing.management.commands.check_license import Command

        Command().run_from_argv(sys.argv)
        return
    from config.launcher.attach import attach_to_running_instance

    attach_to_running_instance()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
