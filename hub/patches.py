"""The difference of two sets of files in git's words, bounded.

Large files appear as what git keeps of them, their pointers; what is no text only as being different.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from difflib import SequenceMatcher

from hub import git
from hub.selectors.trees import Entry

LARGEST_FILE_BYTES = 128 << 10
LONGEST_CHARACTERS = 1 << 20
MOST_FILES = 300
# Lines around what differs, and lines of one side times lines of the other, up to which they are compared.
CONTEXT, MOST_COMPARED = 3, 500_000
Step = tuple[str, int, int, int, int]
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
    lines = (old.splitlines(keepends=True), new.splitlines(keepends=True))
    for line in _lines(*lines, f"--- {_side('a', path, before)}", f"+++ {_side('b', path, after)}"):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _lines(old: list[str], new: list[str], *headings: str) -> Iterator[str]:
    """The lines of a patch of one text: for each group of differences where it stands, and the lines there."""
    for number, group in enumerate(_groups(old, new)):
        if not number:
            yield from (f"{heading}\n" for heading in headings)
        (_, before, _, after, _), (_, _, before_end, _, after_end) = group[0], group[-1]
        yield f"@@ -{_place(before, before_end)} +{_place(after, after_end)} @@\n"
        for tag, i, i_end, j, j_end in group:
            if tag == "equal":
                yield from (f" {line}" for line in old[i:i_end])
                continue
            yield from (f"-{line}" for line in old[i:i_end])
            yield from (f"+{line}" for line in new[j:j_end])


def _groups(old: list[str], new: list[str]) -> Iterator[list[Step]]:
    """Only what stands between the same beginning and end is compared, and where that is long, it is replaced as a
    whole: comparing may take the cube of its length, and strangers write it."""
    first = _same(old, new)
    last = _same(old[first:][::-1], new[first:][::-1])
    a, b = old[first : len(old) - last], new[first : len(new) - last]
    if not (a or b):
        return iter(())
    steps: list[Step] = [("replace", 0, len(a), 0, len(b))]
    if len(a) * len(b) <= MOST_COMPARED:
        steps = SequenceMatcher(None, a, b).get_opcodes()
    beyond = (len(old) - last, len(old), len(new) - last, len(new))
    whole = SequenceMatcher(None, "", "")
    whole.opcodes = [
        *([("equal", 0, first, 0, first)] if first else []),
        *((tag, i + first, i_end + first, j + first, j_end + first) for tag, i, i_end, j, j_end in steps),
        *([("equal", *beyond)] if last else []),
    ]
    return whole.get_grouped_opcodes(CONTEXT)


def _same(one: list[str], other: list[str]) -> int:
    """How many lines two texts begin with alike."""
    return next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))


def _place(begin: int, end: int) -> str:
    """Where some lines stand, as patches say it: counted from one, but for none at all."""
    if end - begin == 1:
        return str(end)
    return f"{begin + (end > begin)},{end - begin}"


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
