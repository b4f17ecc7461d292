"""How fast gated files leave, beside a bare nginx that serves the same file, and what many readers at once cost.

Each way of delivery is measured in turns with the bare server, so that a busy machine slows both. Where nginx is not
installed, `sendfile` by a bare socket stands in for it, and the output says so.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from config.launcher.ports import free_port
from gating.models import Grant
from registry.blobs import blob_store
from registry.services.commits import Changes, Placed, commit
from registry.services.content import receive
from registry.services.variants import create_variant
from registry.states import Level
from tests import nginx
from tests.integration.hub.running import database_url, running, watched

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]
SIZE_BYTES = int(os.environ.get("BENCH_BYTES", 2 << 30))
ROUNDS, READERS = int(os.environ.get("BENCH_ROUNDS", 3)), 64
SHARE_BYTES = SIZE_BYTES // 16
LEAST_RATIO, MEMORY_BYTES = 0.7, 300 << 20
# Reads a URL's body to nowhere, by as many connections as it is told to, each a part of so many bytes.
READER = Path(__file__).with_name("reader.py")


@pytest.fixture
def gated() -> SimpleNamespace:
    """A gated model with one large file, and somebody with a grant: `path`, `secret`, `place`."""
    from tests.integration.hub import people

    lab = people.namespace("http://unused", is_direct_control=False)
    variant = create_variant(organization=lab.organization, name="large", by=lab.owner.user)
    block = os.urandom(1 << 20)
    placed = receive((block for _ in range(SIZE_BYTES >> 20)), organization=lab.organization)
    files = {"model.safetensors": Placed(placed.sha256, is_large=True)}
    commit(variant=variant, changes=Changes(add=files), title="First", author=lab.owner.user)
    people.serve(variant.repo_id, Level.GATED)
    year = timezone.now() + timedelta(days=365)
    Grant.objects.create(variant=variant, user=lab.outsider.user, expires_at=year)
    return SimpleNamespace(
        path=f"/{variant.repo_id}/resolve/main/model.safetensors",
        secret=lab.outsider.secret,
        place=blob_store().path(placed.sha256),
    )


def test_downloads(gated: SimpleNamespace, tmp_path: Path) -> None:
    with ExitStack() as stack:
        bare, bare_name = stack.enter_context(yardstick(tmp_path, gated.place))
        ways = {bare_name: SimpleNamespace(url=bare, path=f"/{gated.place.name}", pid=None)}
        server = stack.enter_context(running(database_url(), tmp_path, workers=2))
        ways["sendfile"] = SimpleNamespace(url=server.url, path=gated.path, pid=server.process.pid)
        if nginx.program():
            second = stack.enter_context(running(database_url(), tmp_path, workers=2, DELIVERY="accel"))
            places = {"upstream": urlsplit(second.url).netloc, "blobs": blob_store().root / "blobs"}
            front = stack.enter_context(nginx.delivering(tmp_path / "front", listen=free_port(), **places))
            ways["accel"] = SimpleNamespace(url=front, path=gated.path, pid=second.process.pid)
        read(ways[bare_name], gated.secret, 1, SIZE_BYTES)  # into the cache, for all alike
        for way in ways.values():  # threads, their connections to the database
            read(way, gated.secret, READERS, 1 << 16)
        speeds: dict[str, dict[str, list[float]]] = {name: {"one": [], "many": []} for name in ways}
        peaks = dict.fromkeys(ways, 0)
        for _ in range(ROUNDS):
            for name, way in ways.items():
                # Looking at memory takes a share of two processors, which the bare server does not give: not while
                # the two are compared.
                speeds[name]["one"].append(read(way, gated.secret, 1, SIZE_BYTES))
                with _watched(way.pid) as seen:
                    speeds[name]["many"].append(read(way, gated.secret, READERS, SHARE_BYTES))
                peaks[name] = max(peaks[name], seen["peak"])
    report(speeds, peaks, bare_name)
    bare = {kind: statistics.median(found) for kind, found in speeds[bare_name].items()}
    for name in ways.keys() - {bare_name}:
        one, many = (statistics.median(speeds[name][kind]) for kind in ("one", "many"))
        assert one >= LEAST_RATIO * bare["one"], name
        assert many >= one, name
        assert peaks[name] < MEMORY_BYTES, name


@contextmanager
def yardstick(folder: Path, place: Path) -> Iterator[tuple[str, str]]:
    """A bare server of the file: its address, and what it is."""
    if nginx.program():
        with nginx.serving(folder / "bare", place.parent) as url:
            yield url, "bare nginx"
        return
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_send_to_all, args=[listener, place], daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", "bare sendfile (no nginx here)"


def _send_to_all(listener: socket.socket, place: Path) -> None:
    def send(sock: socket.socket) -> None:
        with sock, place.open("rb") as file:
            head = sock.recv(65536).lower()
            last = int(head.split(b"range: bytes=0-")[1].split(b"\r\n")[0]) if b"range: bytes=0-" in head else None
            count = place.stat().st_size if last is None else last + 1
            sock.sendall(f"HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n\r\n".encode())
            sock.sendfile(file, count=count)

    while True:
        try:
            threading.Thread(target=send, args=[listener.accept()[0]], daemon=True).start()
        except OSError:
            return


def read(way: SimpleNamespace, secret: str, readers: int, size_bytes: int) -> float:
    """Bytes a second, of all readers together, from a process of its own."""
    address = urlsplit(way.url).netloc
    command = [sys.executable, "-S", "-E", str(READER), address, way.path, secret, str(readers), str(size_bytes)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert not done.returncode, done.stderr[-2000:]
    return readers * size_bytes / float(done.stdout)


def _watched(pid: int | None) -> AbstractContextManager[dict[str, int]]:
    """The most memory of a web server, where it is one of ours."""
    if pid is None:
        return nullcontext({"peak": 0})
    return watched(pid, every_seconds=0.2, is_shared_once=True)


def report(speeds: dict[str, dict[str, list[float]]], peaks: dict[str, int], bare: str) -> None:
    """One table; ratios are to the bare server, of medians of this run."""
    whole = statistics.median(speeds[bare]["one"])
    print(
        f"\n{SIZE_BYTES / 1e9:.2f} GB, {ROUNDS} rounds in turns, load {os.getloadavg()[0]:.1f} "
        f"on {os.cpu_count()} processors"
    )
    print(f"{'':30}{'one, MB/s':>11}{'÷ bare':>8}{f'{READERS} at once':>12}{'÷ one':>8}{'PSS MiB':>9}")
    for name, kinds in speeds.items():
        one, many = (statistics.median(kinds[kind]) for kind in ("one", "many"))
        memory = f"{peaks[name] / 2**20:9.0f}" if peaks[name] else f"{'–':>9}"
        print(f"{name:30}{one / 1e6:11.0f}{one / whole:8.2f}{many / 1e6:12.0f}{many / one:8.2f}{memory}")
