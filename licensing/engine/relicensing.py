"""Whether the proposed license may stand over what the parents' licenses demand to travel on.

Owns what one license carries of another, share-alike and its one-way pairs, and licenses that no single one can satisfy
together. Source of the pairs: the compatible licenses of each catalog entry; Creative Commons' list for BY-SA to GPL;
GPL 3.0, section 7 ("further restrictions").
"""

from __future__ import annotations

from collections.abc import Callable

from licensing.engine.book import KnownLicense
from licensing.engine.case import PROPRIETARY
from licensing.engine.doubts import Side
from licensing.engine.expressions import Term
from licensing.engine.findings import Findings, Setting
from licensing.engine.reach import Reach, Strand
from licensing.engine.triggers import Way, firing
from licensing.terms import Answer, FlowDown, ShareAlike, Threshold, UseScope

# Met by what the bundle holds, under whatever license it goes.
MET_BY_BUNDLE = frozenset(
    {
        "OB-COPY-LICENSE",
        "OB-RETAIN-NOTICES",
        "OB-NOTICE-FILE",
        "OB-STATE-CHANGES",
        "OB-ATTRIBUTION",
        "OB-UPSTREAM-LICENSE-GOVERNS",
        "OB-PUBLIC-STATEMENT",
        "OB-SOURCE-OFFER",
        "OB-NETWORK-SOURCE",
        "OB-SHARE-ALIKE",
        "OB-NO-EXTRA-RESTRICTIONS",
        # Held against the scope, the use rules, the thresholds and the territory below.
        "OB-NC-ONLY",
        "OB-RESEARCH-ONLY",
        "OB-NON-PRODUCTION",
        "OB-AUP-FLOWDOWN",
        "OB-AUP-COMPLY",
        "OB-SEPARATE-LICENSE",
        "OB-GEO-LIMIT",
    }
)
WITHIN = {
    UseScope.ANY: frozenset(UseScope),
    UseScope.NON_COMMERCIAL: frozenset(
        {UseScope.NON_COMMERCIAL, UseScope.RESEARCH_OR_EVALUATION, UseScope.RESEARCH_ONLY}
    ),
    UseScope.RESEARCH_OR_EVALUATION: frozenset({UseScope.RESEARCH_OR_EVALUATION, UseScope.RESEARCH_ONLY}),
    UseScope.RESEARCH_ONLY: frozenset({UseScope.RESEARCH_ONLY}),
    UseScope.NON_PRODUCTION: frozenset({UseScope.NON_PRODUCTION}),
}
RIGHTS_EFFECTS = frozenset({"separate_license", "no_rights", "license_terminates"})
# Accepts other restrictions that serve the same purpose, which only a person can compare. Source: section 5.1.
ACCEPTS_SIMILAR_RULES = frozenset({"bigcode-openrail-m"})
RECIPROCAL = frozenset({ShareAlike.WEAK, ShareAlike.STRONG, ShareAlike.NETWORK, ShareAlike.CONTENT})


def dropped_by(proposed: KnownLicense, parent: KnownLicense) -> list[str]:
    """What must travel with the parent and does not travel under the proposed license, in words."""
    if proposed.key == parent.key:
        return []
    ours, theirs = proposed.terms, parent.terms
    dropped = []
    if theirs.use_scope and ours.use_scope not in WITHIN[theirs.use_scope]:
        dropped.append(f"{theirs.use_scope.value.replace('_', ' ')} use only")
    rules = set(theirs.acceptable_use.prohibits) - set(ours.acceptable_use.prohibits)
    flow = theirs.acceptable_use.flow_down
    if flow == FlowDown.ENFORCEABLE and (ours.acceptable_use.flow_down != FlowDown.ENFORCEABLE or rules):
        dropped.append("the use restrictions")
    elif "OB-AUP-COMPLY" in theirs.derivatives.must_carry and (
        ours.acceptable_use.flow_down in {None, FlowDown.NONE} or rules
    ):
        dropped.append("the acceptable-use rules")
    if any(limit.effect in RIGHTS_EFFECTS and not _is_kept(limit, ours.thresholds) for limit in theirs.thresholds):
        dropped.append("the threshold")
    if theirs.territory and (
        ours.territory is None or set(theirs.territory.excluded_regions) - set(ours.territory.excluded_regions)
    ):
        dropped.append("the territory")
    left = set(theirs.derivatives.must_carry) - MET_BY_BUNDLE
    return dropped + sorted(left - ours.obligation_ids if left else left)


