"""What the rules of licensing are given: what a card claims, what its license file is."""

from __future__ import annotations

from dataclasses import dataclass

from licensing.identification import Match


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
    """The license file: which licenses its text is, whose text it holds among other words, or whose it is near.

    `identified_keys` and `contains_keys` are keys of the catalog; `names` says in words what was found, also of texts
    that only the list of SPDX has. `changes` are all of them, each as `{before, gone, new, after}` where it is told.
    """

    path: str
    sha256: str
    match: Match = Match.UNKNOWN
    identified_keys: frozenset[str] = frozenset()
    contains_keys: frozenset[str] = frozenset()
    near_keys: frozenset[str] = frozenset()
    names: tuple[str, ...] = ()
    similarity: float = 0.0
    changes: int = 0
    hunks: tuple[dict[str, str], ...] = ()
    notices: tuple[str, ...] = ()
    is_readable: bool = True

    def as_dict(self) -> dict[str, object]:
        """What reports hold of the file."""
        return {
            "path": self.path,
            "sha256": self.sha256,
            "match": self.match.value,
            "is": next(iter(self.identified_keys), "") if len(self.identified_keys) == 1 else "",
            "names": list(self.names),
            "similarity": round(self.similarity, 4),
            "changes": self.changes,
            "hunks": list(self.hunks),
            "notices": list(self.notices[:20]),
        }
