"""An object store for tests: a server process that speaks S3 on a loopback port, with one bucket."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import boto3

from config.launcher.ports import free_port

BUCKET, KEY_ID, SECRET = "blobs", "tests", "tests-secret"


@dataclass
class ObjectStorage:
    """The running server, behind a relay that notes the head of every connection's requests."""

    url: str
    direct_url: str
    heads: list[bytes] = field(default_factory=list)

    def environment(self) -> dict[str, str]:
        """The settings of an instance that keeps its blobs there."""
        return {
            "STORAGE": "s3",
            "S3_BUCKET": BUCKET,
            "S3_PREFIX": "lab",
            "S3_ENDPOINT_URL": self.direct_url,
            "S3_PUBLIC_URL": self.url,
            "S3_ACCESS_KEY_ID": KEY_ID,
            "S3_SECRET_ACCESS_KEY": SECRET,
            "S3_PART_BYTES": str(5 << 20),
        }

    @property
    def client(self):
        """A client of the test's own."""
        keys = {"aws_access_key_id": KEY_ID, "aws_secret_access_key": SECRET, "region_name": "us-east-1"}
        return boto3.client("s3", endpoint_url=self.direct_url, **keys)


@contextmanager
def running(folder: Path) -> Iterator[ObjectStorage]:
    """The server and its relay; both end with the block."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with (folder / "object-storage.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait(port, process)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            storage = ObjectStorage(f"http://127.0.0.1:{listener.getsockname()[1]}", f"http://127.0.0.1:{port}")
            storage.client.create_bucket(Bucket=BUCKET)
            threading.Thread(target=_relay, args=[listener, port, storage.heads], daemon=True).start()
            yield storage
    finally:
        process.terminate()
        process.wait(20)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.1)
    raise AssertionError("the object store did not start")


def _relay(listener: socket.socket, port: int, heads: list[bytes]) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_carry, args=[listener.accept()[0], port, heads], daemon=True).start()


def _carry(client: socket.socket, port: int, heads: list[bytes]) -> None:
    with client, socket.create_connection(("127.0.0.1", port)) as server:
        threading.Thread(target=_pump, args=[server, client], daemon=True).start()
        with suppress(OSError):
            while block := client.recv(65536):
                heads.append(block)
                server.sendall(block)


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while block := source.recv(65536):
            target.sendall(block)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