def _is_kept(limit: Threshold, thresholds: tuple[Threshold, ...]) -> bool:
    """Whether some threshold is at least as strict."""
    return any(
        kept.metric == limit.metric
        and kept.effect in RIGHTS_EFFECTS
        and (
            kept.value == limit.value
            or (isinstance(kept.value, int) and isinstance(limit.value, int) and kept.value <= limit.value)
        )
        for kept in thresholds
    )


def accepted_by(license: KnownLicense) -> frozenset[str]:
    """The licenses under which adaptations of share-alike material may go."""
    return frozenset({license.key, *license.terms.share_alike_compatible_with})


def is_share_alike(license: KnownLicense) -> bool:
    """Whether adaptations must go under the same or a listed license."""
    return license.terms.share_alike not in {None, ShareAlike.NONE}


def check_relicensing(strand: Strand, way: Way, setting: Setting, findings: Findings) -> None:
    """Hold the proposed license against what this parent's license demands to travel."""
    if not strand.binds or not way.passes_on or strand.license.is_unknown:
        return
    license, terms = strand.license, strand.license.terms
    asks_anything = is_share_alike(license) or terms.derivatives.own_terms != Answer.YES
    if setting.proposed is None:
        if asks_anything and not setting.case.proposed.releases_nothing:
            findings.ask("CF-RELICENSE", strand, "Under which license is the release to go? It decides what travels.")
        elif asks_anything and way.is_distributed and setting.case.release.disclosure is not None:
            findings.ask(
                "CF-RELICENSE", strand, "It is handed over, but no license is proposed: under which does it go?"
            )
        return
    if is_share_alike(license) and strand.is_modified:
        _share_alike(strand, setting, findings)
        _scope_kept(strand, setting, findings)
        return
    if not asks_anything or (not strand.is_modified and terms.derivatives.own_terms == Answer.YES):
        return
    _own_terms(strand, setting, findings)


def _own_terms(strand: Strand, setting: Setting, findings: Findings) -> None:
    """A license that lets derivatives have terms of their own, as long as its own demands travel."""
    license, own = strand.license, strand.license.terms.derivatives.own_terms
    is_fixed = own == Answer.NO or is_share_alike(license)
    if is_fixed and not _all(setting, lambda term: term.license.key == license.key):
        findings.violate(
            "CF-RELICENSE",
            strand,
            f"What is made of it stays under {license.name}; {_proposal(setting)} is proposed.",
            f"Release it under {license.key}.",
            side=Side.DERIVATIVES,
            needs_derivative=True,
        )
        return
    dropped = _dropped(strand, setting)
    if dropped:
        if license.key in ACCEPTS_SIMILAR_RULES and _all(setting, _restricts):
            findings.ask("CF-RELICENSE", strand, f"Do the rules of {_proposal(setting)} serve the same purpose?")
            return
        findings.violate(
            "CF-RELICENSE",
            strand,
            f"{_proposal(setting)} drops what must travel: {', '.join(dropped)}.",
            f"Release it under {license.key}, or under own terms that keep all of it.",
            side=Side.DERIVATIVES,
            needs_derivative=license.terms.use_scope == UseScope.ANY and not license.terms.thresholds,
        )
        _commercial_terms(strand, setting, findings)
    elif own is None and not _all(setting, lambda term: term.license.key == license.key):
        findings.ask(
            "CF-RELICENSE", strand, f"May what is made of it go under {_proposal(setting)}? The terms don't say."
        )


def _scope_kept(strand: Strand, setting: Setting, findings: Findings) -> None:
    """Share-alike material with a use scope: commercial terms over it are a violation of their own."""
    scope = strand.license.terms.use_scope
    if scope not in {None, UseScope.ANY} and _dropped(strand, setting):
        findings.violate(
            "CF-RELICENSE",
            strand,
            f"{_proposal(setting)} drops what must travel: {', '.join(_dropped(strand, setting))}.",
            f"Release it under {strand.license.key}.",
            side=Side.DERIVATIVES,
        )
        _commercial_terms(strand, setting, findings)


def _commercial_terms(strand: Strand, setting: Setting, findings: Findings) -> None:
    if strand.license.terms.use_scope != UseScope.NON_COMMERCIAL or not _any(setting, _grants_commerce):
        return
    if any(one.id == "CF-NC" and one.origin == strand.origin for one in findings.violations):
        return
    findings.violate(
        "CF-NC",
        strand,
        f"{_proposal(setting)} grants commercial use of material that is licensed for non-commercial use only.",
        "Propose a license for non-commercial use, or use another parent.",
        side=Side.SCOPE,
    )


