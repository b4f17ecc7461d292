"""The identity of a checkpoint, and of a file."""

from __future__ import annotations

import hashlib

import pytest

from weights import Digest, FileEntry, manifest_digest

A = FileEntry("b/z.json", 3, "a" * 64)
B = FileEntry("b-1.json", 0, "b" * 64)
C = FileEntry("é.txt", 12, "c" * 64)


def test_manifest_digest_is_the_documented_byte_string() -> None:
    expected = hashlib.sha256(
        b"imprimatur-manifest-1\0"
        + b"b" * 64
        + b" 0 b-1.json\0"
        + b"a" * 64
        + b" 3 b/z.json\0"
        + b"c" * 64
        + b" 12 \xc3\xa9.txt\0"
    ).hexdigest()
    assert manifest_digest([C, A, B]) == f"sha256:{expected}"


def test_manifest_digest_does_not_depend_on_order() -> None:
    assert manifest_digest([A, B, C]) == manifest_digest([C, B, A])


@pytest.mark.parametrize(
    "other",
    [FileEntry("b/z.jsom", 3, "a" * 64), FileEntry("b/z.json", 4, "a" * 64), FileEntry("b/z.json", 3, "b" * 64)],
)
def test_manifest_digest_covers_path_size_and_content(other: FileEntry) -> None:
    assert manifest_digest([A]) != manifest_digest([other])


def test_manifest_digest_refuses_a_path_that_comes_twice() -> None:
    with pytest.raises(ValueError, match="twice"):
        manifest_digest([A, A])


def test_manifest_of_nothing_has_a_digest() -> None:
    assert manifest_digest([]) == f"sha256:{hashlib.sha256(b'imprimatur-manifest-1' + bytes(1)).hexdigest()}"


def test_entry_round_trip() -> None:
    assert FileEntry.from_json(C.to_json()) == C


@pytest.mark.parametrize(
    ("path", "size", "sha256"),
    [("", 1, "a" * 64), ("a\0b", 1, "a" * 64), ("a", -1, "a" * 64), ("a", 1, "A" * 64), ("a", 1, "a" * 63)],
)
def test_entry_refuses_what_is_no_file(path: str, size: int, sha256: str) -> None:
    with pytest.raises(ValueError, match=r"not a|cannot"):
        FileEntry(path, size, sha256)


def test_digest_reads_both_spellings_and_writes_one() -> None:
    assert Digest.parse("a" * 64) == Digest.parse("sha256:" + "a" * 64)
    assert str(Digest.parse("a" * 64)) == "sha256:" + "a" * 64
    assert Digest.of(b"") == Digest(hashlib.sha256().hexdigest())


@pytest.mark.parametrize("text", ["", "sha256:", "sha512:" + "a" * 64, "A" * 64, "sha256:" + "g" * 64])
def test_digest_refuses_anything_else(text: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        Digest.parse(text)
