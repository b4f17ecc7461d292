"""What people write of gates and of money, as the rules need it. Words that say neither are unsettled, never "no"."""

from __future__ import annotations

from collections.abc import Mapping

from licensing.openness.facts import Earning, Gate

_NO = frozenset(
    {"none", "no", "false", "open", "ungated", "public", "free", "not monetised", "not monetized", "nothing"}
)

# Source: guidelines of the Commission, 4.2.2: what is monetization and what is not.
_OPTIONAL = ("optional", "micro", "donation", "voluntar")
_PAID = (
    "dual", "required", "mandatory", "paid", "payment", "fee", "price", "subscription", "sold", "sale", "advert",
    "ad funded", "ads", "personal data", "data collection", "commercial license", "separate license", "royalt",
    "monetised", "monetized", "only host", "host only", "exclusive",
)  # fmt: skip
# Paid hosting beside weights that are free is an optional service; access only through it is not. These don't say.
_UNCLEAR = ("paid api", "paid hosting", "api", "hosted service", "hosting", "services")

# Source: guidelines of the Commission, 4.2.1: checks of users are for safety and security, without discrimination.
_FAIR = ("non discriminat", "nondiscriminat", "without discriminat", "safety", "security", "verif", "identity check")
_UNFAIR = ("country", "nationalit", "national origin", "origin", "region", "territor", "geograph", "geo block",
           "geo restrict", "eu disallowed", "eu excluded", "discriminat", "citizenship", "competitor")  # fmt: skip


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
    if any(part in word for part in _OPTIONAL):
        return Earning.ALLOWED
    if word in _UNCLEAR:
        return Earning.UNSETTLED
    return Earning.DISQUALIFYING if any(part in word for part in _PAID) else Earning.UNSETTLED


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
    if any(part in word for part in _FAIR[:3]):
        return Gate.FAIR
    if any(part in word for part in _UNFAIR):
        return Gate.UNFAIR
    return Gate.FAIR if any(part in word for part in _FAIR) else Gate.UNSETTLED


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
