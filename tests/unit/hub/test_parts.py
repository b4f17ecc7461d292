"""The small pure parts: git's ids, ranges, cards, how a file is to be uploaded, what a header can carry."""

from __future__ import annotations

import time

import pytest

from hub import cards, git
from hub.errors import ascii_text
from hub.ranges import OutsideFile, part_of
from hub.uploading import DEFAULT_ATTRIBUTES, Announced, is_ignored, is_large


def test_ids_are_those_of_git() -> None:
    """Expected values come from `git hash-object` and `git write-tree`."""
    assert git.blob_id(b"") == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert git.blob_id(b"hello\n") == "ce013625030ba8dba906f756967f9e9ca394464a"
    assert git.tree_id([]) == "4b825dc642cb6eb9a060e54bf8d69288fbee4904"


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", (0, 9, False)),
        ("bytes=0-", (0, 9, True)),
        ("bytes=3-5", (3, 5, True)),
        ("bytes=3-500", (3, 9, True)),
        ("bytes=-4", (6, 9, True)),
        ("bytes=-400", (0, 9, True)),
        ("Bytes= 9-9 ", (9, 9, True)),
        ("bytes=5-3", (0, 9, False)),
        ("bytes=0-1,3-4", (0, 9, False)),
        ("bytes=-", (0, 9, False)),
        ("items=0-1", (0, 9, False)),
        ("bytes=٣-", (0, 9, False)),
    ],
)
def test_range(header: str, expected: tuple[int, int, bool]) -> None:
    part, is_range = part_of(header, 10)
    assert (part.first, part.last, is_range) == expected


@pytest.mark.parametrize(("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=0-", 0), ("bytes=-1", 0)])
def test_range_behind_the_end(header: str, size: int) -> None:
    with pytest.raises(OutsideFile):
        part_of(header, size)


def test_card_is_read_as_data() -> None:
    assert cards.front_matter("---\nlicense: mit\ndate: 2026-01-02\n---\n# Hi") == {
        "license": "mit",
        "date": "2026-01-02",
    }
    assert cards.front_matter("# no metadata") == cards.front_matter("---\n---\n") == {}


@pytest.mark.parametrize(
    "metadata",
    [
        "a: &x [1]\nb: *x",
        "!!python/object/apply:os.system ['true']",
        "- a list",
        "a: [",
        "a: .nan",
        "[" * 5000,
    ],
)
def test_card_that_is_no_data_is_refused(metadata: str) -> None:
    with pytest.raises(cards.CardError):
        cards.front_matter(f"---\n{metadata}\n---\n")
    assert cards.lenient_front_matter(f"---\n{metadata}\n---\n") == {}


def test_tags_come_from_the_card() -> None:
    metadata = {
        "tags": ["a", 1],
        "license": "mit",
        "library_name": "transformers",
        "base_model": ["x/y"],
        "language": "en",
    }
    assert cards.tags(metadata) == ["a", "transformers", "license:mit", "base_model:x/y", "en"]


@pytest.mark.parametrize(
    ("path", "size", "sample", "attributes", "expected"),
    [
        ("model.safetensors", 100, b"text", DEFAULT_ATTRIBUTES, True),
        ("deep/er/model.safetensors", 100, b"text", DEFAULT_ATTRIBUTES, True),
        ("model.safetensors", 0, b"", DEFAULT_ATTRIBUTES, False),
        ("README.md", 100, b"# Hi", DEFAULT_ATTRIBUTES, False),
        ("README.md", 11_000_000, b"# Hi", DEFAULT_ATTRIBUTES, True),
        ("picture.png", 100, b"\x89PNG\0", DEFAULT_ATTRIBUTES, True),
        ("text.txt", 512, b"a" * 511 + "ä".encode()[:1], "", False),
        ("latin.txt", 100, b"caf\xe9 au lait", "", True),
        ("big.txt", 11_000_000, b"a", "*.txt -filter", False),
        ("keep.bin", 100, b"\0", "*.bin filter=lfs\nkeep.bin !filter", False),
        ("data/a.json", 10, b"{}", "data/** filter=lfs -text", True),
        ("other/a.json", 10, b"{}", "data/** filter=lfs -text", False),
        ("a.txt", 10, b"x", "\\[ filter=lfs\n# *.txt filter=lfs\n[", False),
        ("a.txt", 10, b"x", "[z-a] filter=lfs\n[[:alpha:]]*x*y* filter=lfs\n[a-[z] filter=lfs", False),
        ("a/b/cd/ef.txt", 10, b"x", "a/**/c*d*/**/*f*t filter=lfs", True),
    ],
)
def test_how_a_file_is_uploaded(path: str, size: int, sample: bytes, attributes: str, expected: bool) -> None:
    assert is_large(Announced(path, size, sample), attributes) is expected


@pytest.mark.parametrize("pattern", ["*a" * 20 + "b", "**/a" * 20 + "/b", "*" * 300 + "b", "a*" * 3 + "[b-z]*"])
def test_no_pattern_takes_long(pattern: str) -> None:
    """Tried one way after another, each of these would take years."""
    for path in ("a" * 255, "a/" * 63 + "c"):
        began = time.process_time()
        assert not is_large(Announced(path, 10, b"x"), f"{pattern} filter=lfs")
        assert not is_ignored(path, pattern)
        assert time.process_time() - began < 1


def test_ignored() -> None:
    rules = "*.log\n!keep.log\n/build/\n"
    assert [is_ignored(path, rules) for path in ("a.log", "keep.log", "build/x", "src/build/x")] == [
        True,
        False,
        True,
        False,
    ]
    assert not is_ignored("a.log", "")


def test_a_header_is_one_line_of_ascii() -> None:
    assert ascii_text("“a” – ä\r\nSet-Cookie: x") == '"a" - ***Set-Cookie: x'
