"""The verdict on a case: every rule asked of every parent, and the answer put together.

Owns the order of the rules and what the findings amount to. Pure: a case and a book go in, an assessment comes out.
"""

from __future__ import annotations

from itertools import product

from licensing.engine.assessment import Assessment, Obligation, Origin, Question, Verdict, Violation
from licensing.engine.book import Book, shipped_book
from licensing.engine.case import Case, Parent
from licensing.engine.doubts import Side, doubts
from licensing.engine.duties_due import check_names, collect_duties
from licensing.engine.expressions import Choices, Term, choices
from licensing.engine.findings import Findings, Setting
from licensing.engine.identity import check_identity
from licensing.engine.place import check_territory
from licensing.engine.reach import Reach, Strand, strand_of
from licensing.engine.relicensing import check_pairs, check_relicensing
from licensing.engine.scope import check_passing_on, check_scope
from licensing.engine.size import check_thresholds
from licensing.engine.triggers import Way, way_of
from licensing.engine.use import check_outputs, check_use_rules
from licensing.terms import Certainty, Kind

MOST_COMBINATIONS = 64


def evaluate(case: Case, book: Book | None = None) -> Assessment:
    """The answer to a case; where expressions leave the licensee a choice, that of the mildest verdict."""
    book = book or shipped_book()
    proposed = choices(case.proposed.license, book, may_be_own=True) if case.proposed.license else None
    alternatives = [choices(parent.license, book) for parent in case.parents or ()]
    combinations = 1
    for options in alternatives:
        combinations *= len(options)
    if combinations == 1:
        return _assess(case, proposed, [options[0] for options in alternatives], book)
    if combinations > MOST_COMBINATIONS:
        alternatives = [
            (_mildest_alone(case, proposed, parent, options, book),)
            for parent, options in zip(case.parents or (), alternatives, strict=True)
        ]
    answers = [_assess(case, proposed, list(combination), book) for combination in product(*alternatives)]
    return min(answers, key=lambda answer: (answer.verdict.rank, len(answer.obligations)))


def _mildest_alone(
    case: Case, proposed: Choices | None, parent: Parent, options: Choices, book: Book
) -> tuple[Term, ...]:
    """The choice that is best for one parent looked at alone, where there are too many combinations to try."""
    if len(options) == 1:
        return options[0]
    alone = Case((parent,), case.proposed, case.actor, case.release)
    return min(
        options,
        key=lambda option: ((found := _assess(alone, proposed, [option], book)).verdict.rank, len(found.obligations)),
    )


def _assess(case: Case, proposed: Choices | None, licenses: list[tuple[Term, ...]], book: Book) -> Assessment:
    strands = tuple(
        strand_of(term.license, parent, case.proposed.name, term.exception)
        for parent, terms in zip(case.parents or (), licenses, strict=True)
        for term in terms
    )
    return assess_strands(strands, Setting(case, proposed, strands, book))


def assess_strands(strands: tuple[Strand, ...], setting: Setting) -> Assessment:
    """Ask every rule of every strand, then those that look at all of them together."""
    findings = Findings()
    if setting.case.parents is None:
        findings.ask("lineage", None, "What is the release made from? Nobody said.")
    ways = {strand.license.key: way_of(setting.case.release, strand.license) for strand in strands}
    for strand in strands:
        _ask_all(strand, ways[strand.license.key], setting, findings)
    check_names(setting, findings)
    check_pairs(setting, ways, findings)
    _proposal_itself(setting, findings)
    return _answer(strands, findings)


def _ask_all(strand: Strand, way: Way, setting: Setting, findings: Findings) -> None:
    if strand.question:
        findings.ask("relation", strand, strand.question)
    if strand.exception:
        findings.ask(
            "exception", strand, f"What does the exception {strand.exception} change? Its terms are not recorded."
        )
    check_identity(strand, setting, findings)
    if strand.reach == Reach.NOTHING or strand.license.is_unknown:
        return
    if strand.reach == Reach.DATA:
        _data(strand, setting, findings)
        return
    before = len(findings.obligations)
    fits = check_scope(strand, way, setting, findings)
    told = {
        "OB-NC-ONLY": fits,
        "OB-RESEARCH-ONLY": fits,
        "OB-NON-PRODUCTION": fits,
        "OB-GEO-LIMIT": check_territory(strand, setting, findings),
        "OB-NO-DISTRIBUTION": not way.passes_on,
    }
    if strand.binds:
        told["OB-AUP-COMPLY"] = check_use_rules(strand, setting, findings)
        check_thresholds(strand, way, setting, findings)
        check_passing_on(strand, way, findings)
        check_relicensing(strand, way, setting, findings)
    may_learn = check_outputs(strand, way, setting, findings)
    told["OB-NO-OUTPUT-TRAINING"] = may_learn if may_learn is not True else None
    if any(one.id in {"CF-GUARDRAIL"} and one.origin == strand.origin for one in findings.violations):
        told["OB-GUARDRAIL-KEEP"] = False
    collect_duties(strand, way, setting, findings, told)
    _certainty(strand, way, setting, findings, findings.obligations[before:])


