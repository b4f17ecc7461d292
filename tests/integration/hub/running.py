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
from contextlib import contextmanager
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
        master = psutil.Process(self.process.pid)
        return sum(process.memory_info().rss for process in [master, *master.children(recursive=True)])

    @contextmanager
    def watched(self) -> Iterator[dict[str, int]]:
        """Samples memory while something happens; afterwards `peak` holds the most that was seen, in bytes."""
        seen, is_over = {"peak": self.memory_bytes()}, threading.Event()

        def sample() -> None:
            while not is_over.wait(0.05):
                seen["peak"] = max(seen["peak"], self.memory_bytes())

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
