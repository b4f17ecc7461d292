"""Who reads the files of a folder: this process alone, or another one beside it.

Owns the choice, and the life of the other processes. Threads hash side by side, but only one of them runs Python at a
time; where it is Python that takes long (tens of thousands of tensors, thousands of files), another process is worth
its start. Reads nothing itself but the first bytes of large files, and judges nothing.
"""

from __future__ import annotations

import gc
import marshal
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, NoReturn, Protocol

from weights.findings import Finding
from weights.report import FileReport, TensorRecord
from weights.sources import PathSource, read_at

MANY_FILES = 1000
MANY_TENSORS, TOO_MANY_TENSORS = 10_000, 100_000  # beyond the last, two processes would need over 300 MB
HEADER_BYTES_OF_A_TENSOR = 100  # in a safetensors header
LARGE_BYTES = 1 << 20  # smaller files have few tensors
BATCH_BYTES, BATCH_FILES = 8 << 20, 64
SENT_AT_ONCE = 1000  # tensors, with fingerprints 800 kB
PIPE_BYTES = 1 << 20

FileProgress = Callable[[str, int], None]  # path, bytes done of it

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from weights.reader_process import serve; serve()"


class Inspect(Protocol):
    """`inspect_file`, which this module must not import."""

    def __call__(
        self, what: Path, path: str, size_bytes: int, progress: Callable[[int], None], *, fingerprints: bool
    ) -> FileReport: ...


class Reader(Protocol):
    """Reads some files of one folder, one after the other."""

    def read(self, batch: Sequence[str]) -> list[FileReport]:
        """Reports on the files at these paths; OSError if one cannot be read."""


def batches(sizes: Mapping[str, int]) -> Iterator[list[str]]:
    """All paths, the largest first, small ones many at once."""
    batch: list[str] = []
    left = 0
    for path in sorted(sizes, key=lambda path: -sizes[path]):
        if batch and (sizes[path] > left or len(batch) == BATCH_FILES):
            yield batch
            batch = []
        if not batch:
            left = BATCH_BYTES
        batch.append(path)
        left -= sizes[path]
    if batch:
        yield batch


def is_slow_in_python(root: Path, sizes: Mapping[str, int]) -> bool:
    """Whether most of the time goes by in Python, by the number of files, or of tensors that files say they have.

    Not for more tensors than two processes have room for.
    """
    if len(sizes) > MANY_FILES:
        return True
    stated = [_tensors_stated(root / path) for path, size in sizes.items() if size > LARGE_BYTES]
    return MANY_TENSORS < sum(stated) <= TOO_MANY_TENSORS and sum(count > MANY_TENSORS // 20 for count in stated) > 1


def _tensors_stated(place: Path) -> int:
    """About how many tensors a safetensors or GGUF file says it has; anything for other files and wrong ones."""
    try:
        source = PathSource(place)
    except OSError:  # whoever reads it will say so
        return 0
    try:
        head = read_at(source, 0, 16)
        if head.startswith(b"GGUF"):
            return min(int.from_bytes(head[8:], "little"), source.size_bytes)
        length = int.from_bytes(head[:8], "little")
        return length // HEADER_BYTES_OF_A_TENSOR if head[8:9] == b"{" and length < source.size_bytes else 0
    finally:
        source.close()


class LocalReader:
    """Reads in the thread that asks."""

    def __init__(
        self, inspect: Inspect, root: Path, sizes: Mapping[str, int], tell: FileProgress, *, fingerprints: bool
    ) -> None:
        self._inspect, self._root, self._sizes, self._tell = inspect, root, sizes, tell
        self._fingerprints = fingerprints

    def read(self, batch: Sequence[str]) -> list[FileReport]:
        """See `Reader`."""
        return [self._read(path) for path in batch]

    def _read(self, path: str) -> FileReport:
        def tell(count: int) -> None:
            self._tell(path, count)

        return self._inspect(self._root / path, path, self._sizes[path], tell, fingerprints=self._fingerprints)


class Peer(Protocol):
    """A process that reads: what it is told by `requests`, and where its answers come from."""

    requests: IO[bytes]
    answers: IO[bytes]

    def end(self) -> None:
        """End it, whatever it is at."""


class Started:
    """A process that was started anew: a third of a second, from any thread."""

    def __init__(self) -> None:
        command = [sys.executable, "-c", _PROGRAM, *sys.path]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 16
        )
        assert self._process.stdin is not None and self._process.stdout is not None
        self.requests: IO[bytes] = self._process.stdin
        self.answers: IO[bytes] = self._process.stdout

    def end(self) -> None:
        """See `Peer`."""
        self._process.kill()
        self._process.communicate()


