"""What a license text is taken for, and that no change of substance passes as form."""

from __future__ import annotations

import hashlib
import textwrap
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from licensing.catalog import TEXTS
from licensing.identification import TEXT_CHARACTERS, Held, Library, Match, difference, identify
from licensing.spdx import FILE, FILE_SHA256, listed

KEYS = ("mit", "apache-2.0", "bsd-3-clause", "cc0-1.0")
LISTED = ("ISC", "0BSD", "MIT", "BSD-2-Clause", "GPL-2.0-only", "GPL-2.0-or-later", "MulanPSL-2.0", "Unlicense")
OWN = {key: (TEXTS / f"{key}.txt").read_text() for key in KEYS}
LIBRARY = Library(
    (
        *(Held(key, key.upper(), text, version_id=at) for at, (key, text) in enumerate(OWN.items())),
        *(Held(id_, listed()[id_].name, listed()[id_].text, is_listed=True) for id_ in LISTED),
    )
)
MIT, APACHE, BSD = OWN["mit"], OWN["apache-2.0"], OWN["bsd-3-clause"]
ISC = listed()["ISC"].text


@pytest.mark.parametrize(
    ("text", "match", "keys"),
    [
        (MIT, Match.EXACT, {"mit"}),
        (MIT.upper(), Match.FORM, {"mit"}),
        ("\n\n".join(textwrap.fill(one, 50) for one in APACHE.split("\n\n")), Match.FORM, {"apache-2.0"}),
        (MIT.replace("<year> <copyright holders>", "2026 Acme"), Match.FORM, {"mit"}),
        ("Copyright 2026 Acme\n\n" + APACHE, Match.FORM, {"apache-2.0"}),
        (APACHE[: APACHE.index("END OF TERMS")], Match.FORM, {"apache-2.0"}),
        (APACHE.partition("TERMS AND CONDITIONS")[2], Match.FORM, {"apache-2.0"}),
        (BSD.replace("COPYRIGHT HOLDERS", "ACME").replace("copyright holder", "Acme"), Match.FORM, {"bsd-3-clause"}),
        (listed()["MIT"].text, Match.EXACT, {"mit"}),
        (ISC, Match.EXACT, {"ISC"}),
        (listed()["GPL-2.0-only"].text, Match.EXACT, {"GPL-2.0-only", "GPL-2.0-or-later"}),
        ("Pay us first.\n\n" + APACHE, Match.CONTAINED, {"apache-2.0"}),
        (MIT + "\nIt shall be used for Good, not Evil.\n", Match.CONTAINED, {"mit"}),
        (f"{MIT}\n\n---\n\n{APACHE}", Match.CONTAINED, {"mit", "apache-2.0"}),
        (MIT.replace("free of charge", "for a fee"), Match.CHANGED, {"mit"}),
        (APACHE.replace("perpetual", "revocable"), Match.CHANGED, {"apache-2.0"}),
        (APACHE.replace("END OF TERMS AND CONDITIONS", "No military use.\nEND OF TERMS AND CONDITIONS"), Match.CHANGED,
         {"apache-2.0"}),
        (BSD.replace("copyright holder", "Acme, for any use not by the army,"), Match.CHANGED, {"bsd-3-clause"}),
        (MIT.replace("Copyright (c)", "Copyright is for research only. (c)"), Match.CHANGED, {"mit"}),
        ("Nobody may do anything with this model.", Match.UNKNOWN, set()),
        ("", Match.UNKNOWN, set()),
        ("許可なく使用できません。", Match.UNKNOWN, set()),
    ],
)  # fmt: skip
def test_what_a_text_is(text: str, match: Match, keys: set[str]) -> None:
    found = identify(text, LIBRARY)
    assert found.match is match
    if match is not Match.UNKNOWN:
        assert {held.key for held in found.held} == keys
    assert found.key == (next(iter(keys)) if len(keys) == 1 and found.is_settled and keys <= set(KEYS) else "")


def test_every_change_is_shown_in_its_place() -> None:
    found = identify(MIT.replace("free of charge", "for a fee").replace("merge, publish, ", ""), LIBRARY)
    first, second = found.hunks
    assert (first.gone, first.new) == ("free of charge", "for a fee")
    assert first.before.endswith("Permission is hereby granted") and first.after.startswith("to any person")
    assert (second.gone, second.new) == ("merge, publish", "") and found.changes == 2
    assert 0.96 < found.similarity < 0.99


def test_names_and_notices_that_did_not_count_are_told() -> None:
    text = BSD.replace("<year> <owner>", "2026 Acme").replace("COPYRIGHT HOLDERS", "ACME LABS")
    found = identify(text, LIBRARY)
    assert found.match is Match.FORM and ("copyright holders", "acme labs") in found.names
    assert any("2026 Acme" in notice for notice in found.notices)


def test_two_licenses_with_one_text_are_told_apart_by_nothing() -> None:
    twins = Library((Held("a", "A", MIT), Held("b", "B", MIT.upper())))
    found = identify(MIT.lower(), twins)
    assert {held.key for held in found.held} == {"a", "b"} and found.key == ""


@pytest.mark.parametrize(
    "text",
    [
        "the " * 50_000,
        " ".join(f"w{at % 977}" for at in range(33_000))[:TEXT_CHARACTERS],
        (APACHE * 20)[:TEXT_CHARACTERS],
    ],
)
def test_the_largest_texts_take_no_more_than_moments(text: str) -> None:
    begun = time.process_time()
    identify(text, LIBRARY)
    assert time.process_time() - begun < 5


def test_what_is_longer_is_compared_by_digest_alone() -> None:
    found = identify("x" * (TEXT_CHARACTERS + 1), LIBRARY)
    assert (found.match, found.is_too_long) == (Match.UNKNOWN, True)


WORDS = st.lists(st.sampled_from("abcdefgh"), max_size=60)


@settings(max_examples=80, deadline=None)
@given(before=WORDS, after=WORDS)
def test_changes_lead_from_one_text_to_the_other(before: list[str], after: list[str]) -> None:
    found = difference(before, after)
    built, at = [], 0
    for change in found.changes:
        built += before[at : change.a1] + after[change.b1 : change.b2]
        at = change.a2
    assert built + before[at:] == after
    assert 0 <= found.similarity <= 1 and (found.similarity == 1) == (before == after)


def test_the_list_is_the_one_that_was_recorded() -> None:
    assert hashlib.sha256(FILE.read_bytes()).hexdigest() == FILE_SHA256
    found = listed()
    assert len(found) == 740 and sum(bool(one.text) for one in found.values()) == 727
    assert found["Apache-2.0"].is_osi_approved and found["GPL-3.0"].is_deprecated
    assert found["OpenMDW-1.0"].name and not found["OpenMDW-1.0"].is_osi_approved
