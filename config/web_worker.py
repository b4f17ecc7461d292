"""gunicorn's threaded worker, whose threads answer requests while files leave by senders of their own.

A download may last for hours. Here it holds a socket and an open file for that long, and no thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from gunicorn.http.wsgi import FileWrapper
from gunicorn.workers.gthread import TConn, ThreadWorker

from config.senders import Senders, Sending

SENDERS = 4
# Smaller files fit into a socket at once.
LEAST_BYTES = 32 << 10


@dataclass
class _File:
    """A file that the application answered with, and how much of it was announced."""

    wrapper: FileWrapper
    offset: int
    length: int


@dataclass
class _Handed:
    """The end of a request whose file is still to be sent."""

    file: _File
    stays_open: bool


class DownloadWorker(ThreadWorker):
    """Answers in threads; hands files to senders and takes the connection back when they are through."""

    def init_process(self) -> None:
        self._local = threading.local()
        self._senders = Senders(SENDERS)
        super().init_process()

    def load_wsgi(self) -> None:
        """Load the application, and keep the files that it answers with for later."""
        super().load_wsgi()
        self.wsgi = partial(self._answer, self.wsgi)

    def handle(self, conn: TConn) -> Any:
        """Handle one request; its file, if it is answered with one, goes to the senders when this has returned."""
        self._local.file = None
        stays_open = super().handle(conn)
        file: _File | None = self._local.file
        return stays_open if file is None else _Handed(file, stays_open is True)

    def finish_request(self, conn: TConn, fs: Future[Any]) -> None:
        """Go on with a connection, on the worker's main thread: send its file first, where there is one."""
        handed = None if fs.cancelled() or fs.exception() else fs.result()
        if not isinstance(handed, _Handed):
            super().finish_request(conn, fs)
            return
        try:
            conn.sock.setblocking(False)
            descriptor = handed.file.wrapper.filelike.fileno()
        except (OSError, ValueError):
            self._sent(conn, handed, False)
            return
        # Both are the poller's again only on this thread, which is told through its queue.
        done = partial(self.method_queue.defer, self._sent, conn, handed)
        self._senders.take(Sending(conn.sock, descriptor, handed.file.offset, handed.file.length, done))

    def _sent(self, conn: TConn, handed: _Handed, is_whole: bool) -> None:
        with suppress(Exception):
            handed.file.wrapper.close()
        ended: Future[bool] = Future()
        ended.set_result(handed.stays_open and is_whole)
        super().finish_request(conn, ended)

    def _answer(self, application: Callable[..., Any], environ: dict[str, Any], start_response: Any) -> Any:
        announced: list[str] = []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            announced[:] = [value for name, value in headers if name.lower() == "content-length"]
            return start_response(status, headers, exc_info)

        body = application(environ, start)
        if not isinstance(body, FileWrapper) or self.cfg.is_ssl or environ["REQUEST_METHOD"] == "HEAD":
            return body
        length = int(announced[0]) if announced and announced[0].isdigit() else 0
        if length < LEAST_BYTES or environ.get("SERVER_PROTOCOL") not in {"HTTP/1.0", "HTTP/1.1"}:
            return body
        self._local.file = _File(body, os.lseek(body.filelike.fileno(), 0, os.SEEK_CUR), length)
        return []
