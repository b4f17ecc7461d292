"""Who reads the files of a folder: this process alone, or another one beside it.

Owns the choice, and the life of the other processes. Threads hash side by side, but only one of them runs Python at a
time; where it is Python that takes long (tens of thousands of tensors, thousands of files), another process is worth
its start. Reads nothing itself but the first bytes of large files, and judges nothing.
"""

from __future__ import annotations

import marshal
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any, Protocol

from weights.findings import Finding
from weights.report import FileReport, TensorRecord
from weights.sources import PathSource, read_at

MANY_FILES = 1000
MANY_TENSORS = 10_000
HEADER_BYTES_OF_A_TENSOR = 100  # in a safetensors header
LARGE_BYTES = 1 << 20  # smaller files have few tensors
BATCH_BYTES, BATCH_FILES = 8 << 20, 64
SENT_AT_ONCE = 2000  # tensors

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
    """Whether most of the time goes by in Python, by the number of files, or of tensors that files say they have."""
    if len(sizes) > MANY_FILES:
        return True
    stated = [_tensors_stated(root / path) for path, size in sizes.items() if size > LARGE_BYTES]
    return sum(stated) > MANY_TENSORS and sum(count > MANY_TENSORS // 20 for count in stated) > 1


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


class RemoteReader:
    """Has a process of its own read, which is the same program and is trusted as much as a thread would be."""

    def __init__(self, root: Path, sizes: Mapping[str, int], tell: FileProgress, *, fingerprints: bool) -> None:
        self._sizes, self._tell = sizes, tell
        command = [sys.executable, "-c", _PROGRAM, *sys.path]
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=1 << 16
        )
        self._send(str(root), fingerprints)

    def read(self, batch: Sequence[str]) -> list[FileReport]:
        """See `Reader`."""
        self._send([(path, self._sizes[path]) for path in batch])
        return [self._receive(path) for path in batch]

    def close(self) -> None:
        """End the process, whatever it is at."""
        self._process.kill()
        self._process.communicate()

    def _send(self, *message: Any) -> None:
        assert self._process.stdin is not None
        try:
            write_message(self._process.stdin, *message)
        except BrokenPipeError as error:
            raise OSError("a process that reads files has ended") from error

    def _receive(self, path: str) -> FileReport:
        assert self._process.stdout is not None
        tensors: list[TensorRecord] = []
        while (message := read_message(self._process.stdout)) is not None:
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
                remote = RemoteReader(root, sizes, tell, fingerprints=fingerprints)
                stack.callback(remote.close)
                free.put(remote)
            else:
                free.put(LocalReader(inspect, root, sizes, tell, fingerprints=fingerprints))
        yield free