def _share_alike(strand: Strand, setting: Setting, findings: Findings) -> None:
    license = strand.license
    kept = accepted_by(license)
    if _all(setting, lambda term: term.license.key in kept and not term.exception):
        return
    if _all(setting, lambda term: term.license.key in kept):
        exceptions = sorted({term.exception for choice in setting.proposed or () for term in choice if term.exception})
        findings.ask(
            "CF-SHARE-ALIKE", strand, f"Is {license.name} still kept under the exception {', '.join(exceptions)}?"
        )
        return
    findings.violate(
        "CF-SHARE-ALIKE",
        strand,
        f"What is made of it goes under {' or '.join(sorted(kept))}; {_proposal(setting)} is proposed.",
        f"Release it under {license.key}.",
        side=Side.DERIVATIVES,
        needs_derivative=True,
    )


def is_alike(strand: Strand, setting: Setting) -> bool | None:
    """Whether the proposed license keeps the share-alike; None where nobody said what is proposed."""
    if setting.proposed is None:
        return None
    kept = accepted_by(strand.license)
    return _all(setting, lambda term: term.license.key in kept and not term.exception)


def check_pairs(setting: Setting, ways: dict[str, Way], findings: Findings) -> None:
    """Licenses that no single license can satisfy together: share-alike against what it may not add."""
    bound = [
        strand for strand in setting.strands if strand.binds and strand.is_modified and not strand.license.is_unknown
    ]
    by_key: dict[str, Strand] = {}
    for strand in bound:
        by_key.setdefault(strand.license.key, strand)
    met: set[frozenset[str]] = set()
    for key, strand in by_key.items():
        if strand.license.terms.share_alike not in RECIPROCAL or not _is_triggered(strand, ways[key]):
            continue
        for other_key, other in by_key.items():
            pair = frozenset({key, other_key})
            if other_key == key or pair in met or not ways[other_key].passes_on:
                continue
            if not _fit(strand.license, other.license, setting):
                met.add(pair)
                contested = strand if strand.reach == Reach.ARGUABLE else other
                findings.violate(
                    "CF-COPYLEFT-PAIR",
                    contested if contested.reach == Reach.ARGUABLE else strand,
                    f"No license satisfies both {strand.license.name} and {other.license.name} ({other.origin}).",
                    "Leave one of the two out, or obtain other terms for it.",
                    side=Side.DERIVATIVES,
                    needs_derivative=True,
                )


def _is_triggered(strand: Strand, way: Way) -> bool:
    triggers = firing(strand, way)
    return any(one.id == "OB-SHARE-ALIKE" and triggers.get(one.trigger) for one in strand.license.terms.obligations)


def _fit(license: KnownLicense, other: KnownLicense, setting: Setting) -> bool:
    """Whether some license accepted by the share-alike license also carries what the other demands."""
    if other.terms.derivatives.own_terms == Answer.YES and not is_share_alike(other):
        return True
    for key in accepted_by(license):
        candidate = setting.book.licenses.get(key)
        if candidate is None:
            continue
        if is_share_alike(other):
            if key in accepted_by(other):
                return True
        elif not dropped_by(candidate, other):
            return True
    return False


# --- the proposal: every choice of it must hold, and within a choice the strictest license counts -----------------


def _all(setting: Setting, test: Callable[[Term], bool]) -> bool:
    return all(any(test(term) for term in choice) for choice in setting.proposed or ())


def _any(setting: Setting, test: Callable[[Term], bool]) -> bool:
    """Whether in some choice every license passes: what one of them forbids the whole forbids."""
    return any(all(test(term) for term in choice) for choice in setting.proposed or ())


def _dropped(strand: Strand, setting: Setting) -> list[str]:
    """What some choice of the proposal drops; own terms are taken to keep what the bundle is asked to pass on."""
    for choice in setting.proposed or ():
        missing = [
            [] if term.license.key == PROPRIETARY else dropped_by(term.license, strand.license) for term in choice
        ]
        together = [words for words in missing[0] if all(words in other for other in missing[1:])] if missing else []
        if together:
            return together
    return []


def _grants_commerce(term: Term) -> bool:
    return term.license.key != PROPRIETARY and term.license.terms.use_scope == UseScope.ANY


def _restricts(term: Term) -> bool:
    return term.license.terms.acceptable_use.flow_down == FlowDown.ENFORCEABLE


def _proposal(setting: Setting) -> str:
    return setting.case.proposed.license or "no license"
