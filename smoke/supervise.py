"""Watching a confined process from outside: time, output, memory, cancellation.

Owns: starting it in a session of its own, reading its lines, and ending it with everything it started, always.
Refuses to own: what it may reach (`smoke.sandbox`) and what its lines mean (`smoke.hearing`).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

TICK_SECONDS = 0.2
SCRATCH_SECONDS = 0.4
ENDING_SECONDS = 30.0
"""What starts processes faster than they can be ended, where nothing forbids it, must not hold up its worker."""

CLOCK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


@dataclass(frozen=True)
class Limits:
    """What one run may use. None for memory means what the plan expects, with room."""

    wall_seconds: float = 1800.0
    cpu_seconds: int | None = None
    """None means what all threads could use in the wall time."""
    memory_bytes: int | None = None
    output_bytes: int = 8 << 20
    line_bytes: int = 2 << 20
    scratch_bytes: int = 256 << 20
    """For one file, and for all files of the scratch folder together."""
    scratch_files: int = 4096
    """More files than any library keeps there; counting stops at so many."""
    threads: int = 0
    """Threads of the engine; 0 means every core that this process may use."""
    blocks_seconds: float = 60.0
    """Time for turning single blocks down; large models then get a sample of their blocks. 0 leaves it out."""


@dataclass(frozen=True)
class Ending:
    """How the process came to its end. `stopped` names the limit that ended it, empty if it ended by itself."""

    returncode: int
    stopped: str
    stderr: str
    seconds: float
    peak_bytes: int
    cpu_seconds: float = 0.0
    """As last seen before the end, so up to a moment less than it really was."""


def supervise(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    limits: Limits,
    on_line: Callable[[bytes], None],
    cancel: threading.Event | None = None,
) -> Ending:
    """Runs the command to its end or to a limit, handing on each line of its output; no process of it is left.

    `folder` is where it starts and the only place where it may write: what it holds there is watched.
    """
    started = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=folder,
        env=dict(environment),
        start_new_session=True,
        close_fds=True,
    )
    watch = _Watch(process, limits, on_line, cancel, started, folder)
    try:
        stopped = watch.until_end()
    finally:
        # its session is its own: whatever is left in the group is ours to end, also after a normal exit
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        end_all_in(watch.namespace)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    tail = bytes(watch.stderr[-4000:]).decode(errors="replace")
    return Ending(process.returncode, stopped, tail, time.monotonic() - started, watch.peak, watch.cpu_seconds)


class _Watch:
    def __init__(
        self,
        process: subprocess.Popen[bytes],
        limits: Limits,
        on_line: Callable[[bytes], None],
        cancel: threading.Event | None,
        started: float,
        folder: Path,
    ) -> None:
        self.process, self.limits, self.on_line, self.cancel = process, limits, on_line, cancel
        self.started, self.folder, self.scratch_at = started, folder, started
        self.namespace, self.cpu_seconds = "", 0.0
        self.buffer, self.stderr = bytearray(), bytearray()
        self.seen, self.peak = 0, 0

    def until_end(self) -> str:
        """Name of the limit that was reached, or empty once both pipes are closed and the process is gone."""
        assert self.process.stdout is not None and self.process.stderr is not None
        with selectors.DefaultSelector() as selector:
            for stream in (self.process.stdout, self.process.stderr):
                os.set_blocking(stream.fileno(), False)
                selector.register(stream, selectors.EVENT_READ)
            while selector.get_map():
                for key, _ in selector.select(TICK_SECONDS):
                    data = os.read(key.fd, 65536)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is self.process.stdout:
                        self._take(data)
                    else:
                        self.stderr += data
                        del self.stderr[:-8000]
                        self.seen += len(data)
                stopped = self._limit()
                if stopped:
                    return stopped
            while self.process.poll() is None:  # it closed its pipes, and may still be running
                stopped = self._limit()
                if stopped:
                    return stopped
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self.process.wait(TICK_SECONDS)
        return ""

    def _take(self, data: bytes) -> None:
        self.seen += len(data)
        self.buffer += data
        *lines, rest = self.buffer.split(b"\n")
        self.buffer = bytearray(rest)
        if self.seen <= self.limits.output_bytes:
            for line in lines:
                if len(line) <= self.limits.line_bytes:
                    self.on_line(bytes(line))

    def _limit(self) -> str:
        if self.cancel is not None and self.cancel.is_set():
            return "canceled"
        if time.monotonic() - self.started > self.limits.wall_seconds:
            return "time"
        if self.seen > self.limits.output_bytes or len(self.buffer) > self.limits.line_bytes:
            return "output"
        self.cpu_seconds = max(self.cpu_seconds, processor_seconds(self.process.pid))
        self.namespace = foreign_namespace(self.process.pid) or self.namespace
        if time.monotonic() - self.scratch_at > SCRATCH_SECONDS:
            self.scratch_at = time.monotonic()
            if stored_bytes(self.folder, self.limits.scratch_files) > self.limits.scratch_bytes:
                return "scratch"
        used = anonymous_bytes(self.process.pid)
        self.peak = max(self.peak, used)
        if self.limits.memory_bytes is not None and used > self.limits.memory_bytes:
            return "memory"
        return ""


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that no file backs, shared memory included; 0 where it cannot be read."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith(("RssAnon:", "RssShmem:"))]
    return sum(int(line.split()[1]) * 1024 for line in lines)


def processor_seconds(pid: int) -> float:
    """Processor time of a process so far; 0 where it cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
        return (int(fields[11]) + int(fields[12])) / CLOCK
    except (OSError, ValueError, IndexError):
        return 0.0


def stored_bytes(folder: Path, most: int) -> int:
    """Bytes that files in a folder take on disk; more than any limit once there are more than `most` of them."""
    total = count = 0
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    if count > most:
                        return 1 << 62
                    with contextlib.suppress(OSError):
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
        except OSError:
            continue
    return total


def foreign_namespace(pid: int) -> str:
    """The process's network namespace where that is not ours: whoever is in it was started by that process."""
    with contextlib.suppress(OSError):
        theirs = Path(f"/proc/{pid}/ns/net").readlink()
        if theirs != Path("/proc/self/ns/net").readlink():
            return str(theirs)
    return ""


def end_all_in(namespace: str) -> None:
    """Ends every process in a namespace, also one that left its session while system calls were not filtered."""
    until = time.monotonic() + ENDING_SECONDS
    while namespace and time.monotonic() < until:
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if str((folder / "ns" / "net").readlink()) == namespace and not _is_dead(folder):
                    found.append(int(folder.name))
        for pid in found:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return
        time.sleep(0.01)


def _is_dead(folder: Path) -> bool:
    return (folder / "stat").read_text().rpartition(") ")[2][:1] in "ZX"
