"""What the rules of licensing are given: what a card claims, what its license file is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CardClaim:
    """What a card says of its license; `problem` where it cannot be read, and `is_present` where there is none."""

    licenses: tuple[str, ...] = ()
    license_name: str = ""
    license_link: str = ""
    problem: str = ""
    is_present: bool = True


@dataclass(frozen=True, slots=True)
class Candidate:
    """A license that the claim can mean; `is_solid` where its terms are known from the text or are well known."""

    key: str
    name: str
    has_text: bool
    is_solid: bool = True
    is_unknown: bool = False


@dataclass(frozen=True, slots=True)
class LicenseFile:
    """The license file: which license its text is, and whose text it holds among other words."""

    path: str
    sha256: str
    identified_key: str = ""
    contains_keys: frozenset[str] = frozenset()
    is_readable: bool = True
