"""Invariants of license verdicts, over cases that nobody wrote down; `LICENSE_EXAMPLES` asks for more of them."""

from __future__ import annotations

import os
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from licensing.engine import (
    Actor,
    Case,
    Circumstances,
    Disclosure,
    Edge,
    Node,
    OutputPurpose,
    Parent,
    Proposal,
    Purpose,
    Relation,
    Uses,
    Verdict,
    evaluate,
    evaluate_lineage,
    shipped_book,
)
from licensing.engine.book import Book
from licensing.engine.case import SHIPPABLE
from licensing.engine.lineage import ancestors
from licensing.terms import Obligation as Term

BOOK = shipped_book()
KEYS = sorted(BOOK.licenses)
RUNS = settings(
    max_examples=int(os.environ.get("LICENSE_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)

parents = st.builds(
    Parent,
    license=st.sampled_from(KEYS),
    model=st.sampled_from(["", "a/one", "b/two", "nvidia/Cosmos-1"]),
    modality=st.sampled_from(["", "text", "multimodal"]),
    relation=st.none() | st.sampled_from(Relation),
    uses=st.none() | st.sampled_from(Uses),
    purpose=st.none() | st.sampled_from(OutputPurpose),
    declared_in_card=st.sampled_from(["", "mit", "gemma"]),
)
proposals = st.builds(
    Proposal,
    license=st.sampled_from(["", "proprietary", "MIT OR GPL-3.0-only", "apache-2.0 AND llama3.1", *KEYS]),
    name=st.sampled_from(["", "acme/x", "acme/Llama-3-x", "acme/EXAONE-x"]),
    model_class=st.sampled_from(["", "large_language_model", "image_generator", "classifier"]),
    ships=st.none() | st.dictionaries(st.sampled_from(SHIPPABLE), st.none() | st.booleans()),
)
actors = st.builds(
    Actor,
    kind=st.sampled_from(["", "company", "person", "university"]),
    seat=st.sampled_from(["", "DE", "US", "KR"]),
    mau_now=st.none() | st.integers(0, 10**9),
    mau_at=st.dictionaries(st.sampled_from(["2024-06", "2025-03"]), st.integers(0, 10**9)),
    annual_revenue_usd=st.none() | st.floats(0, 1e11),
    monthly_revenue_usd=st.none() | st.floats(0, 1e10),
)
circumstances = st.builds(
    Circumstances,
    disclosure=st.none() | st.sampled_from(Disclosure),
    territory=st.none() | st.lists(st.sampled_from(["EU", "US", "worldwide", "APAC"])).map(tuple),
    purpose=st.none() | st.sampled_from(Purpose),
    use_tags=st.none() | st.lists(st.sampled_from(["military", "medical_advice", "chat"])).map(tuple),
)
cases = st.builds(
    Case,
    parents=st.lists(parents, max_size=4).map(tuple),
    proposed=proposals,
    actor=actors,
    release=circumstances,
)


def same_case_with(case: Case, *more: Parent) -> Case:
    return replace(case, parents=(*(case.parents or ()), *more))


@RUNS
@given(cases, parents)
def test_a_further_parent_never_weakens_the_verdict(case: Case, parent: Parent) -> None:
    """Save for a text that frees outputs once they improve a model of the same family."""
    if any(one.license == parent.license for one in case.parents or ()):
        return
    assert evaluate(same_case_with(case, parent)).verdict.rank >= evaluate(case).verdict.rank


@RUNS
@given(cases, st.randoms(use_true_random=False))
def test_the_order_of_parents_decides_nothing(case: Case, random: st.randoms) -> None:  # type: ignore[valid-type]
    shuffled = list(case.parents or ())
    random.shuffle(shuffled)
    one, other = evaluate(case), evaluate(replace(case, parents=tuple(shuffled)))
    assert one.verdict == other.verdict
    assert sorted((duty.id, str(duty.origin)) for duty in one.obligations) == sorted(
        (duty.id, str(duty.origin)) for duty in other.obligations
    )
    assert {violation.id for violation in one.violations} == {violation.id for violation in other.violations}


@RUNS
@given(cases, st.sampled_from(sorted(BOOK.duties)), st.sampled_from(["always", "distribute", "publish_output"]))
def test_a_further_duty_never_lifts_a_refusal(case: Case, duty_id: str, trigger: str) -> None:
    stricter = Book.of(
        (
            replace(
                license,
                terms=replace(
                    license.terms, obligations=(*license.terms.obligations, Term(id=duty_id, trigger=trigger))
                ),
            )
            for license in BOOK.licenses.values()
        ),
        BOOK.duties,
    )
    assert evaluate(case, stricter).verdict.rank >= evaluate(case).verdict.rank


@RUNS
@given(cases)
def test_unknown_never_allows(case: Case) -> None:
    unknown = Parent("unknown", "a/unknown", relation=Relation.FINETUNE)
    assert evaluate(same_case_with(case, unknown)).verdict == Verdict.DENY
    assert evaluate(replace(case, parents=None)).verdict.rank >= Verdict.REVIEW.rank


@RUNS
@given(cases)
def test_forgetting_who_the_actor_is_never_allows_more_than_conditions_known(case: Case) -> None:
    """What is not known is never read as being small, elsewhere or harmless."""
    forgotten = evaluate(replace(case, actor=Actor(), release=Circumstances(case.release.disclosure)))
    if evaluate(case).verdict != Verdict.DENY:
        return
    worst = {violation.id for violation in evaluate(case).violations}
    if worst <= {"CF-THRESHOLD", "CF-GEO", "CF-NC", "CF-RESEARCH", "CF-NON-PRODUCTION"}:
        assert forgotten.verdict.rank >= Verdict.REVIEW.rank


@RUNS
@given(cases)
def test_verdict_and_findings_agree(case: Case) -> None:
    answer = evaluate(case)
    assert (answer.verdict == Verdict.DENY) == bool(answer.violations)
    assert answer.verdict != Verdict.ALLOW or not (answer.obligations or answer.questions)
    assert answer.verdict != Verdict.CONDITIONS or answer.obligations
    assert answer.verdict != Verdict.REVIEW or answer.questions
    assert {duty.id for duty in answer.obligations} <= set(BOOK.duties)


@RUNS
@given(st.sampled_from(KEYS), st.integers(1, 40), proposals, actors, circumstances)
def test_a_chain_of_quantizations_carries_what_its_root_demands(
    key: str, length: int, proposed: Proposal, actor: Actor, release: Circumstances
) -> None:
    chain = {f"own-{n}": Node("", (Edge(f"own-{n + 1}", Relation.QUANTIZED),), is_own=True) for n in range(length)}
    chain |= {f"own-{length}": Node("", (Edge("root", Relation.QUANTIZED),), is_own=True), "root": Node(key)}
    far = evaluate_lineage(chain, "own-0", proposed=proposed, actor=actor, release=release)
    near = evaluate(Case((Parent(key, "root", relation=Relation.QUANTIZED),), proposed, actor, release))
    assert far.verdict == near.verdict
    assert [(duty.id, duty.satisfied) for duty in far.obligations] == [
        (duty.id, duty.satisfied) for duty in near.obligations
    ]
    assert [violation.id for violation in far.violations] == [violation.id for violation in near.violations]


@RUNS
@given(
    st.lists(
        st.tuples(
            st.sampled_from(KEYS), st.lists(st.tuples(st.integers(1, 12), st.sampled_from(Relation)), max_size=3)
        ),
        min_size=1,
        max_size=12,
    )
)
def test_every_ancestor_is_found(rows: list[tuple[str, list[tuple[int, Relation]]]]) -> None:
    graph = {
        str(place): Node(
            key, tuple(Edge(str(place + step), relation) for step, relation in edges if place + step < len(rows))
        )
        for place, (key, edges) in enumerate(rows)
    }
    seen, left = set(), ["0"]
    while left:
        name = left.pop()
        for edge in graph[name].edges:
            if edge.parent not in seen:
                seen.add(edge.parent)
                left.append(edge.parent)
    assert {graph[name].license for name in seen} == {parent.license for parent in ancestors(graph, "0")}
