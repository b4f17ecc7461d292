"""Looking at pairs of characters first never hides a word that is there."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weights.text_search import SHORT_CHARACTERS, STEP_CHARACTERS, SearchedText

LETTERS = st.text(alphabet="ab_:é😀\ud800", max_size=12)


@settings(max_examples=60, deadline=None)
@given(before=LETTERS, word=st.text(alphabet="ab_:é", max_size=4), after=LETTERS, is_long=st.booleans())
def test_a_word_is_found_as_a_plain_search_finds_it(before: str, word: str, after: str, is_long: bool) -> None:
    text = "x" * (SHORT_CHARACTERS * is_long) + before + after
    assert SearchedText(text).has(word) == (word in text)
    assert SearchedText(before + word + after + "x" * (SHORT_CHARACTERS * is_long)).has(word)


@pytest.mark.parametrize("place", range(STEP_CHARACTERS - 4, STEP_CHARACTERS + 3))
@pytest.mark.parametrize("filler", ["x", "é"])
def test_a_word_is_found_across_what_is_looked_at_at_once(place: int, filler: str) -> None:
    searched = SearchedText(filler * place + "hf_" + filler)
    assert searched.has("hf_")
    assert searched.has_any(["ghp_", "hf_"])
    assert not searched.has_any(["ghp_", "fh"])