class Forked:
    """A copy of this process, which takes no time; only where no other thread could hold a lock meanwhile."""

    def __init__(self, serve_on: Callable[[IO[bytes], IO[bytes]], None]) -> None:
        there, requests = os.pipe()
        answers, back = os.pipe()
        _widen(back)
        self._id = os.fork()
        if not self._id:
            _be_the_copy(serve_on, there, back, requests, answers)
        os.close(there)
        os.close(back)
        self.requests: IO[bytes] = os.fdopen(requests, "wb", 1 << 16)
        self.answers: IO[bytes] = os.fdopen(answers, "rb", 1 << 16)

    def end(self) -> None:
        """See `Peer`."""
        os.kill(self._id, signal.SIGKILL)
        os.waitpid(self._id, 0)
        for stream in (self.requests, self.answers):
            with suppress(OSError):  # what was not sent need not be
                stream.close()


def _widen(pipe: int) -> None:
    """Let a pipe hold a message, so that whoever writes it need not wait for whoever reads, bit by bit."""
    with suppress(ImportError, AttributeError, OSError):  # not every system can, or allows so much
        import fcntl

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE_BYTES)


def _be_the_copy(
    serve_on: Callable[[IO[bytes], IO[bytes]], None], there: int, back: int, requests: int, answers: int
) -> NoReturn:
    """Serve, and end without anything that the copied program would do at its end."""
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever asked is interrupted as well, and ends this process
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.close(requests)
        os.close(answers)
        gc.freeze()
        with os.fdopen(there, "rb", 1 << 16) as asked, os.fdopen(back, "wb", 1 << 16) as told:
            serve_on(asked, told)
    finally:
        os._exit(0)


class RemoteReader:
    """Has a process of its own read, which is the same program and is trusted as much as a thread would be."""

    def __init__(
        self, peer: Peer, root: Path, sizes: Mapping[str, int], tell: FileProgress, *, fingerprints: bool
    ) -> None:
        self._peer, self._sizes, self._tell = peer, sizes, tell
        self._send(str(root), fingerprints)

    def read(self, batch: Sequence[str]) -> list[FileReport]:
        """See `Reader`."""
        self._send([(path, self._sizes[path]) for path in batch])
        return [self._receive(path) for path in batch]

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._peer.end()

    def _send(self, *message: Any) -> None:
        try:
            write_message(self._peer.requests, *message)
        except BrokenPipeError as error:
            raise OSError("a process that reads files has ended") from error

    def _receive(self, path: str) -> FileReport:
        tensors: list[TensorRecord] = []
        while (message := read_message(self._peer.answers)) is not None:
            kind, content = message
            if kind == "progress":
                self._tell(path, content)
            elif kind == "tensors":
                tensors += map(TensorRecord._make, content)
            elif kind == "failed":
                raise OSError(content)
            elif kind == "broken":
                raise RuntimeError(content)
            else:
                content["findings"] = [Finding.from_json(finding) for finding in content["findings"]]
                return FileReport(**content, tensors=tensors)
        raise OSError(f"the process that read {path} has ended")


def _peer() -> Peer:
    """Another process, the faster way where that is safe."""
    if hasattr(os, "fork") and threading.active_count() == 1 and threading.current_thread() is threading.main_thread():
        from weights.reader_process import serve_on

        return Forked(serve_on)
    return Started()


def write_message(stream: IO[bytes], *message: Any) -> None:
    """Send what is made of plain values."""
    content = marshal.dumps(message)
    stream.write(len(content).to_bytes(8, "little"))
    stream.write(content)
    stream.flush()


def read_message(stream: IO[bytes]) -> tuple[Any, ...] | None:
    """What was sent, None where the other side has ended."""
    size = stream.read(8)
    content = stream.read(int.from_bytes(size, "little")) if len(size) == 8 else b""
    if not content:
        return None
    message: tuple[Any, ...] = marshal.loads(content)  # noqa: S302 - of a process that runs this very module
    return message


@contextmanager
def readers_for(
    inspect: Inspect, root: Path, sizes: Mapping[str, int], tell: FileProgress, count: int, *, fingerprints: bool
) -> Iterator[SimpleQueue[Reader]]:
    """`count` readers, to be taken out and put back; all but one in processes of their own where that is faster."""
    free: SimpleQueue[Reader] = SimpleQueue()
    is_apart = count > 1 and bool(sys.executable) and is_slow_in_python(root, sizes)
    with ExitStack() as stack:
        for number in range(count):
            if number and is_apart:
                remote = RemoteReader(_peer(), root, sizes, tell, fingerprints=fingerprints)
                stack.callback(remote.close)
                free.put(remote)
            else:
                free.put(LocalReader(inspect, root, sizes, tell, fingerprints=fingerprints))
        yield free
