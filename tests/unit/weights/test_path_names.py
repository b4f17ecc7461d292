"""Rules for paths: what is refused, by which check, and what is not."""

from __future__ import annotations

import pytest

from weights import check_path, check_paths
from weights.names import check_collisions

GOOD = [
    "config.json",
    "model-00001-of-00002.safetensors",
    ".gitattributes",
    ".gitignore",
    "a/b/c.txt",
    "tokenizer/模型.json",
    "Modèle.md",
    "with space.md",
    "..hidden",
    "a..b",
    "console.txt",
    "com10",
    "x" * 255,
    "/".join(["d" * 200] * 5),
]


@pytest.mark.parametrize("path", GOOD)
def test_check_path_lets_ordinary_names_pass(path: str) -> None:
    assert check_path(path) is None


@pytest.mark.parametrize(
    ("check", "path"),
    [
        ("FS-NAME", ""),
        ("FS-NAME", "/etc/passwd"),
        ("FS-NAME", "C:/x"),
        ("FS-NAME", "c:x"),
        ("FS-NAME", "../x"),
        ("FS-NAME", "\u2024\u2024/x"),
        ("FS-NAME", "a\uff0fb"),
        ("FS-NAME", "a/../b"),
        ("FS-NAME", "./a"),
        ("FS-NAME", "a//b"),
        ("FS-NAME", "a/"),
        ("FS-NAME", "a\\b"),
        ("FS-NAME", "a\0b"),
        ("FS-NAME", "a\nb"),
        ("FS-NAME", "a\x7fb"),
        ("FS-NAME", "a\x9bb"),
        ("FS-NAME", "gpj\u202e.json"),
        ("FS-NAME", "a\u2066b"),
        ("FS-NAME", "a\u200bb"),
        ("FS-NAME", "a\u2028b"),
        ("FS-NAME", "a\ufeff"),
        ("FS-NAME", "a\udc80b"),
        ("FS-GIT", ".git"),
        ("FS-GIT", "a/.GIT/config"),
        ("FS-GIT", ".git."),
        ("FS-GIT", ".git /x"),
        ("FS-GIT", "git~1/x"),
        ("FS-GIT", ".git:x"),
        ("FS-PORTABLE", "nul"),
        ("FS-PORTABLE", "a/CON.json"),
        ("FS-PORTABLE", "com1"),
        ("FS-PORTABLE", "lpt¹.txt"),
        ("FS-PORTABLE", "a./b"),
        ("FS-PORTABLE", "a "),
        ("FS-PORTABLE", "ab:c"),
        ("FS-PORTABLE", "what?.md"),
        ("FS-LONG", "x" * 256),
        ("FS-LONG", "é" * 128),
        ("FS-LONG", "/".join(["d" * 200] * 6)),
    ],
)
def test_check_path_refuses(check: str, path: str) -> None:
    finding = check_path(path)
    assert finding is not None
    assert (finding.check, finding.severity, finding.path) == (check, "block", path)


@pytest.mark.parametrize(
    "paths",
    [
        ["Config.json", "config.json"],
        ["\u00e9.txt", "e\u0301.txt"],
        ["stra\u00dfe", "STRASSE"],
        ["A/x", "a/y"],
        ["a", "a/b"],
        ["a/b", "a"],
        ["a", "a"],
    ],
)
def test_check_collisions_finds_paths_that_are_one_elsewhere(paths: list[str]) -> None:
    assert [finding.check for finding in check_collisions(paths)] == ["FS-COLLIDE"]


def test_check_collisions_accepts_neighbors() -> None:
    assert check_collisions(["a/b", "a/c", "ab", "a-b", "a.b/c"]) == []


@pytest.mark.parametrize("path", ["a\u00a0b", "a" + "\u0300" * 5])
def test_check_path_warns_of_spaces_and_marks_that_mislead(path: str) -> None:
    found = check_path(path)
    assert found is not None
    assert found.check == "FS-CONFUSABLE"


def test_check_paths_gives_both_kinds_of_trouble() -> None:
    assert [finding.check for finding in check_paths(["../x", "b", "B"])] == ["FS-NAME", "FS-COLLIDE"]
