"""Requirements as the component `requirement` shows them: how each stands, the evidence behind it, who acts next."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from release.facts import ReleaseFacts, Standing
from release.requirements import (
    Requirement,
    approval_requirements,
    content_requirements,
    evidence_requirements,
)

GENERAL = "This release"
SIGNATURES = "Signatures"
ORDER = (Standing.UNMET, Standing.NOT_RUN, Standing.RUNNING, Standing.WAIVED, Standing.MET)


@dataclass(frozen=True, slots=True)
class Group:
    """Requirements about one thing: the release itself, one variant, or the signatures."""

    title: str
    rows: list[dict[str, Any]]
    settled: int

    @property
    def is_settled(self) -> bool:
        """Whether nothing here stands in the way."""
        return self.settled == len(self.rows)


def groups(facts: ReleaseFacts) -> list[Group]:
    """All requirements, by what they are about; inside a group those that stand in the way come first."""
    content, evidence = content_requirements(facts), evidence_requirements(facts)
    checkpoints = {item.repo_id: item.checkpoint for item in facts.items}
    found = [_group(GENERAL, [one for one in content if not one.subject], checkpoints)]
    for repo_id in checkpoints:
        found.append(_group(repo_id, [one for one in [*content, *evidence] if one.subject == repo_id], checkpoints))
    found.append(_group(SIGNATURES, approval_requirements(facts), checkpoints))
    return [group for group in found if group.rows]


def count(facts: ReleaseFacts) -> dict[str, int]:
    """How many requirements there are, and how many are settled."""
    asked = [*content_requirements(facts), *evidence_requirements(facts), *approval_requirements(facts)]
    return {"total": len(asked), "settled": sum(one.standing.is_settled for one in asked)}


def waivable(facts: ReleaseFacts) -> list[Requirement]:
    """The evidence whose absence somebody may take upon themselves."""
    return [one for one in evidence_requirements(facts) if one.standing in (Standing.UNMET, Standing.NOT_RUN)]


def waiver_choices(facts: ReleaseFacts) -> list[tuple[str, str]]:
    """What the form for a waiver offers: the requirement and the digest that it is about."""
    digests = {item.repo_id: item.checkpoint for item in facts.items}
    return [
        (f"{one.code}@{digests[one.subject]}", f"{one.title}, {one.subject} ({one.explanation})")
        for one in waivable(facts)
    ]


def _group(title: str, asked: Iterable[Requirement], checkpoints: dict[str, str]) -> Group:
    asked = sorted(asked, key=lambda one: ORDER.index(one.standing))
    return Group(title, [shown(one, checkpoints) for one in asked], sum(one.standing.is_settled for one in asked))


def shown(asked: Requirement, checkpoints: dict[str, str]) -> dict[str, Any]:
    """One requirement for the component."""
    row = {
        "outcome": asked.standing.value,
        "label": asked.title,
        "detail": asked.explanation,
        "next_by": "" if asked.standing.is_settled else _next_by(asked),
    }
    if asked.code.startswith("evidence.") and asked.subject:
        organization, _, name = asked.subject.partition("/")
        address = reverse("variant:evidence", args=[organization, name])
        kind = asked.code.removeprefix("evidence.")
        row["evidence_url"] = f"{address}?checkpoint={checkpoints[asked.subject]}#{kind}"
        row["evidence_label"] = "Evidence" if asked.evidence_id else "Look"
    return row


def _next_by(asked: Requirement) -> str:
    return "A worker" if asked.standing == Standing.RUNNING else asked.lifted_by
