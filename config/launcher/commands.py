"""Runs management commands to their end while the servers are kept running, and shows what they print."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from config.launcher.child import signal_group, start
from config.launcher.instance import ROOT
from config.launcher.supervisor import MARK, Supervisor


class CommandFailed(Exception):
    """A command ended with an error, or was stopped with everything else; the message holds the end of its output."""


@dataclass(frozen=True)
class Command:
    """One `manage.py` command for one instance."""

    name: str
    words: Sequence[str]
    environment: Mapping[str, str]
    is_shown: bool = False


def run_all(commands: Sequence[Command], supervisor: Supervisor) -> None:
    """Run commands side by side; the first failure ends the others and is raised."""
    running = [(command, _start(command, supervisor)) for command in commands]
    shown = {command.name: supervisor.log(command.name).stat().st_size for command in commands}
    try:
        while any(process.poll() is None for _, process in running):
            supervisor.tick()
            for command, process in running:
                _show(command, supervisor, shown)
                if supervisor.stopping.is_set() or process.poll() not in (None, 0):
                    raise CommandFailed(_report(command, supervisor))
            supervisor.stopping.wait(0.05)
        for command, process in running:
            _show(command, supervisor, shown)
            if process.returncode != 0:
                raise CommandFailed(_report(command, supervisor))
    finally:
        for _, process in running:
            _end(process)


def tail(supervisor: Supervisor, name: str, lines: int = 25) -> str:
    """Return the last lines that a program or command printed."""
    path = supervisor.log(name)
    if not path.exists():
        return ""
    return "\n".join(path.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def _start(command: Command, supervisor: Supervisor) -> subprocess.Popen[bytes]:
    log = supervisor.log(command.name)
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_bytes(b"")
    return start(
        [sys.executable, str(ROOT / "manage.py"), *command.words],
        log=log,
        environment=dict(command.environment) | {MARK: str(supervisor.run_folder)},
        cwd=ROOT,
    )


def _show(command: Command, supervisor: Supervisor, shown: dict[str, int]) -> None:
    if not command.is_shown:
        return
    with supervisor.log(command.name).open("rb") as output:
        output.seek(shown[command.name])
        if fresh := output.read():
            shown[command.name] += len(fresh)
            sys.stdout.write(fresh.decode("utf-8", errors="replace"))
            sys.stdout.flush()


def _report(command: Command, supervisor: Supervisor) -> str:
    if supervisor.stopping.is_set():
        return f"{command.name} was stopped before its end; the next run takes it up again."
    return f"manage.py {' '.join(command.words)} failed:\n{tail(supervisor, command.name)}"


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        end = time.monotonic() + 2
        while process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)
    signal_group(process, signal.SIGKILL)
    process.wait()
