"""Every state and event has its words, and what pages draw adds up."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import registry
import release
from audit.models import Event
from registry.presenters import COMPONENTS, EVIDENCE, LEVELS, REASONS, RELATIONS
from registry.presenters import SENTENCES as REGISTRY_SENTENCES
from registry.presenters import sentence as registry_sentence
from registry.states import Component, EvidenceKind, Level, ReasonCode, Relation
from release.presenters import diff, lineage
from release.presenters.events import WORDINGS, sentence, timeline
from release.presenters.states import DECISIONS, PUBLICATIONS, RELEASES
from release.states import TRANSITIONS, Decision, PublicationState, ReleaseState


def recorded_kinds(package: object) -> set[str]:
    """Every event kind that stands as a whole string in a package's code."""
    folder = Path(package.__file__).parent
    words = {
        node.value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {word for word in words if word.count(":") == 2 and word.startswith(f"{folder.name}:") and word[-1] != ":"}


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (RELEASES, ReleaseState),
        (PUBLICATIONS, PublicationState),
        (DECISIONS, Decision),
        (LEVELS, Level),
        (REASONS, ReasonCode),
        (COMPONENTS, Component),
        (RELATIONS, Relation),
        (EVIDENCE, EvidenceKind),
    ],
)
def test_every_name_has_its_words(words, names) -> None:
    assert set(words) == set(names)


def test_every_event_that_a_release_records_has_a_sentence() -> None:
    moves = {f"release:release:{transition.name.replace(' ', '_')}" for transition in TRANSITIONS}
    votes = {"release:review:approved", "release:review:refused"}
    assert set(WORDINGS) == recorded_kinds(release) | moves | votes


def test_every_event_that_the_registry_records_has_a_sentence() -> None:
    assert recorded_kinds(registry) == set(REGISTRY_SENTENCES)


@pytest.mark.parametrize("kind", [*WORDINGS, *REGISTRY_SENTENCES])
@pytest.mark.parametrize(
    "facts",
    [
        {},
        {
            "title": "T", "digest": "sha256:" + "a" * 64, "variant": "acme/x", "level": "held_back", "license": "MIT",
            "targets": ["here"], "role": "legal_reviewer", "reason": "R", "reasons": [{"message": "M."}], "days": 3,
            "requirement": "evidence.smoke", "repo": "acme/x", "target": "hub", "scheduled_for": "2026-11-22T10:00",
            "ref": "tag:v1", "kind_of_evidence": "smoke", "outcome": "pass", "is_private": True, "gate_mode": "auto",
        },
    ],
)  # fmt: skip
def test_sentences_stand_whatever_the_facts_are(kind: str, facts: dict) -> None:
    event = Event(kind=kind, facts=facts, subject_label="acme/x", actor_name="ada")
    if kind == "registry:evidence:recorded" and not facts:
        return
    said = sentence(event) if kind in WORDINGS else registry_sentence(event)
    assert said.endswith(".")
    assert said[0].isupper() or said.startswith(("acme/", "None"))
    assert timeline([event])[0]["sentence"] == said


def test_an_unknown_event_shows_itself() -> None:
    event = Event(kind="release:old:word", facts={}, subject_label="x")
    assert sentence(event) == "release:old:word: x"


@given(
    before=st.dictionaries(st.text("ab/", min_size=1, max_size=4), st.sampled_from("xyz"), max_size=8),
    after=st.dictionaries(st.text("ab/", min_size=1, max_size=4), st.sampled_from("xyz"), max_size=8),
)
def test_file_changes_account_for_every_path(before: dict[str, str], after: dict[str, str]) -> None:
    found = {change.label: set(change.paths) for change in diff.file_changes(before, after)}
    same = {path for path in before.keys() & after.keys() if before[path] == after[path]}
    told = [found.get(label, set()) for label in ("added", "changed", "removed")]
    assert set.union(*told, same) == before.keys() | after.keys()
    assert sum(map(len, told)) + len(same) == len(before.keys() | after.keys())


@pytest.mark.parametrize("before", ["", *Level])
@pytest.mark.parametrize("after", Level)
def test_the_audience_is_told_for_every_change(before: str, after: Level) -> None:
    said, way = diff.audience(before, after), diff.direction(before, after)
    assert said.endswith(".")
    if before == after == Level.PUBLIC:
        assert (way, said) == ("same", "The same people as now; what they get is what changes.")
    if before in ("", Level.HELD_BACK) and after != Level.HELD_BACK:
        assert way == "more"
        assert "Everybody will see" in said
    if after == Level.HELD_BACK and before in (Level.PUBLIC, Level.GATED):
        assert (way, said.startswith("Nobody outside will see it")) == ("less", True)


@given(st.integers(0, 20), st.integers(0, 20))
def test_the_drawing_of_lineage_keeps_its_boxes_apart(parents: int, children: int) -> None:
    def many(word: str, count: int) -> list[lineage.Relative]:
        return [lineage.Relative(f"acme/{word}-{number}", "", "") for number in range(count)]

    drawn = lineage.drawing("acme/here", many("parent", parents), many("child", children))
    shown = min(parents, lineage.SHOWN_EACH_SIDE), min(children, lineage.SHOWN_EACH_SIDE)
    assert len(drawn.boxes) == sum(shown) + 1
    assert len(drawn.lines) == sum(shown)
    assert [box.name for box in drawn.boxes if box.is_here] == ["acme/here"]
    places = {(box.x, box.y) for box in drawn.boxes}
    assert len(places) == len(drawn.boxes)
    for box in drawn.boxes:
        assert 0 <= box.x <= drawn.width - lineage.BOX_WIDTH
        assert 0 <= box.y <= drawn.height - lineage.BOX_HEIGHT
