"""Which texts count as the same license."""

from __future__ import annotations

import textwrap

import pytest

from licensing.catalog import TEXTS, shipped
from licensing.texts import is_storable, notices_of, sha256_of, words_sha256

MIT = (TEXTS / "mit.txt").read_text()
APACHE = (TEXTS / "apache-2.0.txt").read_text()


@pytest.mark.parametrize(
    "form",
    [
        MIT.replace("<year> <copyright holders>", "2026 Acme Labs"),
        MIT.replace("MIT License\n\nCopyright (c) <year> <copyright holders>\n", ""),
        MIT.replace("MIT License", "The MIT License (MIT)"),
        MIT.replace('"', "“"),
        MIT.upper(),
        "\n".join(textwrap.wrap(MIT, 60)).replace("MIT License Copyright (c) <year> <copyright holders> ", ""),
        MIT.replace("\n", "\r\n"),
        "\ufeff" + MIT,
        MIT.replace("Copyright (c) <year>", "Copyright (c) 2024 A\nCopyright © 2025 B\n(c) 2026 C\nCopyright (c) 2026"),
    ],
)
def test_form_does_not_matter(form: str) -> None:
    assert words_sha256(form) == words_sha256(MIT)


@pytest.mark.parametrize(
    "other",
    [
        MIT.replace("without restriction", "with restriction"),
        MIT.replace("free of charge", "for a fee"),
        MIT + "\nThe Software shall be used for Good, not Evil.\n",
        APACHE,
    ],
)
def test_words_do_matter(other: str) -> None:
    assert words_sha256(other) != words_sha256(MIT)


@pytest.mark.parametrize(
    ("line", "is_notice"),
    [
        ("Copyright (c) 2026 Acme Labs", True),
        ("© 2026 Acme", True),
        ("(c) 2026 Acme", True),
        ("Portions Copyright 1999-2008 Symas Corporation.", True),
        ("Copyright [yyyy] [name of copyright owner]", True),
        ("Copyright 2026 Acme. Commercial use is not permitted.", False),
        ("Copyright 2026 Acme, for research only", False),
        ("copyright notice, this list of conditions and the following", False),
        ("(c) You must retain all notices of 2026", False),
        ("(c) to any combination of the Work", False),
    ],
)
def test_what_is_a_copyright_notice(line: str, is_notice: bool) -> None:
    assert (words_sha256(f"{MIT}\n{line}\n") == words_sha256(MIT)) is is_notice
    assert (line in notices_of(f"{MIT}\n{line}\n")) is is_notice


@pytest.mark.parametrize(
    "hidden",
    [
        APACHE.replace("END OF TERMS AND CONDITIONS", "END OF TERMS AND CONDITIONS\n\nNo military use.\n"),
        MIT + "\n禁止商业用途。\n",
        MIT + "\nКоммерческое использование запрещено.\n",
        MIT.replace("MIT License", "MIT License, but not for commercial use"),
    ],
)
def test_no_restriction_hides_in_what_is_form(hidden: str) -> None:
    assert words_sha256(hidden) not in {words_sha256(MIT), words_sha256(APACHE)}


def test_texts_of_the_catalog_are_told_apart() -> None:
    found = {entry.key: words_sha256(entry.text) for entry in shipped().entries if entry.text}
    assert len(found) >= 10
    assert len(set(found.values())) == len(found)


def test_nothing_is_like_an_empty_text() -> None:
    assert words_sha256("Copyright 2026 Acme\n") == ""
    assert words_sha256("  \n") == ""


def test_the_digest_is_of_the_exact_text() -> None:
    assert sha256_of("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert sha256_of("a\n") != sha256_of("a")


@pytest.mark.parametrize(("text", "fits"), [("plain ü", True), ("nul \x00", False), ("half \ud800", False)])
def test_what_the_database_cannot_hold_is_known(text: str, fits: bool) -> None:
    assert is_storable(text) is fits
