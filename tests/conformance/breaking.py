"""A proxy that breaks: passes connections on to a server, and cuts one when enough was carried back."""

from __future__ import annotations

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """Where it answers, the beginnings of what was sent through it, and how many connections it broke."""

    url: str = ""
    heads: list[bytes] = field(default_factory=list)
    broken: int = 0


@contextmanager
def breaking_proxy(target: str, *, after: int, times: int = 1, is_upload: bool = False) -> Iterator[Proxy]:
    """Break the first `times` connections that carry more than `after` bytes back, or forth for an upload."""
    address, made, lock = urlsplit(target), Proxy(), threading.Lock()

    class Relay(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection((address.hostname, address.port)) as server:
                forth = threading.Thread(target=self.pass_on, args=[self.request, server, is_upload])
                forth.start()
                self.pass_on(server, self.request, not is_upload)
                forth.join()

        def pass_on(self, source: socket.socket, target: socket.socket, may_break: bool) -> None:
            total = 0
            with suppress(OSError):
                while block := source.recv(65536):
                    if source is self.request:
                        made.heads.append(block[:4096])
                    total += len(block)
                    if may_break and total > after and self.breaks():
                        break
                    target.sendall(block)
            for end in (source, target):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

        def breaks(self) -> bool:
            with lock:
                if made.broken >= times:
                    return False
                made.broken += 1
                return True

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Relay) as proxy:
        proxy.daemon_threads = True  # connections that the client keeps open are nobody's to wait for
        made.url = f"http://127.0.0.1:{proxy.server_address[1]}"
        thread = threading.Thread(target=proxy.serve_forever)
        thread.start()
        try:
            yield made
        finally:
            proxy.shutdown()
            thread.join()
    assert made.broken == times
