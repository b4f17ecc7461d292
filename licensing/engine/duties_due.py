"""The duties that fall due: which of a license's duties this release owes, and whether it meets them.

Owns the collecting of duties per parent and the violations that an unmet duty is.
"""

from __future__ import annotations

from licensing.engine.assessment import Obligation
from licensing.engine.bundle import begins_with, does_ship, prescribed_text, remedy
from licensing.engine.doubts import Side
from licensing.engine.findings import Findings, Setting
from licensing.engine.place import concerns
from licensing.engine.reach import Strand
from licensing.engine.relicensing import is_alike
from licensing.engine.triggers import Way, firing, is_due
from licensing.terms import Obligation as Term

SIDES = {"OB-NOTICE-FILE": Side.NOTICE, "OB-DISPLAY": Side.DISPLAY, "OB-AUP-FLOWDOWN": Side.FLOW_DOWN}


def collect_duties(
    strand: Strand, way: Way, setting: Setting, findings: Findings, told: dict[str, bool | None]
) -> None:
    """Put down each duty that is due; `told` says of those that other rules looked at whether they are met."""
    triggers = firing(strand, way)
    for term in strand.license.terms.obligations:
        due = is_due(term, strand, triggers)
        if due is False or (term.id == "OB-GEO-LIMIT" and not concerns(strand)):
            continue
        prescribed = prescribed_text(term, strand)
        satisfied = _is_satisfied(term, strand, prescribed, setting, told)
        findings.obligations.append(
            Obligation(
                id=term.id,
                origin=strand.origin,
                satisfied=satisfied,
                demand=_demand(term, due),
                remedy=remedy(term.id, prescribed),
                text=prescribed,
            )
        )
        if satisfied is False:
            _unmet(term, due, strand, prescribed, findings)


def _demand(term: Term, due: bool | None) -> str:
    if term.only_if:
        return f"Due if this is so: {term.only_if.replace('_', ' ')}."
    return "Whether it is due here is arguable." if due is None else ""


def _is_satisfied(
    term: Term, strand: Strand, prescribed: str, setting: Setting, told: dict[str, bool | None]
) -> bool | None:
    if term.id in told:
        return told[term.id]
    if term.id == "OB-NAME-PREFIX":
        return begins_with(setting.case.proposed.name, prescribed)
    if term.id == "OB-SHARE-ALIKE":
        return is_alike(strand, setting)
    if term.id in {"OB-NO-DERIVATIVES", "OB-NO-HOSTING"}:
        return False  # due only where it is broken
    return does_ship(term, prescribed, setting.case.proposed)


def _unmet(term: Term, due: bool | None, strand: Strand, prescribed: str, findings: Findings) -> None:
    """What an unmet duty means: a violation where it has a name, a question where it is arguable."""
    if term.id == "OB-NAME-PREFIX" and due is None:
        findings.ask(
            "CF-NAME-PREFIX",
            strand,
            f"Hosted under its own name, must the model be named “{prescribed}…” as one that is made available?",
        )
    elif term.id == "OB-NOTICE-FILE" and not term.only_if:
        message = f"The NOTICE does not say: {prescribed}"
        _violate("CF-NOTICE-MISSING", strand, message, remedy(term.id, prescribed), term, findings)
    elif term.id == "OB-DISPLAY" and due is not None:
        phrase = prescribed.replace(" | ", "” or “")
        message = f"“{phrase}” is not shown."
        _violate("CF-DISPLAY-MISSING", strand, message, remedy(term.id, prescribed), term, findings)
    elif term.id == "OB-AUP-FLOWDOWN":
        message = "The use restrictions are not passed on as an enforceable term."
        _violate("CF-AUP-FLOWDOWN-MISSING", strand, message, remedy(term.id, prescribed), term, findings)
    elif term.id == "OB-NO-DERIVATIVES":
        findings.violate(
            "CF-NO-DERIVATIVES",
            strand,
            "An adaptation of it may not be shared.",
            "Keep the release inside, share the original unchanged, or use another parent.",
            side=Side.DERIVATIVES,
            needs_derivative=True,
        )
    elif term.id == "OB-NO-HOSTING":
        if due is None:
            findings.ask("CF-HOSTING", strand, "Does a product of this kind count as hosting, which needs a license?")
            return
        findings.violate(
            "CF-HOSTING",
            strand,
            "Hosting it for others needs a separate license.",
            "Obtain that license, or hand the weights over without hosting them.",
            side=Side.DUTIES,
        )


def _violate(id: str, strand: Strand, message: str, fix: str, term: Term, findings: Findings) -> None:
    findings.violate(id, strand, message, fix, side=SIDES[term.id])


def check_names(setting: Setting, findings: Findings) -> None:
    """Marks that a name must begin with: one that is missing, or two that no name can bear."""
    marks: dict[str, Obligation] = {}
    for duty in findings.obligations:
        if duty.id == "OB-NAME-PREFIX" and not duty.demand:
            marks.setdefault(duty.text, duty)
    clash = next(
        (
            (one, other)
            for one in marks
            for other in marks
            if one < other and not begins_with(one, other) and not begins_with(other, one)
        ),
        None,
    )
    by_origin = {strand.origin: strand for strand in setting.strands}
    if clash:
        one, other = clash
        findings.violate(
            "CF-NAME-CONTRADICTION",
            by_origin[marks[one].origin],
            f"The name must begin with “{one}” and with “{other}” ({marks[other].origin}); none can.",
            "Leave one of the two parents out.",
            side=Side.DUTIES,
        )
        if any(duty.satisfied is not False for duty in marks.values()):
            return
    for mark, duty in marks.items():
        if duty.satisfied is False:
            findings.violate(
                "CF-NAME-PREFIX",
                by_origin[duty.origin],
                f"The name “{setting.case.proposed.name}” does not begin with “{mark}”.",
                f"Name it “{mark.replace(' ', '-')}-…”; the namespace does not count.",
                side=Side.DUTIES,
            )
