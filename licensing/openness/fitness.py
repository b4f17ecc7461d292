"""What one license means for openness: three answers about its terms, from the catalog and from SPDX's list.

Owns the question "are these terms open?", which each framework answers in its own way. It does not know to which
component the terms belong.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from license_expression import ExpressionError, Licensing

from licensing.catalog import UNKNOWN_KEY, Entry, shipped
from licensing.spdx import Listed, listed
from licensing.terms import Answer

# Source: Model Openness Tool, its list of open licenses for data. FSF's and OSI's lists are flags of SPDX's list.
OPEN_DATA = re.compile(
    r"CC-BY-(1\.0|2\.0|2\.5|3\.0|4\.0)(-(AU|AT|DE|IGO|NL|US))?"
    r"|CC-BY-SA-(1\.0|2\.0|2\.1|2\.5|3\.0|4\.0)(-(AT|DE|IGO|JP|UK))?"
    r"|CC0-1\.0|CDLA-Permissive-(1\.0|2\.0)|CDLA-Sharing-1\.0|GFDL-1\.3(-only|-or-later)?|ODC-By-1\.0|(ODC-)?PDDL-1\.0"
    r"|ODbL-1\.0|OGL-UK-(2\.0|3\.0)|OGL-Canada-2\.0|OpenMDW-1\.0",
    re.IGNORECASE,
)
RESTRICTED = re.compile(r"-(NC|ND)(-|$)", re.IGNORECASE)

# The words of forms for "no license at all", and for terms that are no published license.
NO_LICENSE = "no license"
UNLICENSED = frozenset({"unlicensed", "license not specified"})
CLOSED = frozenset({"proprietary", "other license", "mixed"})


class Fit(StrEnum):
    """Whether terms are what a framework asks for; from worst to best."""

    NO = "no"
    UNKNOWN = "unknown"
    DISPUTED = "disputed"
    YES = "yes"

    @property
    def rank(self) -> int:
        """The place from worst to best."""
        return list(Fit).index(self)


@dataclass(frozen=True, slots=True)
class Fitness:
    """What the terms of a license are for each framework.

    `mof`: counted open by the Model Openness Tool. `osaid`: fit for the Open Source AI Definition, which asks for
    terms that the OSI approved. `eu`: a free and open-source license in the sense of the Commission's guidelines.
    """

    license: str
    name: str
    mof: bool
    osaid: Fit
    eu: Fit
    source: str
    made_for: tuple[str, ...] = ()
    """The types of content that its kind was made for; empty where that is not known."""

    @property
    def is_none(self) -> bool:
        """Whether it says that there is no license."""
        return self.name == NO_LICENSE


def worst_of(*licenses: str) -> Fitness:
    """The fitness that can be relied on where several licenses are named for the same thing."""
    return _several(" and ".join(licenses), [fitness_of(license) for license in licenses], best=False)


def fitness_of(license: str) -> Fitness:
    """The fitness of a license by its key, its SPDX identifier or an SPDX expression; case decides nothing."""
    given = license.strip()
    word = given.lower()
    if word in UNLICENSED or not word:
        return Fitness(given, NO_LICENSE, False, Fit.NO, Fit.NO, "Without a license nobody outside has rights in it.")
    if word in CLOSED:
        return Fitness(given, given, False, Fit.NO, Fit.NO, "Terms of its own that are no published license.")
    if word == UNKNOWN_KEY:
        return _unheard(given)
    if word in _catalog():
        return _of_entry(_catalog()[word])
    if word in _list():
        return _of_listed(_list()[word])
    if word in _families():
        return _several(given, [_of_entry(entry) for entry in _families()[word]], best=False)
    return _of_expression(given)


def _of_entry(entry: Entry) -> Fitness:
    terms = entry.terms
    osaid, eu = _fit(terms.osaid), _fit(terms.eu_open)
    if not entry.certainty.is_solid:
        # Terms that nobody here has read whole can rule something out, but never carry it.
        osaid = osaid if osaid is Fit.NO else Fit.UNKNOWN
        eu = eu if eu is Fit.NO else Fit.UNKNOWN
    source = f"License catalog of {shipped().as_of}: {'; '.join(entry.sources)}"
    made_for = _made_for(entry.spdx_id or entry.key, is_software=terms.is_osi_approved is True)
    return Fitness(entry.key, entry.name, terms.is_mof_open is True, osaid, eu, source, made_for)


def _fit(answer: Answer | None) -> Fit:
    known = {Answer.YES: Fit.YES, Answer.NO: Fit.NO, Answer.DISPUTED: Fit.DISPUTED, Answer.ARGUABLE: Fit.DISPUTED}
    return known.get(answer, Fit.UNKNOWN) if answer else Fit.UNKNOWN


def _of_listed(one: Listed) -> Fitness:
    is_open_data = OPEN_DATA.fullmatch(one.id) is not None
    is_open = one.is_osi_approved or one.is_fsf_libre or is_open_data
    flags = [
        *(["OSI-approved"] if one.is_osi_approved else ["not OSI-approved"]),
        *(["FSF libre"] if one.is_fsf_libre else []),
        *(["open data license"] if is_open_data else []),
    ]
    source = f"SPDX license list: {one.id} is {', '.join(flags)}."
    if one.is_osi_approved:
        return Fitness(one.id, one.name, True, Fit.YES, Fit.YES, source, _made_for(one.id, is_software=True))
    if is_open:
        made_for = _made_for(one.id, is_software=False)
        return Fitness(one.id, one.name, True, Fit.DISPUTED, Fit.YES, source, made_for)
    if RESTRICTED.search(one.id):
        return Fitness(one.id, one.name, False, Fit.NO, Fit.NO, source)
    return Fitness(one.id, one.name, False, Fit.DISPUTED, Fit.UNKNOWN, source)


def _made_for(license: str, *, is_software: bool) -> tuple[str, ...]:
    """Source: Model Openness Tool, the content types of its licenses; only a warning hangs on them."""
    if license.lower().startswith(("openmdw", "licenseref-openmdw")):
        return ("code", "data", "document")
    if is_software:
        return ("code", "document") if license.lower() == "apache-2.0" else ("code",)
    return ("data", "document") if OPEN_DATA.fullmatch(license) else ()


def _unheard(given: str) -> Fitness:
    return Fitness(given, given, False, Fit.UNKNOWN, Fit.UNKNOWN, "The catalog and SPDX's list know no such license.")


def _of_expression(given: str) -> Fitness:
    """An SPDX expression: of alternatives the best counts, of licenses that hold together the worst."""
    try:
        parsed = Licensing().parse(given)
    except (ExpressionError, ValueError, TypeError, RecursionError):
        return _unheard(given)
    return _of_node(parsed, given)


def _of_node(node: object, given: str) -> Fitness:
    operator = str(getattr(node, "operator", "") or "").strip()
    parts = tuple(getattr(node, "args", ()))
    if operator in {"OR", "AND"} and parts:
        return _several(given, [_of_node(part, str(part)) for part in parts], best=operator == "OR")
    # An exception (WITH) only adds permissions: the license that it is made to decides.
    key = str(getattr(getattr(node, "license_symbol", None) or node, "key", "")).lower()
    if key in _catalog():
        return _of_entry(_catalog()[key])
    return _of_listed(_list()[key]) if key in _list() else _unheard(given)


def _several(given: str, found: list[Fitness], *, best: bool) -> Fitness:
    choose = max if best else min
    return Fitness(
        given,
        (" or " if best else " and ").join(dict.fromkeys(one.name for one in found)),
        any(one.mof for one in found) if best else all(one.mof for one in found),
        choose((one.osaid for one in found), key=lambda fit: fit.rank),
        choose((one.eu for one in found), key=lambda fit: fit.rank),
        " ".join(dict.fromkeys(one.source for one in found)),
    )


@cache
def _catalog() -> dict[str, Entry]:
    """The entries by key and by SPDX identifier, in lower case; a key goes before an identifier."""
    entries = shipped().entries
    by_spdx = {entry.spdx_id.lower(): entry for entry in entries if entry.spdx_id}
    return by_spdx | {entry.key.lower(): entry for entry in entries}


@cache
def _families() -> dict[str, list[Entry]]:
    """The entries by the word that model cards use, which can stand for several texts: then the worst counts."""
    found: dict[str, list[Entry]] = {}
    for entry in shipped().entries:
        word = entry.hub_license_name if entry.hub_license == "other" else entry.hub_license
        if word and entry.key != UNKNOWN_KEY:
            found.setdefault(word.lower(), []).append(entry)
    return found


@cache
def _list() -> dict[str, Listed]:
    return {id_.lower(): one for id_, one in listed().items()}
