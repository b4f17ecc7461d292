"""Identifying a text against the library: what it is, how alike, and every change that is not mere form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from licensing.identification.differences import Change, Difference, difference
from licensing.identification.library import Held, Library
from licensing.texts import TERMS_VERB, notices_of, sha256_of, words_and_places, words_sha256

TEXT_CHARACTERS = 200_000
CHANGED_FROM = 0.6  # below this share of agreeing words two texts are different licenses
CANDIDATES = 5
HUNKS, HUNK_CHARACTERS, CONTEXT_WORDS = 60, 1_500, 12
TITLE_WORDS, NAME_WORDS, NOTICE_WORDS, NOTICE_LEAD = 30, 14, 24, 12
# Words of a held text for which others put in their names.
PLACEHOLDERS = frozenset(
    {"the", "copyright", "holder", "holders", "owner", "owners", "organization", "organizations", "name", "names", "of",
     "author", "authors", "contributor", "contributors", "its", "and", "or", "institution", "company", "university",
     "year", "yyyy", "licensor", "s", "insert", "here"}
)  # fmt: skip
YEAR_PLACEHOLDERS = frozenset({"year", "yyyy"})
TITLE_WORDS_OF_ANY = frozenset(
    {"the", "version", "v", "license", "text", "full", "agreement", "http", "www", "org", "licenses", "january"}
)


Place = tuple[str, int, int]  # a word, where it begins, where it ends
Placed = tuple[str, Sequence[Place]]


class Match(StrEnum):
    """How a text compares with what is held."""

    EXACT = "exact"
    FORM = "form"
    """The same words; only case, wrapping, quotes, title, names or copyright notices differ."""
    CONTAINED = "contained"
    """A whole held text, with other words before or after it."""
    CHANGED = "changed"
    """Near a held text, with words changed."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Hunk:
    """One change in its place: words that are the same on both sides, those that are gone and those that are new."""

    before: str
    gone: str
    new: str
    after: str

    def as_dict(self) -> dict[str, str]:
        """The change as reports hold it."""
        return {"before": self.before, "gone": self.gone, "new": self.new, "after": self.after}


@dataclass(frozen=True, slots=True)
class Identification:
    """What a text is. `held` are the licenses that it is, holds or is nearest to; several where none can be told
    from the others by their text. `notices` and `names` did not count and should be shown."""

    match: Match
    held: tuple[Held, ...] = ()
    similarity: float = 0.0
    hunks: tuple[Hunk, ...] = ()
    changes: int = 0
    notices: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()
    is_too_long: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether the text is that of one license, or of several that share it, and of nothing else."""
        return self.match in {Match.EXACT, Match.FORM}

    @property
    def key(self) -> str:
        """The catalog's key of the one license that it is; empty where there are several or none."""
        keys = {one.key for one in self.held if not one.is_listed}
        return keys.pop() if self.is_settled and len(keys) == 1 else ""


def identify(text: str, library: Library) -> Identification:
    """Compare a text with all that are held; a longer one than `TEXT_CHARACTERS` only by its digest."""
    exact = library.by_sha256.get(sha256_of(text), [])
    if exact:
        if all(library.held[at].is_listed for at in exact):  # the catalog may hold the same terms, set otherwise
            exact = library.by_terms.get(library.read[exact[0]].terms_sha256, exact)
        return Identification(Match.EXACT, _held(library, exact), 1.0)
    if len(text) > TEXT_CHARACTERS:
        return Identification(Match.UNKNOWN, is_too_long=True)
    plain, places = words_and_places(text)
    words = tuple(word for word, _, _ in places)
    if not words:
        return Identification(Match.UNKNOWN)
    notices = notices_of(text)
    same = library.by_terms.get(words_sha256(text), []) or library.by_words.get(words, [])
    if same:
        return Identification(Match.FORM, _held(library, same), 1.0, notices=notices)
    compared = [
        _Compared(at, words, library, difference(library.read[at].words, words))
        for at, _, _ in library.nearest(words, CANDIDATES)
    ]
    if not compared:
        return Identification(Match.UNKNOWN, notices=notices)
    return _judged(compared, plain, places, notices, library)


