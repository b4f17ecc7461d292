"""What must be complete: every import allowed, every job done by somebody, every state and event in words."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

import jobs.handlers
import jobs.subjects
from audit import presenters
from audit.models import Event
from release.states import TRANSITIONS as RELEASE_TRANSITIONS
from web.tones import Status

ROOT = Path(settings.BASE_DIR)
PACKAGES = ("accounts", "audit", "config", "gating", "hub", "jobs", "licensing", "registry", "release", "web")
KIND = re.compile(r"[a-z_]+:[a-z_]+:[a-z_]+")

# What each kind of job works on; a new kind says here which model, so that somebody can see it.
WORKS_ON = {
    "registry.validate": "registry.checkpoint",
    "registry.inspect": "registry.checkpoint",
    "registry.smoke": "registry.checkpoint",
    "licensing.review": "registry.checkpoint",
    "licensing.openness": "registry.checkpoint",
    "release.publish": "release.publication",
    "release.withdraw": "release.publication",
    "release.fire": "release.release",
}

# Kinds that are put together when they are recorded: their beginning, and the words that may follow.
PUT_TOGETHER = {
    "release:release:": {transition.name.replace(" ", "_") for transition in RELEASE_TRANSITIONS},
    "release:review:": {"approved", "refused"},
    "gating:request:": {
        "asked", "renewal_asked", "accepted", "granted", "rejected", "reopened", "cancelled", "revoked",
    },
}  # fmt: skip

# Facts of every name that a sentence may speak of.
FACTS = {
    "kind_of_evidence": "validation",
    "outcome": "pass",
    "scopes": ["read"],
    "number": 1,
    "ref": "branch:main",
    "targets": ["hub"],
    "reasons": [],
}


def sources() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            if "migrations" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def test_imports_go_one_way():
    program = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([program, "--no-cache"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout


# --- jobs ------------------------------------------------------------------------------------------


def product_kinds() -> set[str]:
    return {kind for kind in jobs.handlers.kinds() if not kind.startswith("test.")}


def test_every_job_that_is_enqueued_has_a_handler():
    """Names in the source, of jobs and of parts, by constant or by a name for one, against what is registered."""
    named = set()
    for path, tree in sources():
        constants = {
            target.id: node.value.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            called = ast.unparse(node.func) if isinstance(node, ast.Call) and node.args else ""
            is_enqueue = (called == "Part" and path.name == "tasks.py") or called.endswith("enqueue")
            if not is_enqueue or path.parent.name == "jobs":
                continue
            first = node.args[0]
            if isinstance(first, ast.Constant):
                named.add(first.value)
            elif isinstance(first, ast.Name) and first.id in constants:
                named.add(constants[first.id])
            else:  # kinds of evidence: the jobs that apps registered for them
                assert ast.unparse(first) == "job_kind", f"{path}:{node.lineno} names no job that can be read here"
    from registry.evidence_jobs import evidence_jobs

    named |= set(evidence_jobs().values())
    assert named == product_kinds()


def test_every_kind_of_job_works_on_something_that_somebody_can_see():
    assert set(WORKS_ON) == product_kinds()
    assert set(WORKS_ON.values()) == jobs.subjects.known_models()
    for model in WORKS_ON.values():
        assert apps.get_model(model)


def test_every_queue_has_a_worker_where_it_is_started():
    from config.launcher.programs import POOLS

    consumed = {queue for queues, _ in POOLS.values() for queue in queues.split(",")}
    assert {jobs.handlers.handler_of(kind).queue for kind in product_kinds()} <= consumed


# --- words -----------------------------------------------------------------------------------------


def recorded_kinds() -> set[str]:
    """Every kind of event that the source names, with those that are put together there."""
    found, beginnings = set(), set()
    for _, tree in sources():
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and KIND.fullmatch(node.value):
                found.add(node.value)
            if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
                beginning = str(node.values[0].value)
                if re.fullmatch(r"[a-z_]+:[a-z_]+:", beginning):
                    beginnings.add(beginning)
    assert beginnings <= set(PUT_TOGETHER), "a new kind is put together: say which words may follow"
    return found | {start + word for start, words in PUT_TOGETHER.items() for word in words}


def test_every_event_has_a_sentence():
    unworded = []
    for kind in sorted(recorded_kinds()):
        said = presenters.sentence(Event(kind=kind, subject_label="the subject", facts=FACTS, actor_name="ada"))
        if kind in said or not said.endswith("."):
            unworded.append(f"{kind}: {said}")
    assert unworded == []


def test_an_event_that_nobody_words_any_more_is_still_shown():
    assert presenters.sentence(Event(kind="old:thing:done", subject_label="a thing")) == "old:thing:done: a thing."


def enumerations() -> list[type[StrEnum]]:
    found = []
    for package in PACKAGES:
        if (ROOT / package / "states.py").exists():
            module = importlib.import_module(f"{package}.states")
            found += [
                value
                for value in vars(module).values()
                if isinstance(value, type) and issubclass(value, StrEnum) and value.__module__ == module.__name__
            ]
    return found


def presented() -> list[dict]:
    """Every mapping of a presenter, with the statuses or words it holds."""
    found = []
    for package in PACKAGES:
        for path in [ROOT / package / "presenters.py", *(ROOT / package / "presenters").glob("*.py")]:
            if path.exists():
                name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
                found += [value for value in vars(importlib.import_module(name)).values() if isinstance(value, dict)]
    return found


@pytest.mark.parametrize("states", enumerations(), ids=lambda states: f"{states.__module__}.{states.__name__}")
def test_a_mapping_that_words_an_enumeration_words_all_of_it(states):
    """One that leaves a member out would fall through in silence, or break the first page that shows it."""
    for mapping in presented():
        members = {key for key in mapping if isinstance(key, states)}
        if members:
            assert members == set(states), f"{states.__name__} is worded in part: {set(states) - members} is missing"
            assert all(isinstance(value, Status | str) or value for value in mapping.values())


def test_every_state_of_a_workflow_has_a_status():
    from config.reference import WORKFLOWS

    for workflow in WORKFLOWS:
        complete = [
            mapping
            for mapping in presented()
            if set(workflow.states) <= set(mapping) and all(isinstance(mapping[s], Status) for s in workflow.states)
        ]
        assert complete, f"no presenter says how the states of {workflow.title} look"
