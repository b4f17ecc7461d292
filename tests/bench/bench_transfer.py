"""How fast a large file goes in and out through the Hub endpoint, beside what the machine does with it anyway.

The ratios are taken in one run: of the client's whole upload or download, and of the server's part alone, to `cp` and
to `openssl dgst -sha256` of the same file. The server's memory is watched all the while.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from tests.integration.hub.running import Server, database_url, running

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),  # the client's own
    pytest.mark.timeout(1200),
]
SIZE_BYTES = int(os.environ.get("BENCH_BYTES", 2 << 30))
MEMORY_BYTES = 300 << 20


@dataclass(frozen=True)
class Taken:
    """What something took: seconds by the clock, and of processors, which a busy machine lengthens less."""

    wall: float
    processor: float


def timed(act: Callable[[], object], server: Server | None = None) -> Taken:
    """Run something and measure it: the programs that it runs, or the server that it calls."""
    start, before = time.perf_counter(), _processor_seconds(server)
    act()
    return Taken(time.perf_counter() - start, _processor_seconds(server) - before)


def _processor_seconds(server: Server | None) -> float:
    if server is None:
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime
    (worker,) = psutil.Process(server.process.pid).children()
    return worker.cpu_times().user + worker.cpu_times().system


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A file that cannot be packed, as weights hardly can."""
    from huggingface_hub.utils import disable_progress_bars

    disable_progress_bars()
    path = tmp_path / "model.safetensors"
    with path.open("wb") as file:
        for _ in range(SIZE_BYTES >> 26):
            file.write(os.urandom(1 << 26))
    return path


def yardsticks(source: Path) -> dict[str, Taken]:
    """What copying and hashing the file take on this machine, now."""
    copy = source.with_name("copy")
    took = {
        "cp": timed(lambda: subprocess.run(["cp", source, copy], check=True)),
        "openssl dgst -sha256": timed(
            lambda: subprocess.run(["openssl", "dgst", "-sha256", source], check=True, capture_output=True)
        ),
    }
    copy.unlink()
    return took


def test_transfer_of_a_large_file(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from huggingface_hub import constants

    from tests.integration.hub import people

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with running(database_url(), tmp_path) as server, server.watched() as seen:
        lab = people.namespace(server.url, is_direct_control=False)
        api, repo_id = lab.writer.api, f"{lab.name}/large"
        api.create_repo(repo_id)
        before = server.memory_bytes()
        took = yardsticks(source)
        took["upload_file, client"] = timed(
            lambda: api.upload_file(repo_id=repo_id, path_or_fileobj=source, path_in_repo="model.safetensors"),
            server,
        )
        href = upload_address(people.namespace(server.url, is_direct_control=False), source)
        took["PUT alone"] = timed(lambda: put(href, source), server)
        took["hf_hub_download, client"] = timed(
            lambda: api.hf_hub_download(repo_id, "model.safetensors", local_dir=tmp_path / "out"), server
        )
        assert subprocess.run(["cmp", source, tmp_path / "out" / "model.safetensors"], check=False).returncode == 0
        took["GET alone, to nowhere"] = timed(lambda: get(server, lab.writer.secret, repo_id), server)
    report(took, before, seen["peak"])
    assert seen["peak"] < MEMORY_BYTES


def test_upload_by_xet(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client's default: it cuts, hashes and packs the file in its own process, on the same processors."""
    from huggingface_hub import constants

    from tests.integration.hub import people

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", False)
    with running(database_url(), tmp_path) as server, server.watched() as seen:
        lab = people.namespace(server.url, is_direct_control=False)
        api, repo_id = lab.writer.api, f"{lab.name}/large"
        api.create_repo(repo_id)
        before = server.memory_bytes()
        took = yardsticks(source)
        for name in ("first", "second"):
            repo_id = f"{lab.name}/{name}"
            api.create_repo(repo_id)
            took[f"upload_file, {name} time"] = timed(
                lambda repo_id=repo_id: api.upload_file(
                    repo_id=repo_id, path_or_fileobj=source, path_in_repo="model.safetensors"
                ),
                server,
            )
    report(took, before, seen["peak"])
    assert seen["peak"] < MEMORY_BYTES


def upload_address(lab, source: Path) -> str:
    """Where to send the file for an organization that doesn't hold it."""
    lab.writer.api.create_repo(f"{lab.name}/put")
    digest = subprocess.run(["openssl", "dgst", "-sha256", source], check=True, capture_output=True, text=True)
    wanted = {"oid": digest.stdout.split()[-1], "size": SIZE_BYTES}
    with lab.writer.http as http:
        answer = http.post(
            f"/{lab.name}/put.git/info/lfs/objects/batch",
            json={"operation": "upload", "hash_algo": "sha256", "objects": [wanted]},
        ).json()
    return answer["objects"][0]["actions"]["upload"]["href"]


def put(address: str, source: Path) -> None:
    """Send the file by the kernel, so that the server's part is what takes time."""
    href = urlsplit(address)
    with closing(HTTPConnection(href.netloc)) as connection, source.open("rb") as file:
        connection.putrequest("PUT", href.path)
        connection.putheader("Content-Length", str(SIZE_BYTES))
        connection.endheaders()
        connection.sock.sendfile(file)
        assert connection.getresponse().read() == b""


def get(server: Server, secret: str, repo_id: str) -> None:
    """Receive the file and drop it."""
    address = urlsplit(server.url)
    with socket.create_connection((address.hostname, address.port)) as sock:
        path = f"/{repo_id}/resolve/main/model.safetensors"
        head = f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {secret}\r\n"
        sock.sendall(f"{head}Connection: close\r\n\r\n".encode())
        buffer, total = bytearray(1 << 20), 0
        while count := sock.recv_into(buffer):
            total += count
    assert total > SIZE_BYTES


def report(took: dict[str, Taken], before: int, peak: int) -> None:
    """One table; the ratios are of times by the clock. CPU is that of the program, or of the web worker."""
    cp, dgst = took["cp"].wall, took["openssl dgst -sha256"].wall
    print(f"\n{SIZE_BYTES / 1e9:.2f} GB, one web worker, load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'':26}{'seconds':>9}{'MB/s':>7}{'÷ cp':>8}{'÷ dgst':>8}{'÷ both':>8}{'CPU s':>8}")
    for name, taken in took.items():
        print(
            f"{name:26}{taken.wall:9.2f}{SIZE_BYTES / 1e6 / taken.wall:7.0f}{taken.wall / cp:8.2f}"
            f"{taken.wall / dgst:8.2f}{taken.wall / (cp + dgst):8.2f}{taken.processor:8.2f}"
        )
    print(f"memory of the server: {before / 2**20:.0f} MiB before, {peak / 2**20:.0f} MiB at most")
