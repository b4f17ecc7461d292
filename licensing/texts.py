"""The identity of license texts: the digest of the exact text, and a likeness that survives reformatting.

Source: SPDX License List Matching Guidelines 2.1; of these it follows case, white space, punctuation, title,
copyright notices and the text after the end of the terms.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

COPYRIGHT_LINE = re.compile(r"^\W*(?:copyright\b|\(c\)|©|all rights reserved\b).*$", re.IGNORECASE | re.MULTILINE)
AFTER_THE_TERMS = re.compile(r"end of (?:the )?terms and conditions.*", re.IGNORECASE | re.DOTALL)
TITLE = re.compile(r"licen[cs]e|legal code|international", re.IGNORECASE)
TITLE_CHARACTERS = 90
NOT_A_WORD = re.compile(r"[^a-z0-9]+")


def sha256_of(text: str) -> str:
    """The digest of the exact text, as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def likeness(text: str) -> str:
    """The words of the terms alone, in one line; texts that differ only in form have the same."""
    plain = unicodedata.normalize("NFKC", text.removeprefix("\ufeff")).strip()
    first, _, rest = plain.partition("\n")
    if len(first) <= TITLE_CHARACTERS and TITLE.search(first) and rest.strip():
        plain = rest
    plain = AFTER_THE_TERMS.sub("", COPYRIGHT_LINE.sub("", plain))
    return NOT_A_WORD.sub(" ", plain.lower()).strip()


def likeness_sha256(text: str) -> str:
    """The digest of the likeness; empty where nothing is left of the text."""
    words = likeness(text)
    return hashlib.sha256(words.encode()).hexdigest() if words else ""


def is_storable(text: str) -> bool:
    """Whether the database can hold the text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)
