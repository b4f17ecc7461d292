"""PostgreSQL and Redis for one run of the tests: a fresh folder, ports of their own, started when first needed."""

from __future__ import annotations

import atexit
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from config.launcher.child import start
from config.launcher.postgres import Postgres, wait_until
from config.launcher.redis import Redis


class Services:
    """Chooses folder and addresses at once, because settings need them, and starts nothing before `run`."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="imprimatur-tests-"))
        self.postgres = Postgres(self.folder / "postgres", is_durable=False)
        self.redis = Redis(self.folder / "redis")
        self._children: list[subprocess.Popen[bytes]] = []
        self._owner = os.getpid()
        atexit.register(self.stop)  # a run that ends before it began tells no plugin

    def environment(self) -> dict[str, str]:
        """Return the settings of the process under test; the password is known only once PostgreSQL runs."""
        for name in ("storage", "imports", "static"):
            (self.folder / name).mkdir(exist_ok=True)
        return {
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DATABASE_URL": self.postgres.url("imprimatur"),
            "REDIS_URL": self.redis.url(),
            "STORAGE_ROOT": str(self.folder / "storage"),
            "IMPORT_ROOTS": str(self.folder / "imports"),
            "STATIC_ROOT": str(self.folder / "static"),
            "PUBLIC_URL": "http://testserver",
        }

    def run(self) -> None:
        """Start both and wait until they answer."""
        if self._children:
            return
        self.postgres.prepare()
        self.redis.prepare()
        log = self.folder / "services.log"
        self._children = [
            start(self.postgres.command(), log=log, descend=self.postgres.descend, death_signal=signal.SIGQUIT),
            start(self.redis.command(), log=log, death_signal=signal.SIGKILL),
        ]
        if not (wait_until(self.postgres.accepts, 30) and wait_until(self.redis.accepts, 10)):
            raise RuntimeError(f"PostgreSQL or Redis did not start for the tests: {log.read_text()[-4000:]}")

    def stop(self) -> None:
        """End both without ceremony and remove the folder; a forked child that comes by leaves them alone."""
        if os.getpid() != self._owner:
            return
        for child in self._children:
            child.send_signal(signal.SIGQUIT if child is self._children[0] else signal.SIGKILL)
        for child in self._children:
            child.wait(20)
        self._children = []
        shutil.rmtree(self.folder, ignore_errors=True)
