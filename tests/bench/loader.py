"""Asks a web server as fast as it answers, or at a rate, over a few kept connections; prints what it saw as JSON.

Run as a program: URL, file of requests ("METHOD path token" a line), seconds, connections, requests a second or 0. It
uses bare sockets and no package, so that little of the processors goes to it.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import sys
import time
from collections import Counter

HEAD_END = b"\r\n\r\n"


def prepared(path: str, host: str) -> list[tuple[bytes, bool]]:
    """Each request's bytes, and whether its answer has a body."""
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 pathlib takes longer to import than this runs
        lines = [line.rstrip("\n").split(" ") for line in file if line.strip()]
    made = []
    for method, target, token in lines:
        leave = f"Authorization: Bearer {token}\r\n" if token else ""
        made.append((f"{method} {target} HTTP/1.1\r\nHost: {host}\r\n{leave}\r\n".encode(), method != "HEAD"))
    random.shuffle(made)
    return made


class Connection:
    """One kept connection with one request on its way at most."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.sock = socket.create_connection(address)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got = b""
        self.has_body = True
        self.asked_at = 0.0

    def ask(self, request: tuple[bytes, bool], due_at: float) -> None:
        """Send a request that was due at a moment; waiting for a free connection counts as waiting for the answer."""
        self.got, self.has_body, self.asked_at = b"", request[1], due_at
        self.sock.sendall(request[0])

    def receive(self) -> str | None:
        """The status of an answer that is here whole; None while it is not."""
        block = self.sock.recv(65536)
        if not block:
            raise ConnectionResetError
        self.got += block
        end = self.got.find(HEAD_END)
        if end < 0:
            return None
        head = self.got[:end].lower()
        at = head.find(b"\r\ncontent-length:")
        length = int(head[at + 17 :].split(b"\r\n", 1)[0]) if self.has_body and at >= 0 else 0
        return self.got[9:12].decode() if len(self.got) >= end + 4 + length else None


def run(host: str, port: int, requests: list[tuple[bytes, bool]], seconds: float, connections: int, rate: int) -> dict:
    """Ask until the time is over."""
    selector = selectors.DefaultSelector()
    idle = [Connection((host, port)) for _ in range(connections)]
    for connection in idle:
        selector.register(connection.sock, selectors.EVENT_READ, connection)
    took, failed, number = [], Counter[str](), 0
    began = time.perf_counter()
    while True:
        now = time.perf_counter()
        if now - began >= seconds:
            break
        while idle:
            due_at = began + number / rate if rate else now
            if due_at > now:
                break
            idle.pop().ask(requests[number % len(requests)], due_at)
            number += 1
        wait = max(0.0, began + number / rate - now) if rate and idle else 0.5
        for key, _ in selector.select(wait):
            status = key.data.receive()
            if status is not None:
                took.append(time.perf_counter() - key.data.asked_at)
                failed[status] += status != "200"
                idle.append(key.data)
    spent = time.perf_counter() - began
    took.sort()
    return {
        "per_second": len(took) / spent,
        "failed": {status: count for status, count in failed.items() if count},
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
        "processor": time.process_time() / spent,
    }


if __name__ == "__main__":
    url, file, seconds, connections, rate = sys.argv[1:]
    host, _, port = url.removeprefix("http://").partition(":")
    asked = prepared(file, f"{host}:{port}")
    print(json.dumps(run(host, int(port), asked, float(seconds), int(connections), int(rate))))
