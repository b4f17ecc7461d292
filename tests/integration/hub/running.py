"""The web server as it is deployed, run for a test on a loopback port and the test database."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.launcher.ports import free_port

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Server:
    """A running web server."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def memory_bytes(self) -> int:
        """Resident memory of master and workers."""
        return memory_of(self.process.pid)

    def watched(self) -> AbstractContextManager[dict[str, int]]:
        """Samples memory while something happens; afterwards `peak` holds the most that was seen, in bytes."""
        return watched(self.process.pid)


def memory_of(pid: int, *, is_shared_once: bool = False) -> int:
    """The memory of a process and those below it; pages that they share count for each, or once (PSS)."""
    master = psutil.Process(pid)
    below = [master, *master.children(recursive=True)]
    return sum(one.memory_full_info().pss if is_shared_once else one.memory_info().rss for one in below)


@contextmanager
def watched(pid: int, *, every_seconds: float = 0.05, is_shared_once: bool = False) -> Iterator[dict[str, int]]:
    """Samples the memory of a server while something happens; afterwards `peak` holds the most that was seen."""
    seen, is_over = {"peak": memory_of(pid, is_shared_once=is_shared_once)}, threading.Event()

    def sample() -> None:
        while not is_over.wait(every_seconds):
            seen["peak"] = max(seen["peak"], memory_of(pid, is_shared_once=is_shared_once))

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


@contextmanager
def running(database_url: str, folder: Path, *, workers: int = 1, **variables: str) -> Iterator[Server]:
    """gunicorn, ended at the end; `variables` are settings in addition."""
    log, port = folder / "web.log", free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "config" / "gunicorn_conf.py")]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", str(workers), "config.wsgi"]
    environment = os.environ | {"DATABASE_URL": database_url, "PUBLIC_URL": url} | variables
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait(url, process, log)
        yield Server(url, process, log)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def database_url() -> str:
    """The address of the database that the tests made."""
    from django.db import connections

    chosen = connections["default"].settings_dict
    return "postgresql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**chosen)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            urllib.request.urlopen(f"{url}/api/models", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-4000:])
