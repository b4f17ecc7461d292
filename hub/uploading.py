"""How a file is to be uploaded: as large content by itself, or inside the commit, or not at all. Pure.

What a repository says in `.gitattributes` comes first, then the size, then whether the beginning looks like text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import re2
from pathspec import GitIgnoreSpec
from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

LARGE_BYTES = 10_000_000
RULES_LIMIT_CHARACTERS, MOST_RULES = 100_000, 1000
# Where a pattern says "anything" in more places than a folder's prefix and one more, trying all of them may take years.
ANYTHING, MOST_ANYTHINGS = re.compile(r"\[\^/\]\*|\.[*+]"), 2
LARGE_ENDINGS = (
    *("7z", "arrow", "bin", "bz2", "ckpt", "ftz", "gguf", "gz", "h5", "joblib", "lfs", "mlmodel", "model", "msgpack"),
    *("npy", "npz", "onnx", "ot", "parquet", "pb", "pickle", "pkl", "pt", "pth", "rar", "safetensors", "tar", "tflite"),
    *("tgz", "wasm", "xz", "zip", "zst"),
)
_QUIET = re2.Options()
_QUIET.log_errors = False
DEFAULT_ATTRIBUTES = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in LARGE_ENDINGS)


@dataclass(frozen=True, slots=True)
class Announced:
    """A file that a client means to upload: its path, size in bytes and first bytes."""

    path: str
    size_bytes: int
    sample: bytes


def is_large(file: Announced, attributes: str) -> bool:
    """Whether the file travels by itself, checked against its SHA-256, rather than inside the commit."""
    if not file.size_bytes:
        return False
    chosen = _filter_of(file.path, attributes[:RULES_LIMIT_CHARACTERS])
    if chosen is not None:
        return chosen == "lfs"
    return file.size_bytes > LARGE_BYTES or not _is_text(file.sample)


def is_ignored(path: str, ignore: str) -> bool:
    """Whether `.gitignore` rules leave the path out."""
    return bool(ignore) and _ignore_spec(ignore[:RULES_LIMIT_CHARACTERS]).match_file(path)


def _filter_of(path: str, attributes: str) -> str | None:
    """The `filter` of the last line that names the path and speaks of one; None where no line does."""
    chosen = None
    for pattern, value in _attribute_lines(attributes):
        if pattern.match_file(path):
            chosen = value
    return chosen


@lru_cache(maxsize=64)
def _attribute_lines(attributes: str) -> tuple[tuple[GitIgnoreSpecPattern, str], ...]:
    found = []
    for line in attributes.splitlines()[:MOST_RULES]:
        pattern, *words = line.split()[:50] or ["#"]
        value = _filter_in(words)
        if not pattern.startswith(("#", "!", '"')) and value is not None:
            # A pattern of attributes never takes in what lies below a folder, as one that ignores does.
            found += [(one, value) for one in _patterns([pattern.rstrip("/") if pattern != "/" else "#"])]
    return tuple(found)


def _filter_in(words: Iterable[str]) -> str | None:
    value = None
    for word in words:
        if word.startswith("filter="):
            value = word.removeprefix("filter=")
        elif word in {"-filter", "!filter"}:
            value = ""
    return value


@lru_cache(maxsize=64)
def _ignore_spec(ignore: str) -> GitIgnoreSpec:
    return GitIgnoreSpec(_patterns(ignore.splitlines()[:MOST_RULES]), backend="simple")


def _patterns(lines: Iterable[str]) -> list[GitIgnoreSpecPattern]:
    """The patterns of a repository's own rules; git, too, passes over those that cannot be read."""
    found = []
    for line in lines:
        try:
            pattern = GitIgnoreSpecPattern(line)
            if pattern.regex is not None and len(ANYTHING.findall(pattern.regex.pattern)) > MOST_ANYTHINGS:
                pattern.regex = re2.compile(pattern.regex.pattern, _QUIET)
        except (ValueError, re.error, re2.error, FutureWarning):  # the last where warnings are raised
            continue
        found.append(pattern)
    return found


def _is_text(sample: bytes) -> bool:
    if b"\0" in sample:
        return False
    try:
        sample.decode()
    except UnicodeDecodeError as error:
        # The sample may end in the middle of a character.
        return error.reason == "unexpected end of data" and error.start >= len(sample) - 3
    return True
