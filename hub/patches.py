"""The difference of two sets of files in git's words, bounded.

Large files appear as what git keeps of them, their pointers; what is no text only as being different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import unified_diff

from hub import git
from hub.selectors.trees import Entry

LARGEST_FILE_BYTES = 128 << 10
LONGEST_CHARACTERS = 1 << 20
MOST_FILES = 300
Read = Callable[[Entry], bytes]


def patch(changes: Iterable[tuple[str, Entry | None, Entry | None]], read: Read) -> str:
    """The patch from (path, before, after); `read` gives a small file's content. Ends with a note where it is cut."""
    pieces: list[str] = []
    length = 0
    for number, (path, before, after) in enumerate(changes):
        piece = "".join(_file(path, before, after, read))
        length += len(piece)
        if length > LONGEST_CHARACTERS or number >= MOST_FILES:
            pieces.append("# The rest is not shown: it is too long.\n")
            break
        pieces.append(piece)
    return "".join(pieces)


def _file(path: str, before: Entry | None, after: Entry | None, read: Read) -> Iterator[str]:
    yield f"diff --git a/{path} b/{path}\n"
    if before is None:
        yield "new file mode 100644\n"
    if after is None:
        yield "deleted file mode 100644\n"
    yield f"index {_short(before)}..{_short(after)}\n"
    old, new = _text(before, read), _text(after, read)
    if old is None or new is None:
        yield f"Binary files {_side('a', path, before)} and {_side('b', path, after)} differ\n"
        return
    lines = unified_diff(
        old.splitlines(keepends=True),
        new.splitlines(keepends=True),
        _side("a", path, before),
        _side("b", path, after),
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _side(letter: str, path: str, entry: Entry | None) -> str:
    return f"{letter}/{path}" if entry else "/dev/null"


def _short(entry: Entry | None) -> str:
    return entry.oid[:7] if entry else "0000000"


def _text(entry: Entry | None, read: Read) -> str | None:
    """What git would compare; None where it is no text, or too long to be shown."""
    if entry is None:
        return ""
    if entry.is_large:
        return git.pointer(entry.sha256, entry.size_bytes).decode()
    if entry.size_bytes > LARGEST_FILE_BYTES:
        return None
    content = read(entry)
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None
