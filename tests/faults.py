"""A proxy on loopback before a real server that makes its faults on order: refusals, silence, changed answers."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "server", "date"}


@dataclass
class Fault:
    """What happens to requests that it fits: answered with `status`, cut off (status 0), or their answer changed."""

    fits: Callable[[str, str], bool]
    status: int | None = None
    times: int = 1
    change: Callable[[bytes], bytes] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    met: int = 0


class FaultyProxy:
    """Passes everything on to `upstream`, except for what its faults fit."""

    def __init__(self, upstream: str) -> None:
        self.upstream = urlsplit(upstream)
        self.faults: list[Fault] = []
        self.seen: list[tuple[str, str]] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def serve(self) -> None:
                proxy.serve(self)

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = serve

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        """One request: remembered, then faulted or passed on."""
        path = request.path
        self.seen.append((request.command, path))
        body = request.rfile.read(int(request.headers.get("content-length") or 0))
        fault = next((f for f in self.faults if f.met < f.times and f.fits(request.command, path)), None)
        if fault:
            fault.met += 1
        if fault and fault.status == 0:
            request.close_connection = True
            return
        if fault and fault.status:
            self._answer(request, fault.status, fault.headers, b'{"error": "on order"}')
            return
        upstream = http.client.HTTPConnection(self.upstream.hostname, self.upstream.port, timeout=60)
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP}
        upstream.request(request.command, path, body=body or None, headers=headers)
        answer = upstream.getresponse()
        content = answer.read()
        if fault and fault.change:
            content = fault.change(content)
        self._answer(request, answer.status, dict(answer.getheaders()), content)
        upstream.close()

    def _answer(self, request: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
        request.send_response(status)
        is_head = request.command == "HEAD"
        for name, value in headers.items():
            if name.lower() not in HOP or (is_head and name.lower() == "content-length"):
                request.send_header(name, value)
        if not is_head:
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if not is_head:
            request.wfile.write(body)
