"""Which of a license's terms are doubtful, so that no rule may rest on them alone.

Owns the reading of the catalog's doubts: each sentence under `unverified` is put beside the sides of the license that
it touches. A sentence that nobody placed touches everything.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache

from licensing.engine.book import KnownLicense
from licensing.terms import Certainty


class Side(StrEnum):
    """A side of a license that a rule may rest on."""

    EVERYTHING = "everything"
    GRANT = "the grant as a whole"
    SCOPE = "what it may be used for"
    DUTIES = "its duties"
    NOTICE = "the notice sentence"
    DISPLAY = "the phrase to display"
    FLOW_DOWN = "the passing on of its restrictions"
    POLICY_ITEMS = "the items of its use policy"
    THRESHOLD = "its thresholds"
    TERRITORY = "its territory"
    OUTPUTS = "its rules for outputs"
    DERIVATIVES = "its reach over derivatives"
    DISTRIBUTION = "its rules for passing on"
    HOSTING = "what it calls hosting"
    DATA_REACH = "its reach over what is made from data"
    NAME = "the name on the Hub"
    IDENTITY = "which license it is"
    ENDING = "how it ends"
    PATENT = "patents"
    LAW = "the law that governs it"


# The catalog's own sentences; a test holds this table to the catalog.
PLACED: dict[str, frozenset[Side]] = {
    "hf_license_name": frozenset({Side.NAME}),
    "patent": frozenset({Side.PATENT}),
    "patent grant": frozenset({Side.PATENT}),
    "retaliation": frozenset({Side.PATENT}),
    "governing law": frozenset({Side.LAW}),
    "termination": frozenset({Side.ENDING}),
    "notice text": frozenset({Side.NOTICE}),
    "exact notice sentence": frozenset({Side.NOTICE}),
    "output rules": frozenset({Side.OUTPUTS}),
    "policy items": frozenset({Side.POLICY_ITEMS}),
    "exact text of the addendum": frozenset({Side.POLICY_ITEMS, Side.DUTIES}),
    "definition of hosting use": frozenset({Side.HOSTING}),
    "flow-down clause (assumed as in Falcon 2)": frozenset({Side.FLOW_DOWN}),
    'share-alike reaches derivative databases, not "produced works" (from memory)': frozenset({Side.DATA_REACH}),
    'distribution, attribution ("Powered by xAI" from memory) and termination clauses': frozenset(
        {Side.DISTRIBUTION, Side.DISPLAY, Side.ENDING}
    ),
    "obligations (Apache-shaped, from memory)": frozenset({Side.DUTIES, Side.DERIVATIVES}),
    "full 2025-10-24 text (adds a special-purpose model category per an archived review)": frozenset({Side.GRANT}),
    "full text": frozenset({Side.EVERYTHING}),
    "exact wording": frozenset({Side.EVERYTHING}),
    "every term": frozenset({Side.EVERYTHING}),
    "every term except the HF id": frozenset({Side.EVERYTHING}),
    "USD 50 million threshold and every other term": frozenset({Side.EVERYTHING}),
    "display phrase and thresholds": frozenset({Side.DISPLAY, Side.THRESHOLD}),
    "whether > or >=": frozenset({Side.THRESHOLD}),
    "all else": frozenset({Side.EVERYTHING}),
    "all terms beyond the category gate": frozenset(Side) - {Side.THRESHOLD, Side.EVERYTHING},
}
READ_OR_WELL_KNOWN = frozenset({Certainty.FULL_TEXT, Certainty.WELL_KNOWN, Certainty.EXCERPT})


@lru_cache(maxsize=1024)
def _placed(unverified: tuple[str, ...]) -> frozenset[Side]:
    everything = frozenset({Side.EVERYTHING})
    return frozenset(side for sentence in unverified for side in PLACED.get(" ".join(sentence.split()), everything))


def may_convict(license: KnownLicense, side: Side) -> bool:
    """Whether a violation may rest on this side of the license; otherwise it is a question.

    Which license it is, the case tells; no doubt about its terms touches that.
    """
    return side == Side.IDENTITY or not {Side.EVERYTHING, side} & _placed(license.unverified)


def doubts(license: KnownLicense, used: Iterable[Side]) -> str:
    """Why terms of which these sides are used need a person's look; empty where they are solid."""
    if license.certainty not in READ_OR_WELL_KNOWN:
        return f"its terms are {'from memory' if license.certainty == Certainty.MEMORY else 'known from reports only'}"
    placed = _placed(license.unverified)
    if Side.EVERYTHING in placed or Side.GRANT in placed:
        return f"not verified of its text: {', '.join(license.unverified)}"
    touched = sorted(side.value for side in placed & set(used))
    return f"not verified of its text: {', '.join(touched)}" if touched else ""
