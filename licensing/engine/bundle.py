"""Whether what a release ships meets what licenses ask of it: files, sentences, marks in the name.

Owns the meaning of the words for shipped things, the comparison of sentences and the test of names.
"""

from __future__ import annotations

import re

from licensing.engine.case import Proposal
from licensing.engine.reach import Strand
from licensing.terms import Obligation

SHIPPED_AS = {
    "OB-COPY-LICENSE": "license_copy",
    "OB-RETAIN-NOTICES": "notices",
    "OB-NOTICE-FILE": "notice",
    "OB-STATE-CHANGES": "state_changes",
    "OB-ATTRIBUTION": "attribution",
    "OB-DISPLAY": "display",
    "OB-AUP-FLOWDOWN": "aup_flowdown",
    "OB-REGISTER": "registered",
    "OB-SOURCE-OFFER": "source",
    "OB-NETWORK-SOURCE": "source",
}
JOINTS = re.compile(r"[-_\s]+")
PLACEHOLDER = re.compile(r"\[[^\]]*\]")
REMEDIES = {
    "OB-COPY-LICENSE": "Ship the license text with the weights.",
    "OB-RETAIN-NOTICES": "Keep every notice that came with the parent.",
    "OB-STATE-CHANGES": "Say prominently that, and how, the files were changed.",
    "OB-ATTRIBUTION": "Name author and source, license and link, and what was changed.",
    "OB-UPSTREAM-LICENSE-GOVERNS": "Say that rights in the original are granted by its licensor under its license.",
    "OB-AUP-FLOWDOWN": "Bind recipients to the use restrictions by an enforceable term, and tell them.",
    "OB-REGISTER": "Register with the licensor before any commercial use.",
    "OB-SOURCE-OFFER": "Provide the corresponding source with the copies.",
    "OB-NETWORK-SOURCE": "Offer the corresponding source to those who use it over the network.",
    "OB-SEPARATE-LICENSE": "Obtain a license of your own from the licensor.",
    "OB-NC-ONLY": "Keep every use non-commercial.",
    "OB-RESEARCH-ONLY": "Keep every use to research as the license defines it.",
    "OB-NON-PRODUCTION": "Keep it out of production.",
    "OB-AUP-COMPLY": "Keep to the acceptable-use rules.",
    "OB-GEO-LIMIT": "Stay inside the licensed territory or population.",
}


def prescribed_text(obligation: Obligation, strand: Strand) -> str:
    """What the license prescribes word by word for a duty; alternatives are divided by a bar."""
    terms = strand.license.terms
    if obligation.id == "OB-NOTICE-FILE":
        return obligation.text or terms.notice_text
    if obligation.id in {"OB-DISPLAY", "OB-PUBLIC-STATEMENT"}:
        return obligation.text or terms.display_text
    if obligation.id == "OB-NAME-PREFIX":
        return obligation.value or (terms.naming.value if terms.naming else "")
    return obligation.text


def remedy(obligation_id: str, prescribed: str) -> str:
    """What would satisfy a duty, in one sentence."""
    if obligation_id == "OB-NAME-PREFIX":
        return f"Begin the name with “{prescribed}”."
    if obligation_id == "OB-NOTICE-FILE":
        return f"Ship a file NOTICE that says: {prescribed}" if prescribed else "Pass on the NOTICE file of the parent."
    if obligation_id in {"OB-DISPLAY", "OB-PUBLIC-STATEMENT"} and prescribed:
        return f"Show “{prescribed.replace(' | ', '” or “')}” where people see it."
    return REMEDIES.get(obligation_id, "")


def does_ship(obligation: Obligation, prescribed: str, proposed: Proposal) -> bool | None:
    """Whether the bundle meets a duty of shipping something; None where nobody said."""
    item = SHIPPED_AS.get(obligation.id)
    if item is None:
        return None
    texts = proposed.ships_text.get(item)
    if texts is not None and prescribed and item in {"notice", "display"}:
        return any(contains(text, phrase) for text in texts for phrase in prescribed.split("|"))
    held = proposed.does_ship(item)
    if held is False and obligation.only_if:
        return None  # due only under a condition that the case doesn't tell
    return held


def contains(text: str, phrase: str) -> bool:
    """Whether a text holds a prescribed phrase; line breaks decide nothing, and placeholders stand for names."""
    wanted = " ".join(PLACEHOLDER.sub("", phrase).split())
    return bool(wanted) and wanted in " ".join(text.split())


def begins_with(name: str, mark: str) -> bool | None:
    """Whether a model's name begins with a mark; None without a name.

    The namespace is no part of the name. Case and what joins words (`-`, `_`, blanks) decide nothing: `HyperCLOVAX-7B`
    begins with `HyperCLOVA X`. The mark must end at a joint or before a digit: `Llamazing` doesn't begin with `Llama`.
    """
    if not name.strip():
        return None
    left = name.strip().rpartition("/")[2].casefold()
    for letter in JOINTS.sub("", mark).casefold():
        left = left.lstrip("-_ \t")
        if not left.startswith(letter):
            return False
        left = left[len(letter) :]
    ends_in_digit = mark.rstrip()[-1:].isdigit()
    return not left or not (left[0].isalpha() or (ends_in_digit and left[0].isdigit()))
