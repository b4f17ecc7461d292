"""What `docs/reference/` says, made of the code: the API document, every refusal, every workflow with its pens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module

from django.conf import settings
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiYamlRenderer

import gating.states
import hub.states
import jobs.states
import release.states
from rules import Kind, Rule, Table, Transition
from rules.verdict import registered_rules

GENERATED = "<!-- Written by `make reference`; change the code, not this page. -->"
KINDS = {
    Kind.LOCKED: "nobody is signed in",
    Kind.MISSING: "it does not exist for you",
    Kind.WHO: "who you are",
    Kind.WHEN: "the state of things",
    Kind.WHAT: "what you sent",
    Kind.PACE: "too often",
}


@dataclass(frozen=True)
class Workflow:
    """A transition table with its name, and who holds the pen where no role does."""

    title: str
    introduction: str
    table: Table
    states: type[StrEnum]
    others: Callable[[Transition], str] = lambda transition: "system"


def _of_requests(transition: Transition) -> str:
    return "requester" if transition in gating.states.BY_REQUESTER else "system"


WORKFLOWS = [
    Workflow(
        "Release",
        "Each move is asked of the release's policy again, under a lock; the policy may refuse a role that holds the "
        "pen, such as the submitter who would approve.",
        release.states.TRANSITIONS,
        release.states.ReleaseState,
    ),
    Workflow(
        "Publication",
        "One release on one target. Workers move it, and only by what they observed there.",
        release.states.PUBLICATION_TRANSITIONS,
        release.states.PublicationState,
    ),
    Workflow(
        "Access request",
        "What opens files is the grant, never the state of the request.",
        gating.states.TRANSITIONS,
        gating.states.RequestState,
        _of_requests,
    ),
    Workflow(
        "Pull request",
        "Its author makes these moves, too, but for merging. Merging discloses nothing: it changes the main branch.",
        hub.states.TRANSITIONS,
        hub.states.PullState,
    ),
    Workflow(
        "Job",
        "One piece of background work. A claim of what runs takes it over once its lease has run out.",
        jobs.states.TRANSITIONS,
        jobs.states.JobState,
    ),
]


def all_rules() -> list[Rule]:
    """Every rule of the product; one is known only once the module that defines it was loaded, so all are."""
    for source in sorted(settings.BASE_DIR.glob("*/**/*.py")):
        words = source.relative_to(settings.BASE_DIR).with_suffix("").parts
        if words[0] in settings.INSTALLED_APPS and "Rule(" in source.read_text(encoding="utf-8"):
            import_module(".".join(words).removesuffix(".__init__"))
    return registered_rules()


def openapi() -> str:
    """The OpenAPI document."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return OpenApiYamlRenderer().render(schema, renderer_context={}).decode()


def refusals(rules: Iterable[Rule] | None = None) -> str:
    """Every refusal: code, sentence, who can lift it, status."""
    lines = [
        GENERATED,
        "",
        "# Refusals",
        "",
        "Whatever is refused says so with a stable code, a sentence, and who can lift it: in the same words on a page, "
        "in a problem document of the API and on the command line. Programs branch on the code. Words in braces are "
        "filled in.",
        "",
        "| Status | Because of |",
        "| ---: | --- |",
        *(f"| {kind.status} | {words} |" for kind, words in KINDS.items()),
    ]
    part = ""
    for rule in all_rules() if rules is None else rules:
        source = rule.code.partition(".")[0]
        if source != part:
            part = source
            lines += [
                "",
                f"## {part}",
                "",
                "| Code | Status | Sentence | Can be lifted by |",
                "| --- | ---: | --- | --- |",
            ]
        cells = (f"`{rule.code}`", str(rule.kind.status), rule.sentence, rule.lifted_by or "–")
        lines.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join(lines) + "\n"


def workflows() -> str:
    """Every workflow: a diagram, what each state means, and which role may make which move from it."""
    lines = [GENERATED, "", "# Workflows", ""]
    lines += ["Only these moves exist. Pages, API and workers offer and refuse them alike.", ""]
    for workflow in WORKFLOWS:
        lines += [f"## {workflow.title}", "", workflow.introduction, ""]
        lines += ["```mermaid", workflow.table.mermaid(), "```", ""]
        lines += [*_matrix(workflow), ""]
    return "\n".join(lines)


def _matrix(workflow: Workflow) -> Iterable[str]:
    """Who may make which move in which state; one column for whoever holds a pen."""
    pens = _pens(workflow)
    yield "| State | " + " | ".join(pen.replace("_", " ") for pen in pens) + " |"
    yield "| --- " * (len(pens) + 1) + "|"
    for state in workflow.states:
        moves = workflow.table.from_state(state)
        cells = [", ".join(move.name for move in moves if pen in _holders(workflow, move)) or "–" for pen in pens]
        yield f"| {state.value.replace('_', ' ')} | " + " | ".join(cells) + " |"


def _pens(workflow: Workflow) -> list[str]:
    held = [holder for move in workflow.table for holder in sorted(_holders(workflow, move))]
    return list(dict.fromkeys(held))


def _holders(workflow: Workflow, move: Transition) -> set[str]:
    return {role.value for role in move.roles} or {workflow.others(move)}


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


PAGES: dict[str, Callable[[], str]] = {"openapi.yaml": openapi, "refusals.md": refusals, "workflows.md": workflows}
