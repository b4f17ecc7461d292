"""Front matter of cards: one reading for all, or none."""

from __future__ import annotations

import pytest

from weights.front_matter import METADATA_LIMIT_BYTES, FrontMatterError, metadata_of, read_metadata, split_card


def test_plain_values_are_read_as_they_are_written() -> None:
    written = "language: [en, no]\ndate: 2026-01-02\nyes: on\nis_open: true\nratio: 0.5\nnothing:\nn: !!str 3\n"
    assert read_metadata(written) == {
        "language": ["en", "no"],
        "date": "2026-01-02",
        "yes": "on",
        "is_open": True,
        "ratio": 0.5,
        "nothing": None,
        "n": "3",
    }


@pytest.mark.parametrize(
    ("card", "metadata", "body"),
    [
        ("---\nlicense: mit\n---\n# Title\n", {"license": "mit"}, "# Title\n"),
        ("\ufeff---  \r\nlicense: mit\r\n--- \r\nText", {"license": "mit"}, "Text"),
        ("---\n---\n", {}, ""),
        ("---\na: x---\n---", {"a": "x---"}, ""),
        ("---\n# Title\n\nA rule stood above.\n", {}, None),
        ("---\nA rule. It ends: never\n", {}, None),
        ("----\na: b\n----\n", {}, None),
        ("text\n---\na: b\n---\n", {}, None),
        ("", {}, None),
    ],
)
def test_where_the_metadata_ends(card: str, metadata: dict[str, object], body: str | None) -> None:
    assert split_card(card) == (metadata, card if body is None else body)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("license: mit\nlicense: gpl", "line 3 .* “license” a second time"),
        ("a:\n  b: 1\n  b: 2", "line 4 .* “b” a second time"),
        ("a: &x 1\nb: *x", "uses aliases, which are not followed, on line 3"),
        ("a: b\n<<: {license: mit}", "line 3 .* merges"),
        ("a: " + "[" * 21, "deeper than 20 levels, on line 2"),
        ("a: !!python/name:os.system", "the tag !!python/name:os.system"),
        ("a: !!binary aGk=", "the tag !!binary"),
        ("a: !mine b", "the tag !mine"),
        ("a: [b", "no YAML: line 3"),
        ("a: b: c", "no YAML: line 2"),
        ("? [a]\n: b", "unhashable"),
        ("a: 1\n...\n--- \nb: 2", "another document"),
        ("a: \x07", "control characters"),
        ("a: \ud800", "surrogates"),
        ("a: " + "9" * 5000, "no YAML"),
        ("a: " + "x" * METADATA_LIMIT_BYTES, "larger than"),
        ("- a\n- b", "no mapping"),
        ("1: a", "no mapping"),
        ("just words", "no mapping"),
    ],
)
def test_what_could_be_read_in_two_ways_is_refused_in_words(written: str, said: str) -> None:
    with pytest.raises(FrontMatterError, match=said) as refused:
        read_metadata(written)
    assert len(str(refused.value)) <= 320


@pytest.mark.parametrize("start", ["license: mit\n", "\n# a comment\n\n'license': mit\n", "a:\n- b\n"])
def test_metadata_that_never_ends_is_no_body(start: str) -> None:
    with pytest.raises(FrontMatterError, match="does not end"):
        split_card("---\n" + start)


def test_only_the_first_bytes_are_looked_at() -> None:
    card = b"---\nlicense: mit\n---\n" + "ü".encode() * METADATA_LIMIT_BYTES
    assert metadata_of(card[: METADATA_LIMIT_BYTES + 1]) == {"license": "mit"}
    with pytest.raises(FrontMatterError, match="not UTF-8, from byte 4 on"):
        metadata_of(b"---\n\xff: x\n---\n")
    with pytest.raises(FrontMatterError, match="does not end"):
        metadata_of(b"---\n" + b"- a\n" * METADATA_LIMIT_BYTES)
