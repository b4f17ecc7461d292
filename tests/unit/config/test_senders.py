"""Files go to many sockets at once; who takes nothing, or goes away, holds up nobody."""

from __future__ import annotations

import os
import queue
import socket
import threading
from pathlib import Path

import pytest

from config import senders
from config.senders import Senders, Sending

CONTENT = os.urandom(3 << 20)


@pytest.fixture
def file(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    with path.open("rb") as opened:
        yield opened


def pair() -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    return ours, theirs


def read(sock: socket.socket, count: int) -> bytes:
    got = bytearray()
    while len(got) < count and (block := sock.recv(65536)):
        got += block
    return bytes(got)


def test_all_get_their_part_though_one_takes_nothing(file) -> None:
    sender, done = Senders(1), queue.SimpleQueue()
    idle_ours, idle_theirs = pair()
    sender.take(Sending(idle_ours, file.fileno(), 0, len(CONTENT), lambda is_whole: done.put(("idle", is_whole))))
    pairs = [pair() for _ in range(8)]
    for number, (ours, _) in enumerate(pairs):
        left = len(CONTENT) - number * 1000
        sender.take(Sending(ours, file.fileno(), number * 1000, left, lambda is_whole: done.put(("one", is_whole))))
    found = [b""] * 8

    def take(number: int) -> None:
        found[number] = read(pairs[number][1], len(CONTENT) - number * 1000)

    threads = [threading.Thread(target=take, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert [part == CONTENT[number * 1000 :] for number, part in enumerate(found)] == [True] * 8
    assert [done.get(timeout=10) for _ in range(8)] == [("one", True)] * 8
    idle_theirs.close()
    assert done.get(timeout=10) == ("idle", False)
    for sock in [idle_ours, *(one for both in pairs for one in both)]:
        sock.close()


def test_a_file_that_is_too_short_is_told(file) -> None:
    done: queue.SimpleQueue[bool] = queue.SimpleQueue()
    ours, theirs = pair()
    Senders(1).take(Sending(ours, file.fileno(), len(CONTENT) - 10, 20, done.put))
    assert read(theirs, 10) == CONTENT[-10:]
    assert done.get(timeout=10) is False
    ours.close(), theirs.close()


def test_who_takes_nothing_for_long_is_let_go(file, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(senders, "STALLED_SECONDS", 0.2)
    monkeypatch.setattr(senders, "LOOK_FOR_STALLED_SECONDS", 0.1)
    done: queue.SimpleQueue[bool] = queue.SimpleQueue()
    ours, theirs = pair()
    Senders(1).take(Sending(ours, file.fileno(), 0, len(CONTENT), done.put))
    assert done.get(timeout=10) is False
    ours.close(), theirs.close()