def _data(strand: Strand, setting: Setting, findings: Findings) -> None:
    """A data set that the release was trained on."""
    license = strand.license
    if license.kind == Kind.DATA_INTERNAL_USE:
        told = {"OB-NO-DISTRIBUTION": True, "OB-AUP-COMPLY": check_use_rules(strand, setting, findings)}
        collect_duties(strand, way_of(setting.case.release, license), setting, findings, told)
        return
    speaks_of_adaptations = license.has("OB-ATTRIBUTION") and bool(license.terms.derivatives.covers)
    if license.kind in {Kind.PERMISSIVE, Kind.PERMISSIVE_CUSTOM, Kind.PUBLIC_DOMAIN} and not speaks_of_adaptations:
        if doubt := doubts(license, {Side.DATA_REACH}):
            findings.ask("certainty", strand, f"Is it so that this data leaves the model free? {_sentence(doubt)}")
        return
    findings.ask(
        "data",
        strand,
        "Are weights that learned from this data adapted material? The law is unsettled; our own policy must say.",
    )


def _certainty(strand: Strand, way: Way, setting: Setting, findings: Findings, duties: list[Obligation]) -> None:
    """Doubtful terms never allow: whatever rested on them is put to a person."""
    ids = {duty.id for duty in duties}
    used = {Side.SCOPE}
    if duties:
        used.add(Side.DUTIES)
    if strand.reach == Reach.OUTPUTS:
        used.add(Side.OUTPUTS)
    if strand.binds and strand.is_modified:
        used.add(Side.DERIVATIVES)
    if strand.binds and way.passes_on:
        used |= {Side.DISTRIBUTION, Side.NOTICE}
    if "OB-DISPLAY" in ids:
        used.add(Side.DISPLAY)
    if "OB-AUP-FLOWDOWN" in ids:
        used.add(Side.FLOW_DOWN)
    if setting.use_tags:
        used.add(Side.POLICY_ITEMS)
    if way.is_product and strand.binds:
        used.add(Side.HOSTING)
    if strand.binds and strand.license.terms.thresholds:
        used.add(Side.THRESHOLD)
    doubt = doubts(strand.license, used)
    if not doubt and not duties and strand.license.certainty == Certainty.EXCERPT:
        doubt = "only excerpts of its text were read"
    if doubt:
        findings.ask("certainty", strand, f"Do the terms hold as recorded? {_sentence(doubt)}")


def _proposal_itself(setting: Setting, findings: Findings) -> None:
    """A proposed license that nobody knows well enough."""
    for choice in setting.proposed or ():
        for term in choice:
            if term.license.is_unknown:
                findings.ask("proposed", None, "Which license is proposed? “unknown” grants nobody anything.")


def _answer(strands: tuple[Strand, ...], findings: Findings) -> Assessment:
    if findings.violations:
        verdict = Verdict.DENY
    elif findings.questions:
        verdict = Verdict.REVIEW
    else:
        verdict = Verdict.CONDITIONS if findings.obligations else Verdict.ALLOW
    return Assessment(
        verdict=verdict,
        obligations=tuple(findings.obligations),
        violations=tuple(findings.violations),
        questions=tuple(findings.questions),
        reasons=tuple(_reasons(strands, findings)),
    )


def _reasons(strands: tuple[Strand, ...], findings: Findings) -> list[str]:
    """One sentence for each parent, then one for each thing against the release; each with its source."""
    owed: dict[Origin, list[Obligation]] = {}
    for duty in findings.obligations:
        owed.setdefault(duty.origin, []).append(duty)
    said = [_of_parent(strand, owed.get(strand.origin, [])) for strand in strands]
    said += [_of_violation(violation) for violation in findings.violations]
    said += [_of_question(question) for question in findings.questions]
    if not strands and not findings.questions:
        said.append("The release has no parents: nobody else's license reaches it.")
    return said


def _of_parent(strand: Strand, duties: list[Obligation]) -> str:
    how = "" if strand.parent.path else f" ({strand.relation})"
    owed = {0: "no duty", 1: "one duty"}.get(len(duties), f"{len(duties)} duties")
    left = " ".join(dict.fromkeys(duty.remedy for duty in duties if duty.satisfied is not True and duty.remedy))
    to_do = f" To do: {left}" if left else ""
    return (
        f"{strand.origin}: under {strand.license.name}, the release is {strand.reach.value}{how}: "
        f"{owed}.{to_do} Source: {strand.license.source}."
    )


def _of_violation(violation: Violation) -> str:
    where, source = (
        (str(violation.origin), violation.origin.source) if violation.origin else ("The release", "the case")
    )
    return f"{where}: {violation.id}: {_sentence(violation.message)} Source: {source}."


def _of_question(question: Question) -> str:
    where, source = (str(question.origin), question.origin.source) if question.origin else ("The release", "the case")
    return f"{where}: for legal to decide: {question.text} Source: {source}."


def _sentence(words: str) -> str:
    return words if words.endswith((".", "?", "!")) else f"{words}."
