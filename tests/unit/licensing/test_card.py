"""Front matter from strangers: read where it is plain, refused where it is clever."""

from __future__ import annotations

import pytest

from licensing.card import CARD_BYTES, BadCard, front_matter, words


def test_plain_metadata_is_read() -> None:
    card = b"---\nlicense: apache-2.0\nlanguage:\n- en\n- de\n---\n# Model\n"
    assert front_matter(card) == {"license": "apache-2.0", "language": ["en", "de"]}


@pytest.mark.parametrize(
    "card",
    [b"", b"# No metadata\n", b"text\n---\nlicense: mit\n---\n", b"---\n---\n", b"----\nlicense: mit\n----\n"],
)
def test_a_card_without_front_matter_says_nothing(card: bytes) -> None:
    assert front_matter(card) == {}


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    assert front_matter(b"\xef\xbb\xbf---\r\nlicense: mit\r\n---\r\nx") == {"license": "mit"}


def test_dates_stay_as_they_are_written() -> None:
    assert front_matter(b"---\ndate: 2026-01-02\n---\n") == {"date": "2026-01-02"}


@pytest.mark.parametrize(
    ("card", "said"),
    [
        (b"---\nlicense: mit\n", "does not end"),
        (b"---\n- a list\n---\n", "no mapping"),
        (b"---\nlicense: [unclosed\n---\n", "no YAML"),
        (b"---\na: &x [1]\nb: *x\n---\n", "aliases"),
        (b"---\nlicense: !!python/object/apply:os.system ['true']\n---\n", "no YAML"),
        (b"---\nn: " + b"9" * 5000 + b"\n---\n", "no YAML"),
        (b"---\na: " + b"[" * 3000 + b"]" * 3000 + b"\n---\n", "nested deeper"),
        (b"---\nlicense: \xff\n---\n", "not UTF-8"),
        (b"---\nlicense: \x07\n---\n", "no YAML"),
        (b"---\na: " + b"x" * CARD_BYTES + b"\n---\n", "does not end"),
    ],
)
def test_what_is_no_plain_metadata_is_refused_in_words(card: bytes, said: str) -> None:
    with pytest.raises(BadCard, match=said):
        front_matter(card)


def test_a_long_card_is_read_as_far_as_its_front_matter() -> None:
    card = b"---\nlicense: mit\n---\n" + "ü".encode() * CARD_BYTES
    assert front_matter(card[: CARD_BYTES + 1]) == {"license": "mit"}


@pytest.mark.parametrize(
    ("value", "said"),
    [("mit", ("mit",)), (["mit", "apache-2.0"], ("mit", "apache-2.0")), (None, ()), (True, ()), ([1, " "], ())],
)
def test_words_are_taken_from_one_text_or_many(value: object, said: tuple[str, ...]) -> None:
    assert words(value) == said
