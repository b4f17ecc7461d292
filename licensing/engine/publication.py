"""Duties turned into work: the files, sentences and metadata that a publication must bear, made from an assessment.

Owns the making of what can be made from the catalog alone, and the list of what only people can do. It writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from licensing.engine.assessment import Assessment, Obligation, Origin
from licensing.engine.book import Book, KnownLicense
from licensing.engine.bundle import PLACEHOLDER, contains
from licensing.engine.case import Case, Disclosure
from licensing.engine.regions import EU, excluded_countries

NOTICE = "NOTICE"
# What only people can do; each is told in the words of the catalog.
BY_PEOPLE = frozenset(
    {
        "OB-AUP-FLOWDOWN",
        "OB-RETAIN-NOTICES",
        "OB-REGISTER",
        "OB-SOURCE-OFFER",
        "OB-NETWORK-SOURCE",
        "OB-SEPARATE-LICENSE",
        "OB-CONTENT-FILTER",
        "OB-AI-DISCLOSURE",
    }
)


@dataclass(frozen=True, slots=True)
class RequiredFile:
    """A file that must go along; without text where the catalog may not hold it, so that people must add it."""

    path: str
    text: str
    why: str


@dataclass(frozen=True, slots=True)
class Duties:
    """What a publication must bear: files, sentences of its card, marks of its name, metadata, and people's work."""

    files: tuple[RequiredFile, ...] = ()
    notices: tuple[str, ...] = ()
    display: tuple[str, ...] = ()
    sentences: tuple[str, ...] = ()
    name_marks: tuple[str, ...] = ()
    card: dict[str, object] = field(default_factory=dict)
    for_people: tuple[str, ...] = ()

    @property
    def card_lines(self) -> tuple[str, ...]:
        """Every sentence that the card must show."""
        return (*self.display, *self.sentences)


def duties(assessment: Assessment, case: Case, book: Book) -> Duties:
    """What must be made for a release that was assessed so."""
    owed = assessment.obligations
    made_of = _unique(duty.origin.model or "its parent" for duty in owed if duty.id == "OB-STATE-CHANGES")
    return Duties(
        files=tuple(_license_files(owed, book)),
        notices=_unique(duty.text for duty in owed if duty.id == "OB-NOTICE-FILE" and duty.text and not duty.demand),
        display=_unique(
            duty.text.split("|")[0].strip()
            for duty in owed
            if duty.id == "OB-DISPLAY" and duty.text and not duty.demand
        ),
        sentences=_unique(
            [
                *_public_statements(owed, case),
                *(f"This model is a modified version of {name}." for name in made_of),
                *(_attribution(duty.origin, book) for duty in owed if duty.id == "OB-ATTRIBUTION"),
                *(_governed(duty.origin) for duty in owed if duty.id == "OB-UPSTREAM-LICENSE-GOVERNS"),
            ]
        ),
        name_marks=_unique(duty.text for duty in owed if duty.id == "OB-NAME-PREFIX"),
        card=card_metadata(case, book),
        for_people=_unique(
            f"{duty.origin}: {duty.remedy or book.duties.get(duty.id, duty.id)}"
            for duty in owed
            if duty.id in BY_PEOPLE
        ),
    )


def card_metadata(case: Case, book: Book) -> dict[str, object]:
    """What the model card must declare: license, parents and relation, and a gate that the territory asks for."""
    declared: dict[str, object] = {}
    known = book.find(case.proposed.license) if case.proposed.license else None
    if known is not None:
        declared["license"] = known.hub_license or "other"
        if declared["license"] == "other":
            declared["license_name"] = known.hub_license_name or known.key
            declared["license_link"] = "LICENSE"
    direct = [parent for parent in case.parents or () if not parent.path and parent.model]
    if direct:
        names = list(dict.fromkeys(parent.model for parent in direct))
        declared["base_model"] = names[0] if len(names) == 1 else names
        if relation := direct[0].relation:
            declared["base_model_relation"] = relation.value
    if case.release.disclosure == Disclosure.GATED and _leaves_out_the_union(case, book):
        declared["extra_gated_eu_disallowed"] = True
    return declared


def license_path(key: str) -> str:
    """Where the copy of a parent's license goes."""
    return f"LICENSE.{key}.txt"


def missing_lines(text: str, lines: Iterable[str]) -> tuple[str, ...]:
    """The sentences that a text doesn't hold yet."""
    return tuple(line for line in lines if not contains(text, line))


def with_notices(text: str, notices: Iterable[str]) -> str:
    """The NOTICE with every prescribed sentence; the text itself where it holds them all."""
    missing = missing_lines(text, notices)
    if not missing:
        return text
    before = f"{text.rstrip()}\n\n" if text.strip() else ""
    return before + "\n\n".join(missing) + "\n"


def _license_files(owed: Iterable[Obligation], book: Book) -> Iterable[RequiredFile]:
    for key in _unique(duty.origin.license_key for duty in owed if duty.id == "OB-COPY-LICENSE"):
        license = book.licenses.get(key)
        name = license.name if license else key
        yield RequiredFile(license_path(key), license.text if license else "", f"{name} asks for a copy of itself.")


def _public_statements(owed: Iterable[Obligation], case: Case) -> Iterable[str]:
    name = case.proposed.name.rpartition("/")[2] or "This model"
    for duty in owed:
        if duty.id == "OB-PUBLIC-STATEMENT" and duty.text:
            yield PLACEHOLDER.sub(lambda _: name, duty.text).rstrip(".") + "."


def _attribution(origin: Origin, book: Book) -> str:
    license = book.licenses.get(origin.license_key)
    author, _, name = (origin.model or "the parent").rpartition("/")
    by = f"{name} by {author}" if author else name
    return f"{by}, licensed under {license.name if license else origin.license_name}{_link(license)}; modified."


def _link(license: KnownLicense | None) -> str:
    is_listed = license is not None and license.spdx_id and not license.spdx_id.startswith("LicenseRef-")
    return f" (https://spdx.org/licenses/{license.spdx_id}.html)" if license is not None and is_listed else ""


def _governed(origin: Origin) -> str:
    model = origin.model or "the original"
    return f"Rights in {model} are granted by its licensor and stay governed by {origin.license_name}."


def _leaves_out_the_union(case: Case, book: Book) -> bool:
    licenses = [book.find(parent.license) for parent in case.parents or () if parent.license]
    return any(
        license.terms.territory is not None
        and license.terms.territory.test == "place_of_use_or_distribution"
        and excluded_countries(license.terms.territory.excluded_regions) >= EU
        for license in licenses
        if license is not None
    )


def _unique(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in words if word))
