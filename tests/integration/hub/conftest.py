"""A real web server on a loopback port, the real client against it, and people made through services.

The server is a process of its own on the test database, so that rows are committed as in life; every module marks its
tests `django_db(transaction=True)`.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from config.launcher.ports import free_port

ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Server:
    """A running web server."""

    url: str
    process: subprocess.Popen[bytes]

    def memory_bytes(self) -> int:
        """Resident memory of master and workers."""
        processes = [psutil.Process(self.process.pid), *psutil.Process(self.process.pid).children(recursive=True)]
        return sum(process.memory_info().rss for process in processes)

    def worker(self) -> psutil.Process:
        """The one worker."""
        (worker,) = psutil.Process(self.process.pid).children()
        return worker


@pytest.fixture(scope="session")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """gunicorn as it is deployed, with one worker."""
    from django.db import connections

    chosen = connections["default"].settings_dict
    log = tmp_path_factory.mktemp("hub") / "web.log"
    port = free_port()
    environment = os.environ | {
        "DATABASE_URL": (
            f"postgresql://{chosen['USER']}:{chosen['PASSWORD']}@{chosen['HOST']}:{chosen['PORT']}/{chosen['NAME']}"
        ),
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
    }
    command = [sys.executable, "-m", "gunicorn", "--config", str(ROOT / "config" / "gunicorn_conf.py")]
    command += ["--bind", f"127.0.0.1:{port}", "--workers", "1", "config.wsgi"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
    try:
        _wait(f"http://127.0.0.1:{port}", process, log)
        yield Server(f"http://127.0.0.1:{port}", process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        assert process.poll() is None, log.read_text()[-4000:]
        try:
            urllib.request.urlopen(f"{url}/api/models", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(log.read_text()[-4000:])


@pytest.fixture
def person(server: Server):
    """Makes people: `person(organization, Role.OWNER)`, or nobody's member."""
    from tests.integration.hub import people

    return partial(people.person, server.url)


@pytest.fixture
def governed(server: Server) -> SimpleNamespace:
    """A governed organization with its people."""
    from tests.integration.hub import people

    return people.namespace(server.url, is_direct_control=False)


@pytest.fixture
def direct(server: Server) -> SimpleNamespace:
    """An organization under direct control with its people."""
    from tests.integration.hub import people

    return people.namespace(server.url, is_direct_control=True)


@pytest.fixture
def hf(server: Server, tmp_path: Path):
    """Runs the `hf` command as a person: `hf(person, "upload", …)`."""

    def run(who, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "HF_HOME": str(tmp_path / "hf-home"),
            "HF_ENDPOINT": server.url,
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        } | ({"HF_TOKEN": who.secret} if who else {})
        command = [str(Path(sys.executable).with_name("hf")), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that one test downloaded answers another, and large files go by LFS."""
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
