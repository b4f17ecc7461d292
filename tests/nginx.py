"""nginx with the configuration that is deployed, for tests and benches: before a web server, or alone with files."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template

from config.launcher.ports import free_port

TEMPLATE = Path(__file__).resolve().parents[1] / "deploy" / "nginx" / "imprimatur.conf.template"
MISSING = "nginx is not installed: apt-get install nginx-light"
MAIN = """
daemon off; pid $folder/nginx.pid; error_log $folder/nginx.log warn; worker_processes $workers; $user
events { worker_connections 1024; }
http {
    access_log off; sendfile on;
    client_body_temp_path $folder/body; proxy_temp_path $folder/proxy;
    fastcgi_temp_path $folder/f; uwsgi_temp_path $folder/u; scgi_temp_path $folder/s;
    include $server;
}
"""
STATIC = "server { listen $listen; location / { root $root; sendfile on; sendfile_max_chunk 2m; tcp_nopush on; } }"


def program() -> str | None:
    """Where nginx is, if it is here."""
    return shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")


@contextmanager
def delivering(folder: Path, *, listen: int, upstream: str, blobs: Path) -> Iterator[str]:
    """The deployed configuration before a web server; gives its address."""
    chosen = {"LISTEN": f"127.0.0.1:{listen}", "UPSTREAM": upstream, "BLOBS": str(blobs)}
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, value in chosen.items():
        text = text.replace("${" + name + "}", value)
    with _running(folder, text, listen) as url:
        yield url


@contextmanager
def serving(folder: Path, root: Path) -> Iterator[str]:
    """A bare server of the files of a folder."""
    listen = free_port()
    with _running(folder, Template(STATIC).substitute(listen=f"127.0.0.1:{listen}", root=root), listen) as url:
        yield url


@contextmanager
def _running(folder: Path, server: str, port: int) -> Iterator[str]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "server.conf").write_text(server, encoding="utf-8")
    # As root it would give up its rights, and with them the leave to read a test's folders.
    user = "user root;" if os.getuid() == 0 else ""
    main = Template(MAIN).substitute(folder=folder, server=folder / "server.conf", workers=2, user=user)
    (folder / "nginx.conf").write_text(main, encoding="utf-8")
    process = subprocess.Popen(
        [str(program()), "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "nginx.log")]
    )
    try:
        _wait(port, process, folder)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(15)


def _wait(port: int, process: subprocess.Popen[bytes], folder: Path) -> None:
    end = time.monotonic() + 15
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    process.kill()
    log = folder / "nginx.log"
    raise AssertionError(f"nginx did not start: {log.read_text() if log.exists() else ''}")