@dataclass(frozen=True, slots=True)
class _Compared:
    """One held text beside the given one."""

    at: int
    words: Sequence[str]
    library: Library
    found: Difference

    @property
    def held_words(self) -> tuple[str, ...]:
        return self.library.read[self.at].words

    @property
    def substance(self) -> tuple[Change, ...]:
        """The changes that are more than form."""
        return tuple(change for change in self.found.changes if not self._is_form(change))

    @property
    def is_whole(self) -> bool:
        """Whether the held text is there in full, with words only before or after it."""
        end = len(self.held_words)
        return all(change.a1 == change.a2 and change.a1 in (0, end) for change in self.substance)

    def names(self) -> tuple[tuple[str, str], ...]:
        """The names that were put in: what stood there, and what stands there now."""
        return tuple(
            (" ".join(self.held_words[c.a1 : c.a2]), " ".join(self.words[c.b1 : c.b2]))
            for c in self.found.changes
            if self._is_name(c)
        )

    def _is_form(self, change: Change) -> bool:
        return self._is_title(change) or self._is_appendix(change) or self._is_notice(change) or self._is_name(change)

    def _is_title(self, change: Change) -> bool:
        """The held title left out, or a title put before a text that is held without one."""
        gone, new = self._sides(change)
        if change.a1 != 0 or change.b1 != 0 or len(gone) > TITLE_WORDS or len(new) > NAME_WORDS:
            return False
        called = set(words_of_name(self.library.held[self.at])) | TITLE_WORDS_OF_ANY
        return _are_no_terms(gone) and all(word in called or word.isdigit() for word in new)

    def _is_appendix(self, change: Change) -> bool:
        """What follows the end of the terms in the held text, left out; nothing may stand in its place."""
        if change.a2 != len(self.held_words) or change.b2 > change.b1:
            return False
        ending = " ".join(self.held_words[max(0, change.a1 - 6) : change.a1 + 6])
        return "end of terms and conditions" in ending or ending.startswith("terms and conditions")

    def _is_notice(self, change: Change) -> bool:
        """Words of a copyright notice: short, near the word copyright, with a year or a placeholder, and no terms."""
        gone, new = self._sides(change)
        # One side alone must be the whole notice; where words were replaced, the word copyright may stand before them.
        lead = self.words[max(0, change.b1 - NOTICE_LEAD) : change.b1] if gone and new else []
        return (
            max(len(gone), len(new)) <= NOTICE_WORDS
            and _are_no_terms([word for word in gone if word not in PLACEHOLDERS])
            and _are_no_terms(new)
            and all("copyright" in [*lead, *side[:3]] for side in (gone, new) if side)
            and any(_is_year(word) or word in YEAR_PLACEHOLDERS for word in (*gone, *new))
        )

    def _is_name(self, change: Change) -> bool:
        """A name put in where the held text has a placeholder."""
        gone, new = self._sides(change)
        return (
            bool(gone and new)
            and set(gone) <= PLACEHOLDERS
            and len(gone) <= NAME_WORDS
            and len(new) <= NAME_WORDS
            and _are_no_terms(new)
        )

    def _sides(self, change: Change) -> tuple[Sequence[str], Sequence[str]]:
        return self.held_words[change.a1 : change.a2], self.words[change.b1 : change.b2]


def _are_no_terms(words: Sequence[str]) -> bool:
    """Whether nothing is permitted, demanded or forbidden in these words, licenses' names aside."""
    return not TERMS_VERB.search(" ".join(word for word in words if word not in {"license", "licenses"}))


def _is_year(word: str) -> bool:
    return len(word) == 4 and word.isdigit() and word[:2] in {"19", "20"}


def words_of_name(held: Held) -> tuple[str, ...]:
    """The words by which a license is called."""
    return tuple(word for word, _, _ in words_and_places(f"\n{held.name} {held.key}")[1])


def _judged(
    compared: list[_Compared],
    plain: str,
    places: Sequence[Place],
    notices: tuple[str, ...],
    library: Library,
) -> Identification:
    form = [one for one in compared if not one.substance]
    if form:
        best = max(form, key=lambda one: one.found.similarity)
        equal = [one.at for one in form if one.found.similarity == best.found.similarity]
        return Identification(Match.FORM, _held(library, equal), 1.0, notices=notices, names=best.names())
    nearest = max(compared, key=lambda one: one.found.similarity)
    whole = [one for one in compared if one.is_whole]
    if whole and max(one.found.similarity for one in whole) + 0.1 < nearest.found.similarity >= CHANGED_FROM:
        whole = []
    chosen = _apart(whole) if whole else [nearest]
    match = Match.CONTAINED if whole else Match.CHANGED if nearest.found.similarity >= CHANGED_FROM else Match.UNKNOWN
    first = chosen[0]
    same = [library.by_words[one.held_words] for one in chosen]
    return Identification(
        match,
        tuple(held for group in same for held in _held(library, group)),
        first.found.similarity,
        _hunks(first, plain, places) if match != Match.UNKNOWN else (),
        len(first.substance),
        notices,
        first.names(),
    )


def _apart(whole: list[_Compared]) -> list[_Compared]:
    """Held texts that are in the given one beside each other, largest first; one inside another is left out."""
    taken: list[tuple[int, int]] = []
    found = []
    for one in sorted(whole, key=lambda one: -len(one.held_words)):
        start = next((c.b2 for c in one.found.changes if c.a1 == 0 and c.b1 == 0), 0)
        end = start + len(one.held_words)
        if all(end <= low or start >= high for low, high in taken):
            taken.append((start, end))
            found.append(one)
    return found


def _held(library: Library, places: Sequence[int]) -> tuple[Held, ...]:
    """The licenses at these places; those of the catalog alone where there are any."""
    found = [library.held[at] for at in places]
    own = [one for one in found if not one.is_listed]
    return tuple({one.key: one for one in own or found}.values())


def compared(before: str, after: str) -> tuple[float, tuple[Hunk, ...], int]:
    """Two texts word by word: the share that agrees, the first changes in their places, and how many there are."""
    old, new = words_and_places(before), words_and_places(after)
    found = difference([word for word, _, _ in old[1]], [word for word, _, _ in new[1]])
    return found.similarity, _shown(old, new, found.changes), len(found.changes)


def _hunks(one: _Compared, plain: str, places: Sequence[Place]) -> tuple[Hunk, ...]:
    return _shown(words_and_places(one.library.held[one.at].text), (plain, places), one.substance)


def _shown(old: Placed, new: Placed, changes: Sequence[Change]) -> tuple[Hunk, ...]:
    """The first changes in their places."""

    def words(placed: Placed, start: int, end: int) -> str:
        source, spans = placed
        return source[spans[start][1] : spans[end - 1][2]][:HUNK_CHARACTERS] if start < end else ""

    return tuple(
        Hunk(
            before=words(new, max(0, c.b1 - CONTEXT_WORDS), c.b1),
            gone=words(old, c.a1, c.a2),
            new=words(new, c.b1, c.b2),
            after=words(new, c.b2, min(len(new[1]), c.b2 + CONTEXT_WORDS)),
        )
        for c in changes[:HUNKS]
    )
