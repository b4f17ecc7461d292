"""What people write of gates and of money, as the rules need it. Words that say neither are unsettled, never "no"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from licensing.openness.facts import Earning, Gate

_NO = frozenset({"none", "no", "false", "open", "ungated", "public", "free", "nothing", "free of charge"})
_DENIED = re.compile(r"(?:no|not|non|without|never)\b")

# Source: guidelines of the Commission, 4.2.2: what is monetization and what is not.
_OPTIONAL = re.compile(r"\b(?:optional\w*|micro\w*|donation\w*|voluntar\w*)\b")
_PAID = re.compile(
    r"\b(?:dual|required|mandatory|needed|paid|pay|payment|fees?|price\w*|subscription\w*|sold|sales?|advert\w*|ad|ads|"
    r"royalt\w*|moneti[sz]ed|exclusive\w*|personal data|data collection|(?:commercial|separate) license|host only)\b"
)
# Paid hosting beside weights that are free is an optional service; access only through it is not. These don't say.
_UNCLEAR = frozenset({"paid api", "paid hosting", "api", "hosted service", "hosting", "services", "support"})

# Source: guidelines of the Commission, 4.2.1: checks of users are for safety and security, without discrimination.
_NOT_UNFAIR = re.compile(r"\b(?:non|not|without|no)\b\W*discriminat\w*|\bnondiscriminat\w*")
_FAIR = re.compile(r"\b(?:safety|security|verif\w*|identity)\b")
_UNFAIR = re.compile(
    r"\b(?:countr\w*|nationalit\w*|national|origin|regions?|regional|territor\w*|geo\w*|eu|citizen\w*|discriminat\w*|"
    r"competitors?)\b"
)


def earning_of(said: object) -> Earning | None:
    """What was said of money; None where nothing was said."""
    if isinstance(said, list | tuple):
        found = [earning_of(one) for one in said]
        order = [Earning.DISQUALIFYING, Earning.UNSETTLED, Earning.ALLOWED, Earning.NONE]
        return next((one for one in order if one in found), Earning.NONE if not said else None)
    word = _plain(said)
    if word is None:
        return None
    if word in _NO:
        return Earning.NONE
    if word in {"true", "yes"}:
        return Earning.DISQUALIFYING
    if _OPTIONAL.search(word):
        return Earning.ALLOWED
    if _DENIED.match(word):
        return Earning.NONE
    if word in _UNCLEAR:
        return Earning.UNSETTLED
    return Earning.DISQUALIFYING if _PAID.search(word) else Earning.UNSETTLED


def gate_of(said: object) -> Gate | None:
    """What was said of the gate; None where nothing was said."""
    if isinstance(said, list | tuple):
        found = [gate_of(one) for one in said]
        order = [Gate.UNFAIR, Gate.UNSETTLED, Gate.FAIR, Gate.NONE]
        return next((one for one in order if one in found), Gate.NONE if not said else None)
    word = _plain(said)
    if word is None:
        return None
    if word in _NO:
        return Gate.NONE
    if _NOT_UNFAIR.search(word):
        return Gate.FAIR
    if _DENIED.match(word):
        return Gate.NONE
    if _UNFAIR.search(word):
        return Gate.UNFAIR
    return Gate.FAIR if _FAIR.search(word) else Gate.UNSETTLED


def said_as_text(said: object) -> str:
    """The words themselves, to be repeated in a reason; short."""
    if isinstance(said, list | tuple):
        return ", ".join(said_as_text(one) for one in said)[:200]
    if isinstance(said, Mapping):
        return ", ".join(f"{key}: {said_as_text(value)}" for key, value in said.items())[:200]
    if said is True:
        return "yes"
    return str(said).replace("_", " ")[:200]


def _plain(said: object) -> str | None:
    if said is None or said == "" or str(said).strip().lower() in {"unknown", "null", "not known"}:
        return None
    return (
        " ".join(said_as_text(said).lower().replace("-", " ").split())
        if not isinstance(said, bool)
        else str(said).lower()
    )
