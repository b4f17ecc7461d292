"""Numbers and times in the reader's terms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web import formatting

NOW = datetime(2026, 11, 22, 7, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (None, "–"),
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.00 KiB"),
        (1_048_063, "1023 KiB"),
        (1_048_064, "1.00 MiB"),
        (4_976_698_672, "4.63 GiB"),
        (12 * 1024**3, "12.0 GiB"),
        (1024**5 * 5000, "5000 PiB"),
    ],
)
def test_sizes(count, words):
    assert formatting.size(count) == words


@given(st.integers(min_value=0, max_value=2**60))
def test_a_size_is_true_to_one_percent(count):
    amount, unit = formatting.size(count).split()
    shown = float(amount) * 1024 ** formatting.BINARY_UNITS.index(unit)
    assert shown == pytest.approx(count, rel=0.01)


@pytest.mark.parametrize(
    ("done", "total", "whole"),
    [
        (0, 10, 0),
        (999, 1000, 99),
        (1000, 1000, 100),
        (11, 10, 100),
        (-1, 10, 0),
        (1, 0, None),
        (1, None, None),
        (None, 9, None),
    ],
)
def test_percent_says_100_only_when_done(done, total, whole):
    assert formatting.percent(done, total) == whole


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (None, "–"),
        (-1, "–"),
        (0.25, "250 ms"),
        (1.23, "1.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.9, "1 min 00 s"),
        (3599.9, "1 h 00 min"),
        (7512, "2 h 05 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_durations(seconds, words):
    assert formatting.duration(seconds) == words


@pytest.mark.parametrize(
    ("away", "words"),
    [
        (timedelta(), "just now"),
        (timedelta(seconds=30), "in a moment"),
        (-timedelta(seconds=50), "1 minute ago"),
        (-timedelta(minutes=59), "59 minutes ago"),
        (-timedelta(minutes=59, seconds=45), "1 hour ago"),
        (-timedelta(hours=3), "3 hours ago"),
        (timedelta(hours=23, minutes=40), "in 1 day"),
        (timedelta(days=2), "in 2 days"),
        (timedelta(days=29, hours=20), "in 1 month"),
        (timedelta(days=90), "in 3 months"),
        (-timedelta(days=800), "2 years ago"),
    ],
)
def test_relative_times(away, words):
    assert formatting.relative(NOW + away, NOW) == words


@given(st.timedeltas(min_value=timedelta(days=-40_000), max_value=timedelta(days=40_000)))
def test_every_distance_has_words(away):
    assert formatting.relative(NOW + away, NOW)


def test_absolute_times_are_utc_wherever_they_were_read():
    assert formatting.absolute(NOW) == "22 Nov 2026, 07:05 UTC"
    assert formatting.absolute(NOW.astimezone(timezone(timedelta(hours=9)))) == "22 Nov 2026, 07:05 UTC"
    assert formatting.absolute(date(2026, 1, 2)) == "2 Jan 2026"


@pytest.mark.parametrize(
    ("name", "letters"), [("Ada Okafor", "AO"), ("pipeline", "P"), ("mika.laine", "ML"), ("", "?"), ("-", "?")]
)
def test_initials(name, letters):
    assert formatting.initials(name) == letters


def test_digests_are_shortened_without_their_algorithm():
    assert formatting.short_digest("sha256:" + "ab" * 32) == "abababababab"
    assert formatting.short_digest("ab" * 32, 4) == "abab"


def test_thousands():
    assert formatting.thousands(1234567) == "1\u202f234\u202f567"
    assert formatting.thousands(None) == "–"
