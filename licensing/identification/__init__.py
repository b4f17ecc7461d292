"""Which license a text is: exactly, but for its form, changed, or among other words. Pure, and bounded in time."""

from licensing.identification.differences import Change, Difference, difference
from licensing.identification.library import Held, Library
from licensing.identification.matching import TEXT_CHARACTERS, Hunk, Identification, Match, compared, identify

__all__ = [
    "TEXT_CHARACTERS",
    "Change",
    "Difference",
    "Held",
    "Hunk",
    "Identification",
    "Library",
    "Match",
    "compared",
    "difference",
    "identify",
]
