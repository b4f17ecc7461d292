"""A second Imprimatur process with a database of its own, serving the Hub's protocol: what publication is tested on."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from config.launcher.databases import ensure_database
from config.launcher.ports import free_port
from tests.services import Services

ROOT = Path(__file__).resolve().parent.parent


@dataclass
class HubProcess:
    """The running process: its address, and the tokens of `publisher` and `visitor`."""

    url: str
    tokens: dict[str, str]
    process: subprocess.Popen[bytes]

    def stop(self) -> None:
        """End it."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_hub(services: Services, folder: Path) -> HubProcess:
    """Make its database and people, and serve; its namespace `acme` is under direct control."""
    name = f"hub_{os.getpid()}"
    ensure_database(services.postgres.url(), name)
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "DATABASE_URL": services.postgres.url(name),
        "REDIS_URL": services.redis.url(5),
        "STORAGE_ROOT": str(folder / "storage"),
        "IMPORT_ROOTS": str(folder / "imports"),
        "PUBLIC_URL": url,
        "INSTANCE_ROLE": "public-hub",
        "WORKER_REQUIRED": "0",
    }
    _manage(environment, "migrate", "-v0")
    _manage(environment, "demo", "--hub", "--secrets", str(folder))
    people = json.loads((folder / "demo-hub-users.json").read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "gunicorn", "--config", "config/gunicorn_conf.py", "--workers", "1"]
    with (folder / "hub.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--bind", f"127.0.0.1:{port}", "config.wsgi"], cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    hub = HubProcess(url, {person["username"]: person["token"] for person in people}, process)
    _wait(hub, folder / "hub.log")
    return hub


def _manage(environment: dict[str, str], *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"manage.py {words[0]} failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")


def _wait(hub: HubProcess, log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if hub.process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{hub.url}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.05)
    hub.process.kill()
    raise RuntimeError(f"the second instance did not start: {log.read_text()[-4000:]}")
