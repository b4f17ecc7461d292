"""Which texts count as the same license."""

from __future__ import annotations

import textwrap

import pytest

from licensing.catalog import TEXTS, shipped
from licensing.texts import is_storable, likeness, likeness_sha256, sha256_of

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
    assert likeness_sha256(form) == likeness_sha256(MIT)


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
    assert likeness_sha256(other) != likeness_sha256(MIT)


def test_the_appendix_after_the_terms_is_left_out() -> None:
    bare = APACHE[: APACHE.index("END OF TERMS AND CONDITIONS")]
    assert likeness(bare) == likeness(APACHE)


def test_texts_of_the_catalog_are_told_apart() -> None:
    found = {entry.key: likeness_sha256(entry.text) for entry in shipped().entries if entry.text}
    assert len(found) >= 10
    assert len(set(found.values())) == len(found)


def test_nothing_is_like_an_empty_text() -> None:
    assert likeness_sha256("Copyright 2026 Acme\n") == ""
    assert likeness_sha256("  \n") == ""


def test_the_digest_is_of_the_exact_text() -> None:
    assert sha256_of("a") == "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    assert sha256_of("a\n") != sha256_of("a")


@pytest.mark.parametrize(("text", "fits"), [("plain ü", True), ("nul \x00", False), ("half \ud800", False)])
def test_what_the_database_cannot_hold_is_known(text: str, fits: bool) -> None:
    assert is_storable(text) is fits
