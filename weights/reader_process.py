"""The other end of `readers`: a process that reads the files it is told to, and sends what it found.

Owns its own life: it ends when nobody listens any more. Started by `readers` alone; judges nothing.
"""

from __future__ import annotations

import gc
import os
import signal
import time
import traceback
from pathlib import Path
from typing import IO

from weights.checkpoint import inspect_file
from weights.readers import SENT_AT_ONCE, read_message, write_message
from weights.report import FileReport

TELL_EVERY_SECONDS = 0.1


def serve() -> None:
    """Read files until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked is interrupted as well, and ends this process
    gc.freeze()
    gc.set_threshold(50_000)
    channel = os.fdopen(os.dup(1), "wb", buffering=1 << 16)
    os.dup2(2, 1)  # nothing that is printed may get between the messages
    with os.fdopen(0, "rb", closefd=False) as requests:
        serve_on(requests, channel)


def serve_on(requests: IO[bytes], channel: IO[bytes]) -> None:
    """The same on any two streams."""
    try:
        first = read_message(requests)
        if first is None:
            return
        root, fingerprints = first
        while (message := read_message(requests)) is not None:
            for path, size_bytes in message[0]:
                send(channel, _read(Path(root), path, size_bytes, channel, fingerprints=fingerprints))
    except BrokenPipeError:  # nobody listens
        pass
    except OSError as error:
        write_message(channel, "failed", str(error))
    except Exception:  # a fault of a parser: told to whoever asked, with the place
        write_message(channel, "broken", traceback.format_exc())


def _read(root: Path, path: str, size_bytes: int, channel: IO[bytes], *, fingerprints: bool) -> FileReport:
    told_at = time.monotonic()

    def progress(done: int) -> None:
        nonlocal told_at
        if time.monotonic() - told_at >= TELL_EVERY_SECONDS:
            told_at = time.monotonic()
            write_message(channel, "progress", done)

    return inspect_file(root / path, path, size_bytes, progress, fingerprints=fingerprints)


def send(channel: IO[bytes], report: FileReport) -> None:
    """Send a report: its tensors first, in pieces, so that no message is large; then the rest."""
    for place in range(0, len(report.tensors), SENT_AT_ONCE):
        write_message(channel, "tensors", list(map(tuple, report.tensors[place : place + SENT_AT_ONCE])))
    report.tensors = []
    rest = {
        "path": report.path,
        "size_bytes": report.size_bytes,
        "sha256": report.sha256,
        "kind": report.kind,
        "git_sha1": report.git_sha1,
        "findings": [finding.to_json() for finding in report.findings],
        "content": report.content,
        "seconds": report.seconds,
        "ruleset": report.ruleset,
    }
    write_message(channel, "report", rest)
