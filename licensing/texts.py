"""The identity of license texts: the digest of the exact text, and its words without what is only form.

Form is case, white space, punctuation, quotes, copyright notices and the title. Everything else is substance: a word
more or less is another text. Nothing is ever left out because of where it stands, or a restriction could hide there.

Source: SPDX License List Matching Guidelines 2.1.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

# A line is a copyright notice only where it looks like one: a year, a sign or a placeholder, few words, no verb of
# terms. A line of the terms that happens to begin with "copyright" stays.
NOTICE = re.compile(
    r"^[^\w\n<\[{©(]*(?P<start>(?:portions\s+)?copyright\b|©|\(c\)\s)(?P<rest>[^\n]{0,160})$",
    re.IGNORECASE | re.MULTILINE,
)
RESERVED = re.compile(r"^\W*all rights reserved\W*$", re.IGNORECASE | re.MULTILINE)
YEAR = re.compile(r"\b(?:19|20)\d\d\b|[<\[{]|\byyyy\b|\byear\b", re.IGNORECASE)
SIGN = re.compile(r"©|\(c\)", re.IGNORECASE)
NOTICE_WORDS = 24
TERMS_VERB = re.compile(
    r"\b(?:may|must|shall|not|no|only|unless|except|exclu\w+|restrict\w*|prohibit\w*|forbid\w*|permi\w+|licens\w+|"
    r"grant\w*|use[ds]?|using|users?|purposes?|commercial\w*|provided|subject|notice|law|without|requir\w*|pay\w*|fees?|"
    r"military|weapons?|research|any)\b",
    re.IGNORECASE,
)
TITLE_VERB = re.compile(r"\b(?:may|must|shall|not|only|unless|except|prohibit\w*|forbid\w*)\b", re.IGNORECASE)
TITLE = re.compile(r"licen[cs]e|legal code|international", re.IGNORECASE)
TITLE_CHARACTERS = 90
# Spellings that the guidelines hold equal.
SPELLINGS = {
    "licence": "license",
    "licences": "licenses",
    "licenced": "licensed",
    "sublicence": "sublicense",
    "organisation": "organization",
    "organisations": "organizations",
    "authorisation": "authorization",
    "authorised": "authorized",
    "recognised": "recognized",
    "favour": "favor",
    "honour": "honor",
    "judgement": "judgment",
    "whilst": "while",
    "wilful": "willful",
    "copyrights": "copyright",
    "https": "http",
}
WORD = re.compile(r"[^\W_]+")


def sha256_of(text: str) -> str:
    """The digest of the exact text, as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def plain(text: str) -> str:
    """The text without copyright notices and title, in compatible letters; words and lines are still there."""
    given = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff"))
    given = RESERVED.sub("", NOTICE.sub(_without_notice, given)).strip()
    first, _, rest = given.partition("\n")
    is_title = len(first) <= TITLE_CHARACTERS and TITLE.search(first) and not TITLE_VERB.search(first)
    return rest if is_title and rest.strip() else given


def words_of(text: str) -> tuple[str, ...]:
    """The words of the terms alone; texts that differ only in form have the same. Letters of every script count."""
    return tuple(_spelled(word) for word in WORD.findall(plain(text)))


def words_sha256(text: str) -> str:
    """The digest of the words; empty where nothing is left of the text."""
    words = " ".join(words_of(text))
    return hashlib.sha256(words.encode()).hexdigest() if words else ""


def words_and_places(text: str) -> tuple[str, list[tuple[str, int, int]]]:
    """All words, title and notices too, with where each begins and ends in the text that is returned beside them."""
    given = unicodedata.normalize("NFKC", text.removeprefix("\ufeff"))
    return given, [(_spelled(found.group()), found.start(), found.end()) for found in WORD.finditer(given)]


def is_storable(text: str) -> bool:
    """Whether the database can hold the text: no NUL, no half of a surrogate pair."""
    return "\x00" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def notices_of(text: str) -> tuple[str, ...]:
    """The lines that were taken for copyright notices and so did not count; a reader should be shown them."""
    given = unicodedata.normalize("NFKC", text)
    return tuple(found.group(0).strip() for found in NOTICE.finditer(given) if not _without_notice(found))


def _spelled(word: str) -> str:
    folded = word.casefold()
    return SPELLINGS.get(folded, folded)


def _without_notice(found: re.Match[str]) -> str:
    line, rest = found.group(0), found.group("rest")
    is_dated = YEAR.search(rest) or (found.group("start").lower().endswith(("t", "©")) and SIGN.search(line))
    is_short = len(rest.split()) <= NOTICE_WORDS
    return "" if is_dated and is_short and not TERMS_VERB.search(rest) else line
