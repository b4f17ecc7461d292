"""Which files of a checkpoint are read together, and what one reading may use. Pure: sizes in, numbers out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

# From here on a file is a job of its own: hashing it takes long beside the tenths of a second that a process takes.
LARGE_BYTES = 64 << 20
# Small files are read in one process, as many as a worker reads in about a second.
BUNDLE_BYTES = 512 << 20
BUNDLE_FILES = 5000

# What the slowest reading worth waiting for takes, so that only what hangs or expands without end is ever stopped.
BASE_CPU_SECONDS = 120
CPU_BYTES_PER_SECOND = 8 << 20
BASE_WALL_SECONDS = 600
WALL_BYTES_PER_SECOND = 1 << 20
MEMORY_BYTES = 2 << 30


class Sized(Protocol):
    """A file with its size."""

    @property
    def size_bytes(self) -> int:
        """Bytes of its content."""


File = TypeVar("File", bound=Sized)


def groups(files: Sequence[File]) -> list[list[File]]:
    """Files to be read together, in the order in which to begin: what is small, then the largest.

    The small ones hold configuration and index, where most faults are found; of the others the longest work goes
    first, so that the workers end about together.
    """
    bundles: list[list[File]] = []
    filled = 0
    for file in (file for file in files if file.size_bytes < LARGE_BYTES):
        if not bundles or filled + file.size_bytes > BUNDLE_BYTES or len(bundles[-1]) >= BUNDLE_FILES:
            bundles.append([])
            filled = 0
        bundles[-1].append(file)
        filled += file.size_bytes
    large = sorted((file for file in files if file.size_bytes >= LARGE_BYTES), key=lambda file: -file.size_bytes)
    return bundles + [[file] for file in large]


def cpu_seconds(size_bytes: int) -> int:
    """Processor time for reading so many bytes."""
    return BASE_CPU_SECONDS + size_bytes // CPU_BYTES_PER_SECOND


def wall_seconds(size_bytes: int) -> float:
    """Time on the clock for reading so many bytes, from a slow disk of a busy machine."""
    return BASE_WALL_SECONDS + size_bytes / WALL_BYTES_PER_SECOND
