"""Keeps programs running, and ends them all within a few seconds; knows nothing of what they do.

One thread, one loop: it starts children, restarts those that end unasked, waits longer the more often they fail, and
on stop works through the tiers in reverse: ask, hasten, kill. It ends only what it started, or what that started.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import psutil

from config.launcher.account import Step
from config.launcher.child import signal_group, start
from config.launcher.instance import write_private

SERVERS, PROCESSES = 0, 1  # tiers: what the others stand on, and the others
STEADY_SECONDS = 60.0  # who ran this long has its failures forgiven
LONGEST_PAUSE = 30.0
# Stays in the environment of every descendant: by it, the next run finds what a killed one left.
MARK = "IMPRIMATUR_SUPERVISED_BY"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Program:
    """What to run, and how to ask it to end: first politely, then hastily."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    cwd: Path
    tier: int = PROCESSES
    stop_signal: signal.Signals = signal.SIGTERM
    hasten_signal: signal.Signals = signal.SIGQUIT
    # Sent by the kernel when the supervisor is killed: nobody is left to hasten anything then.
    death_signal: signal.Signals = signal.SIGKILL
    descend: Step | None = None


@dataclass
class Child:
    """One program's present process."""

    program: Program
    process: subprocess.Popen[bytes]
    started: float
    failures: int = 0
    due: float | None = None  # when to start it again; None while it runs


@dataclass
class Supervisor:
    """Runs programs; `run_folder` shows who runs under which number, `log_folder` has one file for each."""

    run_folder: Path
    log_folder: Path
    say: Say
    adopts: bool = False  # whether orphans are handed to this process; see `child.adopt_orphans`
    stopping: Event = field(default_factory=Event)
    children: dict[str, Child] = field(default_factory=dict)

    def start(self, program: Program) -> None:
        """Start a program and keep it running from now on."""
        self.children[program.name] = Child(program, self._spawn(program), time.monotonic())
        self._publish()

    def log(self, name: str) -> Path:
        """Return the file that holds what a program printed."""
        return self.log_folder / f"{name}.log"

    def tick(self) -> None:
        """Notice who ended, and start those again whose pause is over."""
        now = time.monotonic()
        changed = False
        for child in self.children.values():
            if child.due is not None and now >= child.due:
                child.process, child.started, child.due = self._spawn(child.program), now, None
                changed = True
            elif child.due is None and (status := child.process.poll()) is not None:
                self._note_end(child, status, now)
                changed = True
        if changed:
            self._publish()

    def watch(self, *, every: float = 0.3) -> None:
        """Keep everything running until `stopping` is set."""
        rounds = 0
        while not self.stopping.wait(every):
            self.tick()
            rounds += 1
            if rounds % 20 == 0:
                self._reap_orphans()

    def wait_until(self, answers: Callable[[], bool], seconds: float, *, every: float = 0.05) -> bool:
        """Keep everything running until a question is answered with yes; False when time is over or we are to stop."""
        end = time.monotonic() + seconds
        while not self.stopping.is_set() and time.monotonic() < end:
            if answers():
                return True
            self.tick()
            self.stopping.wait(every)
        return False

    def stop(self, *, seconds: float = 7.5) -> None:
        """End everything, the newest tier first; nothing is left when it returns."""
        self.stopping.set()
        end = time.monotonic() + seconds
        descendants = self._descendants()
        for tier in sorted({child.program.tier for child in self.children.values()}, reverse=True):
            share = (end - time.monotonic()) * (0.75 if tier else 1.0)
            self._stop_tier([c for c in self.children.values() if c.program.tier == tier], max(share, 0.5))
        self._kill(descendants + self._descendants())
        self.children.clear()
        self._publish()

    def _stop_tier(self, children: list[Child], seconds: float) -> None:
        began = time.monotonic()
        alive = [child for child in children if child.process.poll() is None]
        for child in alive:
            child.process.send_signal(child.program.stop_signal)
        if not _wait(alive, began + seconds * 0.45):
            for child in alive:
                if child.process.poll() is None:
                    child.process.send_signal(child.program.hasten_signal)
            _wait(alive, began + seconds)
        for child in children:
            signal_group(child.process, signal.SIGKILL)
            child.process.wait()

    def _spawn(self, program: Program) -> subprocess.Popen[bytes]:
        return start(
            program.command,
            log=self.log(program.name),
            environment=dict(program.environment) | {MARK: str(self.run_folder)},
            cwd=program.cwd,
            descend=program.descend,
            death_signal=program.death_signal,
        )

    def _note_end(self, child: Child, status: int, now: float) -> None:
        signal_group(child.process, signal.SIGKILL)  # its own children may still hold its port
        child.failures = 1 if now - child.started > STEADY_SECONDS else child.failures + 1
        pause = min(0.25 * 2 ** (child.failures - 1), LONGEST_PAUSE)
        child.due = now + pause
        how = signal.Signals(-status).name if status < 0 else f"exit {status}"
        self.say(f"{child.program.name} ended ({how}); starting it again. See {self.log(child.program.name)}")

    def _descendants(self) -> list[psutil.Process]:
        """Return our children's children, and whoever was handed to us when its parent died."""
        found: list[psutil.Process] = []
        for child in self.children.values():
            with contextlib.suppress(psutil.Error):
                found += psutil.Process(child.process.pid).children(recursive=True)
        return found + marked(self.run_folder)

    def _kill(self, processes: list[psutil.Process]) -> None:
        for process in processes:
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and process.is_running():
                    process.kill()
        psutil.wait_procs(processes, timeout=1)
        self._reap_orphans()

    def _reap_orphans(self) -> None:
        """Take note of the end of processes that were handed to us; without it they stay as zombies."""
        if not self.adopts:
            return
        ours = {child.process.pid for child in self.children.values()}
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.Error, ChildProcessError):
                if process.pid not in ours and process.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(process.pid, os.WNOHANG)

    def _publish(self) -> None:
        running = {name: child.process.pid for name, child in self.children.items() if child.due is None}
        write_private(self.run_folder / "processes.json", json.dumps(running, indent=1) + "\n")


def marked(run_folder: Path) -> list[psutil.Process]:
    """Return all processes that a supervisor of this folder started, itself or through others."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.pid != os.getpid() and process.environ().get(MARK) == str(run_folder):
                found.append(process)
    return found


def end_leftovers(run_folder: Path) -> int:
    """Kill what a killed supervisor left running, and return how many; the caller holds the lock of the folder.

    PostgreSQL is spared: killing it would cost a recovery, and it is asked to end where its cluster is opened.
    """
    left = [process for process in marked(run_folder) if process.name() != "postgres"]
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=5)
    return len(left)


def _wait(children: list[Child], until: float) -> bool:
    while time.monotonic() < until:
        if all(child.process.poll() is not None for child in children):
            return True
        time.sleep(0.02)
    return all(child.process.poll() is not None for child in children)
