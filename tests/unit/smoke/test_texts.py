"""Probes, windows and byte counts."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.probes import Probe, familiar, languages
from smoke.scoring import cut, entropy


def test_the_general_probe_is_english_of_useful_length():
    probe = Probe.plain()
    assert not probe.declared
    assert 4000 < len(probe.text.encode()) < 10000


def test_one_story_is_told_in_many_languages():
    texts = languages()
    assert {"en", "de", "fr", "es", "ru", "zh", "ja", "ar", "hi", "code"} == texts.keys()
    assert all(len(text.encode()) > 250 and "==" not in text.splitlines()[0] for text in texts.values())


def test_familiar_texts_are_those_of_this_python():
    texts = familiar()
    assert any("def " in text for text in texts)
    assert all(200 < len(text) <= 3500 for text in texts)


def test_a_probe_is_read_from_json_and_from_text(tmp_path):
    (tmp_path / "p.json").write_text(json.dumps({"text": "hello", "bits_per_byte": 1.5, "window": 64}))
    (tmp_path / "p.txt").write_text("hello")
    assert Probe.read(tmp_path / "p.json") == Probe("hello", True, 1.5, 64)
    assert Probe.read(tmp_path / "p.txt") == Probe("hello")


@pytest.mark.parametrize(
    "data",
    [
        [],
        {},
        {"text": ""},
        {"text": 3},
        {"text": "x", "bits_per_byte": -1},
        {"text": "x", "bits_per_byte": math.nan},
        {"text": "x", "bits_per_byte": "1"},
        {"text": "x", "window": 1},
        {"text": "x", "window": 10**9},
        {"text": "x", "window": "64"},
        {"text": "x", "token_losses": []},
        {"text": "x", "token_losses": {"nats": [-1.0]}},
    ],
)
def test_what_is_no_probe_is_refused(data):
    with pytest.raises(ValueError, match="probe"):
        Probe.from_json(data)


def test_a_huge_probe_is_refused(tmp_path):
    (tmp_path / "p.txt").write_text("x" * (300 << 10))
    with pytest.raises(ValueError, match="larger"):
        Probe.read(tmp_path / "p.txt")


def test_entropy_of_known_frequencies():
    assert entropy([]) == 0.0
    assert entropy([1, 1, 1]) == 0.0
    assert entropy([1, 2, 3, 4]) == pytest.approx(math.log(4))


@given(st.text(min_size=1, max_size=200), st.integers(2, 20))
def test_with_a_beginning_every_byte_is_scored_once(text, window):
    offsets = [(i, i + 1) for i in range(len(text))]
    windows = cut(text, list(range(len(text))), offsets, begin=999, window=window)
    assert windows.scored == len(text)
    assert windows.scored_bytes == windows.text_bytes == len(text.encode())
    assert all(w[0] == 999 and len(w) <= window for w in windows.ids)


@given(st.text(min_size=2, max_size=200), st.integers(2, 20))
def test_without_a_beginning_the_first_of_each_window_is_context(text, window):
    offsets = [(i, i + 1) for i in range(len(text))]
    windows = cut(text, list(range(len(text))), offsets, begin=None, window=window)
    scored = [i for w in windows.ids for i in w[1:]]
    assert windows.scored_bytes == sum(len(text[i].encode()) for i in scored)


def test_without_offsets_bytes_are_spread_evenly():
    assert cut("abcdefgh", [1, 2, 3, 4], None, begin=0, window=10).scored_bytes == 8


def test_nothing_to_score():
    windows = cut("", [], [], begin=0, window=8)
    assert (windows.ids, windows.scored_bytes, windows.unigram_nats) == ((), 0, 0.0)
