"""Loopback ports: which are free, and who may not have them."""

from __future__ import annotations

import secrets
import socket

LOOPBACK = "127.0.0.1"
# Below those that systems hand to outgoing connections (Linux from 32768, macOS from 49152): a server that is started
# again must find its port free, and not under somebody's connection.
RANGE = range(15_000, 32_000)


def free_port() -> int:
    """Return a port that nobody uses now and that no outgoing connection will take."""
    while True:
        port = secrets.choice(RANGE)  # from the system: processes with the same seed, as tests are, must not meet
        if not is_taken(port):
            return port


def is_taken(port: int, host: str = LOOPBACK) -> bool:
    """Whether something uses the port already; one that lingers after its process ended does not count."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
        return False
