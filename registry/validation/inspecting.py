"""Reading files in a confined process, and telling what its end means.

Owns the limits, the process and the verdict on how it ended: what a file makes its reader do, a crash or a limit
included, is a finding on that file; what the machine does (a disk that fails, a process killed from outside) is raised,
so that the job is tried again. Writes no row: each report is handed on as soon as it is there.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import weights
from jobs import Retry
from registry import policies
from registry.validation import confined, planning
from rules import Refused
from smoke import sandbox
from smoke.preparing import SYSTEM
from smoke.supervise import Ending, Limits, supervise
from weights.catalog.files import FM_LIMITS

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
REPORT_BYTES = 1 << 30
LINE_BYTES = 64 << 10
# The process imports numpy for its reading alone; threads of a linear algebra library would only cost memory.
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
SENTENCES = {
    "time": "Reading it was stopped after {seconds:.0f} s.",
    "cpu": "Reading it used up its processor time.",
    "output": "Reading it said more than a reader may say.",
    "memory": "Reading it took more memory than a reader may take.",
}


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file to read: where its content lies, what it is called in the checkpoint, size, and the hash it must have."""

    place: Path
    path: str
    size_bytes: int
    sha256: str


Found = Callable[[int, weights.FileReport, bool], None]
"""Takes a file's number, its report, and whether it was read to its end."""


def inspect_confined(
    files: Sequence[StoredFile],
    *,
    found: Found,
    progress: Callable[[int, int], None],
    cancel: threading.Event | None = None,
) -> None:
    """Read files in as few processes as their ends allow; `progress` is told a file's number and its bytes done.

    Raises Refused where stored bytes are not those of their hash, Retry where the machine would not let them be read,
    and whatever `found` and `progress` raise. Returns early, without a word, once `cancel` is set.
    """
    first, killed_at = 0, -1
    while first < len(files) and not (cancel and cancel.is_set()):
        reading = _Reading(files, first, found, progress)
        ending = reading.run(cancel)
        if cancel and cancel.is_set():
            return
        first = reading.next
        if first < len(files):
            killed_at = _judge(reading, ending, killed_at)
            first = reading.next


def _judge(reading: _Reading, ending: Ending, killed_at: int) -> int:
    """Say what a process that ended too early means: a finding on the file at hand, or a fault of the machine.

    A kill from outside is most often the kernel's, for want of memory somewhere; only the second one on the same file
    is taken for the file's doing. Returns the file that was killed once.
    """
    number, file = reading.next, reading.files[reading.next]
    if not reading.is_confined:
        last = ending.stderr.strip().splitlines()[-1:] or ["no message"]
        raise Retry("registry.reader_not_started", f"The process that reads files did not start: {last[0][:300]}")
    stopped = "cpu" if ending.returncode == -signal.SIGXCPU else ending.stopped
    if not stopped and ending.returncode == -signal.SIGKILL and killed_at != number:
        return number
    if stopped:
        said = SENTENCES.get(stopped, "Reading it was stopped.").format(seconds=ending.seconds)
    elif ending.returncode < 0:
        said = f"Reading it ended its process by the signal {signal.Signals(-ending.returncode).name}."
    else:
        said = f"Reading it ended its process with the status {ending.returncode}."
    reading.give_up(number, file, said)
    return -1


@cache
def _note_missing_once(layers: str) -> None:
    log.warning("Files are read with weaker confinement than there could be, without: %s", layers)


def _note_missing(layers: object) -> None:
    if isinstance(layers, list) and layers:
        _note_missing_once(", ".join(str(layer)[:40] for layer in layers[: len(sandbox.MECHANISMS)]))


class _Reading:
    """One confined process and what it has said; `next` is the first file that it has not dealt with."""

    def __init__(
        self, files: Sequence[StoredFile], first: int, found: Found, progress: Callable[[int, int], None]
    ) -> None:
        self.files = files
        self.first = self.next = first
        self.is_confined = False
        self._found, self._progress = found, progress
        self._folder = Path()

    def run(self, cancel: threading.Event | None) -> Ending:
        """Have the process read all files from the first on; returns how it ended."""
        with tempfile.TemporaryDirectory(prefix="validation-") as base:
            self._folder = Path(base) / "reports"
            self._folder.mkdir()
            request = Path(base) / "request.json"
            request.write_text(json.dumps(self._request(request)), encoding="ascii")
            command = [sys.executable, "-I", "-B", str(Path(confined.__file__).resolve()), str(request)]
            return supervise(
                command,
                environment=ENVIRONMENT | {"HOME": str(self._folder), "TMPDIR": str(self._folder)},
                folder=self._folder,
                limits=Limits(
                    wall_seconds=planning.wall_seconds(self._size_bytes),
                    line_bytes=LINE_BYTES,
                    scratch_bytes=REPORT_BYTES,
                    scratch_files=len(self.files) + 8,
                ),
                on_line=self.take,
                cancel=cancel,
            )

    def take(self, raw: bytes) -> None:
        """One line of the process; what is not one of our messages is dropped."""
        try:
            message = json.loads(raw)
            kind, number = message.get("kind"), message.get("number")
        except (ValueError, RecursionError, AttributeError):
            return
        if kind == "sandbox":
            self.is_confined = True
            _note_missing(message.get("missing"))
        elif kind == "progress" and isinstance(message.get("done"), int):
            if self.next < len(self.files):
                self._progress(self.next, min(message["done"], self.files[self.next].size_bytes))
        elif number == self.next - self.first and self.next < len(self.files):
            self._take_end(kind, self.files[self.next], str(message.get("error", "")))

    def give_up(self, number: int, file: StoredFile, said: str) -> None:
        """Hand on that a file could not be checked, and go on behind it."""
        report = weights.FileReport(
            path=file.path,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            kind="unknown",
            findings=[FM_LIMITS.at(file.path, said)],
        )
        self.next = number + 1
        self._found(number, report, False)

    def _take_end(self, kind: str, file: StoredFile, error: str) -> None:
        number = self.next
        if kind == "unreadable":
            raise Retry("registry.unreadable", f"{file.path} could not be read: {error}.")
        if kind == "broken":
            self.give_up(number, file, f"Reading it ended in an unexpected {error[:60]}.")
        elif kind == "done":
            report = self._report(number - self.first)
            if report is None or (report.path, report.size_bytes) != (file.path, file.size_bytes):
                self.give_up(number, file, "Reading it left no report that could be read.")
                return
            if report.sha256 != file.sha256:
                raise Refused.because(policies.BYTES_DIFFER, path=file.path, sha256=file.sha256)
            self.next = number + 1
            self._found(number, report, True)

    def _report(self, name: int) -> weights.FileReport | None:
        place = self._folder / f"{name}.json"
        try:
            given = json.loads(place.read_bytes())
            place.unlink()
            return weights.FileReport.from_json(given)
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    @property
    def _size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files[self.first :])

    def _request(self, request: Path) -> dict[str, Any]:
        files = self.files[self.first :]
        code = {str(ROOT / name) for name in ("weights", "smoke", "registry/validation")}
        code |= {sys.prefix, sys.base_prefix}
        code |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
        return {
            "files": [{"place": str(file.place), "path": file.path, "size_bytes": file.size_bytes} for file in files],
            "policy": {
                "readable": [*SYSTEM, *sorted(code), str(request), *(str(file.place) for file in files)],
                "writable": [str(self._folder)],
                "devices": ["/dev/null"],
                "data_bytes": planning.MEMORY_BYTES,
                "file_bytes": REPORT_BYTES,
                "cpu_seconds": planning.cpu_seconds(self._size_bytes),
                "parent": os.getpid(),
            },
        }
