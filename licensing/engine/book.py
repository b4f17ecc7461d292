"""The licenses that the engine may speak of, each with its terms and with how surely they are known.

Owns the view of the catalog that rules need. It reads no file but the shipped catalog, and knows no database: whoever
holds licenses of their own puts them into a book.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property

from licensing.catalog import UNKNOWN_KEY, Entry, shipped
from licensing.terms import Certainty, Kind, Terms

CERTAINTY_WORDS = {
    Certainty.FULL_TEXT: "full text read",
    Certainty.WELL_KNOWN: "well-known standard license",
    Certainty.EXCERPT: "excerpts read",
    Certainty.SECONDARY: "known from reports only",
    Certainty.MEMORY: "from memory, to be verified",
    Certainty.RULE: "rule of this catalog",
}
# Names that SPDX gives to what the catalog keeps as one license.
FURTHER_NAMES = {
    "gpl-3.0": ("GPL-3.0-or-later", "GPL-3.0-only", "GPL-3.0+"),
    "lgpl-3.0": ("LGPL-3.0-or-later", "LGPL-3.0-only", "LGPL-3.0+"),
    "agpl-3.0": ("AGPL-3.0-or-later", "AGPL-3.0-only", "AGPL-3.0+"),
}


@dataclass(frozen=True, slots=True)
class KnownLicense:
    """One version of a license, as rules are given it."""

    key: str
    name: str
    terms: Terms
    kind: Kind = Kind.CUSTOM
    version: str = ""
    certainty: Certainty = Certainty.FULL_TEXT
    sources: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    spdx_id: str = ""
    hub_license: str = ""
    hub_license_name: str = ""
    text: str = ""

    @property
    def label(self) -> str:
        """Key and version, as they stand in parentheses behind a parent."""
        version = self.version
        return f"{self.key}, version {version}" if version and version not in self.key else self.key

    @property
    def source(self) -> str:
        """Where the terms are known from, and how surely."""
        where = self.sources[0] if self.sources else "no source recorded"
        return f"{where} ({CERTAINTY_WORDS[self.certainty]})"

    @property
    def is_unknown(self) -> bool:
        """Whether this is the entry for a license that nobody established."""
        return self.key == UNKNOWN_KEY or self.kind == Kind.UNKNOWN

    def has(self, obligation_id: str) -> bool:
        """Whether the license knows this duty at all."""
        return obligation_id in self.terms.obligation_ids

    @classmethod
    def of_entry(cls, entry: Entry) -> KnownLicense:
        """The license of a catalog entry."""
        return cls(
            key=entry.key,
            name=entry.name,
            terms=entry.terms,
            kind=entry.kind,
            version=entry.version,
            certainty=entry.certainty,
            sources=entry.sources,
            unverified=entry.unverified,
            spdx_id=entry.spdx_id,
            hub_license=entry.hub_license,
            hub_license_name=entry.hub_license_name,
            text=entry.text,
        )


@dataclass(frozen=True)
class Book:
    """All licenses by key, and the duties in words; `names` leads from other spellings, in lower case, to keys."""

    licenses: Mapping[str, KnownLicense]
    duties: Mapping[str, str] = field(default_factory=dict)
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, licenses: Iterable[KnownLicense], duties: Mapping[str, str] | None = None) -> Book:
        """A book of these licenses; where one key comes twice, the later license stands."""
        by_key = {license.key: license for license in licenses}
        names: dict[str, str] = {}
        for key, license in by_key.items():
            for name in (license.spdx_id, *FURTHER_NAMES.get(key, ())):
                if name and " " not in name:
                    names.setdefault(name.lower(), key)
        names |= {key.lower(): key for key in by_key}
        return cls(by_key, dict(duties or {}), names)

    def find(self, word: str) -> KnownLicense | None:
        """The license that a key or an SPDX id names."""
        key = self.names.get(word.strip().lower())
        return self.licenses[key] if key else None

    @cached_property
    def use_words(self) -> frozenset[str]:
        """Every word for a prohibited use that any license knows."""
        return frozenset(word for license in self.licenses.values() for word in license.terms.acceptable_use.prohibits)

    @property
    def unknown(self) -> KnownLicense:
        """What stands for a license that nobody established."""
        return self.licenses.get(UNKNOWN_KEY) or NOBODY_ESTABLISHED

    def with_licenses(self, licenses: Iterable[KnownLicense]) -> Book:
        """This book with further licenses, or newer versions of those that it holds."""
        return Book.of([*self.licenses.values(), *licenses], self.duties)


NOBODY_ESTABLISHED = KnownLicense(UNKNOWN_KEY, "No license established", Terms(), Kind.UNKNOWN)
# For a parent of which it was never looked up: there may well be a license, so this is a question and no violation.
UNRECORDED_KEY = "unrecorded"
NOBODY_RECORDED = KnownLicense(UNRECORDED_KEY, "a license that nobody recorded", Terms(), Kind.UNKNOWN)


@cache
def shipped_book() -> Book:
    """The book of the catalog that ships."""
    catalog = shipped()
    return Book.of((KnownLicense.of_entry(entry) for entry in catalog.entries), catalog.obligations)
