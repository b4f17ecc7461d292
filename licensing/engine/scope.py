"""What material may be used for, and whether it may be passed on at all.

Owns how a purpose is held against a use scope. The scope is about the use, not about who uses; where a license looks at
who passes on, that stands here with its source.
"""

from __future__ import annotations

from licensing.engine.actors import is_commercial_body
from licensing.engine.case import Actor, Disclosure
from licensing.engine.doubts import Side
from licensing.engine.findings import Findings, Setting
from licensing.engine.reach import Reach, Strand
from licensing.engine.triggers import Way, scope_reaches_outputs
from licensing.terms import Answer, UseScope

# Distribution by a commercial entity, even free, is no research purpose. Source: MRL 0.1, "Research Purposes".
NO_COMMERCIAL_DISTRIBUTOR = frozenset({"mrl-0.1"})
VIOLATIONS = {
    UseScope.NON_COMMERCIAL: "CF-NC",
    UseScope.RESEARCH_ONLY: "CF-RESEARCH",
    UseScope.RESEARCH_OR_EVALUATION: "CF-RESEARCH",
    UseScope.NON_PRODUCTION: "CF-NON-PRODUCTION",
}


def check_scope(strand: Strand, way: Way, setting: Setting, findings: Findings) -> bool | None:
    """Hold the purpose against what the license may be used for; True where it fits, None where nobody knows."""
    scope = strand.license.terms.use_scope
    violation = VIOLATIONS.get(scope) if scope else None
    if violation is None or scope is None:
        return True
    if strand.reach == Reach.OUTPUTS and not scope_reaches_outputs(strand):
        return True
    words = scope.value.replace("_", " ")
    fix = f"Keep the release to {words} use, or use another parent."
    actor, how = setting.case.actor, setting.case.release.disclosure
    if way.is_commercial:
        findings.violate(
            violation, strand, f"Commercial use, where only {words} use is licensed.", fix, side=Side.SCOPE
        )
        return False
    if scope != UseScope.NON_COMMERCIAL and how == Disclosure.PRODUCT:
        findings.violate(violation, strand, f"A product, where only {words} use is licensed.", fix, side=Side.SCOPE)
        return False
    if scope == UseScope.NON_PRODUCTION and how == Disclosure.HOSTED_API:
        message = "A hosted service is production, where only use outside production is licensed."
        findings.violate(violation, strand, message, fix, side=Side.SCOPE)
        return False
    if way.is_commercial is None:
        findings.ask(violation, strand, f"What is the release for? Only {words} use is licensed.")
        return None
    if way.reaches_others and strand.binds and _is_conditional_research(strand):
        return _by_distributor(strand, actor, violation, fix, findings)
    return True


def _is_conditional_research(strand: Strand) -> bool:
    terms = strand.license.terms
    return terms.redistribution == Answer.CONDITIONAL and terms.use_scope != UseScope.NON_COMMERCIAL


def _by_distributor(strand: Strand, actor: Actor, violation: str, fix: str, findings: Findings) -> bool | None:
    """Passing on for research, where the license looks at who passes on."""
    in_business = is_commercial_body(actor)
    if in_business is False:
        return True
    if in_business and strand.license.key in NO_COMMERCIAL_DISTRIBUTOR:
        message = "Passed on by a commercial entity, which is no research purpose even where it is free."
        findings.violate(violation, strand, message, fix, side=Side.SCOPE)
        return False
    findings.ask(violation, strand, "May this licensee pass it on at all, even for research and free of charge?")
    return None


def check_passing_on(strand: Strand, way: Way, findings: Findings) -> None:
    """Material that may be used but not passed on."""
    if not strand.binds or strand.license.is_unknown or not way.passes_on:
        return
    if strand.license.terms.redistribution == Answer.NO:
        findings.violate(
            "CF-NO-DISTRIBUTION",
            strand,
            "It may be used, but neither it nor what is made of it may be passed on.",
            "Keep the release inside, or use another parent.",
            side=Side.DISTRIBUTION,
        )
