"""How well and how fast license texts are identified: every held text, as it is found in the wild, and changed."""

from __future__ import annotations

import random
import re
import textwrap
import time
from collections.abc import Callable
from functools import cache

import pytest

from licensing.catalog import shipped
from licensing.identification import Held, Library, Match, identify
from licensing.identification.library import _read as reading
from licensing.spdx import listed
from licensing.texts import words_of, words_sha256


@cache
def library() -> Library:
    """All texts of the catalog and the list."""
    own = [Held(entry.key, entry.name, entry.text) for entry in shipped().entries if entry.text]
    return Library((*own, *(Held(one.id, one.name, one.text, True) for one in listed().values() if one.text)))


def sharing(held: Held) -> set[str]:
    """The licenses that have exactly these words: they cannot be told apart by their text."""
    return {library().held[at].key for at in library().by_terms.get(words_sha256(held.text), [])}


def wrapped(width: int) -> Callable[[str], str]:
    """Wrap each paragraph anew."""
    return lambda text: "\n\n".join(textwrap.fill(one, width) for one in re.split(r"\n\s*\n", text))


FORMS: dict[str, Callable[[str], str]] = {
    "untouched": lambda text: text,
    "copyright line put in": lambda text: (
        re.sub(r"(?im)^copyright \(c\) .*$", "Copyright (c) 2026 Acme Labs and others", text)
        if re.search(r"(?im)^copyright \(c\) ", text)
        else f"Copyright (c) 2026 Acme Labs\n\n{text}"
    ),
    "wrapped at 60": wrapped(60),
    "wrapped at 110": wrapped(110),
    "one line a paragraph": wrapped(100_000),
    "upper case": str.upper,
    "curly quotes": lambda text: re.sub(r'"([^"]*)"', "“\\1”", text).replace("'", "’"),
    "carriage returns": lambda text: text.replace("\n", "\r\n"),
    "indented": lambda text: textwrap.indent(text, "    "),
    "marked down": lambda text: re.sub(r"(?m)^(\d+\.)", r"**\1**", f"```\n{text}\n```\n"),
    "non-breaking spaces": lambda text: text.replace("  ", " \u00a0"),
}


def without_paragraph(text: str, draw: random.Random) -> str:
    """Leave one paragraph of the middle out."""
    parts = re.split(r"\n\s*\n", text)
    return "\n\n".join(parts[:at] + parts[at + 1 :]) if (at := draw.randrange(len(parts))) >= 0 else text


def with_clause(text: str, draw: random.Random) -> str:
    """Put a restriction between two paragraphs."""
    parts = re.split(r"\n\s*\n", text)
    at = draw.randrange(1, len(parts) + 1)
    return "\n\n".join([*parts[:at], "Use for military purposes is not permitted under this license.", *parts[at:]])


def with_negation(text: str, draw: random.Random) -> str:
    """Turn one permission around."""
    found = list(re.finditer(r"\b(may|is|are|shall|must|can|will)\b", text))
    if not found:
        return text
    at = draw.choice(found).end()
    return f"{text[:at]} not{text[at:]}"


CHANGES = {
    "a paragraph left out": without_paragraph,
    "a clause put in": with_clause,
    "a word turned around": with_negation,
}


def right(text: str, held: Held) -> bool:
    """Whether a text is identified as this license, alone or beside those that share its words."""
    found = identify(text, library())
    same = sharing(held)
    return found.is_settled and bool(same & {one.key for one in found.held})


def test_every_held_text_is_identified_in_every_form() -> None:
    library()._runs  # noqa: B018 - computed once, as a worker does
    for name, form in FORMS.items():
        begun = time.perf_counter()
        wrong = [held.key for held in library().held if not right(form(held.text), held)]
        share = 1 - len(wrong) / len(library().held)
        spent = (time.perf_counter() - begun) / len(library().held) * 1000
        print(f"{name:24} {share:7.2%} identified, {spent:5.1f} ms each; not: {', '.join(wrong[:12])}")
        assert share >= 0.97, name


@pytest.mark.parametrize("name", CHANGES)
def test_no_changed_text_is_taken_for_the_license(name: str) -> None:
    draw = random.Random(20261122)
    taken, near, told = [], 0, 0
    for held in library().held:
        text = CHANGES[name](held.text, draw)
        left, whole = words_of(text), words_of(held.text)
        if left == whole or len(left) < 0.7 * len(whole):  # nothing of substance changed, or no text is left to tell
            continue
        told += 1
        found = identify(text, library())
        same = sharing(held)
        if found.is_settled and same & {one.key for one in found.held}:
            taken.append(held.key)
        near += found.match in {Match.CHANGED, Match.CONTAINED} and bool(same & {one.key for one in found.held})
    print(f"{name:24} {told} texts, {near} told as changed beside their original; taken for it: {', '.join(taken)}")
    assert near / told >= 0.9 and len(taken) <= 0.03 * told


def test_time_to_arrange_and_to_identify() -> None:
    held = library().held
    reading.cache_clear()
    begun = time.perf_counter()
    fresh = Library(held)
    fresh._runs, fresh.by_words, fresh.by_sha256  # noqa: B018
    arranged = time.perf_counter() - begun
    long = " ".join(one.text for one in library().held[:20])[:200_000]
    begun = time.perf_counter()
    identify(long, fresh)
    spent = time.perf_counter() - begun
    print(f"{len(fresh.held)} texts arranged in {arranged:.2f} s; {len(long)} characters identified in {spent:.2f} s")
    assert spent < 2
