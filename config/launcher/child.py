"""Starts one child process so that it can be found, signaled and never outlives us.

Each child leads its own session: a Ctrl-C in the terminal reaches the supervisor alone, and the whole group of a child
can be ended at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from config.launcher.account import Step

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36


def start(
    command: Sequence[str],
    *,
    log: Path,
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    descend: Step | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a child whose output goes to the end of `log`; Linux sends it `death_signal` should we die first.

    Call it from the main thread: the kernel takes the end of the calling thread for the end of the parent.
    """
    libc = ctypes.CDLL(None) if sys.platform == "linux" else None
    parent = os.getpid()

    def before_exec() -> None:
        if descend is not None:
            descend()  # first, since a change of account forgets the death signal
        if libc is not None:
            libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
            if os.getppid() != parent:  # died in between
                os._exit(1)
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)  # a shell's `&` hands down an ignored SIGINT

    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        return subprocess.Popen(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            cwd=cwd,
            start_new_session=True,
            preexec_fn=before_exec,
        )


def adopt_orphans() -> None:
    """Have grandchildren whose parent dies handed to us, so that they can still be ended; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_with_parent() -> None:
    """Have ourselves told to end when our parent does: who kills `make` means what it runs; Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)


def signal_group(child: subprocess.Popen[bytes], number: signal.Signals) -> None:
    """Signal a child's whole group; one that is gone already is no error."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
