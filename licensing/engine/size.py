"""Thresholds: the licensee's users, revenue and business, held against what a license puts a limit on.

Owns how a number is compared. A number that would decide and that nobody gave is a question; it is never read as being
below the limit.
"""

from __future__ import annotations

from datetime import date

from licensing.engine.actors import NON_COMMERCIAL_BODIES, SMALL_BY_NATURE, is_commercial_body, is_end_user
from licensing.engine.assessment import Obligation
from licensing.engine.bundle import remedy
from licensing.engine.case import Actor
from licensing.engine.doubts import Side
from licensing.engine.findings import Findings, Setting
from licensing.engine.reach import Strand
from licensing.engine.triggers import Way
from licensing.terms import Threshold

MANY_USERS = 100_000_000
RIGHTS_EFFECTS = frozenset({"separate_license", "no_rights", "license_terminates"})


def check_thresholds(strand: Strand, way: Way, setting: Setting, findings: Findings) -> None:
    """Hold the actor's numbers against each threshold of the license."""
    actor = setting.case.actor
    for threshold in strand.license.terms.thresholds:
        if threshold.exempt_if == "received_inside_integrated_end_user_product" and is_end_user(actor):
            continue
        applies = _applies(threshold, way, actor)
        if applies is False:
            continue
        is_met = is_above(threshold, actor)
        if threshold.effect == "display_required":
            _display_above(threshold, is_met, strand, way, setting, findings)
        elif is_met is None or (is_met and (applies is None or threshold.effect not in RIGHTS_EFFECTS)):
            findings.ask("CF-THRESHOLD", strand, _threshold_question(threshold, is_met))
        elif is_met:
            findings.obligations.append(
                Obligation("OB-SEPARATE-LICENSE", strand.origin, False, remedy=remedy("OB-SEPARATE-LICENSE", ""))
            )
            findings.violate(
                "CF-THRESHOLD",
                strand,
                f"The licensee is above the limit: {_in_words(threshold)}.",
                "Obtain a separate license from the licensor, or use another parent.",
                side=Side.THRESHOLD,
            )


def is_above(threshold: Threshold, actor: Actor) -> bool | None:
    """Whether the actor's number passes the threshold; None where the number that counts is not known."""
    if threshold.metric == "business_category":
        return False if is_commercial_body(actor) is False else None
    if not isinstance(threshold.value, int):
        return None
    if threshold.metric == "mau":
        if threshold.value >= MANY_USERS and actor.kind in SMALL_BY_NATURE and actor.mau_now is None:
            return False
        users = users_at_release(threshold, actor) if threshold.measured_at == "version_release_date" else actor.mau_now
        return _passes(threshold, users)
    return _revenue_above(threshold, actor)


def users_at_release(threshold: Threshold, actor: Actor) -> int | None:
    """The users of the month before the version came out, else of that month; today's users say nothing about it."""
    try:
        released = date.fromisoformat(threshold.reference_date)
    except ValueError:
        return None
    year, month = (released.year, released.month - 1) if released.month > 1 else (released.year - 1, 12)
    return actor.mau_at.get(f"{year:04}-{month:02}", actor.mau_at.get(f"{released:%Y-%m}"))


def _revenue_above(threshold: Threshold, actor: Actor) -> bool | None:
    """A month earns no more than its year, and a year no less than any of its months."""
    is_monthly = threshold.metric == "monthly_revenue_usd"
    is_partial = threshold.applies_to.startswith("maas")  # only a part of the revenue counts
    told = actor.monthly_revenue_usd if is_monthly else actor.annual_revenue_usd
    if told is not None:
        passes = _passes(threshold, told)
        return None if is_partial and passes else passes
    other = actor.annual_revenue_usd if is_monthly else actor.monthly_revenue_usd
    if other is None:
        return None
    passes = _passes(threshold, other)
    return passes if passes is not is_monthly and not (is_partial and passes) else None


def _passes(threshold: Threshold, number: float | None) -> bool | None:
    if number is None or not isinstance(threshold.value, int):
        return None
    return number >= threshold.value if threshold.op == ">=" else number > threshold.value


def _applies(threshold: Threshold, way: Way, actor: Actor) -> bool | None:
    """Whether the threshold concerns this release at all."""
    if threshold.exempt_if.startswith("qualified_non_profit") and (
        actor.kind in NON_COMMERCIAL_BODIES and way.is_commercial is False
    ):
        return False
    return way.is_commercial if threshold.applies_to == "commercial_use" else True


def _display_above(
    threshold: Threshold, is_met: bool | None, strand: Strand, way: Way, setting: Setting, findings: Findings
) -> None:
    """A phrase that only large products must show."""
    if is_met is False or (is_met is None and not (way.is_hosted or way.is_product)):
        return
    if any(one.id == "OB-DISPLAY" and one.origin == strand.origin for one in findings.obligations):
        return
    phrase = strand.license.terms.display_text
    shown = setting.case.proposed.does_ship("display")
    findings.obligations.append(
        Obligation(
            "OB-DISPLAY",
            strand.origin,
            shown,
            demand=f"Due where {_in_words(threshold)}.",
            remedy=remedy("OB-DISPLAY", phrase),
            text=phrase,
        )
    )
    if is_met and shown is False:
        findings.violate(
            "CF-DISPLAY-MISSING",
            strand,
            f"“{phrase}” is not shown, though {_in_words(threshold)}.",
            f"Show “{phrase}” prominently in the product.",
            side=Side.DISPLAY,
        )


METRICS = {
    "mau": "monthly active users",
    "annual_revenue_usd": "US dollars of revenue in a year",
    "monthly_revenue_usd": "US dollars of revenue in a month",
}


def _in_words(threshold: Threshold) -> str:
    if threshold.metric == "business_category":
        value = threshold.value if isinstance(threshold.value, tuple) else (str(threshold.value),)
        return f"the business is one of: {', '.join(word.replace('_', ' ') for word in value)}"
    more = "at least" if threshold.op == ">=" else "more than"
    number = f"{threshold.value:,}" if isinstance(threshold.value, int) else str(threshold.value)
    when = f" in the month before {threshold.reference_date}" if threshold.measured_at == "version_release_date" else ""
    whose = f" ({threshold.subject.replace('_', ' ')})" if threshold.subject else ""
    return f"{more} {number} {METRICS.get(threshold.metric, threshold.metric)}{when}{whose}"


def _threshold_question(threshold: Threshold, is_met: bool | None) -> str:
    if is_met:
        return f"The number is above {_in_words(threshold)}: does what follows from that concern this release?"
    if threshold.metric == "business_category":
        return f"Is it true of the licensee that {_in_words(threshold)}?"
    return f"Had the licensee {_in_words(threshold)}? Nobody said; a separate license would be needed."
