"""What one set of files has that another has not, as lists, as conflicts and as a patch."""

from __future__ import annotations

import time

import pytest

from hub.differences import conflicts, differences
from hub.patches import LARGEST_FILE_BYTES, LONGEST_CHARACTERS, MOST_FILES, patch
from hub.selectors.trees import Entry
from hub.xet.chunk_lists import ChunkList, entry


def files(**contents: str) -> dict[str, Entry]:
    return {path: Entry(path, content, 1, content) for path, content in contents.items()}


def test_every_path_that_is_not_the_same_is_told_in_order() -> None:
    found = differences(files(a="1", b="1", c="1"), files(b="2", c="1", d="1"))
    assert [(one.path, one.word) for one in found] == [("a", "removed"), ("b", "changed"), ("d", "added")]


@pytest.mark.parametrize(
    ("proposed", "present", "wanted"),
    [
        ({"a": "1"}, {"a": "2"}, []),
        ({"a": "2"}, {"a": "1"}, []),
        ({"a": "2"}, {"a": "2"}, []),
        ({"a": "2"}, {"a": "3"}, ["a"]),
        ({}, {"a": "3"}, ["a"]),
        ({"a": "2"}, {}, ["a"]),
        ({}, {}, []),
        ({"a": "1", "b": "1"}, {"a": "1", "b": "2"}, ["b"]),
        ({"a": "2", "b": "1"}, {"a": "3", "b": "1"}, ["a"]),
    ],
)
def test_a_conflict_is_a_path_that_both_changed_otherwise(
    proposed: dict[str, str], present: dict[str, str], wanted: list[str]
) -> None:
    assert conflicts(files(a="1"), files(**proposed), files(**present)) == wanted


def content(path: str, body: bytes, *, is_large: bool = False) -> tuple[Entry, bytes]:
    return Entry(path, "0" * 40, len(body), body.hex()[:64].ljust(64, "0"), is_large), body


@pytest.mark.parametrize(
    ("before", "after", "is_large", "lines"),
    [
        (None, b"one\n", False, ["new file mode 100644", "--- /dev/null", "+++ b/f", "+one"]),
        (b"one\n", None, False, ["deleted file mode 100644", "--- a/f", "+++ /dev/null", "-one"]),
        (b"one\ntwo", b"one\nto", False, [" one", "-two", "+to", "\\ No newline at end of file"]),
        (b"\0", b"one\n", False, ["Binary files a/f and b/f differ"]),
        (b"\xff", b"one\n", False, ["Binary files a/f and b/f differ"]),
        (b"a" * (LARGEST_FILE_BYTES + 1), b"one\n", False, ["Binary files a/f and b/f differ"]),
        (None, b"\0weights", True, ["+version https://git-lfs.github.com/spec/v1", "+size 8"]),
    ],
)
def test_a_patch_is_as_git_writes_it(
    before: bytes | None, after: bytes | None, is_large: bool, lines: list[str]
) -> None:
    sides = [None if body is None else content("f", body, is_large=is_large) for body in (before, after)]
    bodies = {side[0].sha256: side[1] for side in sides if side}
    said = patch([("f", *(side and side[0] for side in sides))], lambda one: bodies[one.sha256]).splitlines()
    assert said[0] == "diff --git a/f b/f" and set(lines) <= set(said)


def test_a_patch_says_where_and_compares_no_more_than_it_must() -> None:
    """Lines that repeat like these would be compared for hours."""
    lines = [f"{number % 104}\n" for number in range(20_000)]
    others = [f"{number * 3 % 104}\n" for number in range(20_000)]
    began = time.process_time()
    said = patched(lines, [*lines[:9_000], "x\n", *lines[9_000:]])
    assert said == ["@@ -8998,6 +8998,7 @@", " 53", " 54", " 55", "+x", " 56", " 57", " 58"]
    said = patched([*lines[:5], *lines, "end\n"], [*lines[:5], *others, "end\n"])
    assert said[0] == "@@ -4,20003 +4,20003 @@" and (said[1:4], said[-1]) == ([" 3", " 4", " 0"], " end")
    assert [line[0] for line in said[4:-1]] == ["-"] * 19_999 + ["+"] * 19_999
    assert time.process_time() - began < 1
    assert patched(["a\n"], ["b\n", "c\n"]) == ["@@ -1 +1,2 @@", "-a", "+b", "+c"]


def patched(before: list[str], after: list[str]) -> list[str]:
    """What a patch says of the lines of one small file."""
    sides = [content("f", "".join(lines).encode()) for lines in (before, after)]
    bodies = {id(entry): body for entry, body in sides}
    return patch([("f", sides[0][0], sides[1][0])], lambda one: bodies[id(one)]).splitlines()[4:]


def test_a_patch_is_cut_where_it_grows_too_long() -> None:
    one, body = content("f", b"line\n" * (LARGEST_FILE_BYTES // 5))
    said = patch([(str(number), None, one) for number in range(50)], lambda _: body)
    assert len(said) <= LONGEST_CHARACTERS + 100 and said.endswith("too long.\n")
    many = patch([(str(number), None, content("f", b"")[0]) for number in range(MOST_FILES + 1)], lambda _: b"")
    assert many.count("diff --git") == MOST_FILES


def test_a_list_of_chunks_knows_where_each_begins() -> None:
    chunks = ChunkList(entry(b"a" * 32, 10) + entry(b"b" * 32, 20) + entry(b"c" * 32, 131_072))
    assert (len(chunks), chunks.size_bytes, chunks.begin(2), chunks.length(1, 3)) == (3, 131_102, 30, 131_092)
    assert list(chunks.run(1, 2)) == [(b"b" * 32, 20)]
    assert chunks.hashes(0, 2) == b"a" * 32 + b"b" * 32
